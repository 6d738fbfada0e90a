"""Realistic made-up transactions. Randomness and time are arguments: the same arguments give the same bytes."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from bank_simulator import fraud, merchants
from bank_simulator.merchants import Merchant, from_minor_units
from bank_simulator.mistakes import MISTAKES
from bank_simulator.mix import Shares, kinds
from bank_simulator.postings import CONFLICT, NEW, REPLAYED, Answer, Posting, to_bytes

DEMO_ACCOUNTS = tuple(f"A{number}" for number in range(123, 163))
MAX_AGE = timedelta(minutes=10)
# What a settlement or a reversal has from the transaction that it names.
_KEPT = ("account", "amount", "currency", "merchant")


@dataclass(slots=True)
class _Account:
    id: str
    currency: str
    card_last4: str
    balance: Decimal


def default_prefix(now: datetime) -> str:
    """Return a prefix of ids for a run at this microsecond: sim-20260110T140000.123456Z.

    The letter keeps the time and an id's number apart: 220416.081948.000007 may be a card's number.
    """
    return f"sim-{now.astimezone(UTC):%Y%m%dT%H%M%S.%f}Z"


def transactions(
    rng: Random,
    now: datetime,
    count: int,
    *,
    accounts: Sequence[str] = DEMO_ACCOUNTS,
    id_prefix: str | None = None,
    shares: Shares | None = None,
) -> Iterator[Posting]:
    """Return `count` postings with timestamps in the ten minutes before `now`."""
    bank = SimulatedBank(rng, accounts, id_prefix or default_prefix(now), count, shares or Shares())
    return bank.postings(lambda: now)


class SimulatedBank:
    """A bank whose account holders buy things and receive money. It makes `count` postings (None: endless).

    An id is `id_prefix`, a dot and a running number; `planted` has those of fraud. `expected_when_new` are the right
    answers to a first posting.
    """

    def __init__(
        self,
        rng: Random,
        accounts: Sequence[str],
        id_prefix: str,
        count: int | None,
        shares: Shares,
        expected_when_new: frozenset[Answer] = NEW,
    ) -> None:
        self._rng = rng
        self._accounts = [_account(account) for account in accounts]
        self._id_prefix = id_prefix
        self._kinds = kinds(rng, count, shares)
        self._expected_when_new = expected_when_new
        self._made = 0
        self._theft: fraud.Theft | None = None
        self.planted: set[str] = set()  # ids of fraud
        self._recent: deque[dict[str, Any]] = deque(maxlen=200)
        self._open_authorizations: deque[dict[str, Any]] = deque(maxlen=100)
        self._settled: deque[dict[str, Any]] = deque(maxlen=20)

    def postings(self, clock: Callable[[], datetime]) -> Iterator[Posting]:
        """Return the postings. Each is made when it is asked for, at the clock's time."""
        return (self._posting(kind, clock()) for kind in self._kinds)

    def _posting(self, kind: str, now: datetime) -> Posting:
        if kind == "invalid":
            body = self._transaction(now)
            mistake, refusal = self._rng.choice(MISTAKES)
            return Posting(mistake(body, now), body["id"], body["account"], frozenset({refusal}))
        if kind == "duplicate" and self._recent:
            return _repeat(self._respelt(self._rng.choice(self._recent)), REPLAYED)
        if kind == "conflict" and self._recent:
            return _repeat(self._altered(self._rng.choice(self._recent)), CONFLICT)
        body = self._fraud(kind, now) if kind in ("theft", "fraud") else self._transaction(now)
        self._recent.append(body)
        return Posting(to_bytes(body), body["id"], body["account"], self._expected_when_new)

    def _fraud(self, kind: str, now: datetime) -> dict[str, Any]:
        """Return the first purchase of a new theft, or the next one of the theft that goes on."""
        if kind == "theft" or self._theft is None:
            victim = self._rng.choice(self._accounts)
            self._theft = fraud.theft(self._rng, victim.id, victim.currency, victim.card_last4, now)
        body = {"id": self._next_id(), **self._theft.purchase(self._rng, now)}
        self.planted.add(body["id"])
        return body

    def _next_id(self) -> str:
        self._made += 1
        return f"{self._id_prefix}.{self._made:06d}"

    def _transaction(self, now: datetime) -> dict[str, Any]:
        account = self._rng.choice(self._accounts)
        body: dict[str, Any] = {"id": self._next_id(), "account": account.id}
        roll = self._rng.random()
        if roll < 0.04:
            # The smallest transaction. It names no currency, so its amount must fit the default of any bank.
            whole = Decimal(self._rng.randint(1, 500))
            body |= {"amount": whole, "type": "debit", "timestamp": self._timestamp(now, 0)}
        elif roll < 0.2:
            body |= self._income(account, now)
        else:
            body |= self._purchase(account, body["id"], now)
        if self._rng.random() < 0.35:
            body["amount"] = f"{body['amount']:f}"
        return body

    def _income(self, account: _Account, now: datetime) -> dict[str, Any]:
        income = self._rng.choice(merchants.INCOMES)
        amount = self._amount(*merchants.steps_of(income, account.currency), account.currency)
        account.balance += amount
        payer = self._rng.choice(merchants.PAYERS)
        return {
            "amount": amount,
            "type": "credit",
            "timestamp": self._timestamp(now, merchants.UTC_OFFSET_HOURS[account.currency]),
            "currency": account.currency,
            "description": income.description,
            "balance": account.balance,
            "counterparty": {"name": payer.name, "account": payer.iban},
            "reference": f"{payer.reference}-{self._rng.randint(1, 9999):04d}",
            "booking_date": now.date().isoformat(),
            "value_date": (now.date() + timedelta(days=self._rng.randint(0, 1))).isoformat(),
        }

    def _purchase(self, account: _Account, transaction_id: str, now: datetime) -> dict[str, Any]:
        is_abroad = self._rng.random() < 0.08
        merchant = self._rng.choice(merchants.MERCHANTS if is_abroad else merchants.AT_HOME[account.currency])
        body: dict[str, Any] = {
            "amount": self._amount(merchant.low, merchant.high, merchant.step, merchant.currency),
            "type": "debit",
            "timestamp": self._timestamp(now, merchant.country.utc_offset_hours),
            "currency": merchant.currency,
            "merchant": _described(merchant),
        }
        roll = self._rng.random()
        if roll < 0.06:
            body["status"] = "authorized"
            self._open_authorizations.append({**body, "id": transaction_id, "account": account.id})
        elif roll < 0.12 and self._open_authorizations:
            body |= self._settlement(roll)
        elif roll < 0.14:
            body |= {"status": "declined", "decline_reason": self._rng.choice(merchants.DECLINE_REASONS)}
        elif roll < 0.15 and self._settled:
            settled = self._settled.popleft()
            body |= {name: settled[name] for name in _KEPT if name in settled}
            body |= {"status": "reversed", "reversal_of": settled["id"]}
        else:
            self._settle(account, body, transaction_id)
        if self._rng.random() < 0.6:
            body["description"] = f"{body['merchant']['name']}, {body['merchant']['city']}"
        if "authorization_id" not in body and self._rng.random() < 0.8:
            body["card_last4"] = account.card_last4
        if self._rng.random() < 0.25:
            terminal = f"T{self._rng.randint(0, 9999):04d}"
            body["metadata"] = {"channel": self._rng.choice(("pos", "ecommerce", "mobile")), "terminal": terminal}
        return body

    def _settlement(self, roll: float) -> dict[str, Any]:
        """What differs in a transaction that settles or releases an authorization."""
        authorization = self._open_authorizations.popleft()
        settlement = {name: authorization[name] for name in _KEPT} | {"authorization_id": authorization["id"]}
        settlement["status"] = "reversed" if roll < 0.075 else "settled"
        if roll > 0.11:
            # The final amount differs from the authorized amount, as at filling stations.
            settlement["amount"] = (settlement["amount"] * Decimal("0.9")).quantize(settlement["amount"])
        return settlement

    def _settle(self, account: _Account, body: dict[str, Any], transaction_id: str) -> None:
        """Make a purchase that is settled at once; some purchases abroad are converted into the account's currency."""
        if body["currency"] != account.currency and self._rng.random() < 0.5:
            rate = merchants.rate(body["currency"], account.currency)
            body["original"] = {"amount": f"{body['amount']:f}", "currency": body["currency"], "rate": f"{rate:f}"}
            step = from_minor_units(1, account.currency)
            body |= {"amount": max(step, (body["amount"] * rate).quantize(step)), "currency": account.currency}
        if body["currency"] == account.currency:
            account.balance -= body["amount"]
            if self._rng.random() < 0.7:
                body["balance"] = account.balance
        self._settled.append({**body, "id": transaction_id, "account": account.id})

    def _amount(self, low_minor: int, high_minor: int, step_minor: int, currency: str) -> Decimal:
        # The smaller of two random numbers: most amounts are small, a few are large.
        low, high = low_minor // step_minor, high_minor // step_minor
        steps = min(self._rng.randint(low, high), self._rng.randint(low, high))
        return from_minor_units(steps * step_minor, currency)

    def _timestamp(self, now: datetime, utc_offset_hours: int) -> str:
        age = min(timedelta(seconds=self._rng.expovariate(1 / 90)), MAX_AGE)
        local = (now - age).astimezone(timezone(timedelta(hours=utc_offset_hours)))
        text = local.isoformat(timespec=self._rng.choice(("seconds", "milliseconds")))
        return text.replace("+00:00", "Z") if self._rng.random() < 0.8 else text

    def _respelt(self, body: dict[str, Any]) -> dict[str, Any]:
        """The same content; in half of the cases, the amount is a string instead of a number, or the reverse."""
        if self._rng.random() < 0.5:
            return body
        amount = body["amount"]
        return body | {"amount": Decimal(amount) if isinstance(amount, str) else f"{amount:f}"}

    def _altered(self, body: dict[str, Any]) -> dict[str, Any]:
        changes = (
            {"amount": f"{Decimal(body['amount']) * 2:f}"},
            {"type": "debit" if body["type"] == "credit" else "credit"},
            {"description": f"{body.get('description', '')} (bis)"},
        )
        return body | self._rng.choice(changes)


def _account(account: str) -> _Account:
    # Seeded by the account, so that it has the same currency and card in every run.
    own = Random(account)
    currency = own.choices(tuple(merchants.HOME_WEIGHTS), tuple(merchants.HOME_WEIGHTS.values()))[0]
    low, high, step = merchants.steps_of(merchants.INCOMES[0], currency)
    balance = from_minor_units(own.randrange(low, high, step), currency)
    return _Account(account, currency, f"{own.randint(0, 9999):04d}", balance)


def _described(merchant: Merchant) -> dict[str, str]:
    return {
        "name": merchant.name,
        "mcc": merchant.mcc,
        "city": merchant.city,
        "country": merchant.country.code,
    }


def _repeat(body: dict[str, Any], expected: Answer) -> Posting:
    return Posting(to_bytes(body), body["id"], body["account"], frozenset({expected}), repeats=True)
