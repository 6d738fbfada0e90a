"""Logs as JSON lines and metrics as CloudWatch embedded metric format, both by Powertools.

What may be logged: ids of transactions, holders and banks, codes, counts, durations. Never names, addresses,
account numbers, amounts, keys or bodies.
"""

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

SERVICE = "transaction-notifier"
NAMESPACE = "TransactionNotifier"

logger = Logger(service=SERVICE, utc=True)


def count(name: str, value: int = 1) -> None:
    """Count something, like `TransactionsCreated`; nothing is written for 0."""
    if value:
        with single_metric(
            name=name,
            unit=MetricUnit.Count,
            value=value,
            namespace=NAMESPACE,
            default_dimensions={"service": SERVICE},
        ):
            pass
