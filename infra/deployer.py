"""Print the IAM policies of who provisions and releases a stage, a person or a pipeline: what that needs, and no more.

    python -m infra.deployer --stage prod --account 123456789012 data
    python -m infra.deployer --stage prod --account 123456789012 app
    python -m infra.deployer --stage prod --account 123456789012 commands

Each of the three fits into one managed policy; attach all three to one role. `data` is for the data stack, `app` for
the app stack, `commands` for what `make provision` and `make release` call themselves, and for what would make the
others too long: the staff's user pool, the topics' key, the web ACL and the tables' capacity. None can delete what
holds data.

CloudFormation names what the templates don't: by stack, logical id and random characters. Where a name has 64
characters at most, it shortens the first two, so that a long stage's name isn't whole in the names of its roles, rules
and buckets.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from string import Template

from infra.command_line import run, stage_parser
from infra.failures import CommandFailed
from infra.stacks import DEFAULT_REGION, PROJECT, stack_name

FOLDER = Path(__file__).parent / "deployer_policies"
PARTS = ("data", "app", "commands")
MAX_CHARACTERS = 6_144  # of a managed policy, without white space ("IAM and AWS STS quotas")
# How CloudFormation shortens a name that it generates (`IdentifierUtils` in its cloudformation-cli-java-plugin): of a
# bucket's 63 characters, 14 are random or dashes; the stack's name has what the logical id leaves, and 25 at least. A
# role or a rule has one character more.
_BUCKET, _RANDOM, _AT_LEAST = 63, 14, 25
_ARTIFACTS = "artifactsbucket"


class NoAccount(CommandFailed):
    """The account's number isn't one."""


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("infra.deployer", __doc__, required_stage="the stage that is to be provisioned and released")
    parser.add_argument("--account", required=True, help="the number of the AWS account, 12 digits")
    parser.add_argument("--partition", default="aws", help="default: aws; aws-cn and aws-us-gov are others")
    parser.add_argument("part", choices=PARTS, help="which of the three policies")
    return run("deployer", lambda: _print(parser.parse_args(arguments)))


def _print(options: argparse.Namespace) -> int:
    if not re.fullmatch(r"[0-9]{12}", options.account):
        raise NoAccount(f"{options.account!r} is no account: it has 12 digits.")
    print(policy(options.part, options.stage, options.account, options.region or DEFAULT_REGION, options.partition))
    return 0


def policy(part: str, stage: str, account: str, region: str, partition: str = "aws") -> str:
    """Return the policy as JSON, for one of `PARTS`."""
    values = {"Stage": stage, "Account": account, "Region": region, "Partition": partition, **_beginnings(stage)}
    content = json.loads(Template((FOLDER / f"{part}.json").read_text()).substitute(values))
    return json.dumps(content, indent=2)


def _beginnings(stage: str) -> dict[str, str]:
    """Return what names begin with that CloudFormation may shorten: any, and that of the artifacts bucket."""
    whole = f"{PROJECT}-{stage}"
    artifacts = stack_name(stage, "data")[: _BUCKET - _RANDOM - len(_ARTIFACTS)]
    return {
        "Begins": f"{whole}-" if len(whole) <= _AT_LEAST else whole[:_AT_LEAST],
        "ArtifactsBucket": f"{artifacts}-{_ARTIFACTS}-",
    }


if __name__ == "__main__":
    sys.exit(main())
