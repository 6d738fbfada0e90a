"""The report of a run: how many postings were sent, the answers to them, and the times."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from bank_simulator.postings import CREATED, QUEUED, REPLAYED, Answer, Posting

PERCENTILES = (50, 95, 99)
KINDS = ("created", "queued", "replayed", "conflict", "invalid", "failed")
_TAKEN_AS = {CREATED: "created", QUEUED: "queued", REPLAYED: "replayed"}
_REFUSED_AS = {409: "conflict", 400: "invalid"}

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Created:
    """A transaction that was created; `posted_at` is the UTC time just before its first POST began."""

    id: str
    account: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final answer to a posting.

    `unsure` says that the API may have recorded an earlier try, although its answer was lost or an error.
    """

    answer: Answer
    was_retried: bool
    unsure: bool


@dataclass(slots=True)
class Report:
    """The result of a run. `created` lists the created transactions, in the order of their answers, if they are kept.

    `sent` counts the postings that were sent, `answers` their final answers by status and code. A replay of the run's
    own lost try counts in `created_by_retry` instead. `skipped` counts repeats that were not sent, because the posting
    that they repeat was not recorded.
    """

    sent: int = 0
    created: list[Created] = field(default_factory=list)
    answers: Counter[Answer] = field(default_factory=Counter)
    unexpected: Counter[Answer] = field(default_factory=Counter)
    created_by_retry: int = 0
    retried: int = 0
    skipped: int = 0
    seconds: float = 0
    # The requests by their time in tenths of a millisecond: exact enough, and small also after a long run.
    latencies: Counter[int] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        return self.answers.total() + self.created_by_retry

    @property
    def ok(self) -> bool:
        """Whether every posting that was sent has a right answer."""
        return not self.unexpected and self.answered == self.sent

    def add_request(self, latency_s: float) -> None:
        """Count one request's answer, which took `latency_s`."""
        self.latencies[round(latency_s * 10_000)] += 1

    def add(self, posting: Posting, outcome: Outcome, posted_at: datetime, keep_created: bool = True) -> None:
        """Count the outcome of one posting."""
        answer = outcome.answer
        by_retry = answer == REPLAYED and outcome.unsure and CREATED in posting.expected
        self.retried += outcome.was_retried
        if by_retry:
            self.created_by_retry += 1
        else:
            self.answers[answer] += 1
            if answer not in posting.expected:
                self.unexpected[answer] += 1
        if keep_created and (by_retry or answer == CREATED):
            self.created.append(Created(posting.id, posting.account, posted_at))

    def counts(self) -> dict[str, int]:
        """Return the number of postings by the kind of their answer; the sum is `answered`."""
        kinds = Counter({"created": self.created_by_retry})
        for answer, count in self.answers.items():
            kinds[_kind(answer)] += count
        return {kind: kinds[kind] for kind in KINDS}

    def latency_ms(self, percent: float) -> float | None:
        """Return the latency that this percentage of the requests did not exceed; None without requests."""
        return percentile(self.latencies, percent) / 10 if self.latencies else None


def percentile(counts: Mapping[Number, int], percent: float) -> Number:
    """Return the value that `percent` of all values do not exceed, by the nearest rank.

    `counts` has the number of times that each value occurs. Raises ValueError when it is empty.
    """
    rank, seen = sum(counts.values()) * percent / 100, 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    raise ValueError("no values")


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "sent": report.sent,
        "answered": report.answered,
        **report.counts(),
        "created_by_retry": report.created_by_retry,
        "refused": _listed(_refused(report)),
        "unexpected": _listed(report.unexpected),
        "skipped": report.skipped,
        "retried": report.retried,
        "requests": report.latencies.total(),
        "seconds": round(report.seconds, 3),
        "per_second": round(report.sent / report.seconds, 1) if report.seconds else None,
        "latency_ms": {
            **{f"p{percent}": report.latency_ms(percent) for percent in PERCENTILES},
            "max": report.latency_ms(100),
        },
    }


def as_text(report: Report) -> str:
    """Return the report as a few lines for people."""
    rate = f"{report.sent / report.seconds:.1f}" if report.seconds else "0"
    requests = f" in {report.latencies.total()} requests" if 0 < report.latencies.total() < report.sent else ""
    lines = [f"Sent {report.sent} transactions{requests} in {report.seconds:.1f} s, {rate} per second"]
    refused = _refused(report)
    for kind, count in report.counts().items():
        if count or kind not in ("queued", "failed"):
            by_retry = f"  ({report.created_by_retry} of them by a retry)" if report.created_by_retry else ""
            lines.append(f"  {kind:<12}{count:>9}{by_retry if kind == 'created' else ''}")
            lines += [f"    {refused[answer]:>6} x {answer}" for answer in sorted(refused) if _kind(answer) == kind]
    lines.append(f"  in sum      {report.answered:>9}  of {report.sent} sent")
    if report.skipped:
        lines.append(f"  skipped     {report.skipped:>9}  (repeats of what was not recorded)")
    lines.append(f"  retried     {report.retried:>9}")
    if report.latencies:
        names = [f"p{percent} {report.latency_ms(percent):.1f}" for percent in PERCENTILES]
        lines.append(f"  latency ms  {', '.join(names)}, max {report.latency_ms(100):.1f}")
    lines.append(f"  unexpected  {report.unexpected.total():>9}")
    lines += [f"    {count:>6} x {answer}" for answer, count in sorted(report.unexpected.items())]
    return "\n".join(lines)


def _kind(answer: Answer) -> str:
    return _TAKEN_AS.get(answer) or _REFUSED_AS.get(answer.status, "failed")


def _refused(report: Report) -> Counter[Answer]:
    return Counter({answer: count for answer, count in report.answers.items() if answer not in _TAKEN_AS})


def _listed(answers: Counter[Answer]) -> list[dict[str, Any]]:
    return [{"status": answer.status, "code": answer.code, "count": count} for answer, count in sorted(answers.items())]
