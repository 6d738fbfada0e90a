"""Mails about changes: each holder is told once, at the address from before, whatever fails in between."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.banks.repository import BankRepository
from chalicelib.changes.change_mailer import MailDesk
from chalicelib.changes.change_notice import ChangeNotice, pack, unpack
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.choice import choose
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.links import Links
from chalicelib.notifications.returns import LEFT_AT_MOST
from tests.change_world import Changes, holder
from tests.fakes import Failing, FakeSqs, QuickSqs, Refusing, refusal
from tests.mail_world import NOW, Died, messages, ses_event
from tests.samples import transaction

LATER = NOW + timedelta(hours=1)
OFF = choose(holder(), {"alerts": False}, LATER)
MOVED = dataclasses.replace(holder(email="new@example.com"), updated_at=LATER)
ENDED = ("awa@example.com", "Security alerts are turned off for your account A1")
ADDRESS = ("awa@example.com", "The e-mail address for your account A1 was changed")
ID = "alerts_ended@A1@20260110T150005000000Z"


@pytest.fixture
def changes(dynamodb: Any, table_names: dict[str, str]) -> Changes:
    found = Changes(dynamodb, table_names)
    found.links_for = lambda bank, account, one, alerts=(): Links(
        f"https://x/preferences/{one.email}", "https://x/one-click"
    )
    return found


def told(changes: Changes, *holders: Holder) -> None:
    """Write the records, and let the teller queue what is to be told."""
    changes.teller().handle(changes.put(*holders))


def test_the_holder_is_told_that_alerts_ended_with_a_link_that_takes_it_back(changes: Changes) -> None:
    told(changes, holder(), OFF)
    changes.mail()
    assert changes.subjects() == [ENDED]
    (mail,) = changes.ses.accepted
    assert "https://x/preferences/awa@example.com" in mail["text"]
    assert changes.states(ID) == {"awa": "sent"}


def test_the_old_address_is_told_of_the_new_one_without_naming_it_and_without_a_dead_link(changes: Changes) -> None:
    told(changes, holder(), MOVED)
    changes.mail()
    assert changes.subjects() == [ADDRESS]
    (mail,) = changes.ses.accepted
    assert "new@example.com" not in json.dumps(mail)
    assert "https://" not in mail["text"]


def test_a_notice_that_comes_twice_or_to_two_functions_is_told_once(changes: Changes) -> None:
    told(changes, holder(), OFF)
    bodies = changes.taken()
    changes.change_mailer().handle(bodies * 3, lambda: 20)
    changes.change_mailer().handle(bodies, lambda: 20)
    assert changes.subjects() == [ENDED]


def test_a_notice_waits_while_the_banks_can_t_be_read_and_is_no_dead_letter(changes: Changes) -> None:
    told(changes, holder(), OFF)
    bodies = changes.taken()
    known = changes.banks
    changes.banks = BankRepository(
        Failing(changes.dynamodb, TemporarilyUnavailable(), operation="get_item"), changes.names["BanksTable"]
    )
    with pytest.raises(TemporarilyUnavailable):
        changes.change_mailer().handle(bodies, lambda: 20)
    assert changes.letters() == []

    changes.banks = known
    changes.now += timedelta(minutes=5)  # the claim of who failed is over
    changes.change_mailer().handle(bodies, lambda: 20)
    assert changes.subjects() == [ENDED]


@pytest.mark.parametrize("at", range(6))
def test_a_function_that_dies_at_any_write_is_followed_by_one_that_tells_it(changes: Changes, at: int) -> None:
    told(changes, holder(), OFF)
    bodies = changes.taken()
    try:
        dying = Failing(changes.dynamodb, Died(), at)
        changes.change_mailer(dynamodb=dying).handle(bodies, lambda: 20)
    except Died:
        changes.now += timedelta(minutes=1)
        changes.change_mailer().handle(bodies, lambda: 20)
    assert set(changes.subjects()) == {ENDED}
    assert changes.states(ID) == {"awa": "sent"}


def test_what_ses_puts_off_comes_back_later_alone_and_holds_nobody_up(changes: Changes) -> None:
    ben = holder("ben", "ben@example.com")
    told(changes, holder(), OFF, ben, choose(ben, {"alerts": False}, LATER))
    changes.ses.statuses = {"awa@example.com": "ACCOUNT_THROTTLED"}
    changes.mail()
    assert [to for to, _ in changes.subjects()] == ["ben@example.com"]
    assert changes.states(ID) == {"awa": "queued", "ben": "sent"}
    (back,) = map(unpack, changes.queue.bodies)
    assert (back.attempt, back.put_off_since) == (1, changes.now)
    assert changes.queue.delays == [2]
    changes.ses.statuses = {}
    changes.mail()
    assert changes.states(ID) == {"awa": "sent", "ben": "sent"}


def test_who_gets_a_put_off_notice_before_its_first_mailer_is_done_is_not_overwritten(changes: Changes) -> None:
    told(changes, holder(), OFF)
    bodies, second = changes.taken(), FakeSqs()

    def tell() -> None:
        changes.ses.statuses.clear()
        changes.now += timedelta(seconds=2)
        back, changes.queue = changes.taken(), second
        changes.change_mailer().handle(back, lambda: 20)

    changes.queue = QuickSqs(tell)
    changes.ses.statuses["awa@example.com"] = "ACCOUNT_THROTTLED"
    changes.change_mailer().handle(bodies, lambda: 20)
    assert (changes.subjects(), changes.states(ID), second.bodies) == ([ENDED], {"awa": "sent"}, [])


def test_what_ses_refuses_is_a_dead_letter_that_can_be_sent_again(changes: Changes) -> None:
    told(changes, holder(), OFF)
    changes.ses.statuses = {"awa@example.com": "MESSAGE_REJECTED"}
    changes.mail()
    assert changes.states(ID) == {"awa": "failed"}
    (letter,) = changes.letters()
    assert (letter["source"], letter["reason"]) == ("change_mailer", "refused: MESSAGE_REJECTED")
    changes.ses.statuses = {}
    changes.change_mailer().handle([json.dumps(letter["payload"])], lambda: 20)
    assert (changes.subjects(), changes.states(ID)) == ([ENDED], {"awa": "sent"})


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_mail_goes_to_a_suppressed_address(changes: Changes, when: str) -> None:
    suppressed = Suppressed("complaint", NOW)
    before = dataclasses.replace(holder(), suppressed=suppressed if when == "before" else None)
    told(changes, before, dataclasses.replace(OFF, suppressed=before.suppressed))
    if when == "after":
        changes.holders.mark("eazycard#A1", holder(), suppressed)
    changes.mail()
    assert (changes.subjects(), changes.states(ID)) == ([], {"awa": "suppressed"})


def test_a_suppressed_old_address_is_not_told_of_the_new_one(changes: Changes) -> None:
    told(changes, dataclasses.replace(holder(), suppressed=Suppressed("hard_bounce", NOW)), MOVED)
    changes.mail()
    assert changes.subjects() == []


def test_who_is_erased_meanwhile_gets_no_mail(changes: Changes) -> None:
    told(changes, holder(), OFF)
    changes.holders.delete("eazycard", "A1", "awa", changes.now)
    changes.mail()
    assert (changes.subjects(), changes.states(ID)) == ([], {"awa": "skipped"})


def test_a_bounce_of_such_a_mail_suppresses_the_address_that_it_went_to(changes: Changes) -> None:
    changes.suppression().enrol("eazycard", "A1", holder())
    told(changes, OFF)
    changes.mail()
    changes.hear([ses_event("bounce", transaction=ID, address="awa@example.com")])
    assert changes.states(ID) == {"awa": "bounced"}
    (stored,) = changes.holders.of_account("eazycard", "A1")
    assert stored.suppressed is not None


def test_a_message_that_can_t_be_read_is_a_dead_letter(changes: Changes) -> None:
    changes.change_mailer().handle(['{"holder_change": {}}', '{"holder_change": 1}'], lambda: 20)
    assert {letter["reason"].partition(":")[0] for letter in changes.letters()} == {"malformed_change"}
    assert len(changes.letters()) == 2


def test_a_mail_that_can_t_be_rendered_is_a_dead_letter(changes: Changes) -> None:
    told(changes, dataclasses.replace(holder(), locale="xx"), dataclasses.replace(OFF, locale="xx"))
    changes.mail()
    assert [letter["reason"] for letter in changes.letters()] == ["not_rendered: FileNotFoundError"]


def test_without_time_the_notices_go_back(changes: Changes) -> None:
    told(changes, holder(), OFF)
    body = changes.taken()
    changes.change_mailer().handle(body, lambda: 3)
    (back,) = changes.queue.bodies
    assert unpack(back) == dataclasses.replace(unpack(body[0]), left_since=changes.now)
    assert changes.subjects() == []


def test_a_table_that_can_t_be_reached_fails_the_batch(changes: Changes) -> None:
    told(changes, holder(), OFF)
    failing = Refusing(changes.dynamodb, refusal("InternalServerError"), "put_item")
    with pytest.raises(TemporarilyUnavailable):
        changes.change_mailer(dynamodb=failing).handle(changes.taken(), lambda: 20)


def test_a_desk_gives_each_message_to_whom_it_is_for(changes: Changes) -> None:
    told(changes, holder(), OFF)
    bodies = [*changes.taken(), *messages(transaction(id="t1", account="A1")), "no JSON"]
    MailDesk(changes.mailer(), changes.change_mailer(), changes.tally).handle(bodies, lambda: 20)
    assert changes.states(ID) == {"awa": "sent"}
    assert changes.states("t1") == {"awa": "sent"}
    assert [letter["source"] for letter in changes.letters()] == ["mailer"]


def test_a_notice_is_one_message_and_comes_back_whole(changes: Changes) -> None:
    told(changes, holder(), OFF)
    (notice,) = map(unpack, changes.queue.bodies)
    whole = ChangeNotice(notice.told, 3, LATER, again=True)
    assert unpack(pack(whole)) == whole


def test_a_change_that_no_time_was_left_for_during_days_is_a_dead_letter_that_tells_it(changes: Changes) -> None:
    told(changes, holder(), OFF)
    for _ in range(2):
        changes.change_mailer().handle(changes.taken(), lambda: 5)
        changes.now += LEFT_AT_MOST
    assert changes.taken() == []
    (given_up,) = changes.letters()
    assert given_up["reason"] == "given_up: out_of_time"
    assert changes.states(ID) == {"awa": "failed"}
    changes.change_mailer().handle([json.dumps(given_up["payload"])], lambda: 20)
    assert changes.states(ID) == {"awa": "sent"}
