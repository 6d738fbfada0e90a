"""How right a rule's flags would have been: counts of transactions by what is known of them. Pure."""

import dataclasses

from chalicelib.cases.case import Outcome
from chalicelib.cases.precision import Labelled


@dataclasses.dataclass(slots=True)
class Alarms:
    """Counts of a rule's flags. Each transaction is one of `true`, `false`, `unclear` and `unlabelled`."""

    flagged: int = 0
    true: int = 0
    false: int = 0
    unclear: int = 0
    unlabelled: int = 0

    def add(self, known: Labelled | None) -> None:
        """Count a transaction of which this is known: nothing, where no rule has flagged it when it was recorded."""
        self.flagged += 1
        is_fraud = known.is_fraud if known else None
        if is_fraud is not None:
            self.true += is_fraud
            self.false += not is_fraud
        elif known and known.outcome is Outcome.UNCLEAR:
            self.unclear += 1
        else:
            self.unlabelled += 1

    def to_json(self) -> dict[str, int]:
        """Return the counts as the API answers them."""
        return dataclasses.asdict(self)
