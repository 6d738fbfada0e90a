"""The console on the local cloud, in Chromium: from the emulator's own login page to a case closed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib.ledger.times import sortable
from local_cloud.deploy import STAGE
from local_cloud.staff_demo import ensure_staff
from operations.webhooks import main as webhooks_command
from tests.browser import (
    Watched,
    browser,  # noqa: F401
)
from tests.cloud import BankClient, CloudUnderTest, eventually
from tests.on_the_cloud.receiving import receiving
from tests.sizes import IS_LONG

pytestmark = pytest.mark.cloud
BANK = "console-bank"
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    made = cloud.new_bank(BANK, "XAF")
    with pytest.MonkeyPatch.context() as environment:  # before any function knows the bank, and keeps that for a minute
        cloud.use_by_commands(environment)
        assert webhooks_command(["--stage", STAGE, "secret", BANK]) == 0
    flags = {"large_amount": {"mode": "on", "thresholds": {"XAF": "50000"}}, "new_country": {"mode": "off"}}
    assert made("PUT", "/settings", {"flags": flags}).status == 200
    made.enrol("CASE1", locale="en")
    return made


@pytest.fixture(scope="module")
def staff(cloud: CloudUnderTest, bank: BankClient) -> dict[str, dict[str, str]]:
    return {one["group"]: one for one in ensure_staff(cloud.deployed, BANK)}


@contextmanager
def signed_in(browser: Browser, cloud: CloudUnderTest, member: dict[str, str], view: str = "") -> Iterator[Page]:  # noqa: F811
    """Yield a page on which a member has signed in on the emulator's login page; the content policy was kept."""
    context = browser.new_context(locale="en-GB", timezone_id="Africa/Douala")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watched = Watched(page)
    page.goto(f"{cloud.deployed.console_url}{view}")
    page.locator("input[name=username]").fill(member["email"])
    page.locator("input[name=password]").fill(member["password"])
    page.locator("button[type=submit], input[type=submit]").first.click()
    expect(page.locator("main h1")).to_be_visible(timeout=PATIENCE_MS)
    yield page
    assert [said for said in watched.said if "Content Security Policy" in said or "Trusted" in said] == []
    context.close()


def post(bank: BankClient, transaction_id: str, amount: int, **fields: Any) -> None:
    timestamp = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    body = {
        "id": transaction_id,
        "account": "CASE1",
        "amount": amount,
        "type": "debit",
        "timestamp": timestamp,
        **fields,
    }
    assert bank("POST", "/transactions", body).status == 201


def date_back_tries(cloud: CloudUnderTest) -> None:
    """Let the bank's webhooks have been tried a minute earlier than they were."""
    table, client = cloud.deployed.outputs["DeferralsTable"], cloud.client("dynamodb")
    bank = {":bank": {"S": f"webhook#{BANK}"}}
    tried = client.query(TableName=table, KeyConditionExpression="due_hour = :bank", ExpressionAttributeValues=bank)
    for item in tried["Items"]:
        at = datetime.fromisoformat(item["tried_at"]["S"]) - timedelta(seconds=61)
        client.put_item(TableName=table, Item={**item, "tried_at": {"S": sortable(at)}})


def test_a_member_signs_in_on_the_emulators_page_and_out_again(
    cloud: CloudUnderTest,
    staff: dict[str, dict[str, str]],
    browser: Browser,  # noqa: F811
) -> None:
    with signed_in(browser, cloud, staff["viewer"], "#/quota") as page:
        assert page.url == f"{cloud.deployed.console_url}#/quota"
        expect(page.locator(".person")).to_contain_text("Viewer")
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("h1")).to_have_text("You are signed out")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("input[name=password]")).to_be_visible()


def test_a_viewer_sees_a_case_and_may_not_touch_it(
    cloud: CloudUnderTest,
    bank: BankClient,
    staff: dict[str, dict[str, str]],
    browser: Browser,  # noqa: F811
) -> None:
    # An account of its own: a second alert of one account within 15 minutes waits for a digest.
    post(bank, "seen-only", 61_000, account="CASE2")
    with signed_in(browser, cloud, staff["viewer"], "#/cases") as page:
        page.get_by_role("link", name="seen-only").click()
        expect(page.get_by_text("It waits for somebody.")).to_be_visible()
        expect(page.get_by_role("button", name="Claim")).to_have_count(0)
        # The server refuses, whatever a page shows.
        status = page.evaluate(
            """async () => {
                const files = performance.getEntriesByType("resource").map((one) => one.name);
                const { post } = await import(files.find((name) => name.includes("/console/api.js")));
                return post("cases/seen-only/claim").then(() => 200, (problem) => problem.status);
            }"""
        )
        assert status == 403


def test_from_an_alert_that_the_holder_answers_to_a_case_closed_as_fraud(
    cloud: CloudUnderTest,
    bank: BankClient,
    staff: dict[str, dict[str, str]],
    browser: Browser,  # noqa: F811
) -> None:
    post(bank, "not-mine", 260_000, merchant={"name": "Électro Garonne"})
    mail = eventually(lambda: next((one for one in cloud.mails("case1.h@") if "260" in one["BodyHtml"]), None))
    holder = browser.new_context(locale="en-GB").new_page()
    holder.set_content(mail["BodyHtml"])
    denial = holder.get_by_role("link", name=re.compile("wasn")).get_attribute("href")
    assert denial
    with signed_in(browser, cloud, staff["analyst"], "#/cases/not-mine") as page:
        expect(page.get_by_text("No answer yet")).to_be_visible()
        holder.goto(denial)
        holder.get_by_role("button").first.click()
        holder.wait_for_load_state()
        holder.context.close()
        # Nobody loads the console anew: the answer comes by itself.
        expect(page.get_by_text("“It wasn’t me”")).to_be_visible(timeout=PATIENCE_MS)
        page.goto(f"{cloud.deployed.console_url}#/cases")
        expect(page.locator("tr.urgent")).to_contain_text("not-mine")
        page.keyboard.press("n")
        expect(page.get_by_text("You have claimed it")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("Case not-mine")
        page.get_by_label("Note").fill("The holder denies it by e-mail.")
        page.locator("h1").focus()
        page.keyboard.press("f")
        expect(page.locator(".work .badge").first).to_have_text("Fraud")
        expect(page.get_by_role("list", name="What was done")).to_contain_text("The holder denies it by e-mail.")


def test_an_admin_changes_a_threshold_after_its_trial(
    cloud: CloudUnderTest,
    bank: BankClient,
    staff: dict[str, dict[str, str]],
    browser: Browser,  # noqa: F811
) -> None:
    with signed_in(browser, cloud, staff["admin"], "#/flags") as page:
        page.get_by_role("button", name="Change").click()
        page.locator("#velocity-count").fill("11")
        page.get_by_role("button", name="Try it").click()
        expect(page.get_by_role("table", name="What it would have done")).to_be_visible()
        page.get_by_role("button", name="Save the change").click()
        expect(page.get_by_text("more than 11 on an account")).to_be_visible()
    assert bank("GET", "/settings").json()["flags"]["velocity"]["count"] == 11


def test_an_admin_tests_an_endpoint_and_sends_a_webhook_again(
    cloud: CloudUnderTest,
    bank: BankClient,
    staff: dict[str, dict[str, str]],
    browser: Browser,  # noqa: F811
) -> None:
    with receiving() as (url, came):
        webhooks = [{"url": url, "types": ["transaction.flagged"]}]
        assert bank("PATCH", "/settings", {"webhooks": webhooks}).status == 200
        with signed_in(browser, cloud, staff["admin"], "#/webhooks") as page:
            page.get_by_role("button", name="Send a test").click()
            expect(page.get_by_text(re.compile("The test was accepted"))).to_be_visible()
            if IS_LONG:
                page.wait_for_timeout(61_000)  # until then, functions may know the settings from before
            else:
                cloud.start_anew("transaction_stream", "webhook_feeder", "webhook_sender")
            post(bank, "told-twice", 70_000)
            resend = page.get_by_role("button", name="Resend transaction.flagged about told-twice")
            expect(resend).to_be_visible(timeout=PATIENCE_MS)
            assert came.count("transaction.flagged") == 1
            if IS_LONG:
                page.wait_for_timeout(61_000)  # what was delivered isn't sent again within a minute
            else:
                date_back_tries(cloud)
            resend.click()
            expect(page.get_by_text("1 webhook is sent again.")).to_be_visible()
            eventually(lambda: came.count("transaction.flagged") == 2)
            page.goto(f"{cloud.deployed.console_url}#/audit")
            expect(page.get_by_text("Webhooks sent again").first).to_be_visible()
