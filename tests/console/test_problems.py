"""What the console says when something fails: who tries again, what was changed, and what happened."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import browser  # noqa: F401
from tests.console import samples
from tests.console.gallery import open_page
from tests.console.pages import (
    opened,
    requests,
    served,  # noqa: F401
    until,
)
from tests.console.server import Served
from tests.console.world import Answer

BY_ITSELF = {"en": "by itself", "fr": "d’elle-même"}
CHANGES = {
    "claim": ("#/cases/card-88120", "Claim c", "cases/card-88120/claim"),
    "next case": ("#/cases", "Next case n", "next-case"),
    "resend": ("#/webhooks", "Resend transaction.flagged about card-88090", "webhooks/msg_flagged-88090/resend"),
    "test": ("#/webhooks", "Send a test", "webhooks/test"),
}
READS = {
    "a transaction": ("#/transactions/card-88120", "transactions/card-88120", "12.7 times"),
    "a search": ("#/search?account=237-0041-8823", "transactions", "card-88090"),
    "the story of a case": ("#/cases/card-88120", "transactions/card-88120", "12.7 times"),
    "the settings": ("#/flags", "settings", "more than 8 on an account"),
}


def busy() -> Answer:
    return Answer(503, {"code": "temporarily_unavailable", "errors": []})


def cut_off(route: Route) -> None:
    route.abort()


def alert(page: Page) -> str:
    expect(page.get_by_role("alert")).to_have_count(1)
    return str(page.get_by_role("alert").inner_text())


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("is_offline", "said"), [(False, "nothing was changed"), (True, "probably not made")])
def test_a_change_that_failed_is_said_not_to_be_made_and_is_made_with_one_button(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    change: str,
    is_offline: bool,
    said: str,
) -> None:
    address, button, path = CHANGES[change]
    with opened(browser, served, address, member="adam") as page:
        if is_offline:
            page.route(f"**/staff/{path}", cut_off)
        else:
            served.world.fails[path] = busy()
        page.get_by_role("button", name=button).click()
        text = alert(page)
        assert said in text
        assert BY_ITSELF["en"] not in text
        page.clock.run_for(130_000)
        assert served.world.changes == []  # nobody repeats it
        page.unroute_all()
        served.world.fails.clear()
        with page.expect_response(lambda answer: str(answer.url).endswith(path)):  # the alert goes before it comes
            page.get_by_role("alert").get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        assert [one[1] for one in served.world.changes] == [path]


@pytest.mark.parametrize("read", READS)
def test_what_is_read_once_says_so_and_is_read_with_one_button(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    read: str,
) -> None:
    address, path, shown = READS[read]
    served.world.fails[path] = busy()
    with opened(browser, served, address, member="adam") as page:
        text = alert(page)
        assert "Try again in a moment" in text
        assert BY_ITSELF["en"] not in text
        assert "changed" not in text
        served.world.fails.clear()
        page.get_by_role("alert").get_by_role("button", name="Try again").click()
        expect(page.locator("main")).to_contain_text(shown)
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("language", BY_ITSELF)
def test_what_is_asked_for_again_and_again_says_that_it_goes_on_by_itself(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    language: str,
) -> None:
    served.world.fails["cases"] = busy()
    with opened(browser, served, "#/cases", language=language) as page:
        assert BY_ITSELF[language] in alert(page)
        served.world.fails.clear()
        page.clock.run_for(10_000)
        expect(page.get_by_text("Transfert Mobile")).to_be_visible()


def test_the_next_page_that_failed_is_asked_for_again_and_the_pages_before_it_stay(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    first = {"transactions": samples.TRANSACTIONS, "next_cursor": "c2"}
    with opened(browser, served, "#/search") as page:
        page.route(re.compile(r"/staff/transactions\?"), lambda route: route.fulfill(json=first))
        page.goto(f"{served.url}#/search?account=237-0041-8823")
        expect(page.get_by_role("button", name="Show more")).to_be_visible()
        page.unroute_all()
        served.world.fails["transactions"] = busy()
        page.get_by_role("button", name="Show more").click()
        assert "Try again in a moment" in alert(page)
        expect(page.get_by_text("card-88090")).to_be_visible()
        served.world.fails.clear()
        before = len(requests(served, "cursor=c2"))
        page.get_by_role("alert").get_by_role("button", name="Try again").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        until(page, lambda: len(requests(served, "cursor=c2")) == before + 1)


@pytest.mark.parametrize("answer", [None, (500, "error"), (200, "no JSON")])
def test_a_console_that_can_not_start_says_what_happened(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    answer: tuple[int, str] | None,
) -> None:
    page = open_page(browser, "wide", "light", "en")

    def config(route: Route) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(status=answer[0], body=answer[1])

    page.route("**/config.json", config)
    page.goto(served.url)
    assert "its settings can’t be loaded" in alert(page)
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    page.context.close()
