"""The keys that sign links in e-mails: a new one for a stage, with or without the ones before.

python -m operations.links --stage prod rotate
"""

import argparse
import json
import secrets
import sys
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.provision import PROJECT_DIR, check_stage
from infra.sessions import session_for
from infra.stacks import DEFAULT_REGION, StackFailed, outputs, stack_name

# Links live for a year at most: with a rotation a month, none of them ends before its time.
KEPT = 12
_KEY_BYTES = 32


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m operations.links", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", required=True, help="a provisioned stage of .chalice/config.json: dev, prod")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    commands = parser.add_subparsers(dest="command", required=True)
    rotating = commands.add_parser("rotate", help="sign with a new key from now on")
    rotating.add_argument(
        "--forget-older", action="store_true", help="end every link that was sent until now: a key has become known"
    )
    options = parser.parse_args(arguments)
    try:
        check_stage(PROJECT_DIR, options.stage)
        session = session_for(options.stage, options.region)
        arn = outputs(session.client("cloudformation"), stack_name(options.stage, "data"))["PreferencesSecretArn"]
        older = rotate(session.client("secretsmanager"), arn, options.forget_older)
    except (StackFailed, ClientError, BotoCoreError) as error:
        print(f"links: {error}", file=sys.stderr)
        return 1
    print(f"Links are signed with a new key within five minutes; {older} older ones are still good.")
    return 0


def rotate(client: Any, arn: str, forget_older: bool = False) -> int:
    """Put a new key before the secret's others, or in their place; return how many older ones are kept."""
    stored = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    older = [] if forget_older else [stored["newest"], *stored["older"]][:KEPT]
    client.put_secret_value(
        SecretId=arn, SecretString=json.dumps({"newest": secrets.token_urlsafe(_KEY_BYTES), "older": older})
    )
    return len(older)


if __name__ == "__main__":
    sys.exit(main())
