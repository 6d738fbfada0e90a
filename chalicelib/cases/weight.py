"""How soon somebody should look at a case: by how likely fraud is, and how costly. Pure.

The numbers order a queue and mean nothing else. docs/flags.md explains them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from chalicelib.flags.answers import Answer

# How strong a sign of fraud each rule is. The flags of a transaction add up.
SIGNS: Mapping[str, int] = {
    "velocity": 30,
    "unusual_amount": 30,
    "new_country": 30,
    "large_amount": 20,
    "duplicate_suspect": 10,
}
# One for each multiple of what is usual, or of the bank's threshold: amounts of all currencies are comparable so.
MOST_FOR_AMOUNT = 20
# A holder who doesn't recognize the payment comes before everything else.
NOT_RECOGNIZED = 1_000
# What a holder recognizes is rarely fraud, but who reads the holder's mail can say so too: it stays in the queue.
RECOGNIZED_DIVISOR = 4
MOST = sum(SIGNS.values()) + MOST_FOR_AMOUNT + NOT_RECOGNIZED


def weight_of_flags(flags: Mapping[str, Mapping[str, Any]], transaction_type: str) -> int:
    """Return the weight of a case by its flags, each with its evidence; incoming money weighs half."""
    likely = sum(SIGNS.get(name, 0) for name in flags)
    costly = min(MOST_FOR_AMOUNT, int(max(map(_multiple, flags.values()), default=Decimal(0))))
    weight = likely + costly
    return weight if transaction_type == "debit" else weight // 2


def weight_with_answers(weight: int, answers: Iterable[Answer]) -> int:
    """Return the weight of a case whose flags alone have this weight, and whose holders gave these answers."""
    given = set(answers)
    if Answer.NOT_RECOGNIZED in given:
        return weight + NOT_RECOGNIZED
    return weight // RECOGNIZED_DIVISOR if Answer.RECOGNIZED in given else weight


def _multiple(evidence: Mapping[str, Any]) -> Decimal:
    """Return how many times over what is usual, or over the threshold, an amount is; 0 where it is compared to none."""
    if "times" in evidence:
        return Decimal(evidence["times"])
    threshold = Decimal(evidence.get("threshold", 0))
    return Decimal(evidence["amount"]) / threshold if threshold else Decimal(0)
