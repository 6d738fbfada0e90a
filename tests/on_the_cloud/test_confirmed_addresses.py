"""A trial bank's holder as it is deployed: asked once, let through by the page, and told of money from then on."""

import re

import pytest
import urllib3

from tests.cloud import BankClient, CloudUnderTest, eventually

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    return cloud.new_bank("trial-bank", plan="trial")


def notified(bank: BankClient, transaction: str) -> list[tuple[str, str | None]]:
    found = bank("GET", f"/transactions/{transaction}/notifications").json()["notifications"]
    return [(one["state"], one.get("reason")) for one in found]


def posted(bank: BankClient, transaction: str) -> None:
    now = bank("GET", "/analytics").json()["as_of"]
    answer = bank.post(id=transaction, account="confirmed", amount="10", type="credit", timestamp=now)
    assert answer.status == 201, answer.data


def test_a_trial_banks_holder_gets_one_mail_and_no_other_before_the_button_is_pressed(
    cloud: CloudUnderTest, bank: BankClient
) -> None:
    bank.enrol("confirmed", locale="en")
    (asked,) = eventually(lambda: cloud.mails("confirmed.h@example.com"))
    assert asked["Subject"] == "Trial-Bank: confirm your e-mail address"
    (link,) = set(re.findall(r"https?://\S+/addresses/[\w-]+", asked["BodyText"]))

    posted(bank, "before")
    assert eventually(lambda: ("skipped", "not_confirmed") in notified(bank, "before"))
    bank.enrol("confirmed", locale="en")  # the nightly sync

    assert urllib3.request("GET", link, timeout=60).status == 200
    path = "/accounts/confirmed/holders/h"
    assert "address_confirmed_at" not in bank("GET", path).json()
    form = {"content-type": "application/x-www-form-urlencoded"}
    pressed = urllib3.request("POST", link, body=b"confirm=address", headers=form, timeout=60)
    assert (pressed.status, b"is confirmed" in pressed.data) == (200, True)
    assert bank("GET", path).json()["address_confirmed_at"]

    posted(bank, "after")
    mails = eventually(lambda: found if len(found := cloud.mails("confirmed.h@example.com")) == 2 else None)
    assert mails[1]["Subject"].startswith("Credit of")
    for queue in ("StreamDeadLetterQueueUrl", "NotificationDeadLetterQueueUrl"):
        assert cloud.dead_letters(queue) == []
