"""A statement: what happened on an account in a week or a month. Pure values; `mails` renders them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from chalicelib.ledger.transaction import Transaction

MAX_LISTED = 50


@dataclass(slots=True)
class Total:
    """What came in and went out in one currency, exact.

    `returned` is what reversals gave back of debits, less what they took back of credits.
    """

    currency: str
    credits: int = 0
    credited: Decimal = Decimal(0)
    debits: int = 0
    debited: Decimal = Decimal(0)
    reversals: int = 0
    returned: Decimal = Decimal(0)

    @property
    def count(self) -> int:
        return self.credits + self.debits + self.reversals

    @property
    def net(self) -> Decimal:
        return self.credited - self.debited + self.returned


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


def statement_of(account: str, period: str, first: date, last: date, transactions: Iterable[Transaction]) -> Statement:
    """Return the statement of a period's transactions, which come newest first.

    What moved no money doesn't count. However many there are, only the newest 50 are kept. The currency of the
    most transactions comes first in the totals.
    """
    statement = Statement(account, period, first, last)
    totals: dict[str, Total] = {}
    for transaction in transactions:
        is_reversal = transaction.status == "reversed" and transaction.reversal_of is not None
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
    statement.totals = sorted(totals.values(), key=lambda total: (-total.count, total.currency))
    return statement
