"""Baselines: what is remembered of an account's transactions, bounded in size, for the flag rules to compare with."""

import dataclasses
import hashlib
from bisect import insort
from collections import deque
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from chalicelib.banks.thresholds import MAX_RECENT
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction

MAX_COUNTRIES = 16
MAX_AMOUNTS = 6
RECENT_FOR = timedelta(hours=1)

# Mean and spread are no money: 24 significant digits are 9 decimals at the largest amount, and 11 bytes in DynamoDB.
_ROUNDED = Context(prec=24)
_NOTHING = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class Recent:
    """An attempt to pay or to be paid. `reference` and `merchant` are short hashes.

    `merchant` stands for the merchant and the direction of the money; it is empty where a second attempt would be no
    second payment: after a decline, or without a merchant's name.
    """

    reference: str
    at: datetime
    amount: Decimal
    currency: str
    merchant: str


@dataclasses.dataclass(frozen=True, slots=True)
class Amounts:
    """Count, mean, sum of squared distances from the mean, and largest of amounts in one currency.

    Welford's algorithm, which no large mean makes lose the spread; mean and squares have 24 significant digits.
    """

    count: int = 0
    mean: Decimal = _NOTHING
    m2: Decimal = _NOTHING
    largest: Decimal = _NOTHING

    def add(self, amount: Decimal) -> "Amounts":
        """Return these amounts and one more."""
        count = self.count + 1
        distance = _ROUNDED.subtract(amount, self.mean)
        mean = _ROUNDED.add(self.mean, _ROUNDED.divide(distance, Decimal(count)))
        m2 = _ROUNDED.add(self.m2, _ROUNDED.multiply(distance, _ROUNDED.subtract(amount, mean)))
        return Amounts(count, mean, m2, max(self.largest, amount))

    def without(self, amount: Decimal) -> "Amounts":
        """Return these amounts as they were without one that is among them; the largest stays."""
        count = self.count - 1
        if count < 1:
            return Amounts()
        distance = _ROUNDED.subtract(amount, self.mean)
        mean = _ROUNDED.subtract(self.mean, _ROUNDED.divide(distance, Decimal(count)))
        m2 = _ROUNDED.subtract(self.m2, _ROUNDED.multiply(distance, _ROUNDED.subtract(amount, mean)))
        return Amounts(count, mean, max(m2, _NOTHING), self.largest)

    @property
    def deviation(self) -> Decimal:
        """The sample's standard deviation; 0 for a single amount."""
        return _ROUNDED.sqrt(_ROUNDED.divide(self.m2, Decimal(self.count - 1))) if self.count > 1 else _NOTHING


@dataclasses.dataclass(slots=True)
class Baseline:
    """An account's history.

    `amounts` of settled transactions are kept by currency and type, as `XAF#debit`. `countries` are those of merchants,
    each with the reference of what brought it first. `recents` are the newest first, by the transactions' own time, of
    at most an hour. `positions` are, by shard of the index by_recorded, the last place that is in all of this. `met`,
    which isn't stored, are attempts of any time: what whoever judges has come by.
    """

    amounts: dict[str, Amounts] = dataclasses.field(default_factory=dict)
    countries: dict[str, str] = dataclasses.field(default_factory=dict)
    recents: list[Recent] = dataclasses.field(default_factory=list)
    positions: dict[str, str] = dataclasses.field(default_factory=dict)
    met: deque[Recent] = dataclasses.field(default_factory=deque)

    @property
    def attempts(self) -> Collection[Recent]:
        """All attempts that are known: of an authorization and what adds to it, the first."""
        first: dict[str, Recent] = {}
        for one in (*self.recents, *self.met):
            if one.reference not in first or one.at < first[one.reference].at:
                first[one.reference] = one
        return first.values()

    def is_in(self, shard: str, place: str) -> bool:
        """Whether what has this place in the index has been added."""
        return place <= self.positions.get(shard, "")

    def add_row(self, shard: str, place: str, transaction: Transaction) -> bool:
        """Add the transaction that has this place in the index, unless it is in already; return whether it was not.

        A shard's rows must come in their order.
        """
        if self.is_in(shard, place):
            return False
        self.add(transaction)
        self.positions[shard] = place
        return True

    def add(self, transaction: Transaction) -> None:
        """Remember a transaction that is not remembered yet.

        A decline counts as an attempt only, an authorization not as an amount, a reversal not at all.
        """
        if is_attempt(transaction):
            self._remember(recent_of(transaction))
        if transaction.status == "settled":
            self._add_amount(amounts_key(transaction), transaction.amount)
        country = (transaction.merchant or {}).get("country")
        if country and transaction.status in ("settled", "authorized") and len(self.countries) < MAX_COUNTRIES:
            self.countries.setdefault(country, reference_of(transaction))

    def meet(self, transaction: Transaction) -> None:
        """Know of a transaction that it was an attempt, if it was one, however long before the newest."""
        if is_attempt(transaction):
            self.met.append(recent_of(transaction))

    def _add_amount(self, key: str, amount: Decimal) -> None:
        if key not in self.amounts and len(self.amounts) == MAX_AMOUNTS:
            # What the account uses least, so that its main currency finds room whenever it comes.
            del self.amounts[min(self.amounts, key=lambda one: (self.amounts[one].count, one))]
        self.amounts[key] = self.amounts.get(key, Amounts()).add(amount)

    def _remember(self, recent: Recent) -> None:
        for index, known in enumerate(self.recents):
            if known.reference == recent.reference:
                if known.at <= recent.at:
                    return
                del self.recents[index]
                break
        insort(self.recents, recent, key=lambda one: (-one.at.timestamp(), one.reference))
        newest = self.recents[0].at
        self.recents = [one for one in self.recents[:MAX_RECENT] if newest - one.at <= RECENT_FOR]


def amounts_key(transaction: Transaction) -> str:
    """Return the name under which a baseline keeps amounts like this transaction's."""
    return f"{transaction.currency}#{transaction.type}"


def is_attempt(transaction: Transaction) -> bool:
    """Whether this is when somebody tried to pay.

    The settlement of an authorization is not: that was the attempt, and banks settle a day's authorizations at once.
    """
    if transaction.status == "settled":
        return transaction.authorization_id is None
    return transaction.status in ("authorized", "declined")


def reference_of(transaction: Transaction) -> str:
    """Return what an authorization, its increments and its settlements have in common."""
    return _short_hash(transaction.authorization_id or transaction.id)


def recent_of(transaction: Transaction) -> Recent:
    """Return what a baseline remembers of an attempt."""
    merchant = transaction.merchant or {}
    is_payment = transaction.status != "declined" and "name" in merchant
    words = [transaction.type, *(merchant.get(name, "").casefold() for name in ("name", "mcc", "city", "country"))]
    return Recent(
        reference_of(transaction),
        transaction.timestamp,
        transaction.amount,
        transaction.currency,
        _short_hash("\n".join(words)) if is_payment else "",
    )


def to_values(baseline: Baseline) -> dict[str, Any]:
    """Return the baseline as plain values to be stored."""
    return {
        "amounts": {
            key: [amounts.count, amounts.mean, amounts.m2, amounts.largest] for key, amounts in baseline.amounts.items()
        },
        "countries": dict(baseline.countries),
        "recents": [
            f"{one.reference}|{format_time(one.at)}|{one.amount:f}|{one.currency}|{one.merchant}"
            for one in baseline.recents
        ],
        "positions": dict(baseline.positions),
    }


def from_values(values: Mapping[str, Any]) -> Baseline:
    """Return the baseline that `to_values` gave; of other values KeyError, TypeError, ValueError or ArithmeticError."""
    return Baseline(
        {key: _amounts(*stored) for key, stored in _mapping(values["amounts"]).items()},
        _texts(values["countries"]),
        [_recent(*line.split("|")) for line in _strings(values["recents"])],
        _texts(values["positions"]),
    )


def _amounts(count: Any, mean: Any, m2: Any, largest: Any) -> Amounts:
    if count != int(count) or count < 1 or m2 < 0:
        raise ValueError("no count and spread of amounts")
    return Amounts(int(count), _number(mean), _number(m2), _number(largest))


def _recent(reference: str, at: str, amount: str, currency: str, merchant: str) -> Recent:
    moment = datetime.fromisoformat(at)
    if moment.utcoffset() is None:
        raise ValueError("no time in UTC")
    return Recent(reference, moment.astimezone(UTC), _number(Decimal(amount)), currency, merchant)


def _number(value: Any) -> Decimal:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise TypeError("no number")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no map")
    return value


def _texts(value: Any) -> dict[str, str]:
    _strings(list(_mapping(value).values()))
    return dict(value)


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("no list of texts")
    return value


def _short_hash(text: str) -> str:
    # Told apart are the few things that an account has at a time, for which 40 bits are plenty.
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
