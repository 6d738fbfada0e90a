"""The closing report: what was sent, how it was answered, and how long that took."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bank_simulator.postings import CREATED, QUEUED, REPLAYED, Answer, Posting

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Created:
    """A transaction that was created; `posted_at` is the UTC time just before its first POST began."""

    id: str
    account: str
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a posting was answered in the end: after `tries` requests, the last of which took `latency_s`.

    `unsure` says that an earlier try may have been recorded although its answer was lost, or was a 5xx.
    """

    answer: Answer
    latency_s: float
    tries: int
    unsure: bool


@dataclass(slots=True)
class Report:
    """What came of a run. `created` lists the created ones, in order of their answers, if they were to be kept.

    `answers` counts the final answers by status and code; those that were replays of an own lost try are counted
    in `created_by_retry` instead. `skipped` repeats were not sent, because what they repeat was not recorded.
    """

    created: list[Created] = field(default_factory=list)
    answers: Counter[Answer] = field(default_factory=Counter)
    unexpected: Counter[Answer] = field(default_factory=Counter)
    created_by_retry: int = 0
    retried: int = 0
    skipped: int = 0
    seconds: float = 0
    # By tenths of a millisecond: exact enough, and bounded however long the run.
    latencies: Counter[int] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        return self.answers.total() + self.created_by_retry

    @property
    def ok(self) -> bool:
        """Whether every answer was the right one."""
        return not self.unexpected

    def add(self, posting: Posting, outcome: Outcome, posted_at: datetime, keep_created: bool = True) -> bool:
        """Count one posting's outcome and return whether the transaction is recorded now."""
        answer = outcome.answer
        by_retry = answer == REPLAYED and outcome.unsure and CREATED in posting.expected
        self.retried += outcome.tries > 1
        self.latencies[round(outcome.latency_s * 10_000)] += 1
        if by_retry:
            self.created_by_retry += 1
        else:
            self.answers[answer] += 1
            if answer not in posting.expected:
                self.unexpected[answer] += 1
        if keep_created and (by_retry or answer == CREATED):
            self.created.append(Created(posting.id, posting.account, posted_at))
        return answer in (CREATED, REPLAYED)

    def latency_ms(self, percent: float) -> float | None:
        """Return the latency that this percentage of the requests did not exceed (nearest rank); None without any."""
        rank, seen = -(-self.latencies.total() * percent // 100), 0
        for tenths in sorted(self.latencies):
            seen += self.latencies[tenths]
            if seen >= rank:
                return tenths / 10
        return None


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON values."""
    return {
        "sent": report.sent,
        "created": report.answers[CREATED] + report.created_by_retry,
        "created_by_retry": report.created_by_retry,
        "queued": report.answers[QUEUED],
        "replayed": report.answers[REPLAYED],
        "refused": _listed(_refused(report)),
        "unexpected": _listed(report.unexpected),
        "skipped": report.skipped,
        "retried": report.retried,
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
    lines = [f"Sent {report.sent} transactions in {report.seconds:.1f} s, {rate} per second"]
    by_retry = f"  ({report.created_by_retry} of them by a retry)" if report.created_by_retry else ""
    lines.append(f"  created     {report.answers[CREATED] + report.created_by_retry:>9}{by_retry}")
    if report.answers[QUEUED]:
        lines.append(f"  queued      {report.answers[QUEUED]:>9}")
    lines.append(f"  replayed    {report.answers[REPLAYED]:>9}")
    refused = _refused(report)
    lines.append(f"  refused     {refused.total():>9}")
    lines += [f"    {count:>6} x {answer}" for answer, count in sorted(refused.items())]
    if report.skipped:
        lines.append(f"  skipped     {report.skipped:>9}  (repeats of what was not recorded)")
    lines.append(f"  retried     {report.retried:>9}")
    if report.latencies:
        names = [f"p{percent} {report.latency_ms(percent):.1f}" for percent in PERCENTILES]
        lines.append(f"  latency ms  {', '.join(names)}, max {report.latency_ms(100):.1f}")
    lines.append(f"  unexpected  {report.unexpected.total():>9}")
    lines += [f"    {count:>6} x {answer}" for answer, count in sorted(report.unexpected.items())]
    return "\n".join(lines)


def _refused(report: Report) -> Counter[Answer]:
    good = (CREATED, QUEUED, REPLAYED)
    return Counter({answer: count for answer, count in report.answers.items() if answer not in good})


def _listed(answers: Counter[Answer]) -> list[dict[str, Any]]:
    return [{"status": answer.status, "code": answer.code, "count": count} for answer, count in sorted(answers.items())]
