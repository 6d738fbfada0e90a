"""A night of statements, without waiting for one: those of the week that ended last are put among what is due now."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bank_simulator.progress import Progress
from chalicelib.statements.index import Expected, StatementIndex
from chalicelib.statements.periods import period_at
from load.banks import A_WEEK, HOLDER, TIMEZONE

PREFERENCES = {"statement": "weekly"}


def statements_of(bank_id: str, accounts: Sequence[str], now: datetime) -> Iterator[Expected]:
    """Yield the statement of each account's holder for the week that ended last."""
    period = period_at("weekly", now - A_WEEK, TIMEZONE)
    return (Expected(bank_id, account, HOLDER, period) for account in accounts)


def fall(index: StatementIndex, statements: Sequence[Expected], now: datetime, progress: Progress) -> None:
    """Make the statements due."""
    for one in statements:
        index.put_again(one, now)
        progress.update()
