"""Working in the console: cases by keyboard, webhooks, suppressions, staying current."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import browser  # noqa: F401
from tests.console import samples
from tests.console.pages import (
    opened,
    requests,
    served,  # noqa: F401
    until,
    violations,
)
from tests.console.samples import at
from tests.console.server import Served
from tests.console.world import Answer


def test_a_case_is_taken_noted_closed_and_reopened_with_the_keyboard_alone(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        page.keyboard.press("g")
        page.keyboard.press("c")
        expect(page.get_by_role("heading", level=1)).to_have_text("Cases")
        expect(page.locator("tr.urgent")).to_contain_text("card-88120")
        page.keyboard.press("n")
        expect(page.get_by_role("heading", level=1)).to_have_text("Case card-88120")
        expect(page.get_by_text("You have claimed it")).to_be_visible()
        page.keyboard.press("m")
        page.keyboard.type("Called: not theirs. f l u")
        page.get_by_role("button", name="Add the note").press("Enter")
        expect(page.get_by_role("list", name="What was done")).to_contain_text("Called: not theirs. f l u")
        page.locator("h1").focus()
        page.keyboard.press("f")
        expect(page.locator(".work")).to_contain_text("Fraud")
        expect(page.get_by_role("button", name="Re-open")).to_be_visible()
        page.get_by_role("button", name="Re-open").press("Enter")
        expect(page.get_by_role("button", name="Claim")).to_be_visible()
    assert served.world.changes == [
        ("POST", "next-case", {}),
        ("POST", "cases/card-88120/notes", {"text": "Called: not theirs. f l u"}),
        ("POST", "cases/card-88120/close", {"outcome": "fraud"}),
        ("POST", "cases/card-88120/reopen", {}),
    ]


def test_of_two_who_claim_one_is_told_that_the_other_was_first(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/cases/card-88090") as page:
        expect(page.get_by_role("button", name="Claim")).to_be_visible()
        case = next(one for one in served.world.cases if one["id"] == "card-88090")
        case.update(state="claimed", claimed_by={"subject": "adam", "name": "Adam Fotso"}, claimed_at=at(0))
        page.keyboard.press("c")
        expect(page.get_by_role("alert")).to_contain_text("A colleague has claimed this case before you")
        expect(page.get_by_text("Adam Fotso has claimed it")).to_be_visible()
        expect(page.get_by_role("button", name="Claim")).to_have_count(0)


def test_the_holder_s_answer_appears_by_itself_within_five_seconds(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/cases/card-88090") as page:
        expect(page.get_by_text("No answer yet")).to_be_visible()
        case = next(one for one in served.world.cases if one["id"] == "card-88090")
        case["answers"].append({"holder": "awa", "answer": "not_recognized", "answered_at": at(0)})
        page.clock.run_for(5_000)
        expect(page.get_by_text("“It wasn’t me”")).to_be_visible()


def test_shortcuts_can_be_turned_off(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/cases") as page:
        page.keyboard.press("?")
        page.get_by_role("dialog").get_by_role("checkbox").uncheck()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("n")
        page.wait_for_timeout(200)
        assert served.world.changes == []


def test_webhooks_are_tested_and_resent(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/webhooks", member="adam") as page:
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("The test was accepted (204):")).to_be_visible()
        expect(page.get_by_text("The test was not accepted (503):")).to_be_visible()
        page.get_by_role("button", name="Resend transaction.flagged about card-88090").click()
        expect(page.get_by_text("1 webhook is sent again.")).to_be_visible()
        page.get_by_role("button", name="Resend a range").click()
        page.get_by_role("dialog").get_by_label("From").fill("2026-06-30T08:00")
        page.get_by_role("dialog").get_by_label("To", exact=True).fill("2026-06-30T15:00")
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_text("3 webhooks are sent again.")).to_be_visible()
    assert served.world.changes[2] == (
        "POST",
        "webhooks/resend",
        {"from": "2026-06-30T07:00:00.000Z", "to": "2026-06-30T14:00:00.000Z"},  # Douala is an hour ahead
    )


def test_a_new_secret_is_shown_once_and_copied(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/webhooks", member="adam") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="New secret").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("goes on signing for a day")
        assert served.world.changes == []
        dialog.get_by_role("button", name="Make a new secret").click()
        expect(dialog).to_contain_text(samples.SECRET)
        page.clock.run_for(10_000)  # the view behind it goes on asking
        expect(dialog).to_contain_text(samples.SECRET)
        dialog.get_by_role("button", name="Copy").click()
        expect(dialog).to_contain_text("Copied.")
        assert page.evaluate("() => navigator.clipboard.readText()") == samples.SECRET
        assert violations(page) == []
        dialog.get_by_role("button", name="I have copied it").click()
        expect(dialog).to_have_count(0)
        assert samples.SECRET not in page.content()
        page.get_by_role("button", name="New secret").click()
        expect(dialog).to_contain_text("goes on signing for a day")
        served.world.fails["webhooks/secret"] = Answer(429, {"code": "tried_lately", "errors": []})
        dialog.get_by_role("button", name="Make a new secret").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Wait a minute")
    assert served.world.changes == [("POST", "webhooks/secret", {})]


def test_the_body_of_an_attempt_is_asked_for_when_it_is_opened(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/webhooks", member="vera") as page:
        assert requests(served, "/body") == []
        expect(page.get_by_role("button", name="New secret")).to_have_count(0)
        page.get_by_text("Body sent").first.click()
        expect(page.locator("pre")).to_contain_text('"data": {"transaction": "card-88120"}')
        page.clock.run_for(10_000)
        expect(page.locator("pre")).to_have_count(1)
        assert violations(page) == []
        assert len(requests(served, "/body")) == 1


def test_a_suppression_is_lifted_only_after_a_question(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/accounts/237-0041-8823/holders/paul", member="adam") as page:
        page.get_by_role("button", name="Send again").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("E-mails will go to paul.ndiaye@example.com again")
        assert served.world.changes == []
        dialog.get_by_role("button", name="Send again").click()
        expect(page.get_by_text("No e-mail goes to this address")).to_have_count(0)
    assert served.world.changes == [("DELETE", "accounts/237-0041-8823/holders/paul/suppression", None)]


@pytest.mark.parametrize(("idle_ms", "most"), [(0, 17), (180_000, 6)])
def test_a_console_asks_seldom_and_more_seldom_when_nobody_works(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
    idle_ms: int,
    most: int,
) -> None:
    with opened(browser, served) as page:
        page.mouse.move(5, 5)
        page.clock.run_for(idle_ms + 25_000 if idle_ms else 0)
        page.wait_for_timeout(300)
        before = len(requests(served, "/staff/"))
        for _ in range(15):
            page.clock.run_for(4_000)
            page.wait_for_timeout(60)
        asked = len(requests(served, "/staff/")) - before
        assert 2 <= asked <= most


def test_a_console_that_nobody_sees_asks_nothing(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served) as page:
        page.evaluate(
            "() => { Object.defineProperty(document, 'hidden', {get: () => window.isHidden}); window.isHidden = true;"
            " document.dispatchEvent(new Event('visibilitychange')); }"
        )
        page.wait_for_timeout(300)
        before = len(requests(served, "/staff/"))
        page.clock.run_for(120_000)
        page.wait_for_timeout(300)
        assert len(requests(served, "/staff/")) == before
        page.evaluate("() => { window.isHidden = false; document.dispatchEvent(new Event('visibilitychange')); }")
        until(page, lambda: len(requests(served, "/staff/")) > before)


def test_who_has_asked_too_much_is_told_when_it_goes_on_and_nothing_is_asked_until_then(
    browser: Browser,  # noqa: F811
    served: Served,  # noqa: F811
) -> None:
    with opened(browser, served, "#/cases") as page:
        body = {"code": "read_limit_reached", "errors": []}
        served.world.fails["cases"] = Answer(429, body, {"Retry-After": "1260"})
        page.clock.run_for(5_000)
        expect(page.get_by_role("alert")).to_contain_text("in 21 min")
        expect(page.get_by_text("Transfert Mobile")).to_be_visible()
        before = len(requests(served, "/staff/"))
        page.clock.run_for(600_000)
        page.wait_for_timeout(200)
        assert [one for one in requests(served, "/staff/")[before:] if "cases" in one] == []


def test_what_was_shown_stays_while_the_service_is_away(browser: Browser, served: Served) -> None:  # noqa: F811
    with opened(browser, served, "#/cases") as page:
        served.world.fails["cases"] = Answer(503, {"code": "temporarily_unavailable", "errors": []})
        page.clock.run_for(5_000)
        expect(page.get_by_role("alert")).to_contain_text("The service is busy")
        expect(page.get_by_text("Transfert Mobile")).to_be_visible()
        served.world.fails.clear()
        page.clock.run_for(20_000)
        expect(page.get_by_role("alert")).to_have_count(0)
