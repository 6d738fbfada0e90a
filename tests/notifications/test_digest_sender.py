"""Digests: what is too much for a holder comes as one e-mail, once, whatever dies, is repeated or changes meanwhile."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail import digest_mail
from chalicelib.notifications import digest_sender
from chalicelib.notifications.allowances import HOUR
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice, unpack
from chalicelib.notifications.digests_repository import CLOSED_FOR, DigestRepository
from chalicelib.notifications.feed import MARGIN
from chalicelib.notifications.returns import LEFT_AT_MOST
from chalicelib.notifications.state import NotificationKey
from operations.queued_letter import QueuedLetter
from tests.fakes import Failing, refusal
from tests.flood_world import ACCOUNT, ADDRESS, Flood, on_one_account, shops_in
from tests.mail_world import NOW, Died, ses_event
from tests.samples import EVIDENCE, transaction

WAITS = ("queued", "digest")


@pytest.fixture
def flood(dynamodb: Any, table_names: dict[str, str]) -> Flood:
    world = Flood(dynamodb, table_names)
    world.enrol(ACCOUNT, "awa", locale="en")
    return world


def flooded(flood: Flood, count: int = 23, **changes: object) -> list[Transaction]:
    """Tell so many transactions within an hour; return those that are over the first twenty."""
    told = on_one_account(count, **changes)
    flood.flood(told)
    return told[20:]


def change(flood: Flood, email: str = ADDRESS, suppressed: Suppressed | None = None, **preferences: Any) -> None:
    holder = Holder("awa", "Awa", email, "en", "UTC", preferences, NOW, suppressed)
    flood.holders.put("eazycard", ACCOUNT, holder)


def told_in(flood: Flood, one: Transaction) -> dict[str, Any]:
    (values,) = flood.deliveries.of_transaction(one.key)
    return values


def test_twenty_come_one_by_one_and_the_rest_as_one_when_the_hour_is_over(flood: Flood) -> None:
    over = flooded(flood)
    assert len(flood.mails()) == 20
    assert flood.noted_of(over) == {WAITS: 3}
    assert flood.entries == 3
    flood.pass_time(HOUR + CLOSED_FOR - timedelta(seconds=1))
    assert len(flood.mails()) == 20
    flood.pass_time(timedelta(seconds=1))
    (digest,) = flood.mails()[20:]
    assert digest["subject"] == "3 transactions on your account a0"
    assert shops_in(digest) == ["0022", "0021", "0020"]
    assert digest["tags"] == {
        "bank": "eazycard",
        "transaction": f"digest@a0@{NOW + HOUR:%Y%m%dT%H%M%S.%fZ}",
        "holder": "awa",
    }
    assert flood.noted_of(over) == {("sent", None): 3}
    assert flood.entries == 0
    flood.pass_time()
    assert (len(flood.mails()), flood.dead_letters.bodies) == (21, [])


def test_the_bank_chooses_how_many_come_one_by_one(flood: Flood) -> None:
    flood.digest_after = 1
    flood.flood(on_one_account(5))
    flood.pass_time()
    assert [mail["subject"] for mail in flood.mails()[1:]] == ["4 transactions on your account a0"]


def test_a_digest_of_one_says_so(flood: Flood) -> None:
    flooded(flood, 21)
    flood.pass_time()
    assert flood.mails()[20]["subject"] == "1 transaction on your account a0"


def test_another_holder_of_the_account_gets_a_digest_of_their_own(flood: Flood) -> None:
    flood.enrol(ACCOUNT, "ben")
    flood.enrol("a9", "eve")
    flooded(flood, 30)
    flood.flood([transaction(id="other", account="a9")])
    flood.pass_time()
    assert flood.ses.recipients == {ADDRESS: 21, "a0.ben@example.com": 21, "a9.eve@example.com": 1}


def test_each_notification_names_its_digest_and_the_message(flood: Flood) -> None:
    (one,) = flooded(flood, 21)
    assert told_in(flood, one)["digest"] == f"digest@a0@{NOW + HOUR:%Y%m%dT%H%M%S.%fZ}"
    flood.pass_time()
    values = told_in(flood, one)
    assert (values["digest"], values["message_id"]) == (flood.mails()[20]["tags"]["transaction"], "message-21")
    assert [entry["state"] for entry in values["history"]] == ["queued", "sent"]
    (alone,) = flood.deliveries.of_transaction(TransactionKey("eazycard", "f0000"))
    assert "digest" not in alone


def heard(flood: Flood, kind: str) -> None:
    digest = flood.mails()[20]
    flood.hear([ses_event(kind, address=ADDRESS, message_id="message-21", **digest["tags"])])


@pytest.mark.parametrize(
    ("kind", "state"), [("delivery", "delivered"), ("bounce", "bounced"), ("complaint", "complained")]
)
def test_what_ses_tells_of_a_digest_is_the_state_of_each_notification_in_it(
    flood: Flood, kind: str, state: str
) -> None:
    over = flooded(flood, 25)
    flood.pass_time()
    heard(flood, kind)
    assert {told_in(flood, one)["state"] for one in over} == {state}
    assert set(flood.deliveries.of_keys([flood_key(one) for one in over])) == {flood_key(one) for one in over}
    assert told_in(flood, on_one_account(1)[0])["state"] == "sent"
    assert flood.dead_letters.bodies == []


def flood_key(one: Transaction) -> NotificationKey:
    return NotificationKey("eazycard", one.id, "awa")


def test_the_feed_tells_of_each_notification_and_of_no_digest(flood: Flood) -> None:
    over = flooded(flood, 150)
    flood.pass_time()
    flood.now += MARGIN + timedelta(seconds=1)
    first = flood.feed().read("eazycard", "", 1_000)
    assert {key.transaction for key in first.keys} == {one.id for one in on_one_account(150)}
    heard(flood, "delivery")
    flood.now += MARGIN + timedelta(seconds=1)
    second = flood.feed().read("eazycard", first.position, 1_000)
    assert sorted(key.transaction for key in second.keys) == [one.id for one in over]
    assert {values["state"] for values in flood.deliveries.of_keys(second.keys).values()} == {"delivered"}


@pytest.mark.parametrize(
    ("preferences", "noted"),
    [
        ({"muted": True}, {("skipped", "muted"): 3}),
        ({"types": ["credit"]}, {("skipped", "types"): 3}),
        ({"min_amount": {"XAF": "250500"}}, {("sent", None): 2, ("skipped", "min_amount"): 1}),
    ],
)
def test_preferences_are_looked_at_again_when_the_digest_is_due(
    flood: Flood, preferences: dict[str, Any], noted: dict[Any, int]
) -> None:
    flood.flood(on_one_account(22))
    over = [*on_one_account(2, 20), *on_one_account(1, 22, amount=Decimal(100))]
    flood.flood(over[-1:])
    change(flood, **preferences)
    flood.pass_time()
    assert flood.noted_of(over) == noted
    assert len(flood.mails()) == 20 + (("sent", None) in noted)
    assert flood.entries == 0


def test_a_holder_who_was_erased_or_suppressed_meanwhile_gets_no_digest(flood: Flood) -> None:
    over = flooded(flood)
    change(flood, suppressed=Suppressed("complaint", NOW))
    flood.pass_time()
    assert flood.noted_of(over) == {("suppressed", "complaint"): 3}
    later = on_one_account(25, 100)
    change(flood)
    flood.flood(later)
    flood.holders.delete("eazycard", ACCOUNT, "awa", flood.now)
    flood.pass_time()
    assert flood.noted_of(later[20:]) == {("skipped", "erased"): 5}
    assert (len(flood.mails()), flood.entries) == (40, 0)


def test_a_digest_goes_to_the_address_that_the_holder_has_when_it_is_due(flood: Flood) -> None:
    flooded(flood)
    change(flood, "new@example.com")
    flood.pass_time()
    assert flood.ses.recipients == {ADDRESS: 20, "new@example.com": 1}


def test_a_digest_waits_for_quiet_hours_to_end(flood: Flood) -> None:
    over = flooded(flood)
    change(flood, quiet_hours={"from": "15:00", "to": "20:30"})
    flood.pass_time()
    assert (len(flood.mails()), flood.noted_of(over)) == (20, {WAITS: 3})
    flood.pass_time(timedelta(hours=5, minutes=30))
    assert len(flood.mails()) == 21
    assert shops_in(flood.mails()[20]) == ["0022", "0021", "0020"]


def test_a_copy_of_a_notice_changes_nothing_while_it_waits_and_afterwards(flood: Flood) -> None:
    over = flooded(flood)
    flood.flood(over)
    assert (flood.entries, flood.queue.bodies) == (3, [])
    flood.now += 2 * HOUR  # the hour is over, the digest is late, and a copy finds room in the next hour
    flood.flood(over)
    assert len(flood.mails()) == 20
    flood.pass_time(timedelta(0))
    flood.flood(over)
    flood.pass_time()
    assert len(flood.mails()) == 21


def test_a_payment_that_follows_an_authorization_in_a_digest_comes_after_it(flood: Flood) -> None:
    flood.flood(on_one_account(20))
    hold = transaction(id="hold", account=ACCOUNT, status="authorized", timestamp=NOW, recorded_at=NOW)
    back = replace(hold, id="back", status="reversed", authorization_id="hold")
    change(flood)
    flood.record(hold, back)
    flood.flood([hold])
    flood.now += HOUR
    flood.flood([back])  # a new hour has begun: it could come at once
    assert len(flood.mails()) == 20
    flood.pass_time(CLOSED_FOR)
    subjects = [mail["subject"] for mail in flood.mails()[20:]]
    assert subjects[0] == "1 transaction on your account a0"
    assert "released" in subjects[1]


def test_all_of_an_hour_s_kinds_are_in_one_digest_with_sums_by_currency(flood: Flood) -> None:
    flood.flood(on_one_account(20))
    kinds: list[dict[str, Any]] = [
        {"type": "credit", "amount": Decimal(900)},
        {"status": "authorized"},
        {"status": "declined"},
        {"currency": "EUR", "amount": Decimal("49.90")},
    ]
    for number, changes in enumerate(kinds):
        flood.flood(on_one_account(1, 30 + number, **changes))
    flood.pass_time()
    text = flood.mails()[20]["text"]
    for expected in ("Credits (1): +FCFA\xa0900", "Authorized, not final yet (1)", "Declined (1)", "(1): −€49.90"):
        assert expected in text


def test_two_copies_of_a_digest_s_notice_send_it_once(flood: Flood) -> None:
    flooded(flood)
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    flood.queue.bodies *= 2
    flood.queue.delays *= 2
    flood.deliver_all()
    assert len(flood.mails()) == 21


def test_a_second_mailer_that_has_the_digest_meanwhile_waits_and_then_finds_it_sent(flood: Flood) -> None:
    flooded(flood)
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    body = list(flood.queue.bodies)

    def second() -> None:
        flood.ses.after_accepting = lambda: None
        flood.mailer().handle(body, lambda: 20)

    flood.ses.after_accepting = second
    flood.deliver_all()
    assert len(flood.mails()) == 21


def test_every_step_may_die_and_the_digest_comes_once(flood: Flood) -> None:
    """A mailer is killed before each of its calls in turn; SQS brings the notice again when its lease is over."""
    for call in range(60):
        numbers = 100 * call
        over = on_one_account(24, numbers)[20:]
        flood.flood(on_one_account(24, numbers), flood.mailer())
        flood.now += HOUR + CLOSED_FOR
        flood.release(now=flood.now)
        bodies, flood.queue.bodies = flood.queue.bodies, []
        try:
            flood.mailer(dynamodb=Failing(flood.dynamodb, Died(), at=call)).handle(bodies, lambda: 20)
        except Died:
            is_noted = "sent" in flood.digest_states(bodies)
        else:
            break
        is_sent = len(digests_with(flood, over[0])) == 1
        flood.now += timedelta(minutes=2)
        flood.mailer().handle(bodies, lambda: 20)
        flood.deliver_all()
        assert flood.noted_of(over) == {("sent", None): 4}
        assert flood.entries == 0
        # Only a death between SES's answer and the note of it lets the e-mail out twice.
        assert len(digests_with(flood, over[0])) == (2 if is_sent and not is_noted else 1)
        flood.now += 2 * HOUR
    assert call > 12
    assert flood.dead_letters.bodies == []


def digests_with(flood: Flood, one: Transaction) -> list[dict[str, Any]]:
    return [mail for mail in flood.mails() if one.id.removeprefix("f") in shops_in(mail)]


def test_ses_may_put_a_digest_off(flood: Flood) -> None:
    over = flooded(flood)
    flood.ses.statuses[ADDRESS] = "TRANSIENT_FAILURE"
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    for attempt in range(1, 4):
        bodies, flood.queue.bodies, flood.queue.delays = flood.queue.bodies, [], []
        flood.mailers[0].handle(bodies, lambda: 20)
        (body,) = flood.queue.bodies
        assert json.loads(body)["notices"][0]["attempt"] == attempt
        assert flood.queue.delays == [2**attempt]
    assert flood.noted_of(over) == {WAITS: 3}
    del flood.ses.statuses[ADDRESS]
    flood.deliver_all()
    assert len(flood.mails()) == 21


def test_a_digest_that_ses_refuses_for_good_is_a_dead_letter_that_can_be_sent_through_again(flood: Flood) -> None:
    over = flooded(flood)
    flood.ses.statuses[ADDRESS] = "MESSAGE_REJECTED"
    flood.pass_time()
    assert flood.noted_of(over) == {("failed", "refused: MESSAGE_REJECTED"): 3}
    (letter,) = flood.letters()
    assert letter["reason"] == "refused: MESSAGE_REJECTED"
    flood.now += MARGIN + timedelta(seconds=1)
    assert {one.id for one in over} <= {key.transaction for key in flood.feed().read("eazycard", "", 100).keys}
    del flood.ses.statuses[ADDRESS]
    queued = {"MessageId": "1", "ReceiptHandle": "r", "Attributes": {"SentTimestamp": "0"}, "Body": json.dumps(letter)}
    message = QueuedLetter.received("notifications", queued).message()
    assert message is not None
    for _ in range(2):
        flood.mailers[0].handle([message], lambda: 20)
    assert flood.noted_of(over) == {("sent", None): 3}
    assert (len(flood.mails()), flood.entries) == (21, 0)


def test_one_that_can_t_be_told_or_read_becomes_a_dead_letter_and_holds_up_no_other(
    flood: Flood, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood.flood(on_one_account(20))
    over = on_one_account(4, 20)
    flood.flood(over)
    written = digest_mail.plain

    def cannot_write(text: str) -> str:
        if text == (over[1].merchant or {})["name"]:
            raise AttributeError
        return written(text)

    # No transaction that can be read can't be written: this one is made so.
    monkeypatch.setattr(digest_mail, "plain", cannot_write)
    entry = next(item for item in flood.items() if item["due"]["S"].endswith("#f0023"))
    flood.dynamodb.put_item(TableName="DeferralsTable", Item=entry | {"notice": {"S": "{"}})
    flood.pass_time()
    assert shops_in(flood.mails()[20]) == ["0022", "0020"]
    assert told_in(flood, over[1])["state"] == told_in(flood, over[3])["state"] == "failed"
    assert sorted(letter["reason"] for letter in flood.letters()) == [
        "malformed_deferral: JSONDecodeError",
        "not_rendered: AttributeError",
    ]
    assert flood.entries == 0


def test_a_digest_that_is_too_large_for_one_e_mail_comes_as_several(
    flood: Flood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_sender, "MAX_MEMBERS", 20)
    over = flooded(flood, 70)
    flood.pass_time()
    assert [mail["subject"].split()[0] for mail in flood.mails()[20:]] == ["20", "20", "10"]
    told = [number for mail in flood.mails()[20:] for number in shops_in(mail)]
    assert sorted(told) == [one.id.removeprefix("f") for one in over]
    assert flood.noted_of(over) == {("sent", None): 50}
    assert len({told_in(flood, one)["digest"] for one in over[::20]}) == 3


def test_a_digest_that_there_is_no_time_to_record_goes_on_in_a_second_step(
    flood: Flood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_sender, "_RECORDED_AT_ONCE", 10)
    over = flooded(flood, 65)
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    bodies, flood.queue.bodies = flood.queue.bodies, []
    left = iter([20, 20, 15, 3, 3, 2])
    flood.mailers[0].handle(bodies, lambda: next(left))
    assert (len(flood.mails()), flood.noted_of(over)) == (21, {("sent", None): 20, WAITS: 25})
    heard(flood, "delivery")
    assert flood.noted_of(over) == {("delivered", None): 20, WAITS: 25}
    flood.deliver_all()
    assert (len(flood.mails()), flood.noted_of(over)) == (21, {("delivered", None): 45})
    assert flood.entries == 0


def test_without_time_for_it_a_digest_goes_back_to_the_queue(flood: Flood) -> None:
    flooded(flood)
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    bodies, flood.queue.bodies = flood.queue.bodies, []
    flood.mailers[0].handle(bodies, lambda: 11)
    assert len(flood.mails()) == 20
    (sent,), (back,) = (unpack(body, []) for (body,) in (bodies, flood.queue.bodies))
    assert isinstance(sent, DigestNotice)
    assert back == replace(sent, left_since=flood.now)
    flood.rate = 0.001
    mailer = flood.mailer()
    mailer.handle(bodies, lambda: 20)
    assert len(flood.mails()) == 20 + 1  # the first one finds time at SES
    assert not flood.dead_letters.bodies


def test_a_table_that_can_t_be_reached_is_raised_and_nothing_is_lost(flood: Flood) -> None:
    over = on_one_account(5, 20)
    flood.flood(on_one_account(20))
    client = Failing(flood.dynamodb, refusal("ThrottlingException"), operation="update_item", at=1)
    with pytest.raises(TemporarilyUnavailable):
        flood.flood(over, flood.mailer(dynamodb=client))
    flood.now += timedelta(minutes=2)
    flood.flood(over)
    flood.pass_time()
    assert len(flood.mails()) == 21


# Alerts


def test_an_account_s_first_alert_comes_at_once_and_the_others_of_15_minutes_as_one_more(flood: Flood) -> None:
    told = on_one_account(13)
    flood.alarm(told[0])
    assert [mail["subject"][:14] for mail in flood.mails()] == ["Security alert"]
    for one in told[1:]:
        flood.now += timedelta(minutes=1)
        flood.alarm(one)
    assert len(flood.mails()) == 1
    assert flood.noted_of(told[1:]) == {("queued", "alerts"): 12}
    flood.pass_time(timedelta(minutes=3) + CLOSED_FOR)
    (_, more) = flood.mails()
    assert more["subject"] == "Security alert – 12 transactions on your account a0"
    assert "And 11 others" in more["text"]
    assert len(shops_in(more)) == 12
    assert flood.noted_of(told) == {("sent", None): 13}


def test_the_alert_in_full_is_the_newest_of_those_with_the_most_reasons(flood: Flood) -> None:
    told = on_one_account(5)
    flood.alarm(told[0])
    flood.alarm(told[1], told[4])
    flood.alarm(told[2], told[3], flags={name: EVIDENCE[name] for name in ("large_amount", "new_country")})
    flood.pass_time()
    text = flood.mails()[1]["text"]
    assert text.index("Merchant: Shop <0003>") < text.index("And 3 others")
    assert (
        text.index("And 3 others") < text.index("Shop <0004>") < text.index("Shop <0002>") < text.index("Shop <0001>")
    )


def test_one_more_alert_alone_is_told_like_the_first(flood: Flood) -> None:
    flood.alarm(*on_one_account(2))
    flood.pass_time()
    first, second = (mail["subject"] for mail in flood.mails())
    assert first == second


def test_an_alert_waits_neither_for_a_digest_nor_for_quiet_hours(flood: Flood) -> None:
    flooded(flood, 50)
    change(flood, quiet_hours={"from": "14:00", "to": "20:30"})
    flood.alarm(*on_one_account(3, 100))
    assert len(flood.mails()) == 21
    flood.pass_time(timedelta(minutes=15) + CLOSED_FOR)
    assert [mail["subject"][:14] for mail in flood.mails()[20:]] == ["Security alert"] * 2


def test_alerts_that_are_due_come_by_their_own_queue(flood: Flood) -> None:
    flood.alarm(*on_one_account(3))
    flood.release(now=NOW + timedelta(minutes=15) + CLOSED_FOR)
    assert (flood.queue.bodies, len(flood.alert_queue.bodies)) == ([], 1)


def test_a_digest_that_no_time_was_left_for_during_days_is_a_dead_letter_that_tells_it(flood: Flood) -> None:
    over = flooded(flood)
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    bodies = flood.queue.bodies
    for _ in range(2):
        flood.queue.bodies = []
        flood.mailers[0].handle(bodies, lambda: 5)
        bodies = flood.queue.bodies
        flood.now += LEFT_AT_MOST
    assert bodies == []
    (given_up,) = flood.letters()
    assert given_up["reason"] == "given_up: out_of_time"
    again = [json.dumps({"notices": [given_up["payload"]]})]
    assert flood.digest_states(again) == {"failed"}
    flood.mailers[0].handle(again, lambda: 20)
    assert len(flood.mails()) == 21
    assert {told_in(flood, one)["state"] for one in over} == {"sent"}


def test_what_a_digest_is_to_tell_is_read_consistently(flood: Flood) -> None:
    """An entry that was put a moment ago belongs to it: nothing else would tell it."""
    asked: list[dict[str, Any]] = []

    class Asked:
        def query(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return flood.dynamodb.query(**arguments)

    digest = Digest(DigestKind.ORDINARY, "eazycard", ACCOUNT, "awa", NOW)
    assert DigestRepository(Asked(), flood.names["DeferralsTable"]).entries(digest, 10, []) == ([], [])
    assert [one["ConsistentRead"] for one in asked] == [True]


def test_a_digest_that_another_mailer_sends_comes_back_when_that_one_s_lease_is_over(flood: Flood) -> None:
    later = flooded(flood)
    flood.now += HOUR + CLOSED_FOR
    flood.release(now=flood.now)
    bodies = list(flood.queue.bodies)
    (notice,) = [one for body in bodies for one in unpack(body, []) if isinstance(one, DigestNotice)]
    claims = flood.log(flood.dynamodb).claim([notice.key], flood.now, flood.now + timedelta(seconds=30), ())
    assert claims.claimed == {notice.key}
    flood.queue.bodies, flood.queue.delays = [], []
    flood.tell(bodies)
    assert [unpack(body, []) for body in flood.queue.bodies] == [[notice]]
    assert all(delay >= 20 for delay in flood.queue.delays)
    flood.now += timedelta(seconds=31)  # it died
    flood.deliver_all()
    assert flood.noted_of(later) == {("sent", None): len(later)}
