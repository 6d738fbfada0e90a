"""Access to a stage's cloud: AWS for a stage that is provisioned there, the emulator for the local one."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3

from infra.stacks import DEFAULT_REGION, StackFailed

LOCAL_STACK = Path(__file__).parent.parent / ".local" / "stack.json"


def gave_up(command: str) -> int:
    """Say that a command was interrupted, if there is anybody to hear it, and return its exit status."""
    if isinstance(sys.exception(), KeyboardInterrupt):
        print(f"{command}: interrupted. What was done is done; run it again for the rest.", file=sys.stderr)
        return 130
    # Whoever read the output has gone; what Python flushes at its end must not meet that again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def no_proxy_for_loopback() -> None:
    """Let this process reach the local cloud directly, whatever proxy the environment names for the world."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))


def session_for(stage: str, region: str | None = None) -> Any:
    """Return a boto3 session for a stage; raises StackFailed when the local cloud is not running.

    The region is the given one, or the profile's, or us-east-2. For the local stage, the process's clients are
    pointed at the local cloud, unless AWS_ENDPOINT_URL points them elsewhere already.
    """
    if stage != "local" or "AWS_ENDPOINT_URL" in os.environ:
        return boto3.session.Session(region_name=region or boto3.session.Session().region_name or DEFAULT_REGION)
    try:
        stack = json.loads(LOCAL_STACK.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        raise StackFailed("the local cloud is not running: `make run` starts it.") from None
    no_proxy_for_loopback()
    os.environ["AWS_ENDPOINT_URL"] = stack["aws_endpoint_url"]
    return boto3.session.Session(stack["access_key_id"], stack["secret_access_key"], region_name=stack["region"])
