"""The stage's settings: what the data stack made, told to the app as environment variables.

`make provision` records them in `.chalice/config.json`, from where Chalice puts them into the environment
of every function and, when a `chalice` command imports the app, of that command.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, MutableMapping
from itertools import pairwise
from pathlib import Path

LOCAL_STACK = Path(__file__).parent.parent / ".local" / "stack.json"


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """One field for each environment variable (upper case) and data-stack output (camel case)."""

    stage: str
    transactions_table: str
    transactions_stream_arn: str
    accounts_table: str
    banks_table: str
    notifications_table: str
    analytics_table: str
    notification_queue_url: str
    notification_queue_arn: str
    notification_dead_letter_queue_url: str
    stream_dead_letter_queue_url: str
    cursor_secret_arn: str
    mail_from: str
    mail_configuration_set: str


class MissingSettings(Exception):
    """Settings that the environment lacks; `names` are the environment variables."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"missing environment variables: {', '.join(names)}")
        self.names = names


def variables() -> dict[str, str]:
    """Return the environment variable of each setting, by the data stack's output name."""
    return {
        "".join(word.capitalize() for word in field.name.split("_")): field.name.upper()
        for field in dataclasses.fields(Settings)
    }


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Return the settings that `environment` holds; raises MissingSettings with the names that it lacks."""
    names = {field.name: field.name.upper() for field in dataclasses.fields(Settings)}
    missing = [variable for variable in names.values() if not environment.get(variable)]
    if missing:
        raise MissingSettings(missing)
    return Settings(**{name: environment[variable] for name, variable in names.items()})


def load(
    environment: MutableMapping[str, str] = os.environ,
    arguments: list[str] = sys.argv,
    local_stack: Path = LOCAL_STACK,
) -> Settings:
    """Return the running stage's settings.

    `chalice local` always serves from the running local cloud, whatever stage it was given, so that a working
    tree never meets a real stage's data. A `chalice` command without the settings ends in one line that says
    what to do; in a function, MissingSettings is raised.
    """
    in_cli = environment.get("AWS_CHALICE_CLI_MODE") == "true"
    if in_cli and _serves_locally(arguments):
        environment.update(_local_environment(local_stack))
    try:
        return from_environment(environment)
    except MissingSettings as missing:
        if not in_cli:
            raise
        raise SystemExit(
            f"This stage is not provisioned (no {missing.names[0]}): run `make provision STAGE=<stage> "
            "MAIL_FROM=<sender address>` first; docs/deployment.md says how."
        ) from None


def _serves_locally(arguments: list[str]) -> bool:
    """Whether the command line is `chalice local`, and not another command with `--stage local`."""
    return any(word == "local" and before != "--stage" for before, word in pairwise(arguments))


def _local_environment(local_stack: Path) -> dict[str, str]:
    try:
        stack = json.loads(local_stack.read_text())
    except FileNotFoundError:
        raise SystemExit("The local cloud is not running: `make run` starts it.") from None
    environment: dict[str, str] = stack["environment"]
    return environment
