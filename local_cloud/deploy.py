"""Both stacks on the local cloud, from the same templates as on AWS, and `.local/stack.json`, which describes it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.aws.stage import recorded
from infra.gateway import apply_gateway_responses
from infra.provision import deploy_data_stack
from infra.release import release
from infra.sessions import Stage
from infra.sign_in import PAGE, console_urls, enter_console
from local_cloud.gate.mail import SEND_RATE
from local_cloud.server import PROJECT_DIR, REGION, Cloud

STAGE = "local"
LOCAL = PROJECT_DIR / ".local"
STACK_FILE = LOCAL / "stack.json"
MAIL_FROM = "EAZYCard <alerts@eazycard.example>"

# The emulator's IAM checks no resource when an e-mail is sent. On AWS the role names the identity.
_OVERRIDES = {"MailAddressArn": "*"}
# Where `chalice local` serves the console from the working tree.
_CHALICE_LOCAL = ("http://127.0.0.1:8000", "http://localhost:8000")
_SQS_SEND = "sqs:SendMessage"


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stage on a running local cloud: the data stack's outputs, and the id of the API."""

    cloud: Cloud
    outputs: Mapping[str, str]
    api_id: str

    @property
    def api_url(self) -> str:
        return f"{self.cloud.endpoint_url}/_aws/execute-api/{self.api_id}/{STAGE}"

    @property
    def stage(self) -> Stage:
        """The stage as operators' commands see it."""
        return Stage(STAGE, self.cloud.session())

    @property
    def environment(self) -> dict[str, str]:
        """The functions' settings, as environment variables."""
        return {**recorded(self.outputs), "STAFF_URL": self.cloud.endpoint_url}

    @property
    def console_url(self) -> str:
        """The console's URL, to which staff come back after signing in."""
        return self.api_url + PAGE


def deploy_stage(cloud: Cloud, build: Path, report: Callable[[str], None] = lambda _: None) -> Deployed:
    """Create or update both stacks; what is stored stays. Raises StackFailed, PackagingFailed."""
    session = cloud.session()
    outputs = deploy_data_stack(
        session,
        STAGE,
        mail_from=MAIL_FROM,
        mail_identity="eazycard.example",
        others={"StaffMfa": "OFF"},  # the emulator's sign-in page asks for no second factor
        report=report,
        poll_s=0.1,
    )
    released = release(
        session,
        STAGE,
        build,
        report=report,
        poll_s=0.1,
        overrides=_OVERRIDES,
        adjust=lambda template: _fit_emulator(template, cloud.endpoint_url),
    )
    apply_gateway_responses(session.client("apigateway"), released["RestAPIId"], STAGE)
    deployed = Deployed(cloud, outputs, released["RestAPIId"])
    urls = console_urls(deployed.api_url, *_CHALICE_LOCAL)
    enter_console(session.client("cognito-idp"), outputs["StaffPool"], urls)
    return deployed


def _fit_emulator(template: dict[str, Any], endpoint_url: str) -> None:
    # The emulator can't make alarms on an expression of several metrics, nor saved queries.
    template["Resources"] = {
        name: resource
        for name, resource in template["Resources"].items()
        if (resource["Type"] != "AWS::CloudWatch::Alarm" or "Metrics" not in resource["Properties"])
        and resource["Type"] != "AWS::Logs::QueryDefinition"
    }
    # The emulator checks a permission for the batch call under a name that is no action on AWS.
    for resource in template["Resources"].values():
        for policy in resource["Properties"].get("Policies", ()) if resource["Type"] == "AWS::IAM::Role" else ():
            for statement in policy["PolicyDocument"]["Statement"]:
                if _SQS_SEND in statement["Action"]:
                    statement["Action"].append(f"{_SQS_SEND}Batch")
    # Here each copy of a function is a process. Its cold start takes the processor from all others for seconds.
    for function in ("Mailer", "AlertMailer", "IngestWorker", "Feedback", "WebhookSender"):
        events = template["Resources"][function]["Properties"]["Events"]
        events[f"{function}SqsEventSource"]["Properties"]["ScalingConfig"]["MaximumConcurrency"] = 1
    # The emulator's APIs have no host names of their own. Its SES accepts more e-mails a second than it says. Nobody
    # waits for an hour to see a digest.
    api_url = {"Fn::Sub": f"{endpoint_url}/_aws/execute-api/${{RestAPI}}/{STAGE}"}
    for function in ("Mailer", "AlertMailer", "Statements"):
        variables = template["Resources"][function]["Properties"]["Environment"]["Variables"]
        variables.update({"API_URL": api_url, "MAIL_RATE": str(SEND_RATE), "FLOOD_HOUR_S": "60"})
    # Endpoints of banks are on this machine too.
    for function in ("APIHandler", "WebhookSender"):
        template["Resources"][function]["Properties"]["Environment"]["Variables"]["LOCAL_ENDPOINTS"] = "yes"
    # The emulated Cognito has no host names of its own either.
    template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]["STAFF_URL"] = endpoint_url


def describe(
    deployed: Deployed, api_key: str, inbox_url: str, inbox_pid: int, staff_users: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Return the content of `.local/stack.json` for a running local cloud."""
    return {
        "stage": STAGE,
        "api_url": deployed.api_url,
        "api_key": api_key,
        "aws_endpoint_url": deployed.cloud.endpoint_url,
        "region": REGION,
        "inbox_url": inbox_url,
        "console_url": deployed.console_url,
        "staff_users": [dict(one) for one in staff_users],
        "access_key_id": deployed.cloud.keys.access_key_id,
        "secret_access_key": deployed.cloud.keys.secret_access_key,
        "environment": deployed.environment,
        "cloud": {"pid": deployed.cloud.pid, "port": deployed.cloud.port},
        "inbox": {"pid": inbox_pid},
    }


def write_stack(stack: Mapping[str, Any]) -> None:
    """Write `.local/stack.json` completely or not at all. Only its owner can read it."""
    STACK_FILE.parent.mkdir(parents=True, exist_ok=True)
    draft = STACK_FILE.with_suffix(".tmp")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(stack, indent=2) + "\n")
    draft.replace(STACK_FILE)


def read_stack() -> dict[str, Any] | None:
    """Return the content of `.local/stack.json`, None when there is no such file."""
    try:
        stack: dict[str, Any] = json.loads(STACK_FILE.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return stack
