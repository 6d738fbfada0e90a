"""The stage's settings: what the data stack made, told to the app as environment variables.

`make provision` records them in `.chalice/config.json`, from where Chalice puts them into the environment
of every function and, when a `chalice` command imports the app, of that command.
"""

import dataclasses
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

LOCAL_STACK = Path(__file__).parent.parent / ".local" / "stack.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """One field for each environment variable (upper case) and data-stack output (camel case).

    Two are no outputs, and set by the release: `partial_batch_responses` where it lets triggers report a part that
    failed, and `api_url`, the API's URL. `public_url` is the one that links in e-mails begin with instead, if the stage
    was provisioned with one. `mail_rate`, in e-mails a second, takes the place of what SES says of its account, which
    an emulator says wrongly; with `local_endpoints`, webhooks may go to this very machine. An emulator's alone.
    """

    stage: str
    transactions_table: str
    transactions_stream_arn: str
    accounts_table: str
    banks_table: str
    notifications_table: str
    notifications_stream_arn: str
    deferrals_table: str
    statements_table: str
    addresses_table: str
    analytics_table: str
    notification_queue_url: str
    notification_dead_letter_queue_url: str
    alert_queue_url: str
    ingest_queue_url: str
    ingest_dead_letter_queue_url: str
    feedback_queue_arn: str
    feedback_dead_letter_queue_url: str
    stream_dead_letter_queue_url: str
    archive_bucket: str
    cursor_secret_arn: str
    mail_from: str
    mail_configuration_set: str
    event_bus: str
    operator_alerts_queue_arn: str
    operator_alerts_dead_letter_queue_url: str
    operator_alerts_topic_arn: str
    preferences_secret_arn: str
    webhook_queue_url: str
    webhook_dead_letter_queue_url: str
    partial_batch_responses: str = ""
    api_url: str = ""
    public_url: str = ""
    mail_rate: str = ""
    local_endpoints: str = ""

    # Lambda takes 4 KB of settings, so nothing is recorded that follows from the rest.

    @property
    def notification_queue_arn(self) -> str:
        return self._queue_arn(self.notification_queue_url)

    @property
    def alert_queue_arn(self) -> str:
        return self._queue_arn(self.alert_queue_url)

    @property
    def ingest_queue_arn(self) -> str:
        return self._queue_arn(self.ingest_queue_url)

    @property
    def webhook_queue_arn(self) -> str:
        return self._queue_arn(self.webhook_queue_url)

    def _queue_arn(self, url: str) -> str:
        _, partition, _, region, *_ = self.transactions_stream_arn.split(":")
        account, name = url.split("/")[-2:]
        return f"arn:{partition}:sqs:{region}:{account}:{name}"


class MissingSettings(Exception):
    """Settings that the environment lacks; `names` are the environment variables."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"missing environment variables: {', '.join(names)}")
        self.names = names


def variables() -> dict[str, str]:
    """Return the environment variable of each setting, by the data stack's output name."""
    return {"".join(word.capitalize() for word in field.name.split("_")): field.name.upper() for field in _required()}


def recorded(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that a data stack's outputs say; it may have no `PublicUrl`."""
    named = {variable: outputs[output] for output, variable in variables().items()}
    return {**named, "PUBLIC_URL": outputs["PublicUrl"]} if outputs.get("PublicUrl") else named


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Return the settings that `environment` holds; raises MissingSettings with the names that it lacks."""
    missing = [field.name.upper() for field in _required() if not environment.get(field.name.upper())]
    if missing:
        raise MissingSettings(missing)
    names = [field.name for field in dataclasses.fields(Settings)]
    return Settings(**{name: environment[name.upper()] for name in names if name.upper() in environment})


def _required() -> list[dataclasses.Field[str]]:
    return [field for field in dataclasses.fields(Settings) if field.default is dataclasses.MISSING]


def load(
    environment: MutableMapping[str, str] = os.environ,
    arguments: list[str] = sys.argv,
    local_stack: Path = LOCAL_STACK,
) -> Settings:
    """Return the running stage's settings.

    `chalice local` always serves from the running local cloud, whatever stage it was given and whatever account the
    shell is set up for, so that a working tree never meets real data. Every other `chalice` command works in the
    region that its stage was provisioned in. A command without the settings ends in one line that says what to do;
    in a function, MissingSettings is raised.
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
        # In time: Chalice asks for a region only after it has imported the app.
        environment["AWS_DEFAULT_REGION"] = settings.transactions_stream_arn.split(":")[3]
    return settings


def _command_line(arguments: list[str]) -> tuple[str | None, str]:
    """Return a `chalice` command line's command and stage."""
    import argparse  # no function pays for it

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--project-dir")
    parser.add_argument("command", nargs="?")
    parser.add_argument("--stage", default="dev")
    options, _ = parser.parse_known_args(arguments[1:])
    return options.command, options.stage


def _point_at_local_cloud(environment: MutableMapping[str, str], local_stack: Path) -> None:
    """Put the local cloud's settings and access into the environment, and take out all other access to AWS."""
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
    """Return what the local cloud wrote about itself, if it still listens."""
    try:
        stack: dict[str, Any] = json.loads(local_stack.read_text())
        endpoint = urlsplit(stack["aws_endpoint_url"])
        socket.create_connection((endpoint.hostname, endpoint.port), timeout=1).close()
    except (OSError, ValueError):
        _end("The local cloud is not running: `make run` starts it.")
    return stack


def _end(line: str) -> NoReturn:
    """End the command with this line on standard error and status 1."""
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(line)
    # `chalice local` imports the app in a thread, where SystemExit says nothing and leaves the command hanging.
    print(line, file=sys.stderr, flush=True)
    os._exit(1)
