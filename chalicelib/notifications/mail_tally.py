"""The mailers' tally: how a batch's e-mails ended and how long they took, counted when the batch is done."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.activity.histogram import Histogram
from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import ActivityRecorder, Happened
from chalicelib.aws.telemetry import SECONDS, measured
from chalicelib.holders.preferences import SECURITY_ALERT
from chalicelib.notifications.state import State, StateChange

_COUNTED = {
    State.SENT: Counted.SENT,
    State.SUPPRESSED: Counted.SUPPRESSED,
    State.SKIPPED: Counted.SKIPPED,
    State.FAILED: Counted.FAILED,
}


@dataclass(slots=True)
class _OfBank:
    counts: Counter[Counted] = field(default_factory=Counter)
    durations_s: list[float] = field(default_factory=list)


class MailTally:
    """Collects what a log records, for one batch at a time."""

    def __init__(self, activity: ActivityRecorder) -> None:
        self._activity = activity
        self._banks: dict[str, _OfBank] = {}
        self._durations_s: dict[str, list[float]] = {}

    def recorded(self, changes: Iterable[StateChange], now: datetime) -> None:
        """Take the states that were recorded now; those of notifications that a digest tells are its e-mail's."""
        for change in changes:
            counted = _COUNTED.get(change.state)
            if counted is None or change.digest is not None:
                continue
            of_bank = self._banks.setdefault(change.key.bank, _OfBank())
            of_bank.counts[counted] += 1
            if change.state is State.SENT:
                of_bank.counts[Counted.ALERTS] += change.kind == SECURITY_ALERT
                if change.since is not None:
                    duration_s = (now - change.since).total_seconds()
                    of_bank.durations_s.append(duration_s)
                    self._durations_s.setdefault(change.kind, []).append(duration_s)

    def flush(self) -> None:
        """Count what was collected. Raises nothing."""
        banks, self._banks = self._banks, {}
        durations_s, self._durations_s = self._durations_s, {}
        for kind, of_kind in durations_s.items():
            measured("PostToAccepted", SECONDS, of_kind, kind=kind)
        self._activity.note({bank: Happened(one.counts, Histogram.of(one.durations_s)) for bank, one in banks.items()})
