"""Create or update a stage's data stack, and record its outputs where Chalice reads them.

    python -m infra.provision --stage prod --mail-from 'EAZYCard <alerts@example.com>' --mail-identity example.com

An update keeps the parameters that are not given.
"""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any

from chalicelib.aws.stage import recorded
from chalicelib.mail.sender import InvalidSender, read_sender, sender_in
from infra.capacity import deploy_tables, refuse_capacity
from infra.command_line import open_stage, run, stage_parser
from infra.concurrency import limit_of, meaning
from infra.gateway import api_url
from infra.protection import allow_replacements, protect, refuse_losses
from infra.sender_domains import identity_of, missing_records
from infra.shards import refuse_lower, tell_readers
from infra.sign_in import console_urls, enter_console
from infra.stacks import StackFailed, exists, stack_name
from infra.stacks import outputs as outputs_of

PROJECT_DIR = Path(__file__).parent.parent
MAX_ENVIRONMENT = 4096  # bytes, of a Lambda function
_SET_BY_THE_RELEASE = 250  # bytes, at most: the API's URL


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("infra.provision", __doc__, required_stage="a stage of .chalice/config.json: dev, prod")
    parser.add_argument("--mail-from", help="the sender of every e-mail, like 'EAZYCard <alerts@example.com>'")
    parser.add_argument("--mail-identity", help="the domain or address to create as an SES identity, if SES lacks it")
    parser.add_argument("--public-url", help="what links in e-mails begin with, like https://alerts.example.com")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_assignment,
        help="another parameter of infra/data.yaml, like FeedDays=60 or BounceDomain=bounce.example.com",
    )
    parser.add_argument(
        "--allow-replacement",
        metavar="NAME",
        action="append",
        default=[],
        help="a resource of infra/data.yaml that may be replaced by an empty one, which leaves its data behind",
    )
    options = parser.parse_args(arguments)
    return run("provision", lambda: _provision(options))


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _provision(options: argparse.Namespace) -> int:
    check_stage(PROJECT_DIR, options.stage)
    stage = open_stage(options)
    outputs = deploy_data_stack(
        stage.session,
        stage.name,
        mail_from=options.mail_from,
        mail_identity=options.mail_identity,
        public_url=options.public_url,
        others=dict(options.set),
        replaceable=options.allow_replacement,
        report=print,
    )
    record(PROJECT_DIR, stage.name, outputs)
    region = stage.session.region_name
    dns_records = _dns_records(stage.session.client("sesv2"), outputs.get("MailIdentity", ""), region)
    print(f"\nStage {stage.name} is provisioned in {region}; its settings are in .chalice/config.json.")
    for line in dns_records:
        print(line)
    url = api_url(stage.session.client("apigateway"), stage.name, region)
    urls = console_urls(url, outputs.get("PublicUrl", "")) if url else []
    enter_console(stage.session.client("cognito-idp"), outputs.get("StaffPool", ""), urls)
    print(meaning(limit_of(stage.session.client("lambda"))))
    print(f"Next: `chalice deploy --stage {stage.name}` or `make release STAGE={stage.name}`.")
    return 0


def check_stage(project_dir: Path, stage: str) -> None:
    """Raise StackFailed when `.chalice/config.json` has no such stage."""
    known = json.loads((project_dir / ".chalice" / "config.json").read_text())["stages"]
    if not stage:
        raise StackFailed("name the stage, for example with `make provision STAGE=dev MAIL_FROM='Name <address>'`.")
    if stage not in known:
        raise StackFailed(f"there is no stage {stage!r} in .chalice/config.json, only {', '.join(known)}.")


def deploy_data_stack(
    session: Any,
    stage: str,
    mail_from: str | None = None,
    mail_identity: str | None = None,
    public_url: str | None = None,
    others: Mapping[str, str] = MappingProxyType({}),
    replaceable: Sequence[str] = (),
    report: Any = lambda _: None,
    poll_s: float = 2.0,
) -> dict[str, str]:
    """Create or update the stage's data stack; return its outputs as `with_arns` completes them.

    `others` are values of other parameters of the template. Raises StackFailed, also for an update that would replace
    or remove a resource that holds data, except the `replaceable` ones: nothing is changed then.
    """
    if mail_from is not None:
        try:
            read_sender(mail_from)
        except InvalidSender as error:
            raise StackFailed(f"MAIL_FROM can't be used. {error}") from None
    cloudformation, name = session.client("cloudformation"), stack_name(stage, "data")
    is_new = not exists(cloudformation, name)
    refuse_capacity(stage, is_new, others)
    if not is_new:
        refuse_lower(others, outputs_of(cloudformation, name))
    if is_new:
        if mail_from is None:
            raise StackFailed(
                f"stage {stage} is new and needs the sender of its e-mail: "
                f"`make provision STAGE={stage} MAIL_FROM='Name <address>'`."
            )
        # Checked first: a creation that fails half-way leaves tables behind that are protected from deletion.
        if mail_identity is not None and identity_of(session.client("sesv2"), mail_identity):
            raise StackFailed(f"SES has the identity {mail_identity} already: run this again without MAIL_IDENTITY.")
    elif replaceable:
        allow_replacements(cloudformation, name)
    else:
        protect(cloudformation, name)  # an earlier release may not have done it
    parameters = {"Stage": stage, "MailFrom": mail_from, "MailIdentity": mail_identity, "PublicUrl": public_url}
    try:
        outputs = deploy_tables(
            cloudformation,
            name,
            {"TemplateBody": (PROJECT_DIR / "infra" / "data.yaml").read_text()},
            {**others, **{key: value for key, value in parameters.items() if value is not None}},
            report,
            poll_s,
            check=lambda changes: refuse_losses(changes, replaceable),
        )
    finally:
        if not is_new:
            protect(cloudformation, name)
    if is_new:
        protect(cloudformation, name)
    tell_readers(session.client("dynamodb"), outputs)
    return with_arns(outputs)


def with_arns(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return a data stack's outputs, and what the roles' policies need besides them."""
    _, partition, _, region, account, _ = outputs["TransactionsTableArn"].split(":", 5)
    address = sender_in(outputs["MailFrom"]).address
    domain = address.rpartition("@")[2]
    return {
        **outputs,
        "Partition": partition,
        "Region": region,
        "Account": account,
        # SES may use the identity of the address, of its domain, or of a parent domain.
        "MailAddressArn": f"arn:{partition}:ses:{region}:{account}:identity/{address}",
        "MailDomainArn": f"arn:{partition}:ses:{region}:{account}:identity/{domain}",
        "MailIdentityArn": f"arn:{partition}:ses:{region}:{account}:identity/{outputs.get('MailIdentity', domain)}",
    }


def _dns_records(ses: Any, identity: str, region: str) -> list[str]:
    """Return the lines that tell the operator which DNS records to publish for the domain that this stage verifies."""
    found = identity_of(ses, identity) if identity else None
    return missing_records(identity, found, region) if found else []


def record(project_dir: Path, stage: str, outputs: Mapping[str, str]) -> None:
    """Write the stage's environment into `.chalice/config.json`, and its roles' policies beside that file.

    Both name an account's resources, so neither gets into git: `.gitignore` names the policies, and a filter removes
    the environment when git reads the file. Raises StackFailed when Lambda would refuse the environment.
    """
    config_file = project_dir / ".chalice" / "config.json"
    config = json.loads(config_file.read_text())
    environment = recorded(outputs)
    size = len(json.dumps(environment, separators=(",", ":")).encode()) + _SET_BY_THE_RELEASE
    if size > MAX_ENVIRONMENT:
        raise StackFailed(
            f"the functions' settings take {size} bytes, and Lambda allows {MAX_ENVIRONMENT}: shorten them."
        )
    config["stages"][stage]["environment_variables"] = environment
    _keep_out_of_git(project_dir)
    config_file.write_text(json.dumps(config, indent=2) + "\n")
    _refresh_git(project_dir, config_file)
    policies = project_dir / ".chalice" / "policies" / stage
    policies.mkdir(parents=True, exist_ok=True)
    for template in sorted((PROJECT_DIR / "infra" / "policies").glob("*.json")):
        (policies / template.name).write_text(Template(template.read_text()).substitute(outputs))


def _keep_out_of_git(project_dir: Path) -> None:
    if not (project_dir / ".git").exists():
        return
    # Not the virtual environment's Python: git must also be able to read the file after `make clean`.
    clean = f"{shlex.quote(str(Path(sys.executable).resolve()))} infra/settings_filter.py"
    for key, value in (("clean", clean), ("required", "true")):
        subprocess.run(["git", "config", f"filter.stage-settings.{key}", value], cwd=project_dir, check=True)


def _refresh_git(project_dir: Path, config_file: Path) -> None:
    """Make git notice that the filtered file has not changed.

    Until then `git status` compares sizes and calls the file modified, although `git diff` shows nothing.
    """
    if not (project_dir / ".git").exists():
        return
    unchanged = subprocess.run(["git", "diff", "--quiet", "--", config_file], cwd=project_dir, check=False)
    if unchanged.returncode == 0:
        subprocess.run(["git", "add", "--update", "--", config_file], cwd=project_dir, check=True)


if __name__ == "__main__":
    sys.exit(main())
