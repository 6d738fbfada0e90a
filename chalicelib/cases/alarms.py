"""How right a rule's flags would have been: counts of transactions by what is known of them. Pure."""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

from chalicelib.cases.case import Outcome
from chalicelib.cases.precision import Labelled, share_of


@dataclasses.dataclass(slots=True)
class Alarms:
    """Counts of a rule's flags. Each transaction is one of `fraud`, `legitimate`, `unclear` and `unlabelled`."""

    flagged: int = 0
    fraud: int = 0
    legitimate: int = 0
    unclear: int = 0
    unlabelled: int = 0

    def add(self, known: Labelled | None) -> None:
        """Count a transaction of which this is known: nothing, where no rule has flagged it when it was recorded."""
        self.flagged += 1
        is_fraud = known.is_fraud if known else None
        if is_fraud is not None:
            self.fraud += is_fraud
            self.legitimate += not is_fraud
        elif known and known.outcome is Outcome.UNCLEAR:
            self.unclear += 1
        else:
            self.unlabelled += 1

    @property
    def precision(self) -> str | None:
        """The share of true alarms among those of which it is known, to two decimals; None where nothing is known."""
        return share_of(self.fraud, self.fraud + self.legitimate)

    def to_json(self) -> dict[str, int]:
        """Return the counts as the API answers them."""
        return dataclasses.asdict(self)


class BothAlarms(NamedTuple):
    """The counts of a rule's flags by the present thresholds, and by the changed ones."""

    now: Alarms
    then: Alarms


class TrialAlarms:
    """Counts of what two sets of thresholds flag.

    A transaction that several rules flag counts for each, and once in `any`.
    """

    def __init__(self, rules: Iterable[str]) -> None:
        self.rules = {name: BothAlarms(Alarms(), Alarms()) for name in rules}
        self.any = BothAlarms(Alarms(), Alarms())

    def add(self, known: Labelled | None, now: Iterable[str], then: Iterable[str]) -> None:
        """Count a transaction of which this is known, and that these rules flag."""
        for at, names in enumerate((tuple(now), tuple(then))):
            for name in names:
                self.rules[name][at].add(known)
            if names:
                self.any[at].add(known)
