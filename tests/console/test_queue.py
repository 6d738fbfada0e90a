"""The queue of cases when it is long: every case is there once, in one list, while cases come and go."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import browser  # noqa: F401
from tests.console import samples
from tests.console.pages import (
    opened,
    requests,
    served,  # noqa: F401
    until,
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


def more_of(page: Page) -> Locator:
    return page.get_by_role("button", name="Show more")


def show_more(page: Page, count: int) -> None:
    """Ask for one page more, and wait until so many cases are shown."""
    more_of(page).click()
    expect(page.locator("table.rows td.main")).to_have_count(count)


def show_all(page: Page, count: int) -> None:
    for length in range(100, count + 50, 50):
        show_more(page, min(length, count))
    expect(more_of(page)).to_have_count(0)


def let_go(page: Page, held: Route) -> None:
    """Let a request that was held be answered, and the page read the answer."""
    with page.expect_response(lambda answer: answer.request == held.request):
        held.continue_()
    page.wait_for_timeout(200)


def soon(page: Page, holds: Callable[[], object]) -> None:
    """Let the time go on, answer by answer, until something holds."""
    for _ in range(20):
        if holds():
            return
        page.clock.run_for(4_000)
        page.wait_for_timeout(100)
    raise AssertionError("It did not come about with 20 answers.")


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
            # What came and was pushed out between two answers is found when the pages behind are asked for anew.
            assert shown(page) == [name for name in newest if name in newest[:50] or name not in newest[50:heavier]]
            soon(page, lambda: shown(page) == names(served.world.cases))


def test_a_case_that_a_colleague_took_leaves_the_list(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        for at in (0, 20, 49):  # the first, one within, the last of the first page
            taken = served.world.cases.pop(at)
            page.clock.run_for(5_000)
            expect(page.get_by_text(taken["id"], exact=True)).to_have_count(0)
            assert shown(page) == names(served.world.cases)


def test_a_case_that_a_colleague_took_leaves_the_list_when_a_new_one_from_behind_takes_its_place(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    served.world.cases = queue(2 * LONG, 0)[::2]
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        served.world.cases.insert(50, queue(161, 160)[0])  # the first behind the first page
        served.asked.clear()
        soon(page, lambda: requests(served, "cursor=162"))
        page.wait_for_timeout(200)  # the page has read the answer
        assert "case-161" not in shown(page)
        taken = served.world.cases.pop(49)
        assert taken["id"] == "case-162"
        page.clock.run_for(5_000)
        expect(page.get_by_text("case-161", exact=True)).to_be_visible()
        expect(page.get_by_text("case-162", exact=True)).to_have_count(0)
        assert shown(page) == names(served.world.cases)


@pytest.mark.parametrize("left", [10, 0])
def test_a_queue_that_became_short_shows_what_is_left(browser: Browser, served: Served, left: int) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        served.world.cases = queue(left, 0)
        page.clock.run_for(5_000)
        expect(page.locator("table.rows td.main")).to_have_count(left)
        assert shown(page) == names(served.world.cases)
        served.world.cases = queue(LONG, 0)
        page.clock.run_for(5_000)
        expect(page.locator("table.rows td.main")).to_have_count(50)
        show_all(page, LONG)
        assert shown(page) == names(served.world.cases)


@pytest.mark.parametrize("weight", [80, 31, 30, 1])
def test_a_case_behind_the_first_page_that_a_colleague_took_leaves_the_list(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    weight: int,
) -> None:
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        served.world.cases = [one for one in served.world.cases if one["weight"] != weight]
        soon(page, lambda: shown(page) == names(served.world.cases))


def test_a_case_behind_the_first_page_that_becomes_the_heaviest_is_the_first(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        answered = served.world.cases.pop(100)
        served.world.cases = [{**answered, "weight": 1_000}, *served.world.cases]
        page.clock.run_for(5_000)
        expect(page.locator("td.main").first).to_have_text(answered["id"])
        assert shown(page) == names(served.world.cases)


def test_what_follows_the_first_page_is_asked_for_one_page_with_every_second_of_its_answers(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    served.world.cases = queue(LONG, 0)
    further = "&cursor="
    with opened(browser, served, "#/cases") as page:
        page.clock.run_for(9_000)
        assert requests(served, further) == []  # of what is not shown
        show_all(page, LONG)
        served.asked.clear()
        soon(page, lambda: len(requests(served, further)) >= 6)
        first = [one for one in requests(served, "/staff/cases?") if further not in one]
        assert 2 * len(requests(served, further)) <= len(first) + 2  # two answers may be from before


def test_as_many_cases_stay_shown_however_many_come_and_go(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_more(page, 100)
        served.world.cases = queue(LONG + 2, 0)  # which push two out of the first page
        soon(page, lambda: len(shown(page)) == 102)
        served.world.cases = [one for one in served.world.cases if one["weight"] != 60]
        soon(page, lambda: shown(page) == names(served.world.cases)[:102])
        for _ in range(5):
            page.clock.run_for(4_000)
            page.wait_for_timeout(100)
            assert shown(page) == names(served.world.cases)[:102]
        show_more(page, LONG + 1)
        assert shown(page) == names(served.world.cases)


def test_a_page_that_can_not_be_had_changes_nothing_and_is_asked_for_again(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_all(page, LONG)
        before = names(served.world.cases)
        refused: list[str] = []

        def refuse(route: Route) -> None:
            refused.append(route.request.url)
            route.fulfill(status=503, body="{}")

        page.route("**/staff/cases?*cursor=*", refuse)
        served.world.cases = [one for one in served.world.cases if one["weight"] != 40]
        soon(page, lambda: len(refused) >= 3)
        assert shown(page) == before
        expect(page.get_by_role("alert")).to_have_count(0)
        page.unroute_all()
        soon(page, lambda: shown(page) == names(served.world.cases))


def test_more_can_be_asked_for_while_what_is_shown_is_asked_for_anew(browser: Browser, served: Served) -> None:  # noqa: F811
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_more(page, 100)
        held: list[Route] = []
        # The handler stays (no `times`): without one, the browser lets go what is held.
        page.route("**/staff/cases?*cursor=*", lambda route: route.continue_() if held else held.append(route))
        soon(page, lambda: held)
        show_more(page, LONG)
        let_go(page, held[0])
        assert shown(page) == names(served.world.cases)
        served.world.cases = [one for one in served.world.cases if one["weight"] != 3]
        soon(page, lambda: shown(page) == names(served.world.cases))


def test_a_case_that_a_colleague_took_does_not_come_back_with_more_that_was_asked_for_meanwhile(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    served.world.cases = queue(LONG, 0)
    with opened(browser, served, "#/cases") as page:
        show_more(page, 100)
        held: list[Route] = []
        # What is shown behind the first page is from before a colleague took case-80, which had come to the first.
        page.route("**/staff/cases?*cursor=*", lambda route: route.fulfill(status=503, body="{}"))
        for weight in (100, 80):
            served.world.cases = [one for one in served.world.cases if one["weight"] != weight]
            page.clock.run_for(5_000)
            expect(page.get_by_text(f"case-{weight}", exact=True)).to_have_count(0)
        page.route("**/staff/cases?*cursor=*", lambda route: held.append(route))
        soon(page, lambda: held)
        more_of(page).click()
        until(page, lambda: len(held) == 2)
        let_go(page, held[0])
        assert shown(page) == names(served.world.cases)[:98]
        assert len(held) == 2
        held[1].continue_()
        expect(page.locator("table.rows td.main")).to_have_count(LONG - 2)
        assert shown(page) == names(served.world.cases)
