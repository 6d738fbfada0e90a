"""Print the IAM policies of who provisions and releases a stage, a person or a pipeline: what that needs, and no more.

    python -m infra.deployer --stage prod --account 123456789012 data
    python -m infra.deployer --stage prod --account 123456789012 app
    python -m infra.deployer --stage prod --account 123456789012 commands

Each of the three fits into one managed policy; attach all three to one role. `data` is for the data stack, `app` for
the app stack, `commands` for what `make provision` and `make release` call themselves, and for the staff's user pool
and the topics' key, which would make `data` too long. None can delete what holds data.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from string import Template

from infra.command_line import run, stage_parser
from infra.failures import CommandFailed
from infra.stacks import DEFAULT_REGION

FOLDER = Path(__file__).parent / "deployer_policies"
PARTS = ("data", "app", "commands")
MAX_CHARACTERS = 6_144  # of a managed policy, without white space ("IAM and AWS STS quotas")


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
    values = {"Stage": stage, "Account": account, "Region": region, "Partition": partition}
    content = json.loads(Template((FOLDER / f"{part}.json").read_text()).substitute(values))
    return json.dumps(content, indent=2)


if __name__ == "__main__":
    sys.exit(main())
