"""The holder's choice as it is deployed: behind the gateway, under the functions' roles, told by the table's stream."""

import json
import re
from typing import Any

import pytest
import urllib3

from chalicelib.aws.dynamo import to_item
from operations import dead_letters
from tests.change_world import record
from tests.cloud import BankClient, CloudUnderTest, eventually
from tests.on_the_cloud.holder_links import links_of

pytestmark = pytest.mark.cloud
BANK = "choice-bank"


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    return cloud.new_bank(BANK)


def read(bank: BankClient, account: str) -> dict[str, Any]:
    found: dict[str, Any] = bank("GET", f"/accounts/{account}/holders/h").json()
    return found


def posted(url: str, body: bytes = b"", **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", url, body=body, headers=headers, timeout=60, retries=False)


@pytest.mark.parametrize(
    ("number", "body", "headers"),
    [
        (1, b"List-Unsubscribe=One-Click", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}),
        (2, b"List-Unsubscribe=One-Click", {}),
        (3, b"", {}),
        (4, b"List-Unsubscribe=One-Click", {"content-type": "text/plain"}),
        (5, b"\xff\x00odd", {"content-type": "application/octet-stream"}),
    ],
)
def test_one_click_passes_the_gateway_in_every_form_and_stands(
    cloud: CloudUnderTest, bank: BankClient, number: int, body: bytes, headers: dict[str, str]
) -> None:
    account = f"click-{number}"
    bank.enrol(account)
    assert posted(str(links_of(cloud, BANK, account).unsubscribe), body, **headers).status == 200
    bank.enrol(account, preferences={"muted": False})  # the nightly sync
    found = read(bank, account)
    assert (found["preferences"], found["preferences_chosen_by"]) == ({"muted": True}, "holder")


def test_patch_and_if_match_pass_the_gateway(bank: BankClient) -> None:
    bank.enrol("patched")
    path = "/accounts/patched/holders/h"
    tag = bank("GET", path).headers["ETag"]
    merge_patch = {"content-type": "application/merge-patch+json"}
    changed = bank("PATCH", path, {"locale": "en"}, {**merge_patch, "if-match": tag})
    assert (changed.status, changed.json()["locale"]) == (200, "en")
    refused = bank("PATCH", path, {"locale": "fr"}, {**merge_patch, "if-match": tag})
    assert (refused.status, refused.json()["code"]) == (412, "precondition_failed")
    settings = bank("PATCH", "/settings", {"flags": {"velocity": {"count": 9}}}, merge_patch)
    assert settings.json()["flags"]["velocity"]["count"] == 9
    warned = bank("PUT", "/settings", {}, {"if-match": settings.headers["ETag"]}).json()["warnings"]
    assert [one["field"] for one in warned] == ["flags.velocity.count"]


def test_ended_alerts_and_a_new_address_are_told_to_the_holder(cloud: CloudUnderTest, bank: BankClient) -> None:
    bank.enrol("told")
    page = str(links_of(cloud, BANK, "told").preferences)
    form = {"content-type": "application/x-www-form-urlencoded"}
    asked = posted(page, b"do=alerts_off", **form)
    (confirmed,) = re.findall(r'name="confirmed" value="(\w+)"', asked.data.decode())
    assert posted(page, f"do=alerts_off&confirmed={confirmed}".encode(), **form).status == 200
    assert read(bank, "told")["preferences"] == {"alerts": False}
    (ended,) = eventually(lambda: cloud.mails("told.h@example.com"))
    assert ended["Subject"].startswith("Alertes de sécurité désactivées")

    assert bank("PATCH", "/accounts/told/holders/h", {"email": "moved@example.com"}).status == 200
    mails = eventually(lambda: found if len(found := cloud.mails("told.h@example.com")) == 2 else None)
    assert "a été modifiée" in mails[1]["Subject"]
    assert cloud.mails("moved@example.com") == []
    for queue in ("StreamDeadLetterQueueUrl", "NotificationDeadLetterQueueUrl"):
        assert cloud.dead_letters(queue) == []


def test_a_change_that_could_not_be_read_is_told_when_an_operator_sends_its_letter_through(
    cloud: CloudUnderTest, bank: BankClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.enrol("redriven")
    cloud.use_by_commands(monkeypatch)
    key = to_item({"account_key": f"{BANK}#redriven"})
    before = cloud.client("dynamodb").get_item(TableName=cloud.deployed.outputs["AccountsTable"], Key=key)["Item"]
    moved = {**before["holder:h"]["M"], "email": {"S": "elsewhere@example.com"}}
    after = {**before, "holder:h": {"M": moved}}
    letter = {"source": "holder_changes", "reason": "malformed_record: KeyError", "payload": record(before, after)}
    cloud.client("sqs").send_message(
        QueueUrl=cloud.deployed.outputs["StreamDeadLetterQueueUrl"], MessageBody=json.dumps(letter)
    )
    assert dead_letters.main(["redrive", "--reason", "malformed_record"]) == 0
    (told,) = eventually(lambda: cloud.mails("redriven.h@example.com"))
    assert "a été modifiée" in told["Subject"]
    assert cloud.dead_letters("StreamDeadLetterQueueUrl") == []
