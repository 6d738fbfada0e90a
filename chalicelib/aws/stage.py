"""The stage's settings: names and addresses of what the data stack made, as environment variables.

`make provision` writes them into `.chalice/config.json`. Chalice sets them in the environment of every function, and
of a `chalice` command when it imports the app.
"""

import dataclasses
from collections.abc import Mapping

from chalicelib.aws.retention import Retention, read_retention


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """One field for each environment variable (upper case) and data-stack output (camel case).

    The fields with a default may be absent:

    - `partial_batch_responses`, set by the release: triggers may report which part of a batch failed;
    - `api_url`, set by the release: the API's URL;
    - `public_url`, an output of some stages: links in e-mails begin with it instead of `api_url`;
    - `mail_rate`, set by the local cloud: e-mails a second, because the emulated SES answers a wrong rate;
    - `flood_hour_s`, set by the local cloud: how many seconds an hour of a holder's e-mails has, so that a digest comes
      while one watches;
    - `local_endpoints`, set by the local cloud: webhooks may go to 127.0.0.1;
    - `staff_pool`, an output: the staff's user pool, its client and its domain, as `staff.pool.read_pool` reads them. A
      data stack of an earlier release has none, and nobody can sign in there;
    - `staff_url`, set by the local cloud: where the emulated Cognito answers.
    """

    stage: str
    transactions_table: str
    transactions_stream_arn: str
    accounts_table: str
    accounts_stream_label: str
    banks_table: str
    notifications_table: str
    notifications_stream_label: str
    deferrals_table: str
    statements_table: str
    addresses_table: str
    analytics_table: str
    audit_trail: str
    cases_table: str
    notification_queue_url: str
    notification_dead_letter_queue_url: str
    alert_queue_url: str
    ingest_queue_url: str
    ingest_dead_letter_queue_url: str
    feedback_queue: str
    feedback_dead_letter_queue_url: str
    stream_dead_letter_queue_url: str
    archive_bucket: str
    cursor_secret_arn: str
    mail_from: str
    mail_configuration_set: str
    event_bus: str
    operator_alerts_queue: str
    operator_alerts_dead_letter_queue_url: str
    operator_alerts_topic_arn: str
    preferences_secret_arn: str
    webhook_queue_url: str
    webhook_dead_letter_queue_url: str
    recorded_shards: str
    keep_days: str
    partial_batch_responses: str = ""
    api_url: str = ""
    public_url: str = ""
    mail_rate: str = ""
    flood_hour_s: str = ""
    local_endpoints: str = ""
    staff_pool: str = ""
    staff_url: str = ""

    # Lambda allows 4 KB of environment variables, so what follows from other settings isn't stored.

    @property
    def shards(self) -> int:
        """The number of shards into which the index by_recorded is written."""
        return int(self.recorded_shards or 4)  # a data stack of an earlier release doesn't say it

    @property
    def retention(self) -> Retention:
        """For how many days rows of the notifications table are kept."""
        return read_retention(self.keep_days)

    @property
    def audit_table(self) -> str:
        return self.audit_trail.partition("/")[0]

    @property
    def audit_years(self) -> int:
        """For how many years an entry of the audit trail is kept."""
        return int(self.audit_trail.partition("/")[2])

    @property
    def staff_pool_arn(self) -> str:
        """The ARN of the staff's user pool, empty if the stage has none."""
        pool = self.staff_pool.partition("/")[0]
        return self._arn("cognito-idp", f"userpool/{pool}") if pool else ""

    @property
    def accounts_stream_arn(self) -> str:
        return self._stream_arn(self.accounts_table, self.accounts_stream_label)

    @property
    def notifications_stream_arn(self) -> str:
        return self._stream_arn(self.notifications_table, self.notifications_stream_label)

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

    @property
    def feedback_queue_arn(self) -> str:
        return self._named_queue_arn(self.feedback_queue)

    @property
    def feedback_queue_url(self) -> str:
        """In the same account and region as its dead-letter queue."""
        return f"{self.feedback_dead_letter_queue_url.rpartition('/')[0]}/{self.feedback_queue}"

    @property
    def operator_alerts_queue_arn(self) -> str:
        return self._named_queue_arn(self.operator_alerts_queue)

    def _stream_arn(self, table: str, label: str) -> str:
        prefix, _, _ = self.transactions_stream_arn.partition("/")
        return f"{prefix}/{table}/stream/{label}"

    def _queue_arn(self, url: str) -> str:
        return self._named_queue_arn(url.rpartition("/")[2])

    def _named_queue_arn(self, name: str) -> str:
        return self._arn("sqs", name)

    def _arn(self, service: str, name: str) -> str:
        _, partition, _, region, account, _ = self.transactions_stream_arn.split(":", 5)
        return f"arn:{partition}:{service}:{region}:{account}:{name}"


# The outputs that not every data stack has.
_OPTIONAL_OUTPUTS = {"PublicUrl": "PUBLIC_URL", "StaffPool": "STAFF_POOL"}
# All queues are of one account and region. One of them is recorded with its whole URL, the others by their names.
_QUEUE_URL, _WHOLE_URL = "_QUEUE_URL", "NOTIFICATION_QUEUE_URL"


class MissingSettings(Exception):
    """The environment has no value for some settings; `names` are the environment variables."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"missing environment variables: {', '.join(names)}")
        self.names = names


def variables() -> dict[str, str]:
    """Return each required setting's environment variable, by the name of the data stack's output."""
    return {"".join(word.capitalize() for word in field.name.split("_")): field.name.upper() for field in _required()}


def recorded(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables, with their values, for a data stack's outputs.

    Queues are recorded without what their URLs have in common: `from_environment` completes them.
    """
    named = {variable: outputs[output] for output, variable in variables().items()}
    named |= {variable: outputs[output] for output, variable in _OPTIONAL_OUTPUTS.items() if outputs.get(output)}
    prefix = _before_name(named[_WHOLE_URL])
    return {
        name: value.removeprefix(prefix) if name.endswith(_QUEUE_URL) and name != _WHOLE_URL else value
        for name, value in named.items()
    }


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Return the settings in `environment`; raises MissingSettings if a required one is absent or empty."""
    missing = [field.name.upper() for field in _required() if not environment.get(field.name.upper())]
    if missing:
        raise MissingSettings(missing)
    names = [field.name for field in dataclasses.fields(Settings)]
    given = {name: environment[name.upper()] for name in names if name.upper() in environment}
    prefix = _before_name(environment[_WHOLE_URL])
    for name, value in given.items():
        if name.upper().endswith(_QUEUE_URL) and "/" not in value:  # earlier releases recorded whole URLs
            given[name] = prefix + value
    return Settings(**given)


def _before_name(queue_url: str) -> str:
    """Return a queue's URL without the queue's name."""
    return queue_url[: queue_url.rfind("/") + 1]


def _required() -> list[dataclasses.Field[str]]:
    return [field for field in dataclasses.fields(Settings) if field.default is dataclasses.MISSING]
