"""What a digest tells: several of an account's transactions in one e-mail. Pure values; `digest_mail` renders them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from chalicelib.ledger.transaction import Transaction

MAX_LISTED = 50
# In the order of the totals. What moves money comes first.
KINDS = ("credit", "debit", "money_back", "reversal", "authorization", "release", "declined")
_MOVES_MONEY = ("credit", "debit", "money_back")
_BY_STATUS = {"authorized": "authorization", "declined": "declined"}


@dataclass(slots=True)
class Sum:
    """How many transactions of a kind there are in a currency, and their sum, exact.

    What came in, or came back, is added; what went out, or was taken back, is taken away. What moved no money is added.
    """

    count: int = 0
    amount: Decimal = Decimal(0)


@dataclass(slots=True)
class Summary:
    """An account's transactions that come in one e-mail: the `newest` of them, newest first, and the sums of all.

    `sums` are by currency and kind; the currency of the most transactions comes first.
    """

    account: str
    newest: list[Transaction] = field(default_factory=list)
    sums: dict[str, dict[str, Sum]] = field(default_factory=dict)
    count: int = 0


def kind_in_digest(transaction: Transaction) -> str:
    """Return as which of `KINDS` a transaction is listed and summed up."""
    if transaction.status == "reversed":
        # Of what names nothing, nobody knows whether money was moved.
        return "money_back" if transaction.reversal_of else "release" if transaction.authorization_id else "reversal"
    return _BY_STATUS.get(transaction.status, transaction.type)


def signed_amount(transaction: Transaction) -> Decimal:
    """Return by how much the transaction changes the balance; its amount, if it moves no money."""
    kind = kind_in_digest(transaction)
    is_taken = transaction.type == ("credit" if kind == "money_back" else "debit")
    return -transaction.amount if is_taken and kind in _MOVES_MONEY else transaction.amount


def has_sign(kind: str) -> bool:
    """Return whether transactions of the kind move money, so that their amounts have a sign."""
    return kind in _MOVES_MONEY


def summary_of(account: str, transactions: Iterable[Transaction]) -> Summary:
    """Return the summary of the transactions, in whatever order they come. Only the newest 50 are kept."""
    newest_first = sorted(transactions, key=lambda one: (one.timestamp, one.id), reverse=True)
    summary = Summary(account, newest_first[:MAX_LISTED], count=len(newest_first))
    sums: dict[str, dict[str, Sum]] = {}
    for transaction in newest_first:
        of_kind = sums.setdefault(transaction.currency, {}).setdefault(kind_in_digest(transaction), Sum())
        of_kind.count += 1
        of_kind.amount += signed_amount(transaction)
    summary.sums = dict(sorted(sums.items(), key=lambda pair: (-sum(one.count for one in pair[1].values()), pair[0])))
    return summary
