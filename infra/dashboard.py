"""The dashboard of a stage in CloudWatch: what the service promises on top, and what it is made of below.

The widgets are written here, and `python -m infra.observing` puts them into the release's template.
"""

import json
from typing import Any

from chalicelib.aws.telemetry import NAMESPACE
from infra.alarms import TABLES

Metric = list[Any]
Widget = dict[str, Any]

_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 24
_OWN = ["stage", "${Stage}"]
# Of e-mails; what comes as a digest or a statement has no time to be measured by.
KINDS = ("security_alert", "debit", "credit", "authorization", "reversal", "declined")
JOBS = ("analytics_job", "release_deferred", "statements")
QUEUES = ("Notification", "Alert", "Ingest", "Feedback", "Webhook", "OperatorAlerts")
DEAD_LETTER_QUEUES = (*(f"{name}DeadLetter" for name in QUEUES if name != "Alert"), "StreamDeadLetter")
STREAM_HANDLERS = ("TransactionStream", "Archiver", "WebhookFeeder", "HolderChanges")
FUNCTIONS = (
    *("APIHandler", "IngestWorker", *STREAM_HANDLERS, "Mailer", "AlertMailer", "Statements", "ReleaseDeferred"),
    *("Feedback", "WebhookSender", "OperatorAlerts", "AnalyticsJob", "NightlyReconciliation"),
)


def own(name: str, stat: str = "Sum", *dimension: str, label: str = "") -> Metric:
    """Return a metric that the service's own code writes."""
    return [NAMESPACE, name, *_OWN, *dimension, {"stat": stat, "label": label or f"{name} {stat}"}]


def aws(service: str, name: str, stat: str, label: str, *dimensions: str) -> Metric:
    """Return a metric that AWS writes. Dimensions may be placeholders of `Fn::Sub`."""
    return [f"AWS/{service}", name, *dimensions, {"stat": stat, "label": label}]


def quantiles(name: str) -> list[Metric]:
    return [own(name, stat, label=stat) for stat in ("p50", "p95", "p99")]


def widgets() -> list[Widget]:
    """Return the dashboard's widgets, with placeholders of `Fn::Sub`, in rows of three."""
    charts = [*_promises(), *_traffic(), *_behind(), *_wrong()]
    for number, chart in enumerate(charts):
        row, column = divmod(number, _COLUMNS // _WIDTH)
        chart.update(x=column * _WIDTH, y=row * _HEIGHT, width=_WIDTH, height=_HEIGHT)
    return charts


def resource() -> dict[str, Any]:
    """Return the dashboard as a resource of the release's template."""
    queues = {f"{name}Queue": _queue_name(name) for name in sorted({*QUEUES, *DEAD_LETTER_QUEUES})}
    tables = {table.name: table.reference for table in TABLES if table.reference != {"Ref": table.name}}
    body = json.dumps({"start": "-PT6H", "widgets": widgets()}, separators=(",", ":"))
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "transaction-notifier-${Stage}"},
            "DashboardBody": {"Fn::Sub": [body, {**queues, **tables}]},
        },
    }


def _promises() -> list[Widget]:
    """Return the charts of how long e-mails take."""
    return [
        _chart("POST until SES accepts, seconds", quantiles("PostToAccepted")),
        _chart(
            "The same by kind of e-mail, p95, seconds",
            [own("PostToAccepted", "p95", "kind", kind, label=kind) for kind in KINDS],
        ),
        _chart("SES accepts until delivered, seconds", quantiles("AcceptedToDelivered")),
    ]


def _traffic() -> list[Widget]:
    """Return the charts of what comes in and goes out."""
    api = ("ApiName", "transaction-notifier", "Stage", "${Stage}")
    return [
        _chart(
            "Transactions",
            [own(f"Transactions{what}", label=what) for what in ("Created", "Replayed", "Conflicting", "Queued")],
        ),
        _chart(
            "E-mails",
            [
                *(own(f"Notifications{what}", label=what) for what in ("Sent", "Failed", "PutOff", "Deferred")),
                *(own(f"Mails{what}", label=what) for what in ("Delivered", "Bounced", "Complained")),
            ],
        ),
        _chart(
            "Webhooks",
            [own(f"Webhooks{what}", label=what) for what in ("Delivered", "PutOff", "GivenUp", "NotSent")],
        ),
        _chart(
            "Requests and refusals",
            [aws("ApiGateway", name, "Sum", name, *api) for name in ("Count", "4XXError", "5XXError")],
        ),
        _chart("Refusals by code", [_search("Refused", "code")]),
        _chart("Time of a request in the function, milliseconds", quantiles("RequestTime")),
    ]


def _behind() -> list[Widget]:
    """Return the charts of what waits, and how long."""
    return [
        _chart(
            "Age of the oldest message, seconds",
            [
                aws("SQS", "ApproximateAgeOfOldestMessage", "Maximum", name, "QueueName", f"${{{name}Queue}}")
                for name in QUEUES
            ],
        ),
        _chart(
            "Streams: how far behind, milliseconds",
            [aws("Lambda", "IteratorAge", "Maximum", name, "FunctionName", f"${{{name}}}") for name in STREAM_HANDLERS],
        ),
        _chart("Jobs: how far behind, seconds", [own("JobLag", "Maximum", "job", job, label=job) for job in JOBS]),
    ]


def _wrong() -> list[Widget]:
    """Return the charts of what is set aside, fails or is full."""
    return [
        _chart(
            "Dead letters",
            [
                aws("SQS", "ApproximateNumberOfMessagesVisible", "Maximum", name, "QueueName", f"${{{name}Queue}}")
                for name in DEAD_LETTER_QUEUES
            ],
        ),
        _chart(
            "Quotas: the bank that has used most, per cent",
            [own("QuotaUsed", "Maximum", "what", what, label=what) for what in ("transactions", "emails")],
        ),
        _chart("Records left out", [own(name, label=name) for name in ("RecordsSkipped", "DeadLettered")]),
        _chart(
            "Errors of functions",
            [
                *(aws("Lambda", "Errors", "Sum", name, "FunctionName", f"${{{name}}}") for name in FUNCTIONS),
                own("SuppressionsPutOff", label="SuppressionsPutOff"),
            ],
        ),
        _chart(
            "Throttled",
            [
                *(
                    aws("Lambda", "Throttles", "Sum", name, "FunctionName", f"${{{name}}}")
                    for name in ("APIHandler", "TransactionStream", "AlertMailer")
                ),
                *_throttled("WriteThrottleEvents"),
            ],
        ),
        _chart("Throttled reads", _throttled("ReadThrottleEvents")),
        _chart(
            "SES: how the account stands",
            [aws("SES", f"Reputation.{name}Rate", "Average", name.lower()) for name in ("Bounce", "Complaint")],
        ),
    ]


def _chart(title: str, metrics: list[Metric]) -> Widget:
    shown = {"view": "timeSeries", "region": "${AWS::Region}", "period": 60, "title": title, "metrics": metrics}
    return {"type": "metric", "properties": shown}


def _throttled(metric: str) -> list[Metric]:
    """Return a metric of each table and of each index: what an index throttles is in no metric of its table."""
    found = []
    for table in TABLES:
        of_table = ("TableName", f"${{{table.name}}}")
        found.append(aws("DynamoDB", metric, "Sum", table.name, *of_table))
        found += [
            aws("DynamoDB", metric, "Sum", index, *of_table, "GlobalSecondaryIndexName", index)
            for index in table.indexes
        ]
    return found


def _search(name: str, dimension: str) -> Metric:
    """Return the expression that shows a metric for every value of a dimension that has come up."""
    found = f"SEARCH('{{{NAMESPACE},stage,{dimension}}} stage=\"${{Stage}}\" MetricName=\"{name}\"', 'Sum', 300)"
    return [{"expression": found, "id": name.lower(), "label": ""}]


def _queue_name(name: str) -> dict[str, Any]:
    return {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": f"{name}QueueArn"}]}]}
