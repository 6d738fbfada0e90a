"""Reading an account's analytics ends after a bounded number of rows. What it adds up is in `test_job`."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.errors import RangeTooLarge

NOW = datetime(2026, 1, 31, tzinfo=UTC)
FIRST, LAST = date(2026, 1, 1), date(2026, 1, 31)


class Rows:
    """An account with so many transactions a day; it counts how many are read."""

    def __init__(self, a_day: int, **more: Any) -> None:
        self.a_day = a_day
        self.more = more
        self.read = 0

    def of_account_between(self, bank: str, account: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        for day in range((end - start).days + 1):
            for number in range(self.a_day):
                self.read += 1
                time = f"{start + timedelta(days=day):%Y-%m-%d}T10:00:00Z"
                one = {"bank": bank, "account": account, "id": f"{day}-{number}", "timestamp": time}
                amount = {"amount": Decimal(1), "currency": "XAF", "type": "credit", "status": "settled"}
                yield {**one, **amount, **self.more}


def reader(rows: Rows, most: int) -> AnalyticsReader:
    return AnalyticsReader(None, rows, lambda: NOW, max_rows=most)  # type: ignore[arg-type]


def test_as_many_rows_as_are_allowed_are_added_up() -> None:
    days, _ = reader(Rows(10), 310).of_account("bank", "A123", FIRST, LAST)
    assert sum(sums.credit for sums in days.values()) == 310


def test_after_one_more_it_ends_and_names_the_day_to_which_the_range_may_go() -> None:
    rows = Rows(10)
    with pytest.raises(RangeTooLarge) as refusal:
        reader(rows, 105).of_account("bank", "A123", FIRST, LAST)
    assert rows.read == 106
    last = refusal.value.last
    assert last == date(2026, 1, 10)
    assert "Ask to 2026-01-10" in str(refusal.value)
    days, _ = reader(rows, 105).of_account("bank", "A123", FIRST, last)
    assert sum(sums.credit for sums in days.values()) == 100


@pytest.mark.parametrize("more", [{}, {"timestamp": "yesterday"}], ids=["a day of too many", "a malformed row"])
def test_where_no_day_can_be_named_none_is(more: dict[str, Any]) -> None:
    with pytest.raises(RangeTooLarge) as refusal:
        reader(Rows(10, **more), 9).of_account("bank", "A123", FIRST, LAST)
    assert refusal.value.last is None
