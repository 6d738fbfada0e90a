"""Whether a statement's entries lead from its opening balance to its closing balance."""

from dataclasses import dataclass, replace
from decimal import Decimal

from bank_simulator.files.entries import OPPOSITE, Remark, Statement
from chalicelib.ledger.card_numbers import holds_card_number


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """One statement's balances beside the sum of its entries; `unchecked` says why they are not compared, if so."""

    account: str
    statement: str
    currency: str
    opening: Decimal | None
    entries: Decimal
    closing: Decimal | None
    unchecked: str = ""

    @property
    def ok(self) -> bool:
        """Whether the balances agree with the entries, or can't be compared."""
        return bool(self.unchecked) or self.difference == 0

    @property
    def difference(self) -> Decimal:
        """By how much the closing balance is off."""
        if self.opening is None or self.closing is None:
            return Decimal(0)
        return self.closing - self.opening - self.entries


def check(statement: Statement, account: str) -> BalanceCheck:
    """Compare the statement's balances with its entries, for the account with this id."""
    opening, closing = statement.opening, statement.closing
    currency = opening.currency if opening else statement.currency
    return BalanceCheck(
        account=account,
        statement="" if holds_card_number(statement.name) else statement.name,
        currency=currency,
        opening=opening.amount if opening else None,
        entries=sum((entry.signed for entry in statement.entries), Decimal(0)),
        closing=closing.amount if closing else None,
        unchecked=_why_not(statement),
    )


def follows(statement: Statement, earlier: Statement) -> bool:
    """Whether a statement begins with the balance that the other ends with: then no entry is in both.

    Of an earlier one that ends as it begins, it can't be told.
    """
    return earlier.closing is not None and earlier.closing == statement.opening != earlier.opening


def _why_not(statement: Statement) -> str:
    if statement.unchecked:
        return statement.unchecked
    if statement.opening is None or statement.closing is None:
        return "it has no opening and closing balance"
    currencies = {statement.opening.currency, statement.closing.currency, *(e.currency for e in statement.entries)}
    if len(currencies) > 1:
        return f"its currencies differ: {', '.join(sorted(currencies))}"
    return ""


def read_reversals_as_the_balances_say(statement: Statement) -> None:
    """Turn the reversals of a statement around where only so its balances are right, and note it.

    By the standard, a reversal says which way the money goes now. Some banks leave the indicator of the reversed entry.
    """
    found = check(statement, "")
    reversed_sum = sum((entry.signed for entry in statement.entries if entry.is_reversal), Decimal(0))
    if found.unchecked or reversed_sum == 0 or found.difference != -2 * reversed_sum:
        return
    for index, entry in enumerate(statement.entries):
        if entry.is_reversal:
            statement.entries[index] = replace(entry, mark=OPPOSITE[entry.mark])
            message = "this reversal is read the other way round, because only so the balances are right"
            statement.notes.append(Remark(entry.place, message))
