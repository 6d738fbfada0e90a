"""Logs as JSON lines, and metrics in CloudWatch's embedded metric format, both by Powertools.

Log only ids of transactions and banks, codes, counts and durations. Never log names, addresses, account numbers,
amounts, keys or bodies, nor ids of holders: a bank may use names as ids.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "transaction-notifier"
NAMESPACE = "TransactionNotifier"

logger = Logger(service=SERVICE, utc=True)
# One object for the process: Powertools' `single_metric` makes a new one for each line and takes twice as long.
_metrics = Metrics(service=SERVICE, namespace=NAMESPACE)
_writing = threading.Lock()  # `chalice local` answers requests in several threads of one process


@contextmanager
def of_request(request_id: str) -> Iterator[None]:
    """Name the request's id, as `request_id`, in every line that this thread logs or counts meanwhile."""
    logger.thread_safe_append_keys(request_id=request_id)
    try:
        yield
    finally:
        logger.thread_safe_remove_keys(["request_id"])


def count(name: str, value: int = 1) -> None:
    """Add `value` to the metric, like `TransactionsCreated`; writes nothing for 0."""
    if value:
        with _writing:
            _metrics.add_metric(name, MetricUnit.Count, value)
            if (request_id := logger.thread_safe_get_current_keys().get("request_id")) is not None:
                _metrics.add_metadata("request_id", request_id)
            _metrics.flush_metrics()


def skipped(what: str, metric: str, error: Exception | None = None, **ids: str | None) -> None:
    """Log and count a record over which a step failed and which that step leaves out; an alarm counts them all.

    `ids` name the record. Of the error only the type is logged: its message could hold what was sent.
    """
    reason = {"error": type(error).__name__} if error else {}
    logger.error(what, extra={**reason, **{name: value for name, value in ids.items() if value}})
    count(metric)
    count("RecordsSkipped")
