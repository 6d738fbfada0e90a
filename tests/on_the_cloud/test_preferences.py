"""The page and the quiet hours as they are deployed: behind the gateway and under the functions' roles."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from playwright.sync_api import Browser, Page, expect

from chalicelib.holders.links import Links
from chalicelib.notifications.due import DueEntry, DueRepository
from local_cloud.deploy import STAGE
from operations.links import main as links_command
from tests.browser import browser  # noqa: F401
from tests.cloud import BankClient, CloudUnderTest, eventually
from tests.on_the_cloud.holder_links import links_of

pytestmark = pytest.mark.cloud
BANK = "page-bank"
EVENTS = Path(__file__).parents[1] / "events"


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    return cloud.new_bank(BANK)


def mail_s_links(cloud: CloudUnderTest, account: str) -> Links:
    return links_of(cloud, BANK, account)


def preferences(bank: BankClient, account: str) -> dict[str, Any]:
    found: dict[str, Any] = bank("GET", f"/accounts/{account}/holders/h").json()["preferences"]
    return found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:  # noqa: F811
    with browser.new_page(java_script_enabled=False) as found:
        yield found


def test_the_mailer_s_link_opens_the_form_and_what_is_sent_is_saved(
    cloud: CloudUnderTest, bank: BankClient, page: Page
) -> None:
    bank.enrol("page-account")
    links = mail_s_links(cloud, "page-account")
    assert str(links.preferences).startswith(f"{cloud.deployed.api_url}/preferences/")
    page.goto(str(links.preferences))
    page.get_by_label("Chaque semaine").check()
    page.get_by_label("Minimum en EUR").fill("12,50")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("status")).to_have_text("Vos préférences sont enregistrées.")
    assert preferences(bank, "page-account") == {"statement": "weekly", "min_amount": {"EUR": "12.50"}}


def test_a_rotated_key_ends_no_link(
    cloud: CloudUnderTest, bank: BankClient, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.enrol("rotated-account")
    before = mail_s_links(cloud, "rotated-account")
    cloud.use_by_commands(monkeypatch)
    assert links_command(["--stage", STAGE, "rotate"]) == 0
    for links in (before, mail_s_links(cloud, "rotated-account")):

        def is_opened(url: str = str(links.preferences)) -> bool:
            answer = page.goto(url)
            return answer is not None and answer.status == 200

        eventually(is_opened, 15)  # functions that remember the keys look again within ten seconds


def test_a_mail_program_unsubscribes_with_one_click(cloud: CloudUnderTest, bank: BankClient) -> None:
    bank.enrol("one-click-account")
    url = str(mail_s_links(cloud, "one-click-account").unsubscribe)
    for method in ("HEAD", "GET"):
        urllib3.request(method, url, timeout=60, retries=False)
    assert preferences(bank, "one-click-account") == {}
    fields = {"List-Unsubscribe": "One-Click"}
    for is_multipart in (True, False):
        answer = urllib3.PoolManager().request_encode_body(
            "POST", url, fields, encode_multipart=is_multipart, timeout=60, retries=False
        )
        assert answer.status == 200
    assert preferences(bank, "one-click-account") == {"muted": True}


def test_what_waits_for_quiet_hours_to_end_is_told_then(cloud: CloudUnderTest, bank: BankClient) -> None:
    now = datetime.now(UTC)
    hours = {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{now + timedelta(hours=5):%H:%M}"}
    bank.enrol("quiet-account", preferences={"quiet_hours": hours})
    body = {"account": "quiet-account", "amount": "12.50", "type": "debit", "timestamp": "2026-01-10T14:00:00Z"}
    assert bank.post(id="quiet-1", **body).status == 201
    dynamodb, table = cloud.client("dynamodb"), cloud.deployed.outputs["DeferralsTable"]

    def waiting() -> list[dict[str, Any]]:
        return [item for item in dynamodb.scan(TableName=table)["Items"] if "quiet-1" in item["due"]["S"]]

    (item,) = eventually(waiting)
    assert cloud.mails("quiet-account") == []
    # The hours pass: what waits is due, and it is quiet no more.
    repository = DueRepository(dynamodb, table)
    moment, _, name = item["due"]["S"].partition("#")
    kept = DueEntry(datetime.fromisoformat(moment), name, item["notice"]["S"])
    repository.remove([kept])
    repository.put([DueEntry(now.replace(second=0, microsecond=0), name, kept.payload)])
    bank.enrol("quiet-account")
    answer = cloud.client("lambda").invoke(
        FunctionName=f"transaction-notifier-{STAGE}-release_deferred", Payload=(EVENTS / "schedule.json").read_bytes()
    )
    assert "FunctionError" not in answer, json.loads(answer["Payload"].read())
    eventually(lambda: len(cloud.mails("quiet-account")) == 1)
    assert waiting() == []
