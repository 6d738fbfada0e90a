"""Signing in and out of the console: where tokens are, when they are renewed, and what ends a session."""

from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import (
    Watched,
    browser,  # noqa: F401
)
from tests.console import pages
from tests.console.gallery import open_page
from tests.console.pages import (
    requests,
    served,  # noqa: F401
    until,
)
from tests.console.server import Served

opened = partial(pages.opened, leaves_to_sign_in=True)
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


def test_who_is_not_signed_in_comes_back_from_the_sign_in_page_to_the_view_that_was_asked_for(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    with opened(browser, served, "#/cases/card-88120") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("Case card-88120")
        assert page.url == f"{served.url}#/cases/card-88120"
    (asked,) = requests(served, "/oauth2/authorize")
    query = parse_qs(urlsplit(asked.split()[1]).query)
    assert query["redirect_uri"] == [served.url]
    assert query["scope"] == ["openid email profile"]
    assert query["code_challenge_method"] == ["S256"]


def test_tokens_are_nowhere_but_in_memory(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        stored = page.evaluate(STORED)
        assert served.sign_in.tokens
        assert served.sign_in.refresh_tokens
        assert not [token for token in served.sign_in.tokens | served.sign_in.refresh_tokens if token in stored]
        assert "oidc" not in stored  # the code's verifier is gone too
        assert "code=" not in page.evaluate("() => location.href + JSON.stringify(history.state)")


def test_a_session_is_renewed_without_a_word_again_and_again(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        for times in (1, 2):
            for minutes in (20, 20, 20):
                served.sign_in.now += minutes * 60
                page.mouse.move(minutes + times, 10)  # somebody is there
                page.clock.fast_forward(minutes * 60_000)
                page.wait_for_timeout(200)
            expect(page.get_by_role("heading", level=1)).to_have_text("Today")
            until(page, lambda times=times: served.sign_in.refreshed == times)
        assert len(requests(served, "/oauth2/authorize")) == 1


def test_a_refused_token_is_renewed_once_and_the_request_sent_again(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        served.sign_in.tokens.clear()
        page.goto(f"{served.url}#/quota")
        expect(page.get_by_text("41,230 of 50,000")).to_be_visible()
        assert served.sign_in.refreshed == 1


# The first refusal comes late, when another request has been refused and the session renewed.
HELD = """() => {
  const ask = window.fetch;
  const held = new Promise((release) => { window.release = release; });
  window.refusals = 0;
  window.fetch = async (...request) => {
    const answer = await ask(...request);
    if (answer.status === 401 && ++window.refusals === 1) await held;
    return answer;
  };
}"""


def test_a_request_that_is_refused_after_the_session_was_renewed_does_not_renew_it_again(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    with opened(browser, served) as page:
        page.evaluate(HELD)
        served.sign_in.tokens.clear()
        page.goto(f"{served.url}#/quota")
        page.wait_for_function("() => window.refusals === 1")
        page.goto(f"{served.url}#/cases")
        expect(page.get_by_role("heading", level=1)).to_have_text("Cases")
        page.wait_for_function("() => window.refusals === 2")
        page.goto(f"{served.url}#/quota")
        expect(page.get_by_text("41,230 of 50,000")).to_be_visible()
        assert served.sign_in.refreshed == 1
        page.evaluate("() => window.release()")
        page.wait_for_timeout(200)
        assert served.sign_in.refreshed == 1


def test_a_session_that_is_over_leads_to_the_sign_in_and_back(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        served.sign_in.tokens.clear()
        served.sign_in.refresh_tokens.clear()
        page.goto(f"{served.url}#/quota")
        expect(page.get_by_text("41,230 of 50,000")).to_be_visible()
        assert len(requests(served, "/oauth2/authorize")) == 2
        assert page.url == f"{served.url}#/quota"


AWAY = {
    "error of the server": (503, {"message": "Service Unavailable"}),
    "error with a code": (500, {"error": "server_error"}),
    "too many requests": (429, {"message": "Too many requests"}),
    "no connection": None,
}


@pytest.mark.parametrize("why", AWAY)
def test_a_sign_in_that_is_away_ends_no_session_and_what_was_typed_stays(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    why: str,
) -> None:
    with opened(browser, served, "#/cases/card-88120") as page:
        page.keyboard.press("c")
        page.locator("#note").fill("Called twice.")
        served.sign_in.away = AWAY[why]
        if not AWAY[why]:
            page.route("**/oauth2/token", lambda route: route.abort())
        served.sign_in.tokens.clear()
        page.clock.run_for(5_000)
        expect(page.get_by_text("Your session can’t be renewed right now")).to_be_visible()
        page.clock.run_for(60_000)
        expect(page.locator("#note")).to_have_value("Called twice.")
        page.unroute_all()
        served.sign_in.away = None
        page.clock.run_for(130_000)
        expect(page.get_by_text("Your session can’t be renewed right now")).to_have_count(0)
        page.get_by_role("button", name="Add the note").click()
        expect(page.get_by_role("list", name="What was done")).to_contain_text("Called twice.")
        assert served.sign_in.refreshed == 1
        assert len(requests(served, "/oauth2/authorize")) == 1


def test_a_sign_in_that_is_away_is_asked_less_and_less_often(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/quota") as page:
        served.sign_in.away = (503, {})
        for minutes in (20, 20, 19.5):
            page.mouse.move(minutes, 10)  # somebody is there
            page.clock.fast_forward(minutes * 60_000)
            page.wait_for_timeout(100)
        counts = []
        for _ in range(3):
            before = len(requests(served, "/oauth2/token"))
            for _ in range(20):
                page.clock.run_for(5_000)
                page.wait_for_timeout(20)
            counts.append(len(requests(served, "/oauth2/token")) - before)
        assert counts[0] > counts[2]
        assert sum(counts) <= 8
        expect(page.get_by_text("41,230 of 50,000")).to_be_visible()


@pytest.mark.parametrize("when", ["at once", "at work"])
def test_who_is_refused_with_a_new_token_is_told_so_and_not_sent_round(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    when: str,
) -> None:
    served.sign_in.is_refused = when == "at once"
    with opened(browser, served) as page:
        served.sign_in.is_refused = True
        page.clock.run_for(5_000)
        expect(page.get_by_role("heading", level=1)).to_have_text("The service does not take your account")
        page.clock.run_for(60_000)
        assert len(requests(served, "/oauth2/authorize")) == 1
        assert served.sign_in.refreshed == 1
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")


def test_signing_out_ends_the_session_here_and_at_the_sign_in_page(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        assert served.sign_in.ended == ["console-client"]
        assert served.sign_in.refresh_tokens == set()
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Today")


def test_who_leaves_the_desk_is_signed_out(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        page.mouse.move(5, 5)
        page.clock.fast_forward(31 * 60_000)
        expect(page.get_by_role("heading", level=1)).to_have_text("You were signed out")
        assert served.sign_in.ended == ["console-client"]


# A computer that sleeps: time passes, and no timer goes off.
SLEEP = "minutes => { const now = Date.now; Date.now = () => now() + minutes * 60_000; }"
WOKEN = {
    "pointer": lambda page: page.mouse.move(50, 50),
    "key": lambda page: page.keyboard.press("n"),
    "seen": lambda page: page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))"),
}


@pytest.mark.parametrize("how", WOKEN)
@pytest.mark.parametrize(("minutes", "is_over"), [(29, False), (31, True)])
def test_a_computer_that_slept_wakes_to_a_session_that_is_over(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    how: str,
    minutes: int,
    is_over: bool,
) -> None:
    with opened(browser, served, "#/cases") as page:
        page.mouse.move(5, 5)
        page.evaluate(SLEEP, minutes)
        WOKEN[how](page)
        taken = how == "key" and not is_over
        heading = "You were signed out" if is_over else "Case card-88120" if taken else "Cases"
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert bool(served.world.changes) == taken  # the key that wakes the console takes no case


def test_who_signs_out_in_one_tab_is_signed_out_in_the_others(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        other = page.context.new_page()
        other.goto(f"{served.url}#/cases")
        expect(other.get_by_role("heading", level=1)).to_have_text("Cases")
        page.get_by_role("button", name="Sign out").click()
        for one in (page, other):
            expect(one.get_by_role("heading", level=1)).to_have_text("You are signed out")
        assert served.sign_in.refresh_tokens == set()


def test_a_refusal_of_the_sign_in_page_is_told_and_not_repeated_for_ever(browser: Browser, served: Served) -> None:  # noqa: F811
    served.sign_in.refuses = True
    page = open_page(browser, "wide", "light", "en")
    watched = Watched(page)
    page.goto(served.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("The sign-in was refused")
    assert page.url == served.url
    assert watched.said == []
    page.context.close()


def test_a_code_that_is_not_this_browser_s_signs_nobody_in(browser: Browser, served: Served) -> None:  # noqa: F811
    page = open_page(browser, "wide", "light", "en")
    page.goto(f"{served.url}?code=stolen&state=another")
    expect(page.get_by_role("heading", level=1)).to_have_text("The sign-in could not be completed")
    assert requests(served, "/oauth2/token") == []
    page.context.close()


def test_who_is_in_no_group_is_told_so(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, member="nobody") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("You have no access yet")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
