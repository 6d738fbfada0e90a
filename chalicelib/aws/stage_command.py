"""The settings of a `chalice` command's stage. Without them, the command ends with one line that says what to do."""

import json
import os
import socket
import sys
import threading
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from chalicelib.aws.stage import MissingSettings, Settings, from_environment

LOCAL_STACK = Path(__file__).parents[2] / ".local" / "stack.json"


def load(
    environment: MutableMapping[str, str] = os.environ,
    arguments: list[str] = sys.argv,
    local_stack: Path = LOCAL_STACK,
) -> Settings:
    """Return the running stage's settings.

    `chalice local` always uses the running local cloud, for any `--stage` and any AWS account of the shell, so that it
    never reaches real data. Every other `chalice` command works in the region where its stage was provisioned.

    Raises MissingSettings in a function. A command without its settings ends with one line that says what to do.
    """
    if environment.get("AWS_CHALICE_CLI_MODE") != "true":
        return from_environment(environment)
    command, stage = _command_line(arguments)
    if command == "local":
        _point_at_local_cloud(environment, local_stack)
    try:
        settings = from_environment(environment)
    except MissingSettings as missing:
        if command == "local":
            _end(f"The running local cloud has no {missing.names[0]}: `make run` brings it up to date.")
        _end(
            f"Stage {stage} is not provisioned: run `make provision STAGE={stage} MAIL_FROM='Name <address>'` first; "
            "docs/deployment.md says how."
        )
    if command != "local":
        # Chalice reads the region after it has imported the app, so this is early enough.
        environment["AWS_DEFAULT_REGION"] = settings.transactions_stream_arn.split(":")[3]
    return settings


def is_deploying(environment: Mapping[str, str] = os.environ, arguments: list[str] = sys.argv) -> bool:
    """Return whether a `chalice` command runs that makes or describes the stage, and not a function or a server."""
    return environment.get("AWS_CHALICE_CLI_MODE") == "true" and _command_line(arguments)[0] != "local"


def _command_line(arguments: list[str]) -> tuple[str | None, str]:
    """Return a `chalice` command line's command and stage."""
    import argparse  # only commands need it; a function starts faster without it

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--project-dir")
    parser.add_argument("command", nargs="?")
    parser.add_argument("--stage", default="dev")
    options, _ = parser.parse_known_args(arguments[1:])
    return options.command, options.stage


def _point_at_local_cloud(environment: MutableMapping[str, str], local_stack: Path) -> None:
    """Put the local cloud's settings and keys into the environment, and remove all other access to AWS from it."""
    stack = _running_stack(local_stack)
    for name in [name for name in environment if name.startswith("AWS_") and name != "AWS_CHALICE_CLI_MODE"]:
        del environment[name]
    environment.update(
        {
            **stack["environment"],
            "AWS_ENDPOINT_URL": stack["aws_endpoint_url"],
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "AWS_ACCESS_KEY_ID": stack["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": stack["secret_access_key"],
            "AWS_DEFAULT_REGION": stack["region"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    )


def _running_stack(local_stack: Path) -> dict[str, Any]:
    """Return the local cloud's description of itself; ends the command if no local cloud listens there."""
    try:
        stack: dict[str, Any] = json.loads(local_stack.read_text())
        endpoint = urlsplit(stack["aws_endpoint_url"])
        socket.create_connection((endpoint.hostname, endpoint.port), timeout=1).close()
    except (OSError, ValueError):
        _end("The local cloud is not running: `make run` starts it.")
    return stack


def _end(line: str) -> NoReturn:
    """End the command: print the line on standard error, exit with status 1."""
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(line)
    # `chalice local` imports the app in a thread: there, SystemExit prints nothing and the command doesn't end.
    print(line, file=sys.stderr, flush=True)
    os._exit(1)
