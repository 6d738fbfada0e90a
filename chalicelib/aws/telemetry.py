"""Logs as JSON lines by Powertools, and metrics in CloudWatch's embedded metric format (EMF).

Each request is one line, and each batch is one or a few: what was done, with counts. `transactions` in a line names the
transactions that it is about, as `bank#id`: a search for one of them finds its way through all functions.

Log only ids of transactions and banks, codes, counts and durations. Never log names, addresses, account numbers,
amounts, keys or bodies, nor ids of holders: a bank may use names as ids. A dimension of a metric takes few values, and
is never a bank or an id. Each metric has the stage as a dimension: stages of one account and region don't mix.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from chalicelib.aws.batching import batches

SERVICE = "transaction-notifier"
NAMESPACE = "TransactionNotifier"
COUNT, MILLISECONDS, SECONDS, PERCENT = "Count", "Milliseconds", "Seconds", "Percent"
_VALUES_A_LINE = 100  # CloudWatch's limit for a metric

Read = TypeVar("Read")

logger = Logger(service=SERVICE, utc=True)
_writing = threading.Lock()  # `chalice local` answers requests in several threads of one process
_current = threading.local()


class RequestLine:
    """What is known of the request that this thread answers: it becomes one line when the answer is there."""

    def __init__(self, request_id: str) -> None:
        self.counts = Counter[str]()
        self.facts: dict[str, Any] = {"request_id": request_id}
        self._begun = time.perf_counter()

    def write(self) -> None:
        took_ms = round((time.perf_counter() - self._begun) * 1000)
        metrics: dict[str, tuple[str, Sequence[float]]] = {name: (COUNT, [float(n)]) for name, n in self.counts.items()}
        metrics["RequestTime"] = (MILLISECONDS, [took_ms])
        refused = {"Refused": (COUNT, [1])} if "code" in self.facts else {}
        _write(metrics, {**self.facts, "message": "request"}, refused, ("code",))


@contextmanager
def of_request(request_id: str) -> Iterator[RequestLine]:
    """Name the request's id, as `request_id`, in every line that this thread logs meanwhile, and write its line."""
    logger.thread_safe_append_keys(request_id=request_id)
    line = _current.line = RequestLine(request_id)
    try:
        yield line
    finally:
        _current.line = None
        line.write()
        logger.thread_safe_remove_keys(["request_id"])


def note(**facts: Any) -> None:
    """Add facts to the line of this thread's request, if it answers one."""
    line: RequestLine | None = getattr(_current, "line", None)
    if line is not None:
        line.facts.update(facts)


def about(transactions: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of transactions in a line, from banks and ids, each once.

    What stands in a transaction's place (a statement, a digest) is left out: its id has the account's number.
    """
    return [f"{bank}#{id_}" for bank, id_ in dict.fromkeys(transactions) if "@" not in id_]


def without_account(bank: str, id_: str) -> str:
    """Return the name of a transaction in a line; of what stands in its place the kind, like `bank#statement@`."""
    kind, at, _ = id_.partition("@")
    return f"{bank}#{kind}{at}"


def count(name: str, value: int = 1) -> None:
    """Add `value` to the metric, like `TransactionsCreated`: in the request's line, or in a line of its own.

    Writes nothing for 0.
    """
    if value:
        line: RequestLine | None = getattr(_current, "line", None)
        if line is not None:
            line.counts[name] += value
        else:
            _write({name: (COUNT, [float(value)])}, {})


def measured(name: str, unit: str, values: Iterable[float], **dimensions: str) -> None:
    """Add values to the metric, by itself and for each of the dimensions; both have p50 and p95 in CloudWatch."""
    line: RequestLine | None = getattr(_current, "line", None)
    facts = {**dimensions, **({"request_id": line.facts["request_id"]} if line else {})}
    for part in batches(values, _VALUES_A_LINE):
        metric = {name: (unit, [round(value, 3) for value in part])}
        by_dimension = metric if dimensions else {}
        _write(metric, facts, by_dimension, *((dimension,) for dimension in dimensions))


def skipped(what: str, metric: str, error: Exception | None = None, **ids: str | None) -> None:
    """Log and count a record over which a step failed and which that step leaves out; an alarm counts them all.

    `ids` name the record. Of the error only the type is logged: its message could hold what was sent.
    """
    reason = {"error": type(error).__name__} if error else {}
    logger.error(what, extra={**reason, **{name: value for name, value in ids.items() if value}})
    count(metric)
    count("RecordsSkipped")


def all_readable(
    read: Callable[[Mapping[str, Any]], Read], rows: Iterable[Mapping[str, Any]], what: str, metric: str, key: str
) -> Iterator[Read]:
    """Yield what stored rows are, as `read` reads them. One that can't be read is left out, logged and counted.

    It must not keep the others of a list from being seen. `key` is the attribute that names it in the log.
    """
    for row in rows:
        try:
            found = read(row)
        except Exception as error:
            skipped(what, metric, error, key=str(row.get(key)))
        else:
            yield found


_Metrics = Mapping[str, tuple[str, Sequence[float]]]


def _write(
    metrics: _Metrics, facts: Mapping[str, Any], by_dimension: _Metrics | None = None, *dimensions: Sequence[str]
) -> None:
    """Write a line with metrics; those of `by_dimension` have the facts of these names as dimensions.

    Written out, not by Powertools: that takes several times as long, in every request.
    """
    directives = [_directive([["stage"]], metrics)]
    if by_dimension:
        directives.append(_directive([["stage", *names] for names in dimensions], by_dimension))
    line = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": directives},
        "service": SERVICE,
        "stage": os.environ.get("STAGE", "none"),
        **facts,
        **{name: values for name, (_, values) in {**metrics, **(by_dimension or {})}.items()},
    }
    text = json.dumps(line, separators=(",", ":")) + "\n"
    with _writing:
        sys.stdout.write(text)


def _directive(dimensions: list[list[str]], metrics: _Metrics) -> dict[str, Any]:
    named = [{"Name": name, "Unit": unit} for name, (unit, _) in metrics.items()]
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": named}
