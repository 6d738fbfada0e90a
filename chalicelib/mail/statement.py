"""A statement: what happened on an account in a week or a month. Pure values; `statement_mail` renders them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from chalicelib.ledger.transaction import Transaction

MAX_LISTED = 50


@dataclass(slots=True)
class Total:
    """What came in and went out in one currency, exact.

    `returned` is what reversals gave back of debits, less what they took back of credits. `opening` and `closing` are
    the available balance before the first transaction and after the last one, None where they aren't known: see
    `Balances`.
    """

    currency: str
    credits: int = 0
    credited: Decimal = Decimal(0)
    debits: int = 0
    debited: Decimal = Decimal(0)
    reversals: int = 0
    returned: Decimal = Decimal(0)
    opening: Decimal | None = None
    closing: Decimal | None = None

    @property
    def count(self) -> int:
        return self.credits + self.debits + self.reversals

    @property
    def net(self) -> Decimal:
        return self.credited - self.debited + self.returned


@dataclass(slots=True)
class Balances:
    """What a period's transactions of a currency, newest first, say of the available balance at its two ends.

    Only the bank knows the balance, and `balance` is what it says after one transaction. So the closing balance is what
    the newest one says, and the opening one what the oldest says less what that one itself did, where that is sure:
    the amount of what settles an authorization was taken from the available balance earlier.
    """

    newest: Transaction
    oldest: Transaction
    has_holds: bool = False

    def add(self, transaction: Transaction) -> None:
        self.oldest = transaction
        self.has_holds = self.has_holds or _concerns_a_hold(transaction)

    def ends(self, net: Decimal) -> tuple[Decimal | None, Decimal | None]:
        """Return the opening and the closing balance, between which the money that moved is `net`.

        Where the two don't agree with that, held amounts may be the reason, and the closing balance stands; without
        any, the bank's figures contradict each other, and none is shown.
        """
        closing, change = self.newest.balance, _change(self.oldest)
        if closing is None or change is None or self.oldest.balance is None:
            return None, closing
        opening = self.oldest.balance - change
        if opening + net == closing:
            return opening, closing
        return None, closing if self.has_holds else None


@dataclass(slots=True)
class Statement:
    """An account's settled transactions of a period and the reversals of settled ones: the `newest` of them, newest
    first, and the totals of all.

    `period` is `weekly` or `monthly`; `first` and `last` are its days in the reader's zone, both included.
    """

    account: str
    period: str
    first: date
    last: date
    newest: list[Transaction] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many transactions there are, listed or not."""
        return sum(total.count for total in self.totals)


def statement_of(
    account: str, period: str, first: date, last: date, transactions: Iterable[Transaction], is_whole: bool = True
) -> Statement:
    """Return the statement of a period's transactions, which come newest first.

    What moved no money doesn't count. However many there are, only the newest 50 are kept. The currency of the
    most transactions comes first in the totals. Where they aren't the whole period's (`is_whole`), there are no
    balances: an opening balance would tell what the reader may not hear of.
    """
    statement = Statement(account, period, first, last)
    totals: dict[str, Total] = {}
    balances: dict[str, Balances] = {}
    for transaction in transactions:
        balances.setdefault(transaction.currency, Balances(transaction, transaction)).add(transaction)
        is_reversal = _is_reversal(transaction)
        if not (is_reversal or transaction.status == "settled"):
            continue
        if len(statement.newest) < MAX_LISTED:
            statement.newest.append(transaction)
        total = totals.setdefault(transaction.currency, Total(transaction.currency))
        if is_reversal:
            total.reversals += 1
            total.returned += transaction.amount if transaction.type == "debit" else -transaction.amount
        elif transaction.type == "credit":
            total.credits += 1
            total.credited += transaction.amount
        else:
            total.debits += 1
            total.debited += transaction.amount
    if is_whole:
        for total in totals.values():
            total.opening, total.closing = balances[total.currency].ends(total.net)
    statement.totals = sorted(totals.values(), key=lambda total: (-total.count, total.currency))
    return statement


def _is_reversal(transaction: Transaction) -> bool:
    return transaction.status == "reversed" and transaction.reversal_of is not None


def _concerns_a_hold(transaction: Transaction) -> bool:
    """Return whether it changes the available balance by another amount than the money that it moves."""
    if transaction.status == "settled":
        return transaction.authorization_id is not None
    return transaction.status == "authorized" or (transaction.status == "reversed" and not _is_reversal(transaction))


def _change(transaction: Transaction) -> Decimal | None:
    """Return by how much a transaction changed the available balance, None where that isn't sure."""
    if _concerns_a_hold(transaction):
        return None
    if transaction.status == "declined":
        return Decimal(0)
    is_in = (transaction.type == "credit") is not _is_reversal(transaction)
    return transaction.amount if is_in else -transaction.amount
