"""Access to a stage's cloud: AWS for a stage that is provisioned there, the emulator for the local stage."""

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.stacks import DEFAULT_REGION, StackFailed, outputs, stack_name

LOCAL_STACK = Path(__file__).parent.parent / ".local" / "stack.json"


@dataclass(frozen=True)
class Stage:
    """A provisioned stage, and the session that reaches its cloud."""

    name: str
    session: Any

    @functools.cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stage's data stack, by key; raises StackFailed when the stage is not provisioned."""
        return outputs(self.session.client("cloudformation"), stack_name(self.name, "data"))

    def output(self, key: str) -> str:
        """Return one output of the data stack; raises StackFailed when the stack, of an older release, lacks it."""
        if key not in self.outputs:
            raise StackFailed(f"the data stack of stage {self.name} has no {key}: provision the stage again.")
        return self.outputs[key]


def local_stack() -> dict[str, Any]:
    """Return what is known of the running local cloud; raises StackFailed when none is running."""
    try:
        stack: dict[str, Any] = json.loads(LOCAL_STACK.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        raise StackFailed("the local cloud is not running: `make run` starts it.") from None
    return stack


def no_proxy_for_loopback() -> None:
    """Make this process reach the local cloud directly, even if the environment names a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))


def session_for(stage: str, region: str | None = None) -> Any:
    """Return a boto3 session for a stage; raises StackFailed when the local cloud is needed but not running.

    The region is the given one, or the profile's, or us-east-2. For the local stage, the process's clients are
    pointed at the local cloud, unless AWS_ENDPOINT_URL points them elsewhere already.
    """
    if stage != "local" or "AWS_ENDPOINT_URL" in os.environ:
        return boto3.session.Session(region_name=region or boto3.session.Session().region_name or DEFAULT_REGION)
    stack = local_stack()
    no_proxy_for_loopback()
    os.environ["AWS_ENDPOINT_URL"] = stack["aws_endpoint_url"]
    return boto3.session.Session(stack["access_key_id"], stack["secret_access_key"], region_name=stack["region"])
