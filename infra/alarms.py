"""The alarms that follow from a list: of streams, scheduled jobs, tables, and the service's own metrics.

`python -m infra.observing` writes them into the release's template, in which all other alarms stand by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.aws.telemetry import NAMESPACE

# So that what isn't in a list any more leaves the template, too.
MARK = {"WrittenBy": "infra/alarms.py"}
_TOPIC = [{"Ref": "AlarmsTopicArn"}]
_STAGE = {"Name": "stage", "Value": {"Ref": "Stage"}}


class Stream(NamedTuple):
    """A function on a table's stream: its alarms go off when it is so late, or was not triggered for so long."""

    function: str
    name: str
    late_alarm: str
    late_s: int
    stalled_min: int
    meaning: str


class Job(NamedTuple):
    """A scheduled job: its alarm goes off when it is so many seconds behind (`JobLag`)."""

    function: str
    job: str
    name: str
    late_s: int
    meaning: str


class Table(NamedTuple):
    """A table of the data stack with its indexes, and what waits while DynamoDB throttles it."""

    name: str
    of: str
    waits: str
    indexes: Sequence[str] = ()

    @property
    def reference(self) -> dict[str, Any]:
        """Return its name, from what the data stack has told the release."""
        if self.name == "AuditTable":  # the data stack's output of it has the years, too
            return {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "AuditTableArn"}]}]}
        return {"Ref": self.name}


class Own(NamedTuple):
    """An alarm on a metric that the service writes: it goes off after so many periods of five minutes in a row."""

    alarm: str
    metric: str
    stat: str
    at_least: int
    periods: int
    description: str


STREAMS = (
    Stream("TransactionStream", "the stream handler", "StreamLate", 60, 5, "holders are told late, or not at all"),
    # It waits for five minutes after each call.
    Stream("Archiver", "the archiver", "ArchiveLate", 900, 12, "the archive lacks what was stored lately"),
    Stream("WebhookFeeder", "the webhook feeder", "WebhookFeederLate", 300, 5, "banks' webhooks are late, or missing"),
    Stream(
        *("HolderChanges", "the function that tells of changed holders", "HolderChangesLate", 300, 5),
        "holders and banks hear late, or never, of alerts that ended and addresses that changed",
    ),
)
JOBS = (
    Job("AnalyticsJob", "analytics_job", "The analytics job", 600, "figures are of an earlier time"),
    Job("ReleaseDeferred", "release_deferred", "The release of due notices", 600, "what waited comes late"),
    # A month's statements are due at once, and take as long as SES's rate says.
    Job("Statements", "statements", "The statements job", 7200, "statements come late"),
)
TABLES = (
    Table(
        *("TransactionsTable", "transactions", "single transactions are queued, the rest waits"),
        ("by_account", "by_bank", "by_recorded"),
    ),
    Table("AccountsTable", "accounts' holders", "who is to be told of a transaction is found later"),
    Table("BanksTable", "banks", "their requests are answered 503"),
    Table("NotificationsTable", "notifications", "what becomes of e-mails is noted later, and the rest waits"),
    Table("DeferralsTable", "what is due later, and of quotas", "e-mails and digests wait, and quotas go uncounted"),
    Table("StatementsTable", "due statements", "statements wait"),
    Table("AddressesTable", "addresses", "enrolments are answered 503, and suppressions wait"),
    Table("AnalyticsTable", "roll-ups", "the analytics job is behind, and its readers are answered 503"),
    Table("AuditTable", "the audit trail", "what can't be noted there is not changed", ("by_subject",)),
    Table("CasesTable", "cases", "cases are opened later", ("by_queue", "by_day")),
)
OWN = (
    Own(
        *("PostToAcceptedHigh", "PostToAccepted", "p95", 10, 3),
        "For 15 minutes, one e-mail in twenty has taken ten seconds or more from the request until SES accepted it.",
    ),
    Own(
        *("LinksUnavailable", "LinksUnavailable", "Sum", 1, 2),
        "For ten minutes e-mails have gone out without links: the secret of the links can't be read.",
    ),
    Own(
        *("AlertSubscriptionsFull", "AlertSubscriptionsFull", "Sum", 1, 1),
        "SNS makes no more topics or subscriptions for operators' alerts: banks can't enter new addresses.",
    ),
)


def resources() -> dict[str, Any]:
    """Return the alarms as resources of the release's template."""
    return {name: {"Type": "AWS::CloudWatch::Alarm", "Metadata": MARK, "Properties": made} for name, made in _all()}


def _all() -> Iterator[tuple[str, dict[str, Any]]]:
    for stream in STREAMS:
        yield stream.late_alarm, _late(stream)
        yield f"{stream.function}Stalled", _stalled(stream)
    for job in JOBS:
        yield f"{job.function}Late", _behind(job)
    for table in TABLES:
        yield f"{table.name}Throttled", _throttled(table)
    for own in OWN:
        yield own.alarm, _own(own)


def _late(stream: Stream) -> dict[str, Any]:
    minutes = f"{stream.late_s // 60} minutes" if stream.late_s > 60 else "a minute"
    return _alarm(
        f"{_begun(stream.name)} is more than {minutes} behind: {stream.meaning}.",
        {**_metric("AWS/Lambda", "IteratorAge", _dimension("FunctionName", stream.function)), "Statistic": "Maximum"},
        period_s=60,
        periods=3,
        at_least=stream.late_s * 1000,
    )


def _stalled(stream: Stream) -> dict[str, Any]:
    """Return the alarm about a trigger that is off: it has no points then. One that finds nothing has zeros."""
    mapping = _dimension("EventSourceMappingUUID", f"{stream.function}{stream.function}DynamodbEventSource")
    return _alarm(
        f"The trigger of {stream.name} has been off for {stream.stalled_min} minutes: {stream.meaning}.",
        _together(
            {
                "polled": ("SampleCount", _metric("AWS/Lambda", "PolledEventCount", mapping)),
                "called": ("Sum", _metric("AWS/Lambda", "Invocations", _dimension("FunctionName", stream.function))),
            },
            ("stalled", "neither polling nor called", "IF(FILL(polled, 0) + FILL(called, 0) < 1, 1, 0)"),
        ),
        periods=stream.stalled_min,
    )


def _behind(job: Job) -> dict[str, Any]:
    return _alarm(
        f"{job.name} has been {job.late_s // 60} minutes behind or more, in eight of ten minutes: {job.meaning}.",
        {**_metric(NAMESPACE, "JobLag", _STAGE, {"Name": "job", "Value": job.job}), "Statistic": "Maximum"},
        period_s=60,
        periods=8,  # a run that takes the whole minute, or dies, leaves one out
        of=10,
        at_least=job.late_s,
    )


def _throttled(table: Table) -> dict[str, Any]:
    """Return the alarm about reads and writes of a table and its indexes, which are in no metric of the table."""
    metrics = {}
    for place in (None, *table.indexes):
        dimensions = [{"Name": "TableName", "Value": table.reference}]
        if place:
            dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": place})
        for kind in ("Read", "Write"):
            name = f"{kind.lower()}s_{place or 'of_table'}"
            metrics[name] = ("Sum", _metric("AWS/DynamoDB", f"{kind}ThrottleEvents", *dimensions))
    where = f"the table of {table.of} or of an index" if table.indexes else f"the table of {table.of}"
    total = " + ".join(f"FILL({name}, 0)" for name in metrics)
    return _alarm(
        f"DynamoDB throttles reads or writes of {where}: {table.waits}.",
        _together(metrics, ("throttled", "reads and writes", total)),
        periods=3,
        of=5,
    )


def _own(own: Own) -> dict[str, Any]:
    statistic = {"Statistic": own.stat} if own.stat == "Sum" else {"ExtendedStatistic": own.stat}
    metric = {**_metric(NAMESPACE, own.metric, _STAGE), **statistic}
    return _alarm(own.description, metric, period_s=300, periods=own.periods, at_least=own.at_least)


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]


def _dimension(name: str, resource: str) -> dict[str, Any]:
    return {"Name": name, "Value": {"Ref": resource}}


def _metric(namespace: str, name: str, *dimensions: dict[str, Any]) -> dict[str, Any]:
    return {"Namespace": namespace, "MetricName": name, "Dimensions": list(dimensions)}


def _together(metrics: Mapping[str, tuple[str, dict[str, Any]]], shown: tuple[str, str, str]) -> dict[str, Any]:
    """Return at most ten metrics of a minute, and what is made of them: an id, a label and an expression."""
    id_, label, expression = shown
    queries: list[dict[str, Any]] = [
        {"Id": name, "ReturnData": False, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}
        for name, (stat, metric) in metrics.items()
    ]
    return {"Metrics": [*queries, {"Id": id_, "Label": label, "ReturnData": True, "Expression": expression}]}


def _alarm(
    description: str,
    looked_at: Mapping[str, Any],
    *,
    periods: int,
    of: int | None = None,
    period_s: int | None = None,
    at_least: int = 1,
) -> dict[str, Any]:
    """Return an alarm that goes off at so many periods in a row, or in `of` periods.

    What is filled in needs the second: the newest point may be what was filled in, as long as the real one isn't there.
    """
    return {
        "AlarmDescription": description,
        **looked_at,
        **({"Period": period_s} if period_s else {}),
        "EvaluationPeriods": of or periods,
        **({"DatapointsToAlarm": periods} if of else {}),
        "Threshold": at_least,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": _TOPIC,
        "OKActions": _TOPIC,
    }
