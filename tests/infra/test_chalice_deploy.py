"""The plain way out: `make provision`, then an unmodified `chalice deploy`, `url`, `delete` and `chalice local`.

The commands run as an operator runs them, in a fresh clone, with no region set anywhere, against a moto server.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest
import urllib3

from chalicelib.aws.stage import recorded
from infra.stacks import stack_name
from local_cloud.server import free_port
from tests import moto_server
from tests.clone import CHALICE, CONFIG, PROJECT_DIR, Clone, environment, git
from tests.moto_server import UNCONFINED

PUBLIC = {
    "/health",
    "/openapi.json",
    "/docs",
    "/docs/{asset}",
    "/console",
    "/console/config.json",
    "/console/{asset}",
    "/preferences/{token}",
    "/alerts/{token}",
    "/addresses/{token}",
}
FUNCTIONS = {
    "api_handler": "transaction-notifier-prod",
    "ingest_worker": "transaction-notifier-prod-ingest_worker",
    "transaction_stream": "transaction-notifier-prod-transaction_stream",
    "archiver": "transaction-notifier-prod-archiver",
    "holder_changes": "transaction-notifier-prod-holder_changes",
    "mailer": "transaction-notifier-prod-mailer",
    "alert_mailer": "transaction-notifier-prod-alert_mailer",
    "operator_alerts": "transaction-notifier-prod-operator_alerts",
    "release_deferred": "transaction-notifier-prod-release_deferred",
    "statements": "transaction-notifier-prod-statements",
    "feedback": "transaction-notifier-prod-feedback",
    "webhook_feeder": "transaction-notifier-prod-webhook_feeder",
    "webhook_sender": "transaction-notifier-prod-webhook_sender",
    "analytics_job": "transaction-notifier-prod-analytics_job",
    "nightly_reconciliation": "transaction-notifier-prod-nightly_reconciliation",
}
ELF_AARCH64 = 183
NEW_ROUTE = """

@app.route("/version", methods=["GET"], api_key_required=True)
def version() -> str:
    return "2"
"""
TRANSACTION = {
    "id": "t-1",
    "account": "A123",
    "amount": 250,
    "type": "credit",
    "timestamp": "2026-01-10T14:00:00Z",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server.running() as url:
        yield url


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, server: str) -> Clone:
    """What a clone of the working tree has, in a git repository of its own; its tests leave it as it is."""
    return Clone.of_working_tree(tmp_path_factory.mktemp("fresh"), server)


@pytest.fixture(scope="module")
def deployed(fresh: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone that has provisioned and deployed the stage prod."""
    clone = fresh.copy(tmp_path_factory.mktemp("deployed") / "project")
    clone.provision("prod")
    printed = clone.succeed(CHALICE, "deploy", "--stage", "prod")
    assert "Could not install dependencies" not in printed
    return clone


@pytest.fixture(scope="module")
def functions(deployed: Clone) -> dict[str, Any]:
    """The deployed stage's functions as AWS describes them, by their names in `app.py`."""
    client = deployed.client("lambda")
    return {name: client.get_function(FunctionName=full_name)["Configuration"] for name, full_name in FUNCTIONS.items()}


@pytest.fixture(scope="module")
def api_id(deployed: Clone) -> str:
    """The id of the deployed stage's API."""
    return api_of(deployed, "prod")


@pytest.fixture(scope="module")
def methods(deployed: Clone, api_id: str) -> dict[str, Any]:
    """The methods of the deployed stage's API as API Gateway describes them, by their routes."""
    return methods_of(deployed, "prod", api_id)


@pytest.fixture
def local(fresh: Clone, tmp_path: Path) -> Clone:
    """A clone with a running local cloud, which here is moto, that has an API and the stage's data stack."""
    clone = fresh.copy(tmp_path / "project")
    clone.provision("local")
    add_api(clone, "local")
    config = json.loads((clone.folder / CONFIG).read_text())
    describe_local_cloud(clone, clone.server, config["stages"]["local"]["environment_variables"])
    git(clone.folder, "checkout", "--force", "--quiet", ".")
    return clone


def add_api(clone: Clone, stage: str) -> None:
    gateway = clone.client("apigateway")
    api_id = gateway.create_rest_api(name="transaction-notifier")["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    gateway.put_method(restApiId=api_id, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api_id, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api_id, stageName=stage)


def describe_local_cloud(clone: Clone, url: str, environment: dict[str, str]) -> None:
    stack = {
        "stage": "local",
        "aws_endpoint_url": url,
        "region": "us-east-2",
        "access_key_id": "test",
        "secret_access_key": "test",
        "environment": environment,
    }
    (clone.folder / ".local").mkdir(exist_ok=True)
    (clone.folder / ".local" / "stack.json").write_text(json.dumps(stack))


def api_of(clone: Clone, stage: str) -> str:
    """Return the id of the API that `chalice url` names."""
    url = clone.succeed(CHALICE, "url", "--stage", stage)
    found = re.fullmatch(rf"https://([a-z0-9]+)\.execute-api\.us-east-2\.amazonaws\.com/{stage}/\n", url)
    assert found, url
    return found[1]


def methods_of(clone: Clone, stage: str, api_id: str) -> dict[str, Any]:
    """Return API Gateway's description of each method of the stage's API, by its route, like `GET /health`."""
    gateway = clone.client("apigateway")
    assert [found["stageName"] for found in gateway.get_stages(restApiId=api_id)["item"]] == [stage]
    return {
        f"{method} {resource['path']}": described
        for resource in gateway.get_resources(restApiId=api_id)["items"]
        for method, described in resource.get("resourceMethods", {}).items()
    }


def routes_of_app() -> set[str]:
    """Return the routes that `app.py` names."""
    source = (PROJECT_DIR / "app.py").read_text()
    named = re.findall(r'@app\.route\("(.+?)", methods=\[(.+?)\]', source)
    return {f"{method} {path}" for path, methods in named for method in re.findall(r"\w+", methods)}


@pytest.mark.parametrize("command", [("deploy",), ("package", "out")])
def test_before_provisioning_a_chalice_command_says_in_one_line_what_is_missing(
    fresh: Clone, command: tuple[str, ...]
) -> None:
    done = fresh.run(CHALICE, command[0], "--stage", "prod", *command[1:])

    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"Stage prod is not provisioned: run `make provision STAGE=prod .*\n", done.stderr)


def test_every_route_is_deployed_and_needs_an_api_key_but_the_public_ones(methods: dict[str, Any]) -> None:
    assert set(methods) == routes_of_app()
    keyless = {route for route, method in methods.items() if not method["apiKeyRequired"] and " /staff/" not in route}
    assert keyless == {f"{method} {path}" for path in PUBLIC for method in ("GET", "HEAD")} | {
        "POST /preferences/{token}",
        "POST /alerts/{token}",
        "POST /addresses/{token}",
    }


def test_every_route_is_answered_by_the_api_function_which_the_api_may_call(
    deployed: Clone, functions: dict[str, Any], api_id: str, methods: dict[str, Any]
) -> None:
    arn = functions["api_handler"]["FunctionArn"]

    uris = {method["methodIntegration"]["uri"] for method in methods.values()}
    assert [uri.endswith(f"/functions/{arn}/invocations") for uri in uris] == [True]
    policy = json.loads(deployed.client("lambda").get_policy(FunctionName=arn)["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    callers = f"arn:aws:execute-api:us-east-2:123456789012:{api_id}/"
    assert statement["Condition"]["ArnLike"]["AWS:SourceArn"].startswith(callers)


def test_the_package_holds_the_app_and_its_requirements_built_for_the_functions_processor(deployed: Clone) -> None:
    (package,) = (deployed.folder / ".chalice" / "deployments").glob("*.zip")
    with zipfile.ZipFile(package) as content:
        names = set(content.namelist())
        # The processor that each is made for, as its ELF header says.
        machines = {int.from_bytes(content.read(name)[18:20], "little") for name in names if name.endswith(".so")}

    assert {"app.py", "chalicelib/aws/stage.py", "chalicelib/mail/templates/transaction.html"} <= names
    requirements = {
        "aws_lambda_powertools",
        "babel",
        "boto3",
        "itsdangerous",
        "jinja2",
        "marshmallow",
        "nacl",
        "tzdata",
    }
    assert requirements <= {name.partition("/")[0] for name in names}
    assert machines == {ELF_AARCH64}


def test_functions_are_what_the_configuration_says(deployed: Clone, functions: dict[str, Any]) -> None:
    config = json.loads((deployed.folder / CONFIG).read_text())["stages"]["prod"]

    found = {name: (function["MemorySize"], function["Timeout"]) for name, function in functions.items()}
    assert found == {
        name: (function["lambda_memory_size"], function["lambda_timeout"])
        for name, function in config["lambda_functions"].items()
    }
    assert found["mailer"] == (512, 20)
    assert {tuple(function["Architectures"]) for function in functions.values()} == {("arm64",)}
    assert {function["Runtime"] for function in functions.values()} == {
        f"python{sys.version_info.major}.{sys.version_info.minor}"
    }


def test_every_function_has_the_stages_settings_in_its_environment(deployed: Clone, functions: dict[str, Any]) -> None:
    expected = recorded(deployed.outputs("prod"))
    assert expected["STAGE"] == "prod"
    assert expected["MAIL_FROM"] == "EAZYCard <alerts@example.com>"
    for function in functions.values():
        assert function["Environment"]["Variables"] == expected


def test_the_stream_and_the_queue_feed_their_functions(deployed: Clone) -> None:
    stack = deployed.outputs("prod")
    mappings: dict[str, list[dict[str, Any]]] = {name: [] for name in FUNCTIONS}
    for mapping in deployed.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        for name, full_name in FUNCTIONS.items():
            if mapping["FunctionArn"].endswith(f":{full_name}"):
                mappings[name].append(mapping)

    for unfed in ("api_handler", "analytics_job", "release_deferred", "statements", "nightly_reconciliation"):
        assert mappings[unfed] == []
    (stream,) = mappings["transaction_stream"]
    assert stream["EventSourceArn"] == stack["TransactionsStreamArn"]
    assert (stream["BatchSize"], stream["StartingPosition"], stream["State"]) == (100, "TRIM_HORIZON", "Enabled")
    (archive,) = mappings["archiver"]
    assert archive["EventSourceArn"] == stack["TransactionsStreamArn"]
    assert (archive["BatchSize"], archive["MaximumBatchingWindowInSeconds"]) == (5000, 300)
    (changes,) = mappings["holder_changes"]
    assert changes["EventSourceArn"] == stack["AccountsStreamArn"]
    assert (changes["BatchSize"], changes["StartingPosition"]) == (100, "TRIM_HORIZON")
    (ingest,) = mappings["ingest_worker"]
    assert ingest["EventSourceArn"] == stack["IngestQueueArn"]
    assert (ingest["BatchSize"], ingest["State"]) == (10, "Enabled")
    (queue,) = mappings["mailer"]
    assert queue["EventSourceArn"] == stack["NotificationQueueArn"]
    assert (queue["BatchSize"], queue["State"]) == (10, "Enabled")
    (alerts,) = mappings["alert_mailer"]
    assert alerts["EventSourceArn"] == stack["AlertQueueArn"]
    assert (alerts["BatchSize"], alerts["State"]) == (10, "Enabled")
    (flagged,) = mappings["operator_alerts"]
    assert flagged["EventSourceArn"] == stack["OperatorAlertsQueueArn"]
    assert (flagged["BatchSize"], flagged["MaximumBatchingWindowInSeconds"]) == (100, 15)
    (feedback,) = mappings["feedback"]
    assert feedback["EventSourceArn"] == stack["FeedbackQueueArn"]
    assert (feedback["BatchSize"], feedback["MaximumBatchingWindowInSeconds"]) == (100, 5)
    (feed,) = mappings["webhook_feeder"]
    assert feed["EventSourceArn"] == stack["NotificationsStreamArn"]
    assert (feed["BatchSize"], feed["MaximumBatchingWindowInSeconds"]) == (100, 1)
    (webhooks,) = mappings["webhook_sender"]
    assert webhooks["EventSourceArn"] == stack["WebhookQueueArn"]
    assert (webhooks["BatchSize"], webhooks["State"]) == (10, "Enabled")


@pytest.mark.parametrize(
    ("function", "schedule"),
    [
        ("analytics_job", "rate(1 minute)"),
        ("release_deferred", "rate(1 minute)"),
        ("statements", "rate(1 minute)"),
        ("nightly_reconciliation", "cron(17 3 * * ? *)"),
    ],
)
def test_the_jobs_run_every_minute_and_the_reconciliation_every_night(
    deployed: Clone, functions: dict[str, Any], function: str, schedule: str
) -> None:
    events = deployed.client("events")
    arn = functions[function]["FunctionArn"]
    (name,) = events.list_rule_names_by_target(TargetArn=arn)["RuleNames"]
    rule = events.describe_rule(Name=name)

    assert rule["ScheduleExpression"] == schedule
    assert rule["State"] == "ENABLED"
    assert [target["Arn"] for target in events.list_targets_by_rule(Rule=name)["Targets"]] == [arn]


def test_each_function_has_a_role_of_its_own_with_exactly_its_policy(
    deployed: Clone, functions: dict[str, Any]
) -> None:
    iam = deployed.client("iam")
    stack = deployed.outputs("prod")
    roles = {name: function["Role"].rpartition("/")[2] for name, function in functions.items()}

    assert len(set(roles.values())) == len(FUNCTIONS)
    for name, role in roles.items():
        (policy_name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        granted = iam.get_role_policy(RoleName=role, PolicyName=policy_name)["PolicyDocument"]
        template = (PROJECT_DIR / "infra" / "policies" / f"{name}.json").read_text()
        assert granted == json.loads(Template(template).substitute(stack))
        confined = [one for one in granted["Statement"] if set(one["Action"]).isdisjoint(UNCONFINED)]
        assert not re.search(r'"Resource": (\[\s*)?"\*"', json.dumps(confined))
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_git_sees_nothing_of_the_account_after_provisioning_and_deploying(deployed: Clone) -> None:
    assert git(deployed.folder, "status", "--porcelain", "--untracked-files=all") == ""
    git(deployed.folder, "add", "--all")
    assert git(deployed.folder, "diff", "--cached") == ""


def test_the_gateways_own_errors_become_problem_documents_by_one_command(deployed: Clone, api_id: str) -> None:
    deployed.succeed(sys.executable, "-m", "infra.gateway", "--stage", "prod")

    given = deployed.client("apigateway").get_gateway_responses(restApiId=api_id)["items"]
    answers = {answer["responseType"]: answer for answer in given}
    assert answers["THROTTLED"]["statusCode"] == "429"
    assert answers["THROTTLED"]["responseParameters"] == {
        "gatewayresponse.header.Content-Type": "'application/problem+json'",
        "gatewayresponse.header.Retry-After": "'1'",
        "gatewayresponse.header.x-request-id": "context.requestId",
    }
    assert '"code": "unknown_api_key"' in answers["INVALID_API_KEY"]["responseTemplates"]["application/json"]


def test_functions_that_put_messages_back_may_loop_after_the_same_command_and_the_others_may_not(
    deployed: Clone,
) -> None:
    deployed.succeed(sys.executable, "-m", "infra.gateway", "--stage", "prod")

    functions = deployed.client("lambda")
    allowed = {
        name: functions.get_function_recursion_config(FunctionName=f"transaction-notifier-prod-{name}")["RecursiveLoop"]
        for name in ("mailer", "alert_mailer", "webhook_sender", "feedback", "webhook_feeder")
    }
    put_back = dict.fromkeys(("mailer", "alert_mailer", "webhook_sender", "feedback"), "Allow")
    assert allowed == {**put_back, "webhook_feeder": "Terminate"}


def test_a_changed_route_is_redeployed_and_delete_leaves_nothing_of_the_stage(
    deployed: Clone, api_id: str, tmp_path: Path
) -> None:
    clone = deployed.copy(tmp_path / "project")
    # Chalice sends a package once for each function: that it has the requirements is tested with prod's.
    (clone.folder / "requirements.txt").write_text("")
    clone.provision("dev")
    clone.succeed(CHALICE, "deploy", "--stage", "dev")
    dev_id = api_of(clone, "dev")
    assert set(methods_of(clone, "dev", dev_id)) == routes_of_app()

    with (clone.folder / "app.py").open("a") as app:
        app.write(NEW_ROUTE)
    clone.succeed(CHALICE, "deploy", "--stage", "dev")

    assert api_of(clone, "dev") == dev_id
    redeployed = methods_of(clone, "dev", dev_id)
    assert set(redeployed) == {*routes_of_app(), "GET /version"}
    assert redeployed["GET /version"]["apiKeyRequired"]
    assert api_of(clone, "prod") == api_id
    assert set(methods_of(clone, "prod", api_id)) == routes_of_app()
    assert len(named_after(clone, "dev")) == 15 + 15 + 9 + 5

    clone.succeed(CHALICE, "delete", "--stage", "dev")

    assert named_after(clone, "dev") == []
    assert dev_id not in {api["id"] for api in clone.client("apigateway").get_rest_apis()["items"]}
    assert len(named_after(clone, "prod")) == 15 + 15 + 9 + 5
    assert clone.outputs("dev")["TransactionsTable"] in clone.client("dynamodb").list_tables()["TableNames"]


def named_after(clone: Clone, stage: str) -> list[str]:
    """Return all functions, roles, event source mappings and rules that `chalice deploy` made for a stage."""
    lambdas = clone.client("lambda")
    names = [
        *(function["FunctionName"] for function in lambdas.list_functions()["Functions"]),
        *(mapping["FunctionArn"] for mapping in lambdas.list_event_source_mappings()["EventSourceMappings"]),
        *(role["RoleName"] for role in clone.client("iam").list_roles()["Roles"]),
        *(rule["Name"] for rule in clone.client("events").list_rules()["Rules"]),
    ]
    app, data = f"transaction-notifier-{stage}", stack_name(stage, "data")
    return [name for name in names if app in name and not name.startswith(data)]


@pytest.mark.parametrize("options", [(), ("--no-autoreload",)])
def test_chalice_local_without_a_local_cloud_ends_with_one_line(fresh: Clone, options: tuple[str, ...]) -> None:
    done = fresh.run(CHALICE, "local", "--port", str(free_port()), *options)

    assert done.stdout + done.stderr == "The local cloud is not running: `make run` starts it.\n"
    # Chalice's reloader, which is on unless told otherwise, drops the status of the process that it watches.
    assert done.returncode == (1 if options else 0)


def test_chalice_local_with_a_local_cloud_that_is_gone_ends_with_one_line(fresh: Clone, tmp_path: Path) -> None:
    clone = fresh.copy(tmp_path / "project")
    describe_local_cloud(clone, f"http://127.0.0.1:{free_port()}", {})

    done = clone.run(CHALICE, "local", "--port", str(free_port()))

    assert done.stdout + done.stderr == "The local cloud is not running: `make run` starts it.\n"


def test_chalice_local_serves_the_working_tree_from_the_local_cloud_with_its_tenancy_checks(local: Clone) -> None:
    create = (sys.executable, "-m", "operations.banks", "create", "--currency", "XAF", "--name", "Bank", "--id")
    key, other_key = (local.succeed(*create, bank).split()[-1] for bank in ("eazycard", "other"))

    # Whatever the shell is set up for: none of it may be met.
    shell = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_SESSION_TOKEN": "real", "AWS_PROFILE": "company"}
    with serving(local, **shell) as url:
        assert get(f"{url}/health").status == 200

        body = json.dumps(TRANSACTION)
        unknown = urllib3.request("POST", f"{url}/transactions", body=body, headers=headers(), retries=False)
        assert unknown.status == 401
        assert unknown.headers["content-type"] == "application/problem+json"
        assert unknown.json()["code"] == "unknown_api_key"

        created = urllib3.request("POST", f"{url}/transactions", body=body, headers=headers(key), retries=False)
        assert created.status == 201
        assert get(f"{url}/transactions/t-1", key).json()["currency"] == "XAF"
        assert get(f"{url}/transactions/t-1", other_key).status == 404

        with (local.folder / "app.py").open("a") as app:
            app.write(NEW_ROUTE)
        eventually_answers(f"{url}/version", key)

    table = local.outputs("local")["TransactionsTable"]
    assert local.client("dynamodb").scan(TableName=table)["Count"] == 1


@contextlib.contextmanager
def serving(clone: Clone, **shell: str) -> Iterator[str]:
    """Run `chalice local`, on a free port; give its URL when it answers, and end it on the way out."""
    port = free_port()
    process = subprocess.Popen(
        [CHALICE, "local", "--port", str(port)],
        cwd=clone.folder,
        env={**environment(clone.server), **shell},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually_answers(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def headers(key: str | None = None) -> dict[str, str]:
    return {"content-type": "application/json", **({"x-api-key": key} if key else {})}


def get(url: str, key: str | None = None) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers(key), retries=False)


def eventually_answers(url: str, key: str | None = None, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if get(url, key).status == 200:
                return
        assert time.monotonic() < deadline, f"{url} does not answer"
        time.sleep(0.2)
