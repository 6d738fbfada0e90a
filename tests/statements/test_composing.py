"""Composing a statement: the account's transactions of the period, and what can't be composed, with its reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.mail.ses import Email
from chalicelib.statements.composing import NotComposed, StatementComposer
from chalicelib.statements.index import Expected
from chalicelib.statements.periods import period_named
from tests.fakes import Refusing, refusal
from tests.samples import transaction

NOW = datetime(2026, 6, 15, 8, tzinfo=UTC)
WEEK = Expected("eazycard", "a0", "awa", period_named("2026-W24"))
AWA = Holder("awa", "Awa", "awa@example.com", "en", "Asia/Tokyo", {"statement": "weekly"}, NOW)
# The week from Monday 00:00 to Sunday 24:00 in Tokyo.
FIRST, LAST = datetime(2026, 6, 7, 15, tzinfo=UTC), datetime(2026, 6, 14, 14, 59, 59, 999999, tzinfo=UTC)
BEFORE, AFTER = datetime(2026, 6, 7, 14, 59, 59, 999999, tzinfo=UTC), datetime(2026, 6, 14, 15, tzinfo=UTC)


class Archive:
    """A bank's account and a composer of its statements."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self.transactions = TransactionRepository(dynamodb, "TransactionsTable")
        self.banks = BankRepository(dynamodb, "BanksTable")
        self.banks.put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard"))
        self.links = Links()

    def add(self, amount: str, at: datetime, account: str = "a0", bank: str = "eazycard", **more: Any) -> None:
        identifier = f"{account}-{amount}-{at:%d%H%M%S%f}"
        money = {"amount": Decimal(amount), "currency": "EUR"}
        changes = {"id": identifier, "account": account, "bank": bank, **money, **more}
        self.transactions.add(transaction(**changes, timestamp=at))

    def composed(self, most: int = 100, dynamodb: Any = None, holder: Holder = AWA) -> Email:
        transactions = TransactionRepository(dynamodb or self.dynamodb, "TransactionsTable")
        banks = BankDirectory(self.banks, lambda: NOW)
        return StatementComposer(transactions, banks, lambda *_: self.links, most).email(WEEK, holder)


@pytest.fixture
def archive(each_dynamodb: Any) -> Archive:
    return Archive(each_dynamodb)


def test_a_statement_has_the_account_s_transactions_of_the_holder_s_own_week(archive: Archive) -> None:
    for amount, at in (("1.01", BEFORE), ("2.02", FIRST), ("3.03", LAST), ("4.04", AFTER)):
        archive.add(amount, at)
    archive.add("7.07", FIRST, account="a1")
    archive.add("8.08", FIRST, bank="other-bank")
    email = archive.composed()
    found = [amount for amount in ("1.01", "2.02", "3.03", "4.04", "7.07", "8.08") if f"€{amount}" in email.text]
    assert found == ["2.02", "3.03"]
    assert "€5.05" in email.text  # their sum


ERASED = datetime(2026, 6, 10, 12, tzinfo=UTC)
# When a transaction was recorded beside the erasure, and the balance after it.
AROUND = {
    "1.01": (ERASED - timedelta(days=1), "1001.01"),
    "2.02": (ERASED - timedelta(microseconds=1), "1003.03"),
    "4.04": (ERASED, "1007.07"),
    "8.08": (ERASED + timedelta(microseconds=1), "1015.15"),
    "16.16": (ERASED + timedelta(days=1), "1031.31"),
}


@pytest.mark.parametrize(
    ("told_from", "told", "balances"),
    [
        # Who is enrolled for the first time, also on the last day, is told of the whole period.
        (None, [*AROUND], ("1,000.00", "1,031.31")),
        (FIRST - timedelta(microseconds=1), [*AROUND], ("1,000.00", "1,031.31")),
        (FIRST, [*AROUND], None),
        (ERASED, ["8.08", "16.16"], None),
        (ERASED + timedelta(days=2), [], None),
    ],
)
def test_a_statement_tells_nothing_that_was_recorded_before_an_erasure(
    archive: Archive, told_from: datetime | None, told: list[str], balances: tuple[str, str] | None
) -> None:
    for amount, (recorded_at, balance) in AROUND.items():
        archive.add(amount, recorded_at, type="credit", recorded_at=recorded_at, balance=Decimal(balance))
    # Recorded late: it is told by when it was recorded, whatever its own time is.
    archive.add("32.32", FIRST, type="credit", recorded_at=ERASED - timedelta(seconds=1), currency="USD")
    archive.add("64.64", FIRST, type="credit", recorded_at=ERASED + timedelta(days=3), currency="USD")
    email = archive.composed(holder=replace(AWA, told_from=told_from, timezone="Asia/Tokyo"))
    for text in (email.text, email.html):
        assert [amount for amount in AROUND if f"€{amount}" in text] == told
        assert not told or f"€{sum(map(Decimal, told))}" in text
    assert "$64.64" in email.text
    assert ("$32.32" in email.text) == (told_from is None or told_from < ERASED - timedelta(seconds=1))
    for text in balances or ():
        assert text in email.text
    assert ("vailable balance" in email.text) == (balances is not None)


def test_it_goes_to_the_holder_in_the_bank_s_name_with_the_holder_s_links(archive: Archive) -> None:
    archive.links = Links("https://alerts.example/p", "https://alerts.example/u")
    email = archive.composed()
    assert email.to == "awa@example.com"
    assert "EAZYCard" in email.text
    assert "https://alerts.example/p" in email.text
    assert dict(email.headers)["List-Unsubscribe"] == "<https://alerts.example/u>"


def test_pages_of_the_listing_are_all_read_up_to_the_limit(archive: Archive) -> None:
    for second in range(7):
        archive.add("0.01", FIRST.replace(second=second))
    assert "€0.07" in archive.composed(most=7).text
    with pytest.raises(NotComposed, match="too_many_transactions"):
        archive.composed(most=3)


def test_a_malformed_transaction_is_left_out_and_counted_and_the_others_are_listed(
    archive: Archive, logged: Callable[[], str]
) -> None:
    archive.add("2.02", FIRST)
    (item,) = archive.dynamodb.scan(TableName="TransactionsTable")["Items"]
    archive.dynamodb.put_item(TableName="TransactionsTable", Item={**item, "amount": {"S": "two euros"}})
    archive.add("3.03", LAST)
    assert "€3.03" in archive.composed().text
    told = logged()
    assert '"RecordsSkipped"' in told
    assert "two euros" not in told


def test_a_statement_that_cannot_be_rendered_is_a_reason_and_no_crash(archive: Archive) -> None:
    archive.links = None  # type: ignore[assignment]
    with pytest.raises(NotComposed, match="not_rendered: AttributeError"):
        archive.composed()


@pytest.mark.parametrize(
    ("code", "error"), [("ThrottlingException", TemporarilyUnavailable), ("AccessDeniedException", ClientError)]
)
def test_a_table_that_cannot_be_read_is_no_fault_of_the_statement(
    archive: Archive, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        archive.composed(dynamodb=Refusing(archive.dynamodb, refusal(code), "query"))
