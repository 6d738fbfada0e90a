"""The mailer: every holder told once, whatever fails on the way."""

import dataclasses
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.links import Links
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.ses import PUT_OFF_AT_MOST
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.notifications.returns import LEFT_AT_MOST
from chalicelib.notifications.sending import Senders
from chalicelib.notifications.state import NotificationKey
from tests.fakes import Failing, FakeSqs, Metered, QuickSqs, Refusing, refusal
from tests.mail_world import NOW, Died, World, many, messages
from tests.metrics import lines_saying
from tests.samples import EVIDENCE, transaction


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    return World(dynamodb, table_names)


def test_every_holder_is_told_once_in_the_own_language(world: World) -> None:
    world.enrol("a0", "awa", locale="fr")
    world.enrol("a0", "grace", locale="en")
    world.tell(messages(transaction(id="t0", account="a0", type="credit")))
    subjects = {email["to"]: email["subject"] for email in world.ses.accepted}
    assert subjects == {
        "a0.awa@example.com": "Crédit de 250\u202f500\xa0FCFA sur votre compte a0",
        "a0.grace@example.com": "Credit of FCFA\xa0250,500 to your account a0",
    }
    assert world.states("t0") == {"awa": "sent", "grace": "sent"}
    assert world.ses.accepted[0]["tags"] == {"bank": "eazycard", "transaction": "t0", "holder": "awa"}


def test_an_account_without_holders_makes_no_email_and_no_trouble(world: World) -> None:
    world.tell(messages(*many(3)))
    assert (world.ses.calls, world.queue.calls, world.dead_letters.calls) == (0, 0, 0)


def test_the_same_message_twice_tells_once(world: World) -> None:
    world.enrol("a0", "awa")
    for _ in range(3):
        world.tell(messages(transaction(id="t0", account="a0")))
    assert world.ses.recipients == {"a0.awa@example.com": 1}
    assert world.queue.bodies == []


def test_the_same_transaction_twice_in_a_batch_tells_once(world: World) -> None:
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")) * 2)
    assert world.ses.recipients == {"a0.awa@example.com": 1}


def test_some_told_and_some_new_in_one_batch_tells_the_new_ones(world: World) -> None:
    for told in many(60):
        world.enrol(told.account, "awa")
    world.tell(messages(*many(60)[::2]))
    world.tell(messages(*many(60)))
    assert set(world.ses.recipients.values()) == {1}
    assert len(world.ses.accepted) == 60


def test_a_copy_that_comes_while_another_mailer_is_busy_waits_and_then_finds_it_told(world: World) -> None:
    world.enrol("a0", "awa")
    body = messages(transaction(id="t0", account="a0"))
    world.ses.after_accepting = lambda: second_copy()

    def second_copy() -> None:
        world.ses.after_accepting = lambda: None
        world.tell(body)

    world.tell(body)
    assert len(world.queue.bodies) == 1
    world.drain()
    assert world.ses.recipients == {"a0.awa@example.com": 1}


@pytest.mark.parametrize(
    ("preferences", "reason"),
    [
        ({"muted": True}, "muted"),
        ({"types": ["credit"]}, "types"),
        ({"types": []}, "types"),
        ({"min_amount": {"XAF": "250501"}}, "min_amount"),
        ({"muted": True, "types": ["credit"]}, "muted"),
        ({"min_amount": {"XAF": "250500"}}, None),
        ({"min_amount": {"EUR": "9999999"}}, None),
        ({"types": ["debit"]}, None),
        ({"muted": False}, None),
    ],
)
def test_preferences_are_kept_and_what_they_skip_is_noted(
    world: World, preferences: dict[str, Any], reason: str | None
) -> None:
    world.enrol("a0", "awa", **preferences)
    world.tell(messages(transaction(id="t0", account="a0")))
    (noted,) = world.deliveries.of_transaction(TransactionKey("eazycard", "t0"))
    assert (noted["state"], noted.get("reason")) == (("skipped", reason) if reason else ("sent", None))
    assert len(world.ses.accepted) == (0 if reason else 1)


def test_an_e_mail_carries_the_headers_of_its_own_holder_s_links(world: World) -> None:
    world.enrol("a0", "awa", "ben")
    world.links_for = lambda bank, account, holder, _: Links(
        unsubscribe=f"https://alerts.example/{bank}.{account}.{holder.id}"
    )
    world.tell(messages(transaction(id="t0", account="a0")))
    assert {email["to"]: email["headers"] for email in world.ses.accepted} == {
        f"a0.{holder}@example.com": {
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<https://alerts.example/eazycard.a0.{holder}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        for holder in ("awa", "ben")
    }


def test_a_security_alert_has_the_link_to_the_preferences_and_offers_no_one_click(world: World) -> None:
    world.enrol("a0", "awa")
    world.links_for = lambda *_: Links("https://alerts.example/page", "https://alerts.example/one-click")
    alert = Notice(transaction(id="t0", account="a0"), flags={"velocity": EVIDENCE["velocity"]})
    world.tell(list(pack([to_payload(alert)])))
    (email,) = world.ses.accepted
    assert email["headers"] == {"Auto-Submitted": "auto-generated"}
    assert "https://alerts.example/page" in email["text"]


def test_without_links_an_e_mail_offers_no_unsubscribing(world: World) -> None:
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")))
    assert world.ses.accepted[0]["headers"] == {"Auto-Submitted": "auto-generated"}


def test_a_holder_who_was_erased_meanwhile_is_not_told(world: World) -> None:
    world.enrol("a0", "awa", "ben")
    body = messages(transaction(id="t0", account="a0"))
    world.holders.delete("eazycard", "a0", "awa", world.now)
    world.tell(body)
    assert world.ses.recipients == {"a0.ben@example.com": 1}


def test_nobody_is_written_to_at_a_suppressed_address_and_the_reason_is_noted(world: World) -> None:
    world.enrol("a0", "awa", "ben")
    world.enrol("a0", "eve", min_amount={"XAF": "a lot"})
    for holder in ("awa", "eve"):
        suppressed = Suppressed("hard_bounce", NOW)
        world.suppression().suppress(Address.of("eazycard", f"a0.{holder}@example.com"), suppressed, world.now)
    world.tell(messages(transaction(id="t0", account="a0")))
    assert world.ses.recipients == {"a0.ben@example.com": 1}
    awa, ben, eve = world.deliveries.of_transaction(TransactionKey("eazycard", "t0"))
    assert (awa["state"], awa["reason"], ben["state"]) == ("suppressed", "hard_bounce", "sent")
    assert eve["state"] == "suppressed"  # whatever the preferences are
    assert "sent_at" not in awa


@pytest.mark.parametrize("flags", [{}, {"velocity": EVIDENCE["velocity"]}])
def test_who_has_not_confirmed_the_address_gets_nothing_and_from_then_on_everything(
    world: World, flags: dict[str, Any]
) -> None:
    def bodies(*ids: str) -> list[str]:
        notices = (Notice(transaction(id=id_, account="a0"), flags=flags) for id_ in ids)
        return list(pack(map(to_payload, notices)))

    world.enrol("a0", "ben")
    enrolment, address = world.suppression(), Address.of("eazycard", "awa@example.com")
    enrolment.enrol("eazycard", "a0", Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, NOW), must_confirm=True)
    world.tell(bodies("t0"))
    assert world.ses.recipients == {"a0.ben@example.com": 1}
    awa, ben = world.deliveries.of_transaction(TransactionKey("eazycard", "t0"))
    assert (awa["state"], awa["reason"], ben["state"]) == ("skipped", "not_confirmed", "sent")
    enrolment.confirm(address, NOW)
    world.tell(bodies("t0", "t1"))
    assert world.ses.recipients["awa@example.com"] == 1
    assert world.states("t0")["awa"] == "skipped"  # isn't made up for


def test_a_suppressed_holder_is_told_again_when_the_bank_enrols_another_address(world: World) -> None:
    world.enrol("a0", "awa")
    world.suppression().suppress(Address.of("eazycard", "a0.awa@example.com"), Suppressed("complaint", NOW), NOW)
    new = Holder("awa", "Awa", "new@example.com", "fr", "UTC", {}, NOW)
    world.suppression().enrol("eazycard", "a0", new)
    world.tell(messages(transaction(id="t0", account="a0")))
    assert world.ses.recipients == {"new@example.com": 1}


def test_a_mailer_that_died_between_note_and_feed_is_made_up_for_by_the_next(world: World) -> None:
    world.enrol("a0", "awa")
    bodies = messages(transaction(id="t0", account="a0"))
    with pytest.raises(Died):  # the first batch write is the note, the second one the page of the feed
        world.tell(bodies, dynamodb=Failing(world.dynamodb, Died(), at=1, operation="batch_write_item"))
    assert world.states("t0") == {"awa": "sent"}
    world.tell(bodies)
    world.now += timedelta(minutes=1)
    assert [key.holder for key in world.feed().read("eazycard", "", 50).keys] == ["awa"]
    assert world.ses.recipients == {"a0.awa@example.com": 1}


def test_an_unreadable_message_is_dead_lettered_whole_and_the_others_are_told(world: World) -> None:
    world.enrol("a0", "awa")
    world.tell(["{broken", *messages(transaction(id="t0", account="a0"))])
    assert world.ses.recipients == {"a0.awa@example.com": 1}
    (letter,) = world.letters()
    assert letter["payload"] == "{broken"
    assert letter["reason"] == "malformed_message: JSONDecodeError"


def test_an_email_that_cannot_be_rendered_is_dead_lettered_and_the_others_are_told(world: World) -> None:
    for told in many(20):
        world.enrol(told.account, "awa")
    world.enrol("a7", "awa", locale="xx")  # no such language: written past the API's rules
    world.tell(messages(*many(20)))
    assert len(world.ses.accepted) == 19
    (letter,) = world.letters()
    assert letter["payload"]["transaction"]["id"] == "t7"
    assert letter["payload"]["holders"] == ["awa"]
    assert letter["reason"].startswith("not_rendered: ")
    assert world.states("t7") == {"awa": "failed"}


def test_an_address_that_ses_refuses_for_good_fails_alone(world: World) -> None:
    for told in many(20):
        world.enrol(told.account, "awa")
    world.ses.statuses["a7.awa@example.com"] = "MESSAGE_REJECTED"
    world.tell(messages(*many(20)))
    world.drain()
    assert len(world.ses.accepted) == 19
    assert world.states("t7") == {"awa": "failed"}
    (letter,) = world.letters()
    assert letter["reason"] == "refused: MESSAGE_REJECTED"
    (notice,) = unpack(json.dumps({"notices": [letter["payload"]]}), [])
    assert notice.transaction == dataclasses.replace(many(8)[7], metadata=None)


def test_a_throttled_entry_goes_back_alone_and_arrives_later_once(world: World) -> None:
    for told in many(20):
        world.enrol(told.account, "awa")
    world.ses.statuses["a7.awa@example.com"] = "ACCOUNT_THROTTLED"
    world.tell(messages(*many(20)))
    assert len(world.ses.accepted) == 19
    (body,) = world.queue.bodies
    (notice,) = unpack(body, [])
    assert (notice.transaction.id, notice.holders, notice.attempt) == ("t7", ("awa",), 1)
    assert world.queue.delays == [2]
    world.ses.statuses.clear()
    world.drain()
    assert set(world.ses.recipients.values()) == {1}
    assert len(world.ses.accepted) == 20


def test_who_gets_a_put_off_notice_before_its_first_mailer_is_done_is_not_overwritten(world: World) -> None:
    world.enrol("a0", "awa")
    second = FakeSqs()

    def tell() -> None:
        world.ses.statuses.clear()
        world.now += timedelta(seconds=2)
        world.tell(first.bodies, queue=second)

    first = QuickSqs(tell)
    world.ses.statuses["a0.awa@example.com"] = "ACCOUNT_THROTTLED"
    world.tell(messages(transaction(id="t0", account="a0")), queue=first)
    assert world.states("t0") == {"awa": "sent"}
    assert (len(world.ses.accepted), second.bodies) == (1, [])


def test_an_alert_is_told_though_the_transaction_was_skipped_as_an_ordinary_one(world: World) -> None:
    # A batch of the stream came again, and only the second time it was flagged.
    world.enrol("a0", "awa", muted=True)
    plain = Notice(transaction(id="t0", account="a0"))
    world.tell(list(pack([to_payload(plain)])))
    assert world.states("t0") == {"awa": "skipped"}
    alert = list(pack([to_payload(dataclasses.replace(plain, flags={"velocity": EVIDENCE["velocity"]}))]))
    world.tell(alert)
    world.tell(alert)
    assert world.states("t0") == {"awa": "sent"}
    assert len(world.ses.accepted) == 1


def test_waits_double_up_to_what_sqs_can_delay(world: World) -> None:
    world.enrol("a0", "awa")
    world.ses.refuses_call_with = "TooManyRequestsException"
    waits = []
    bodies = messages(transaction(id="t0", account="a0"))
    for _ in range(12):
        world.tell(bodies)
        waits += world.queue.delays
        bodies, world.queue.bodies, world.queue.delays = world.queue.bodies, [], []
        world.now += timedelta(minutes=15)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_after_ses_was_down_for_a_while_everything_goes_out_once(world: World) -> None:
    for told in many(60):
        world.enrol(told.account, "awa")
    world.ses.refuses_call_with = "ServiceUnavailable"
    world.tell(messages(*many(60)))
    for _ in range(5):
        bodies, world.queue.bodies = world.queue.bodies, []
        world.now += timedelta(minutes=2)
        world.tell(bodies)
    assert world.ses.accepted == []
    world.ses.refuses_call_with = None
    world.drain()
    assert len(world.ses.accepted) == 60
    assert set(world.ses.recipients.values()) == {1}
    assert world.dead_letters.bodies == []


def test_what_ses_puts_off_for_days_ends_in_the_dead_letter_queue(world: World) -> None:
    world.enrol("a0", "awa")
    world.ses.statuses["a0.awa@example.com"] = "ACCOUNT_THROTTLED"
    world.tell(messages(transaction(id="t0", account="a0")))
    world.drain()
    assert world.now - NOW >= PUT_OFF_AT_MOST
    (letter,) = world.letters()
    assert letter["reason"] == "given_up: ACCOUNT_THROTTLED"
    assert world.states("t0") == {"awa": "failed"}


def test_a_quota_that_is_used_up_for_a_day_loses_nothing(world: World) -> None:
    for told in many(3):
        world.enrol(told.account, "awa")
    world.ses.refuses_call_with = "ACCOUNT_DAILY_QUOTA_EXCEEDED"
    world.tell(messages(*many(3)))
    while world.now < NOW + timedelta(days=1):
        bodies, world.queue.bodies = world.queue.bodies, []
        world.now += timedelta(minutes=15)
        world.tell(bodies)
    world.ses.refuses_call_with = None
    world.drain()
    assert set(world.ses.recipients.values()) == {1}
    assert len(world.ses.accepted) == 3


def test_a_dead_letter_that_is_put_back_is_told_once_after_all(world: World) -> None:
    world.enrol("a0", "awa")
    world.ses.statuses["a0.awa@example.com"] = "MESSAGE_REJECTED"
    world.tell(messages(transaction(id="t0", account="a0")))
    (letter,) = world.letters()
    assert world.states("t0") == {"awa": "failed"}
    put_back = json.dumps({"notices": [letter["payload"]]})
    world.ses.statuses.clear()
    world.tell([put_back])
    world.tell([put_back])
    assert world.ses.recipients == {"a0.awa@example.com": 1}
    assert world.states("t0") == {"awa": "sent"}


def test_a_note_that_the_table_refuses_at_first_tells_nobody_twice(world: World) -> None:
    for told in many(50):
        world.enrol(told.account, "awa")
    refused = Failing(world.dynamodb, refusal("ProvisionedThroughputExceededException"), operation="batch_write_item")
    world.tell(messages(*many(50)), dynamodb=refused)
    assert all(world.states(told.id) == {"awa": "sent"} for told in many(50))
    assert set(world.ses.recipients.values()) == {1}


def test_a_holder_s_record_with_a_field_of_a_later_release_is_read(world: World) -> None:
    world.enrol("a0", "awa")
    world.dynamodb.update_item(
        TableName=world.names["AccountsTable"],
        Key={"account_key": {"S": "eazycard#a0"}},
        UpdateExpression="SET #holder.nickname = :yes",
        ExpressionAttributeNames={"#holder": "holder:awa"},
        ExpressionAttributeValues={":yes": {"BOOL": True}},
    )
    world.tell(messages(transaction(id="t0", account="a0")))
    assert world.ses.recipients == {"a0.awa@example.com": 1}


@pytest.mark.parametrize("spoilt", [{"S": "text"}, {"M": {}}, {"M": {"name": {"S": "no address"}}}])
def test_a_holder_s_record_that_cannot_be_read_keeps_nobody_else_from_being_told(
    world: World, spoilt: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    world.enrol("a0", "ben")
    world.enrol("a1", "awa")
    world.dynamodb.update_item(
        TableName=world.names["AccountsTable"],
        Key={"account_key": {"S": "eazycard#a0"}},
        UpdateExpression="SET #holder = :spoilt",
        ExpressionAttributeNames={"#holder": "holder:awa"},
        ExpressionAttributeValues={":spoilt": spoilt},
    )
    world.tell(messages(transaction(id="t0", account="a0"), transaction(id="t1", account="a1")))
    assert world.ses.recipients == {"a0.ben@example.com": 1, "a1.awa@example.com": 1}
    assert "malformed_holder" in caplog.text


def test_a_notice_for_one_holder_is_told_to_no_other_holder_of_the_account(world: World) -> None:
    for holder in ("awa", "ben"):
        world.enrol("a0", holder)
    world.tell(list(pack([to_payload(Notice(transaction(id="t0", account="a0"), holders=("ben",)))])))
    assert world.ses.recipients == {"a0.ben@example.com": 1}


def test_a_preference_that_cannot_be_read_harms_no_other_holder(world: World) -> None:
    world.enrol("a0", "awa", min_amount={"XAF": "a lot"})
    world.enrol("a0", "ben")
    world.tell(messages(transaction(id="t0", account="a0")))
    assert world.ses.recipients == {"a0.ben@example.com": 1}
    assert world.states("t0") == {"awa": "failed", "ben": "sent"}


@pytest.mark.parametrize("dies_at", [0, 1, 2, 3, 17, 32, 33, 34])
def test_a_mailer_that_dies_between_any_two_calls_leaves_nobody_untold(world: World, dies_at: int) -> None:
    for told in many(30):
        world.enrol(told.account, "awa")
    bodies = messages(*many(30))
    with_death = Failing(world.dynamodb, Died(), at=dies_at)
    try:
        world.tell(bodies, dynamodb=with_death)
    except Died:
        world.now += timedelta(minutes=2)  # SQS brings the messages again after the visibility timeout
        world.tell(bodies)
        world.drain()
    assert set(world.ses.recipients) == {f"{told.account}.awa@example.com" for told in many(30)}
    # The batch reads holders (0), the bank (1), books time at SES (2), claims (3 to 32), sends, notes that (33): dying
    # there is the crash between SES's yes and our note of it, the only one that may tell twice.
    assert max(world.ses.recipients.values()) == (2 if dies_at == 33 else 1)
    assert all(world.states(told.id) == {"awa": "sent"} for told in many(30))


def test_a_mailer_that_dies_in_ses_tells_its_claimed_ones_again_and_no_others(world: World) -> None:
    for told in many(80):
        world.enrol(told.account, "awa")
    bodies = messages(*many(80))

    def die() -> None:
        raise Died

    sent = Counter[str]()
    world.ses.after_accepting = lambda: die() if world.ses.calls == 2 else None
    with pytest.raises(Died):
        world.tell(bodies)
    sent.update(world.ses.recipients)
    world.ses.after_accepting = lambda: None
    world.now += timedelta(minutes=2)
    world.tell(bodies)
    world.drain()
    assert set(world.ses.recipients) == {f"{told.account}.awa@example.com" for told in many(80)}
    assert sum(world.ses.recipients.values()) == 80 + 30  # the second call's 30 had no note
    assert len(sent) == 80


def test_a_redelivery_before_the_dead_mailer_s_lease_is_over_waits_for_it(world: World) -> None:
    world.enrol("a0", "awa")
    bodies = messages(transaction(id="t0", account="a0"))
    with pytest.raises(Died):
        world.tell(bodies, ses=Failing(world.ses, Died()))
    world.tell(bodies)
    assert world.ses.accepted == []
    assert world.queue.delays == [25]
    world.drain()
    assert world.ses.recipients == {"a0.awa@example.com": 1}


@pytest.mark.parametrize("operation", ["batch_get_item", "put_item", "get_item"])
def test_a_table_that_cannot_be_reached_raises_so_that_sqs_brings_the_batch_again(world: World, operation: str) -> None:
    world.enrol("a0", "awa")
    bodies = messages(transaction(id="t0", account="a0"))
    down = Refusing(world.dynamodb, refusal("InternalServerError"), operation)
    with pytest.raises(TemporarilyUnavailable):
        world.tell(bodies, dynamodb=down)
    world.tell(bodies)
    assert world.ses.recipients == {"a0.awa@example.com": 1}


def test_when_the_dead_letter_queue_is_down_the_failure_is_not_forgotten(world: World) -> None:
    world.enrol("a0", "awa")
    world.ses.statuses["a0.awa@example.com"] = "MESSAGE_REJECTED"
    bodies = messages(transaction(id="t0", account="a0"))
    with pytest.raises(TemporarilyUnavailable):
        world.tell(bodies, dead_letters=Failing(world.dead_letters, refusal("ThrottlingException")))
    assert world.states("t0") == {"awa": "queued"}
    world.now += timedelta(minutes=2)
    world.tell(bodies)
    assert len(world.letters()) == 1
    assert world.states("t0") == {"awa": "failed"}


def test_a_mailer_that_runs_out_of_time_puts_the_rest_back(world: World) -> None:
    for told in many(120):
        world.enrol(told.account, "awa")
    left = iter([20.0, 20.0, 5.0])
    world.tell(messages(*many(120)), time_left_s=lambda: next(left))
    assert len(world.ses.accepted) == 50
    world.drain()
    assert len(world.ses.accepted) == 120
    assert set(world.ses.recipients.values()) == {1}


def test_what_no_time_was_left_for_during_days_is_a_dead_letter_with_its_reason(world: World) -> None:
    world.enrol("a0", "awa")
    bodies = messages(transaction(id="t0", account="a0"))
    rounds = 0
    while bodies:
        world.tell(bodies, time_left_s=lambda: 5)
        bodies, world.queue.bodies = world.queue.bodies, []
        world.now += timedelta(hours=6)
        rounds += 1
    assert rounds == LEFT_AT_MOST / timedelta(hours=6) + 1
    (given_up,) = world.letters()
    assert given_up["reason"] == "given_up: out_of_time"
    assert world.states("t0") == {"awa": "failed"}
    world.tell([json.dumps({"notices": [given_up["payload"]]})])
    assert world.states("t0") == {"awa": "sent"}


def test_what_got_its_turn_in_between_may_be_left_for_days_again(world: World) -> None:
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")), time_left_s=lambda: 5)
    world.now += LEFT_AT_MOST - timedelta(hours=1)
    world.ses.refuses_call_with = "TooManyRequestsException"
    bodies, world.queue.bodies = world.queue.bodies, []
    world.tell(bodies)
    world.now += timedelta(hours=2)
    bodies, world.queue.bodies = world.queue.bodies, []
    world.tell(bodies, time_left_s=lambda: 5)
    assert world.letters() == []
    assert len(world.queue.bodies) == 1


def test_what_was_sent_by_another_copy_is_not_given_up(world: World) -> None:
    world.enrol("a0", "awa")
    bodies = messages(transaction(id="t0", account="a0"))
    world.tell(bodies, time_left_s=lambda: 5)
    world.tell(bodies)
    world.now += LEFT_AT_MOST
    world.tell(world.queue.bodies, time_left_s=lambda: 5)
    assert world.letters() == []
    assert world.states("t0") == {"awa": "sent"}


def test_a_line_says_of_a_call_s_notifications_what_was_done(world: World, logged: Any) -> None:
    for number, told in enumerate(many(5)):
        world.enrol(told.account, "awa", **({"quiet_hours": {"from": "13:00", "to": "20:30"}} if number == 3 else {}))
    world.ses.statuses = {"a1.awa@example.com": "MESSAGE_REJECTED", "a2.awa@example.com": "ACCOUNT_THROTTLED"}
    world.tell(messages(many(5)[4]))
    world.tell(messages(*many(5)))
    _, line = lines_saying(logged(), "told")
    counts = ("sent", "failed", "put_off", "waiting", "settled", "busy", "skipped", "digested")
    assert [line[name] for name in counts] == [1, 1, 1, 1, 1, 0, 0, 0]
    assert line["reasons"] == {"refused: MESSAGE_REJECTED": 1, "put_off: ACCOUNT_THROTTLED": 1}
    assert sorted(line["transactions"]) == [f"eazycard#t{number}" for number in range(5)]


def test_a_line_says_how_many_had_no_time_and_were_given_up(world: World, logged: Any) -> None:
    world.enrol("a0", "awa")
    old = messages(transaction(id="t0", account="a0"))
    world.tell(old, time_left_s=lambda: 5)
    (line,) = lines_saying(logged(), "out_of_time")
    assert (line["put_back"], line["given_up"]) == (1, 0)
    world.now += LEFT_AT_MOST
    world.enrol("a1", "awa")
    world.tell([*world.queue.bodies, *messages(transaction(id="t1", account="a1"))], time_left_s=lambda: 5)
    _, line = lines_saying(logged(), "out_of_time")
    assert (line["level"], line["put_back"], line["given_up"]) == ("WARNING", 1, 1)


def test_nothing_personal_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.enrol("a0", "awa")
    world.enrol("a0", "ben", locale="xx")
    world.tell(["{broken 250500", *messages(transaction(id="t0", account="a0", merchant={"name": "Mokolo"}))])
    logged = " ".join(str(line.__dict__) for line in caplog.records)
    assert "told" in logged
    for secret in ("example.com", "Awa", "250500", "Mokolo", "4242"):
        assert secret not in logged


def test_all_mailers_together_stay_under_the_send_rate_and_everybody_is_told(world: World) -> None:
    world.rate = None  # as SES says: 14 a second
    world.ses.send_rate = 14
    accepted: list[tuple[datetime, int]] = []
    world.ses.after_accepting = lambda: accepted.append((world.now, len(world.ses.accepted)))
    for told in many(100):
        world.enrol(told.account, "awa")
    started = world.now
    world.tell(messages(*many(100)), time_left_s=lambda: 40 - (world.now - started).total_seconds())
    world.drain()
    assert sorted(world.ses.recipients.values()) == [1] * 100
    counts = [(at, total - before) for (at, total), (_, before) in zip(accepted, [(NOW, 0), *accepted], strict=False)]
    for at, _ in counts:
        assert sum(count for other, count in counts if at <= other < at + timedelta(seconds=5)) <= 14 * 6
    assert max(count for _, count in counts) <= 14


def test_what_there_is_no_time_to_wait_for_goes_back_unclaimed(world: World) -> None:
    world.rate = 1.0
    for told in many(20):
        world.enrol(told.account, "awa")
    started = world.now
    world.tell(messages(*many(20)), time_left_s=lambda: 20 - (world.now - started).total_seconds())
    left = [notice for body in world.queue.bodies for notice in unpack(body, [])]
    assert len(world.ses.accepted) + len(left) == 20
    assert len(left) > 5
    assert [notice.attempt for notice in left] == [0] * len(left)
    assert sum(bool(world.states(told.id)) for told in many(20)) == len(world.ses.accepted)


def test_ses_down_for_ten_minutes_tells_everybody_once_when_it_is_back(world: World) -> None:
    for told in many(30):
        world.enrol(told.account, "awa")
    down_until = world.now + timedelta(minutes=10)
    bodies = messages(*many(30))
    while bodies:
        world.ses.refuses_call_with = "ServiceUnavailable" if world.now < down_until else None
        world.tell(bodies)
        bodies, world.queue.bodies = world.queue.bodies, []
        world.now += timedelta(seconds=max(world.queue.delays, default=0))
        world.queue.delays = []
    assert world.ses.recipients == {f"{told.account}.awa@example.com": 1 for told in many(30)}
    assert world.dead_letters.bodies == []
    assert world.now - down_until < timedelta(minutes=16)


def test_a_holder_who_is_erased_while_the_email_waits_is_noted_as_skipped(world: World) -> None:
    for told in many(3):
        world.enrol(told.account, "awa")
    world.ses.refuses_call_with = "ServiceUnavailable"
    world.tell(messages(*many(3)))
    world.suppression().erase("eazycard", "a1", "awa", world.now)
    world.ses.refuses_call_with = None
    world.drain()
    assert world.ses.recipients == {"a0.awa@example.com": 1, "a2.awa@example.com": 1}
    assert [world.states(told.id) for told in many(3)] == [{"awa": "sent"}, {"awa": "skipped"}, {"awa": "sent"}]
    (noted,) = world.deliveries.of_transaction(TransactionKey("eazycard", "t1"))
    assert noted["reason"] == "erased"


def test_one_who_was_told_before_being_erased_stays_told(world: World) -> None:
    world.enrol("a0", "awa")
    world.ses.refuses_call_with = "ServiceUnavailable"
    world.tell(messages(*many(1)))
    put_off, world.queue.bodies = world.queue.bodies, []
    world.ses.refuses_call_with = None
    world.tell(put_off)
    world.suppression().erase("eazycard", "a0", "awa", world.now)
    world.tell(put_off)
    assert world.states("t0") == {"awa": "sent"}


def test_each_bank_s_emails_come_from_its_own_sender_a_call_for_each_bank(world: World) -> None:
    banks = BankRepository(world.dynamodb, world.names["BanksTable"])
    banks.put_bank(Bank("atlantique", "Banque Atlantique, Cameroun", "XAF", "standard"))
    banks.put_bank(Bank("cl", "CL", "XAF", "standard", sender_name="Crédit; Lyonnais", sender_address="cl@example.com"))
    world.sender_of = Senders(BankDirectory(banks, lambda: world.now)).of
    told = []
    for bank in ("eazycard", "atlantique", "gone", "cl", "atlantique"):
        account = f"a{len(told)}"
        holder = Holder("awa", "Awa", f"{account}@example.com", "fr", "UTC", {}, NOW)
        world.suppression().enrol(bank, account, holder)
        told.append(transaction(id=f"t{len(told)}", account=account, bank=bank))
    world.tell(messages(*told))
    assert world.ses.calls == 4
    sent_from = {email["to"]: email["from"] for email in world.ses.accepted}
    assert sent_from["a0@example.com"] == "EAZYCard <alerts@example.com>"
    assert sent_from["a1@example.com"] == sent_from["a4@example.com"]
    assert sent_from["a1@example.com"] == '"Banque Atlantique, Cameroun" <alerts@example.com>'
    assert sent_from["a2@example.com"] == "EAZYCard <alerts@example.com>"  # the stage's, of a bank that is gone
    assert sent_from["a3@example.com"].endswith("<cl@example.com>")


def test_many_who_are_gone_are_noted_each(world: World) -> None:
    gone = [Notice(transaction(id=f"t{number}", account="a0"), holders=("gone",)) for number in range(101)]
    world.tell(list(pack(map(to_payload, gone))))
    assert [world.states(f"t{number}") for number in range(101)] == [{"gone": "skipped"}] * 101


def test_a_claim_that_is_throttled_goes_back_by_itself_and_is_told_later(world: World) -> None:
    for told in many(3):
        world.enrol(told.account, "awa")

    class Throttled:
        """A table with one item that is throttled."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.dynamodb, name)

        def put_item(self, **arguments: Any) -> Any:
            if arguments["Item"]["transaction_key"]["S"].endswith("#t1"):
                raise refusal("ThrottlingException")
            return world.dynamodb.put_item(**arguments)

    world.tell(messages(*many(3)), dynamodb=Throttled())
    assert sorted(world.ses.recipients) == ["a0.awa@example.com", "a2.awa@example.com"]
    world.drain()
    assert world.ses.recipients == {f"a{number}.awa@example.com": 1 for number in range(3)}


def test_what_a_table_leaves_out_is_asked_again_after_the_log_s_own_wait(world: World) -> None:
    waits: list[float] = []

    class LeavingOut:
        """A client whose first answer leaves all keys out."""

        def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
            return (
                {"Responses": {}, "UnprocessedKeys": RequestItems}
                if not waits
                else world.dynamodb.batch_get_item(RequestItems=RequestItems)
            )

    log = NotificationLog(LeavingOut(), world.names["NotificationsTable"], world.feed(), sleep=waits.append)
    assert log.notes([NotificationKey("eazycard", "t0", "awa")]) == {}
    assert len(waits) == 1


@pytest.mark.parametrize(("left_s", "sent"), [(12, 1), (11.9, 0)])
def test_without_twelve_seconds_no_e_mail_is_begun_and_that_is_said(
    world: World, logged: Any, left_s: float, sent: int
) -> None:
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")), time_left_s=lambda: left_s)
    assert (len(world.ses.accepted), len(world.queue.bodies)) == (sent, 1 - sent)
    said = lines_saying(logged(), "out_of_time")
    assert len(said) == 1 - sent


def test_what_comes_in_quiet_hours_is_kept_until_they_end(world: World) -> None:
    world.enrol("a0", "awa", quiet_hours={"from": "13:00", "to": "20:30"})
    world.tell(messages(transaction(id="t0", account="a0")))
    items = world.dynamodb.scan(TableName=world.names["DeferralsTable"])["Items"]
    assert [item["due"]["S"] for item in items if "notice" in item] == ["2026-01-10T20:30:00.000000Z#eazycard#t0#awa"]
    assert world.states("t0") == {"awa": "queued"}


def test_a_copy_of_what_failed_or_was_skipped_changes_nothing(world: World) -> None:
    world.enrol("a0", "awa")
    world.enrol("a1", "awa", muted=True)
    world.ses.statuses["a0.awa@example.com"] = "MESSAGE_REJECTED"
    bodies = messages(*many(2))
    world.tell(bodies)
    world.ses.statuses.clear()
    world.holders.put("eazycard", "a1", Holder("awa", "Awa", "a1.awa@example.com", "fr", "UTC", {}, NOW))
    world.tell(bodies)
    assert [world.states(told.id) for told in many(2)] == [{"awa": "failed"}, {"awa": "skipped"}]
    assert (world.ses.accepted, len(world.letters())) == ([], 1)


def test_what_no_time_was_left_for_is_given_up_once_whoever_has_a_copy(world: World) -> None:
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")), time_left_s=lambda: 5)
    overdue, world.queue.bodies = world.queue.bodies, []
    world.now += LEFT_AT_MOST

    def another_has_it() -> None:
        world.now += timedelta(seconds=4)
        world.tell(overdue, time_left_s=lambda: 5)

    letters = QuickSqs(another_has_it)
    world.tell(overdue, time_left_s=lambda: 5, dead_letters=letters)
    assert (len(letters.bodies), world.letters()) == (1, [])
    world.tell([*world.queue.bodies, *overdue], time_left_s=lambda: 5)
    assert world.letters() == []
    assert world.states("t0") == {"awa": "failed"}


def test_what_failed_stays_so_when_its_holder_is_erased_until_its_dead_letter_comes_back(world: World) -> None:
    world.enrol("a0", "awa")
    world.ses.statuses["a0.awa@example.com"] = "MESSAGE_REJECTED"
    told = transaction(id="t0", account="a0")
    world.tell(messages(told))
    (letter,) = world.letters()
    world.suppression().erase("eazycard", "a0", "awa", world.now)
    world.tell(list(pack([to_payload(Notice(told, holders=("awa",)))])))
    assert world.states("t0") == {"awa": "failed"}
    world.tell([json.dumps({"notices": [letter["payload"]]})])
    (noted,) = world.deliveries.of_transaction(TransactionKey("eazycard", "t0"))
    assert (noted["state"], noted["reason"]) == ("skipped", "erased")
    assert datetime.fromisoformat(noted["queued_at"]) == told.recorded_at


def authorized_and_settled(world: World) -> tuple[Transaction, Transaction]:
    """Record an authorization of which the holder is notified, and what settles it."""
    authorization = transaction(id="t0", account="a0", status="authorized")
    world.enrol("a0", "awa", enrolled_at=authorization.recorded_at)
    settlement = transaction(id="t1", account="a0", authorization_id="t0")
    world.record(authorization, settlement)
    world.tell(messages(authorization))
    return authorization, settlement


def test_what_the_authorization_has_told_is_recorded_without_a_claim(world: World) -> None:
    _, settlement = authorized_and_settled(world)
    calls = Counter[str]()
    world.tell(messages(settlement), dynamodb=Metered(world.dynamodb, calls, Counter()))
    (noted,) = world.deliveries.of_transaction(TransactionKey("eazycard", "t1"))
    assert (noted["state"], noted["reason"]) == ("skipped", "told_as_authorization")
    assert calls["transact_write_items"] == 0


def test_who_wants_no_e_mail_is_skipped_for_that_whatever_was_told_before(world: World) -> None:
    authorization, settlement = authorized_and_settled(world)
    muted = Holder("awa", "Awa", "a0.awa@example.com", "fr", "UTC", {"muted": True}, authorization.recorded_at)
    world.holders.put("eazycard", "a0", muted)
    world.tell(messages(settlement))
    (noted,) = world.deliveries.of_transaction(TransactionKey("eazycard", "t1"))
    assert (noted["state"], noted["reason"]) == ("skipped", "muted")


def test_what_others_are_deciding_about_goes_back_unclaimed_and_is_told_later(world: World) -> None:
    world.enrol("a0", "awa")
    settlement = transaction(id="t1", account="a0", authorization_id="never-posted")
    world.record(settlement)

    class Contended:
        """A table on which others are at the authorization's item."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.dynamodb, name)

        def update_item(self, **arguments: Any) -> Any:
            if "told_for" in arguments["UpdateExpression"]:
                raise refusal("TransactionConflictException")
            return world.dynamodb.update_item(**arguments)

    world.tell(messages(settlement), dynamodb=Contended())
    assert (world.states("t1"), world.ses.accepted, len(world.queue.bodies)) == ({}, [], 1)
    world.drain()
    assert world.ses.recipients == {"a0.awa@example.com": 1}
