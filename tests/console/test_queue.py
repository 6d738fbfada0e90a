"""The queue of cases when it is long: every case is there once, in one list, while cases come and go."""

from playwright.sync_api import Browser, Page, expect

from tests.browser import browser  # noqa: F401
from tests.console import samples
from tests.console.pages import (
    opened,
    served,  # noqa: F401
)
from tests.console.server import Served

LONG = 130


def queue(first: int, last: int) -> list[samples.Json]:
    """Return open cases, named by their weight, from the heaviest on."""
    return [samples.case(f"case-{weight}", 5, "100", weight, ["velocity"]) for weight in range(first, last, -1)]


def shown(page: Page) -> list[str]:
    return page.locator("table.rows td.main").all_inner_texts()


def names(cases: list[samples.Json]) -> list[str]:
    return [one["id"] for one in cases if one["state"] == "open"]


def show_all(page: Page, count: int) -> None:
    more = page.get_by_role("button", name="Show more")
    for length in range(100, count + 50, 50):
        more.click()
        expect(page.locator("table.rows td.main")).to_have_count(min(length, count))
    expect(more).to_have_count(0)


def test_a_long_queue_is_shown_to_its_end_in_one_list(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        expect(page.locator("table.rows td.main")).to_have_count(50)
        show_all(page, LONG)
        assert shown(page) == names(served.world.cases)
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.get_by_role("table")).to_have_count(1)


def test_j_and_k_move_over_all_pages_and_stay_at_their_case_when_others_come(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        focused = page.locator("td.main a:focus")
        for _ in range(51):
            page.keyboard.press("j")
        expect(focused).to_have_text("case-80")
        served.world.cases = [*queue(LONG + 2, LONG), *served.world.cases]
        page.clock.run_for(5_000)
        expect(page.get_by_text("case-132")).to_be_visible()
        page.keyboard.press("k")
        expect(focused).to_have_text("case-81")


def test_cases_that_heavier_ones_push_out_of_the_first_page_stay_in_the_list(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        # Few come, then more than a page holds.
        for heavier in (3, 60):
            first = served.world.cases[0]["weight"]
            served.world.cases = [*queue(first + heavier, first), *served.world.cases]
            page.clock.run_for(5_000)
            expect(page.get_by_text(f"case-{first + heavier}")).to_be_visible()
            newest = names(served.world.cases)
            # What came and was pushed out between two answers is found by loading the list again.
            assert shown(page) == [name for name in newest if name in newest[:50] or name not in newest[50:heavier]]


def test_a_case_that_a_colleague_took_leaves_the_list(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        for at in (0, 20, 49):  # the first, one within, the last of the first page
            taken = served.world.cases.pop(at)
            page.clock.run_for(5_000)
            expect(page.get_by_text(taken["id"], exact=True)).to_have_count(0)
            assert shown(page) == names(served.world.cases)


def test_a_queue_that_became_short_shows_what_is_left(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        served.world.cases = queue(10, 0)
        page.clock.run_for(5_000)
        expect(page.locator("table.rows td.main")).to_have_count(10)
        assert shown(page) == names(served.world.cases)
