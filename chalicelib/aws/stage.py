"""The stage's settings: what the data stack made, told to the app as environment variables.

`make provision` records them in `.chalice/config.json`, from where Chalice puts them into the environment
of every function and, when a `chalice` command imports the app, of that command.
"""

import dataclasses
from collections.abc import Mapping


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
