"""Logs as JSON lines and metrics as CloudWatch embedded metric format, both by Powertools.

What may be logged: ids of transactions, holders and banks, codes, counts, durations. Never names, addresses,
account numbers, amounts, keys or bodies.
"""

import threading

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "transaction-notifier"
NAMESPACE = "TransactionNotifier"

logger = Logger(service=SERVICE, utc=True)
# Kept for the life of the process: `single_metric`, which makes all of this anew for each line, takes twice as long.
_metrics = Metrics(service=SERVICE, namespace=NAMESPACE)
_writing = threading.Lock()  # `chalice local` serves its requests in threads of one process


def count(name: str, value: int = 1) -> None:
    """Count something, like `TransactionsCreated`; nothing is written for 0."""
    if value:
        with _writing:
            _metrics.add_metric(name, MetricUnit.Count, value)
            _metrics.flush_metrics()


def skipped(what: str, metric: str, error: Exception | None = None, **ids: str | None) -> None:
    """Log and count a record over which a step failed and which that step leaves out; an alarm counts them all.

    `ids` name the record. Of the error only the type is logged: its message could hold what was sent.
    """
    reason = {"error": type(error).__name__} if error else {}
    logger.error(what, extra={**reason, **{name: value for name, value in ids.items() if value}})
    count(metric)
    count("RecordsSkipped")
