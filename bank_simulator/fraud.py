"""Planted fraud: what a thief does with an account that isn't the thief's own. Amounts and places are made up.

A theft is some purchases on one account within minutes, abroad: small ones that try the card, or large ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bank_simulator.merchants import Income, from_minor_units, steps_of

MAX_PURCHASES = 8
_APART_S = (20, 90)  # seconds from one purchase of a theft to the next
# No account holder of the simulator buys in these countries.
_SHOPS = (
    {"name": "Joalheria do Porto", "mcc": "5944", "city": "Santos", "country": "BR"},
    {"name": "Siam Gadget Plaza", "mcc": "5732", "city": "Bangkok", "country": "TH"},
    {"name": "Gift Cards Now", "mcc": "5947", "city": "Riga", "country": "LV"},
    {"name": "Lagos Phone Market", "mcc": "4812", "city": "Lagos", "country": "NG"},
)
_TRIAL, _SPREE = Income("", 1, 6), Income("", 120, 1_900)  # the lowest and highest amounts, in euros


@dataclass(slots=True)
class Theft:
    """A theft that goes on. `at` is the time of its last purchase; with `is_trial`, all are small."""

    account: str
    currency: str
    card_last4: str
    shop: dict[str, str]
    at: datetime
    is_trial: bool

    def purchase(self, rng: Random, now: datetime) -> dict[str, Any]:
        """Return the next purchase, without its id: a little after the last one, and never after `now`."""
        self.at = min(now, self.at + timedelta(seconds=rng.randint(*_APART_S)))
        low, high, step = steps_of(_TRIAL if self.is_trial else _SPREE, self.currency)
        amount = from_minor_units(rng.randrange(low, high, step), self.currency)
        return {
            "account": self.account,
            "amount": amount,
            "type": "debit",
            "timestamp": self.at.astimezone(UTC).isoformat(timespec="seconds"),
            "currency": self.currency,
            "merchant": self.shop,
            "card_last4": self.card_last4,
        }


def theft(rng: Random, account: str, currency: str, card_last4: str, now: datetime) -> Theft:
    """Return a theft on an account that begins now. A third of all thefts only try the card."""
    begins = now - timedelta(seconds=rng.randint(90, 240))
    return Theft(account, currency, card_last4, rng.choice(_SHOPS), begins, rng.random() < 1 / 3)


def bursts(rng: Random, count: int) -> Iterator[int]:
    """Yield the numbers of purchases of thefts that have `count` purchases together."""
    left = count
    while left > 0:
        size = min(left, rng.randint(1, MAX_PURCHASES))
        yield size
        left -= size
