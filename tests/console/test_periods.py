"""What the console's figures are of: which quota, which days."""

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import browser  # noqa: F401
from tests.console.pages import (
    opened,
    requests,
    served,  # noqa: F401
    until,
)
from tests.console.server import Served


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["87% of the day’s quota used: Transactions", "100% of the day’s quota used: E-mails"]),
        ("fr", ["87 % du quota du jour utilisé : Transactions", "100 % du quota du jour utilisé : E-mails"]),
    ],
)
def test_each_quota_that_is_nearly_used_up_is_there_in_per_cent(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    language: str,
    said: list[str],
) -> None:
    served.world.today_changes = {
        "attention": [
            {"kind": "quota", "what": what, "count": count, "text": "", "link": "quota"}
            for what, count in (("transactions", 87), ("emails", 100))
        ]
    }
    with opened(browser, served, language=language) as page:
        rows = page.locator("#attention").locator("../..").get_by_role("listitem")
        assert [" ".join(row.split()) for row in rows.all_inner_texts()] == said


@pytest.mark.parametrize(
    ("period", "days"), [("hour", "UTC day 30 Jun"), ("day", "UTC day 30 Jun"), ("month", "UTC days 31 May to 30 Jun")]
)
def test_what_is_counted_by_utc_days_says_which(browser: Browser, served: Served, period: str, days: str) -> None:  # noqa: F811
    with opened(browser, served, f"#/today?period={period}") as page:
        for panel in ("flags", "totals"):
            expect(page.locator(f"section[aria-labelledby={panel}] header")).to_contain_text(days)


@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_precision_of_some_days_is_asked_of_so_many_days(browser: Browser, served: Served, days: int) -> None:  # noqa: F811
    with opened(browser, served, f"#/flags?days={days}") as page:
        until(page, lambda: requests(served, "flags/precision"))
        (asked,) = requests(served, "flags/precision")
        query = parse_qs(urlsplit(asked.split()[1]).query)
        first, last = (date.fromisoformat(query[name][0]) for name in ("from", "to"))
        assert (last - first).days + 1 == days  # both are in it
        assert last == date(2026, 6, 30)
