"""How often a rule was right: counts of flagged transactions by what staff and holders say of them. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from chalicelib.cases.case import Outcome
from chalicelib.flags.answers import Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Labelled:
    """A flagged transaction: the rules that flagged it, those in shadow, and what is known of it."""

    flags: tuple[str, ...]
    shadow: tuple[str, ...]
    outcome: Outcome | None
    is_closed: bool
    answers: tuple[Answer, ...]

    @property
    def is_fraud(self) -> bool | None:
        """Whether it was fraud: what staff found; else what the holders say; None if nobody can say."""
        if self.outcome in (Outcome.FRAUD, Outcome.LEGITIMATE):
            return self.outcome is Outcome.FRAUD
        if Answer.NOT_RECOGNIZED in self.answers:
            return True
        return False if self.answers else None


@dataclasses.dataclass(slots=True)
class Precision:
    """What became of a rule's flags. `true` and `false` alarms are those of which it is known."""

    flagged: int = 0
    shadow: int = 0
    fraud: int = 0
    legitimate: int = 0
    unclear: int = 0
    recognized: int = 0
    not_recognized: int = 0
    open: int = 0
    true: int = 0
    false: int = 0

    def add(self, one: Labelled) -> None:
        """Count a transaction that the rule flagged and people heard of."""
        self.flagged += 1
        self.fraud += one.outcome is Outcome.FRAUD
        self.legitimate += one.outcome is Outcome.LEGITIMATE
        self.unclear += one.outcome is Outcome.UNCLEAR
        self.open += not one.is_closed
        self.not_recognized += Answer.NOT_RECOGNIZED in one.answers
        self.recognized += bool(one.answers) and Answer.NOT_RECOGNIZED not in one.answers
        self.true += one.is_fraud is True
        self.false += one.is_fraud is False

    def to_json(self) -> dict[str, Any]:
        """Return the counts as the API answers them; the precision to two decimals, None where nothing is known."""
        counts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        known = counts.pop("true") + counts.pop("false")
        return {**counts, "precision": share_of(self.true, known)}


def share_of(part: int, whole: int) -> str | None:
    """Return a share to two decimals, None if there is nothing to be shared."""
    return str((Decimal(part) / whole).quantize(Decimal("0.01"), ROUND_HALF_EVEN)) if whole else None


def precision_of(flagged: Iterable[Labelled], rules: Iterable[str]) -> Mapping[str, Precision]:
    """Return the counts of each rule."""
    found = {name: Precision() for name in rules}
    for one in flagged:
        for name in one.flags:
            if name in found:
                found[name].add(one)
        for name in one.shadow:
            if name in found:
                found[name].shadow += 1
    return found
