"""Mails that ask to confirm an address: one for each address and bank in 14 days, whatever happens at once."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.changes.change_notice import unpack
from chalicelib.holders.address import Address
from chalicelib.holders.choice import choose
from chalicelib.holders.confirmation import ASKED_AT_MOST_EACH
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.links import Links
from chalicelib.ledger.keys import TransactionKey
from chalicelib.mail.ses import PUT_OFF_AT_MOST
from tests.change_world import Changes, holder
from tests.fakes import Failing
from tests.mail_world import NOW, Died

ASKED = ("awa@example.com", "EAZYCard: confirm your e-mail address")
ID = "confirm_address@A1@20260110T140005000000Z"


def asked(one: Holder, at: Any = NOW) -> Holder:
    return dataclasses.replace(one, confirmation_asked_at=at)


@pytest.fixture
def changes(dynamodb: Any, table_names: dict[str, str]) -> Changes:
    found = Changes(dynamodb, table_names)
    found.links_for = lambda *_: Links("https://x/preferences", "https://x/one-click")
    return found


def told(changes: Changes, *holders: Holder, account: str = "A1") -> None:
    changes.teller().handle(changes.put(*holders, account=account))


def test_a_holder_who_must_confirm_gets_a_mail_with_the_link_and_nothing_of_the_record(changes: Changes) -> None:
    told(changes, asked(holder()))
    changes.mail()
    assert changes.subjects() == [ASKED]
    (mail,) = changes.ses.accepted
    assert "https://x/addresses/eazycard" in mail["text"]
    for part in (mail["text"], mail["html"]):
        assert "Awa" not in part
        assert "A1" not in part
        assert "preferences" not in part
    assert ("List-Unsubscribe", "<https://x/one-click>") in [tuple(one) for one in mail["headers"].items()]
    assert changes.states(ID) == {"awa": "sent"}


def test_the_bank_gets_no_event_and_no_webhook_of_it(changes: Changes) -> None:
    changes.name_endpoint("holder.changed")
    told(changes, asked(holder()))
    assert changes.events.accepted == []
    assert changes.webhook_bodies() == []


def test_the_mail_is_in_the_holders_language(changes: Changes) -> None:
    told(changes, asked(holder(locale="fr-CM")))
    changes.mail()
    assert changes.subjects() == [("awa@example.com", "EAZYCard\u00a0: confirmez votre adresse e-mail")]


def test_an_address_gets_one_mail_whatever_number_of_holders_accounts_and_notices_there_are(changes: Changes) -> None:
    told(changes, asked(holder()), asked(holder("ben", "AWA@example.com")))
    told(changes, asked(holder()), account="A2")
    bodies = changes.taken()
    assert len(bodies) == 3
    for _ in range(2):
        changes.change_mailer().handle(bodies, lambda: 20)
        changes.change_mailer().handle(bodies[::-1], lambda: 20)
    assert len(changes.subjects()) == 1
    assert sorted([*changes.states(ID).values(), *changes.states(ID.replace("A1", "A2")).values()]) == [
        "sent",
        "skipped",
        "skipped",
    ]


def test_erasing_and_enrolling_again_and_moving_back_send_no_second_mail_for_14_days(changes: Changes) -> None:
    told(changes, asked(holder()))
    changes.mail()
    for minutes in (1, 2):
        changes.now = NOW + timedelta(minutes=minutes)
        changes.holders.delete("eazycard", "A1", "awa", changes.now)
        told(changes, asked(holder(), changes.now))
        changes.mail()
    assert changes.subjects() == [ASKED]
    changes.now = NOW + ASKED_AT_MOST_EACH + timedelta(minutes=3)
    changes.holders.delete("eazycard", "A1", "awa", changes.now)
    told(changes, asked(holder(), changes.now))
    changes.mail()
    assert changes.subjects() == [ASKED] * 2


def test_another_bank_s_mail_is_another_matter(changes: Changes) -> None:
    confirming = changes.confirming(changes.dynamodb)
    told(changes, asked(holder()))
    (notice,) = map(unpack, changes.taken())
    other = dataclasses.replace(notice, told=dataclasses.replace(notice.told, bank="other-bank"))
    one = asked(holder())
    assert confirming.why_not(notice, one, NOW) is None
    assert confirming.why_not(other, one, NOW) is None
    again = dataclasses.replace(other, told=dataclasses.replace(other.told, account="A9"))
    assert confirming.why_not(again, one, NOW) == "asked_lately"


@pytest.mark.parametrize("at", range(7))
def test_a_function_that_dies_at_any_call_is_followed_by_one_that_asks(changes: Changes, at: int) -> None:
    told(changes, asked(holder()))
    bodies = changes.taken()
    try:
        changes.change_mailer(dynamodb=Failing(changes.dynamodb, Died(), at)).handle(bodies, lambda: 20)
    except Died:
        changes.now += timedelta(minutes=1)
        changes.change_mailer().handle(bodies, lambda: 20)
    assert set(changes.subjects()) == {ASKED}
    assert changes.states(ID) == {"awa": "sent"}


def test_what_ses_puts_off_or_refuses_is_tried_again_by_the_same_notice(changes: Changes) -> None:
    told(changes, asked(holder()))
    changes.ses.statuses = {"awa@example.com": "ACCOUNT_THROTTLED"}
    changes.mail()
    assert changes.states(ID) == {"awa": "queued"}
    changes.ses.statuses = {"awa@example.com": "MESSAGE_REJECTED"}
    changes.mail()
    (letter,) = changes.letters()
    changes.ses.statuses = {}
    changes.change_mailer().handle([json.dumps(letter["payload"])], lambda: 20)
    assert (changes.subjects(), changes.states(ID)) == ([ASKED], {"awa": "sent"})


def test_it_counts_in_the_banks_quota_and_over_it_the_turn_is_given_back(changes: Changes) -> None:
    taken: list[tuple[str, int]] = []

    def allowed(bank: str, count: int) -> int:
        taken.append((bank, count))
        return 0 if len(taken) == 1 else count

    changes.allowed_emails = allowed
    told(changes, asked(holder()))
    changes.mail()
    assert (changes.subjects(), changes.states(ID)) == ([], {"awa": "skipped"})
    changes.now += timedelta(days=1)
    told(changes, asked(holder(), changes.now))
    changes.ses.statuses = {"awa@example.com": "ACCOUNT_THROTTLED"}
    changes.mail()
    changes.ses.statuses = {}
    changes.mail()
    assert changes.subjects() == [ASKED]
    assert taken == [("eazycard", 1)] * 2  # what SES put off isn't counted twice


@pytest.mark.parametrize(
    ("now", "state", "reason"),
    [
        (None, "skipped", "erased"),
        (dataclasses.replace(asked(holder()), email="new@example.com"), "skipped", "address_changed"),
        (dataclasses.replace(asked(holder()), address_confirmed_at=NOW), "skipped", "confirmed"),
        (holder(), "skipped", "not_asked"),
        (choose(asked(holder()), {"muted": True}, NOW), "skipped", "muted"),
        (dataclasses.replace(asked(holder()), suppressed=Suppressed("hard_bounce", NOW)), "suppressed", "hard_bounce"),
    ],
)
def test_the_record_as_it_is_now_says_whether_to_ask(
    changes: Changes, now: Holder | None, state: str, reason: str
) -> None:
    told(changes, asked(holder()))
    if now is None:
        changes.holders.delete("eazycard", "A1", "awa", changes.now)
    else:
        changes.put(now)
    changes.mail()
    assert changes.subjects() == []
    assert changes.states(ID) == {"awa": state}
    (found,) = changes.deliveries.of_transaction(TransactionKey("eazycard", ID))
    assert found["reason"] == reason


def test_without_a_link_the_mail_waits_and_is_a_dead_letter_after_days(changes: Changes) -> None:
    link, changes.confirmation_link = changes.confirmation_link, lambda _: None
    told(changes, asked(holder()))
    changes.mail()
    assert changes.states(ID) == {"awa": "queued"}
    changes.now += PUT_OFF_AT_MOST
    changes.mail()
    assert changes.states(ID) == {"awa": "failed"}
    (letter,) = changes.letters()
    assert letter["reason"] == "no_link"
    changes.confirmation_link = link
    changes.change_mailer().handle([json.dumps(letter["payload"])], lambda: 20)
    assert changes.states(ID) == {"awa": "sent"}


def test_nothing_else_is_mailed_to_who_has_not_confirmed_and_ended_alerts_are_told_after_it(changes: Changes) -> None:
    waiting = asked(holder(alerts=False))
    moved = asked(holder(email="new@example.com", alerts=False), NOW + timedelta(seconds=1))
    told(changes, waiting, moved)
    changes.mail()
    assert [to for to, _ in changes.subjects()] == ["new@example.com"]  # the first one's address is not known
    told(changes, moved, dataclasses.replace(moved, address_confirmed_at=changes.now + timedelta(minutes=1)))
    changes.mail()
    assert changes.subjects()[-1] == ("new@example.com", "Security alerts are turned off for your account A1")


def test_the_turn_is_kept_by_hash_and_ends_by_itself(changes: Changes) -> None:
    told(changes, asked(holder()))
    changes.mail()
    items = changes.dynamodb.scan(TableName=changes.names["DeferralsTable"])["Items"]
    (item,) = (one for one in items if one["due_hour"]["S"].startswith("asked#"))
    assert item["due_hour"]["S"] == f"asked#{Address.of('eazycard', 'awa@example.com').key}"
    assert int(item["expires_at"]["N"]) == int((NOW + ASKED_AT_MOST_EACH).timestamp())
    assert "awa" not in json.dumps(item)
