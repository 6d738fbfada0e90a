"""The saved queries of CloudWatch Logs Insights: what an operator asks the logs, under the stage's name.

`python -m infra.observing` puts them into the release's template, and a test runs each against recorded lines.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

FUNCTIONS = (
    *("ApiHandler", "IngestWorker", "TransactionStream", "Archiver", "HolderChanges", "Mailer", "AlertMailer"),
    *("Statements", "ReleaseDeferred", "Feedback", "WebhookFeeder", "WebhookSender", "OperatorAlerts"),
    *("AnalyticsJob", "NightlyReconciliation"),
)
_JOBS = ("AnalyticsJob", "ReleaseDeferred", "Statements", "NightlyReconciliation")


class Query(NamedTuple):
    """A query, and the functions whose logs it reads. What is in capitals is to be replaced before it runs."""

    name: str
    functions: Sequence[str]
    text: str


QUERIES = (
    Query(
        "where is a transaction",
        FUNCTIONS,
        """fields @timestamp, message, request_id, status, code, @log
| filter @message like '"BANK#TRANSACTION"'
| sort @timestamp asc
| limit 200""",
    ),
    Query(
        "everything about a request",
        FUNCTIONS,
        """fields @timestamp, message, level, bank, route, status, code, error, RequestTime.0
| filter request_id = 'REQUEST_ID'
| sort @timestamp asc
| limit 100""",
    ),
    Query(
        "refusals by code",
        ("ApiHandler",),
        """filter message = 'request' and ispresent(code)
| stats count(*) as refused by code, status, route
| sort refused desc
| limit 50""",
    ),
    Query(
        "refusals of a bank",
        ("ApiHandler",),
        """filter message = 'request' and ispresent(code) and bank = 'BANK'
| stats count(*) as refused by code, route
| sort refused desc
| limit 50""",
    ),
    Query(
        "slow requests",
        ("ApiHandler",),
        """fields @timestamp, request_id, method, route, status, RequestTime.0 as took_ms
| filter message = 'request' and RequestTime.0 > 1000
| sort took_ms desc
| limit 50""",
    ),
    Query(
        "time of requests by route",
        ("ApiHandler",),
        """filter message = 'request'
| stats count(*) as requests, avg(RequestTime.0) as average_ms, pct(RequestTime.0, 95) as p95_ms, max(RequestTime.0) as longest_ms by method, route
| sort p95_ms desc
| limit 50""",  # noqa: E501
    ),
    Query(
        "busiest banks",
        ("ApiHandler",),
        """filter message = 'request' and ispresent(bank)
| stats count(*) as requests by bank
| sort requests desc
| limit 20""",
    ),
    Query(
        "what the mailers did",
        ("Mailer", "AlertMailer"),
        """filter message = 'told'
| stats sum(sent) as sent_mails, sum(failed) as failed_mails, sum(put_off) as put_off_mails, sum(busy) as busy_mails by bin(5m)
| limit 300""",  # noqa: E501
    ),
    Query(
        "why e-mails were put off or failed",
        ("Mailer", "AlertMailer", "Statements"),
        """fields @timestamp, failed, put_off
| filter message in ['told', 'statements'] and (failed > 0 or put_off > 0)
| parse @message /"(?:reasons|why)":\\{(?<reasons_found>[^}]*)\\}/
| stats count(*) as batches by reasons_found
| sort batches desc
| limit 50""",
    ),
    Query(
        "dead letters by reason",
        FUNCTIONS,
        """filter message = 'dead_lettered'
| stats count(*) as letters by source, reason
| sort letters desc
| limit 100""",
    ),
    Query(
        "records left out",
        FUNCTIONS,
        """fields @timestamp, message, error, bank, transaction, key
| filter level = 'ERROR' and message like /^(not_|malformed_)/
| sort @timestamp desc
| limit 100""",
    ),
    Query(
        "errors",
        FUNCTIONS,
        """filter level = 'ERROR' or @message like /Task timed out|Runtime exited|Traceback/
| stats count(*) as lines by message, error
| sort lines desc
| limit 100""",
    ),
    Query(
        "answers of banks' endpoints",
        ("WebhookSender",),
        """filter message = 'webhooks'
| parse @message /"answers":\\{(?<answers_found>[^}]*)\\}/
| stats count(*) as batches by answers_found
| sort batches desc
| limit 50""",
    ),
    Query(
        "runs of the jobs",
        _JOBS,
        """fields @timestamp, message, steps, lag_s, released, done, sent, failed, differences
| filter message in ['analytics_run', 'analytics_step_taken', 'released', 'statements', 'reconciliation']
| sort @timestamp desc
| limit 100""",
    ),
    Query(
        "roll-ups that differ",
        ("NightlyReconciliation",),
        """fields @timestamp, bank, date, currency, field
| filter message = 'roll_up_differs'
| sort @timestamp desc
| limit 100""",
    ),
)


def resources() -> dict[str, Any]:
    """Return the queries as resources of the release's template."""
    return {f"Query{_camel(query.name)}": _resource(query) for query in QUERIES}


def _resource(query: Query) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::QueryDefinition",
        "Properties": {
            "Name": {"Fn::Sub": f"transaction-notifier-${{Stage}}/{query.name}"},
            "LogGroupNames": [{"Ref": f"{function}LogGroup"} for function in query.functions],
            "QueryString": query.text,
        },
    }


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in "".join(one if one.isalnum() else " " for one in name).split())
