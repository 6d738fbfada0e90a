"""The keys that sign the links in e-mails: create a new key for a stage, and keep the older keys or remove them.

python -m operations.links --stage prod rotate
"""

import argparse
import json
import secrets
import sys
from typing import Any

from infra.command_line import open_stage, run, stage_parser
from infra.provision import PROJECT_DIR, check_stage
from operations.auditing import note_change

# Links are valid for a year at most. With a rotation a month, no link ends before that.
KEPT = 12
_KEY_BYTES = 32


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser(
        "operations.links", __doc__, required_stage="a provisioned stage of .chalice/config.json: dev, prod"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    rotating = commands.add_parser("rotate", help="create a new key, which signs from now on")
    rotating.add_argument(
        "--forget-older", action="store_true", help="end every link sent until now, because a key has become known"
    )
    options = parser.parse_args(arguments)
    return run("links", lambda: _rotate(options))


def _rotate(options: argparse.Namespace) -> int:
    check_stage(PROJECT_DIR, options.stage)
    stage = open_stage(options)
    arn = stage.output("PreferencesSecretArn")
    note_change(stage, None, "links.rotate", ["older"] if options.forget_older else ["newest"])
    older = rotate(stage.session.client("secretsmanager"), arn, options.forget_older)
    print(f"Within five minutes, links are signed with the new key; {older} older keys stay valid.")
    return 0


def rotate(client: Any, arn: str, forget_older: bool = False) -> int:
    """Put a new key first in the secret; return how many older keys stay in it, at most `KEPT`."""
    stored = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    older = [] if forget_older else [stored["newest"], *stored["older"]][:KEPT]
    client.put_secret_value(
        SecretId=arn, SecretString=json.dumps({"newest": secrets.token_urlsafe(_KEY_BYTES), "older": older})
    )
    return len(older)


if __name__ == "__main__":
    sys.exit(main())
