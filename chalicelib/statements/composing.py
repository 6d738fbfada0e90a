"""Composes a statement's e-mail from the account's transactions in the period, as they are recorded now.

Of these, the holder is told what the mailer tells: nothing that was recorded before somebody's erasure, for whoever was
enrolled after it (`Holder.hears_of`).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from chalicelib.aws.dead_letters import is_fault_of_value
from chalicelib.banks.bank import BankDirectory
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import LinksFor
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.parts import email_to
from chalicelib.mail.ses import Email
from chalicelib.mail.statement import Statement, statement_of
from chalicelib.mail.statement_mail import render_statement
from chalicelib.statements.index import Expected

# It takes about ten seconds to read so many. Only those that the e-mail lists are kept in memory.
MOST_TRANSACTIONS = 20_000
_PAGE = 1_000


class NotComposed(Exception):
    """The e-mail can't be composed, now or later. `reason` says why, without any of its content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StatementComposer:
    """Composes statements. `links_for` returns a holder's links, by bank, account and holder.

    An account with more than `most_transactions` in a period gets no statement.
    """

    def __init__(
        self,
        transactions: TransactionRepository,
        banks: BankDirectory,
        links_for: LinksFor,
        most_transactions: int = MOST_TRANSACTIONS,
    ) -> None:
        self._transactions = transactions
        self._banks = banks
        self._links_for = links_for
        self._most_transactions = most_transactions

    def email(self, expected: Expected, holder: Holder) -> Email:
        """Return the e-mail of a statement to this holder. Raises NotComposed, TemporarilyUnavailable."""
        try:
            statement = self._statement(expected, holder)
        except NotComposed:
            raise
        except Exception as error:
            if not is_fault_of_value(error):
                raise
            # A stored transaction is malformed: not written by this service.
            raise NotComposed(f"not_readable: {type(error).__name__}") from error
        bank_name = self._banks.name_of(expected.bank)
        try:
            return self._rendered(expected, holder, statement, bank_name)
        except Exception as error:  # one e-mail must not hold up the others
            raise NotComposed(f"not_rendered: {type(error).__name__}") from error

    def _statement(self, expected: Expected, holder: Holder) -> Statement:
        period, account = expected.period, expected.account
        start, end = period.bounds(holder.timezone)
        stored = self._transactions_between(expected.bank, account, start, end)
        told = (one for one in stored if holder.hears_of(one.recorded_at))
        return statement_of(account, period.kind, period.first, period.last, told, holder.hears_of(start))

    def _transactions_between(self, bank: str, account: str, start: datetime, end: datetime) -> Iterator[Transaction]:
        listing = Listing(account, start, end, limit=min(_PAGE, self._most_transactions))
        left = self._most_transactions
        while True:
            page = self._transactions.newest_for_account(bank, listing)
            yield from page.transactions
            left -= len(page.transactions)
            if page.next_position is None:
                return
            if left <= 0:
                raise NotComposed("too_many_transactions")
            listing = replace(listing, before=page.next_position)

    def _rendered(self, expected: Expected, holder: Holder, statement: Statement, bank_name: str) -> Email:
        links = self._links_for(expected.bank, expected.account, holder)
        mail = render_statement(statement, holder, bank_name, links)
        return email_to(holder, mail, links, expected.bank, expected.id)
