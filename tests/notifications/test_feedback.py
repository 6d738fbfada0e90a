"""What SES tells of e-mails: kept once, in any order, by any number of copies; what can't be kept is a dead letter."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address, Entry
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.long_step import TRIED_FOR
from chalicelib.holders.suppression import Standing
from chalicelib.holders.sweep import Sweep, pack
from chalicelib.ledger.keys import TransactionKey
from chalicelib.mail.tags import to_tag
from chalicelib.notifications.feedback import LONG_AT_MOST, UnknownNotification, read_event
from chalicelib.notifications.state import MAX_FEEDBACK, Kind, NotificationKey
from chalicelib.notifications.suppressing import PUT_OFF_S
from tests.fakes import Failing, refusal
from tests.mail_world import Died, World, messages, ses_event
from tests.metrics import counted, lines, lines_saying
from tests.samples import transaction
from tests.tables import TABLES

ADDRESS = "a0.awa@example.com"
T0 = TransactionKey("eazycard", "t0")
_numbers = itertools.count()
NAMES = ("delivery", "bounce", "soft_bounce", "complaint", "delivery_delay", "reject", "rendering_failure")


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    """Awa was told of t0."""
    return told(World(dynamodb, table_names))


def told(world: World) -> World:
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")))
    return world


def changed(name: str, **changes: Any) -> str:
    """Return an event with these parts in the place of its own; None takes a part out."""
    event: dict[str, Any] = json.loads(ses_event(name))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = event
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return json.dumps(event)


def delivery_of(world: World) -> dict[str, Any]:
    (found,) = world.deliveries.of_transaction(T0)
    return found


def is_suppressed(world: World) -> bool:
    (awa,) = world.holders.of_account("eazycard", "a0")
    return awa.suppressed is not None


@pytest.mark.parametrize(
    ("name", "kind", "reason", "at"),
    [
        ("delivery", Kind.DELIVERY, None, "14:00:02.577"),
        ("bounce", Kind.HARD_BOUNCE, "hard: General", "14:00:03.114"),
        ("soft_bounce", Kind.SOFT_BOUNCE, "soft: General", "14:00:06.000"),
        ("complaint", Kind.COMPLAINT, "abuse", "15:12:44.000"),
        ("delivery_delay", Kind.DELAY, "delayed: MailboxFull", "14:05:00.095"),
        ("reject", Kind.REJECT, "Bad content", "14:00:01.029"),
        ("rendering_failure", Kind.RENDERING_FAILURE, "rendering_failure", "14:00:01.029"),
    ],
)
def test_each_kind_of_event_is_read(name: str, kind: Kind, reason: str | None, at: str) -> None:
    event = read_event(ses_event(name))
    assert event is not None
    assert (event.bank, event.key) == ("eazycard", NotificationKey(*T0, "awa"))
    assert event.address == ADDRESS
    assert (event.feedback.kind, event.feedback.reason) == (kind, reason)
    assert event.feedback.at == datetime.fromisoformat(f"2026-01-10T{at}+00:00")
    assert event.feedback.accepted_at == datetime(2026, 1, 10, 14, 0, 1, 29_000, UTC)


@pytest.mark.parametrize(
    "id_",
    [
        *("statement@CM21.A-1@2026-W02", "statement@CM21.A-1@2026-01"),
        *("digest@a0@20260110T140000.000000Z", "alerts@a0@20260110T140000.000000Z@12"),
        *(f"{kind}@a0@20260110T140000000000Z" for kind in ("address_changed", "alerts_ended", "confirm_address")),
    ],
)
def test_what_is_no_transaction_s_e_mail_is_read_too(id_: str) -> None:
    event = read_event(ses_event("delivery", transaction=to_tag(id_)))
    assert event is not None
    assert event.key == NotificationKey("eazycard", id_, "awa")


@pytest.mark.parametrize(
    "id_", ["statement@a0", "statement@a0@2026-W2", "statement@@2026-01", "digest@a0@2026", "else@a0@2026-01", "a@b"]
)
def test_what_is_like_such_an_e_mail_and_is_none_is_of_no_notification(id_: str) -> None:
    with pytest.raises(UnknownNotification):
        read_event(ses_event("delivery", transaction=to_tag(id_)))


@pytest.mark.parametrize("tags", [{"bank": "eazy#card"}, {"holder": "awa#feedback"}, {"transaction": "t0#1"}])
def test_a_tag_that_is_no_id_of_ours_is_of_no_notification(tags: dict[str, str]) -> None:
    with pytest.raises(UnknownNotification):
        read_event(ses_event("delivery", **tags))


def test_an_undetermined_bounce_is_a_soft_one() -> None:
    event = read_event(changed("bounce", bounce__bounceType="Undetermined", bounce__bounceSubType="Undetermined"))
    assert event is not None
    assert (event.feedback.kind, event.feedback.reason) == (Kind.SOFT_BOUNCE, "soft: Undetermined")


@pytest.mark.parametrize(
    "body",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        changed("complaint", complaint__complaintFeedbackType="not-spam"),
        *(json.dumps({"eventType": name, "mail": {}}) for name in ("Send", "Open", "Click", "Subscription")),
    ],
)
def test_what_says_nothing_of_an_email_s_fate_is_passed_over(world: World, body: str) -> None:
    assert read_event(body) is None
    world.hear([body])
    assert world.letters() == []
    assert (delivery_of(world)["state"], is_suppressed(world)) == ("sent", False)


@pytest.mark.parametrize("text", ["smtp; 550 <a0.awa@example.com> unknown", "x" * 65, "<b>", "", 7, ["General"]])
def test_what_a_mail_server_says_freely_is_not_kept(text: Any) -> None:
    event = read_event(changed("bounce", bounce__bounceSubType=text))
    assert event is not None
    assert event.feedback.reason == "hard: unknown"


def test_a_mail_server_s_own_words_are_nowhere_in_what_is_kept(world: World) -> None:
    world.hear([ses_event(name) for name in NAMES])
    stored = str(world.dynamodb.scan(TableName="NotificationsTable")["Items"])
    assert "example.com" not in stored
    assert "user unknown" not in stored


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{broken", "malformed_event: JSONDecodeError"),
        ("[]", "malformed_event: TypeError"),
        ("7", "malformed_event: TypeError"),
        ('{"Type": "Notification", "Message": "{}"}', "malformed_event: KeyError"),  # in SNS's envelope
        ("[" * 100_000, "malformed_event: RecursionError"),
        (changed("delivery", eventType="Teleported"), "malformed_event: KeyError"),
        (changed("delivery", delivery=None), "malformed_event: KeyError"),
        (changed("bounce", bounce__bounceType=None), "malformed_event: KeyError"),
        (changed("bounce", bounce__timestamp="yesterday"), "malformed_event: ValueError"),
        (changed("delivery", mail__messageId="a#b"), "malformed_event: ValueError"),
        (changed("delivery", mail__messageId=7), "malformed_event: TypeError"),
        (changed("delivery", mail__destination=[]), "malformed_event: ValueError"),
        (changed("delivery", mail__destination=["a@example.com", "b@example.com"]), "malformed_event: ValueError"),
        (changed("delivery", mail__tags={"bank": [], "transaction": ["t0"], "holder": ["awa"]}), "malformed_event"),
        (changed("delivery", mail__tags=None), "unknown_notification"),
        (changed("delivery", mail__tags__holder=None), "unknown_notification"),
        (ses_event("delivery", bank="eazycard#t0"), "unknown_notification"),
        (ses_event("delivery", holder="awa#feedback"), "unknown_notification"),
        (ses_event("delivery", transaction="t1"), "unknown_notification"),
        (ses_event("delivery", holder="ben"), "unknown_notification"),
        (ses_event("delivery", bank="other-bank"), "unknown_notification"),
    ],
)
def test_what_cannot_be_kept_is_dead_lettered_whole_and_the_others_go_on(world: World, body: str, reason: str) -> None:
    world.hear([body, ses_event("delivery")])
    (letter,) = world.letters()
    assert (letter["source"], letter["payload"]) == ("feedback", body)
    assert letter["reason"].startswith(reason)
    assert delivery_of(world)["state"] == "delivered"
    assert not is_suppressed(world)


def test_an_unknown_notification_has_an_error_of_its_own() -> None:
    with pytest.raises(UnknownNotification):
        read_event(changed("delivery", mail__tags={}))


def test_a_hard_bounce_suppresses_the_address_and_no_more_mail_goes_there(world: World) -> None:
    world.hear([ses_event("bounce")])
    assert delivery_of(world)["state"] == "bounced"
    (awa,) = world.holders.of_account("eazycard", "a0")
    assert awa.suppressed is not None
    assert (awa.suppressed.reason, awa.suppressed.since.second) == ("hard_bounce", 3)
    world.tell(messages(transaction(id="t1", account="a0")))
    assert world.ses.recipients == {ADDRESS: 1}
    assert world.states("t1") == {"awa": "suppressed"}


@pytest.mark.parametrize(
    ("name", "suppressed"),
    [(name, name in ("bounce", "complaint")) for name in NAMES],
)
def test_only_hard_bounces_and_complaints_suppress(world: World, name: str, suppressed: bool) -> None:
    world.hear([ses_event(name)])
    assert is_suppressed(world) is suppressed


def test_a_bounce_of_an_email_to_an_old_address_leaves_the_new_one_alone(world: World) -> None:
    world.hear([ses_event("bounce", address="old@example.com")])
    assert delivery_of(world)["state"] == "bounced"
    assert not is_suppressed(world)


def test_the_address_that_was_written_to_is_suppressed_and_not_the_one_that_a_forwarder_names(world: World) -> None:
    forwarded = [{"emailAddress": "elsewhere@example.org"}]
    world.hear([changed("bounce", bounce__bouncedRecipients=forwarded)])
    assert is_suppressed(world)


def test_feedback_that_comes_before_the_mailer_s_note_is_not_overwritten_by_it(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    world = World(dynamodb, table_names)
    world.enrol("a0", "awa")
    world.ses.after_accepting = lambda: world.hear([ses_event("complaint"), ses_event("delivery")])
    world.tell(messages(transaction(id="t0", account="a0")))
    found = delivery_of(world)
    assert found["state"] == "complained"
    states = [one["state"] for one in found["history"]]
    assert (states.count("sent"), states.count("delivered")) == (1, 1)  # the note's, which came last, and SES's


def test_the_same_event_ten_times_is_kept_once(world: World) -> None:
    world.hear([ses_event("delivery")] * 5)
    world.hear([ses_event("delivery")] * 5)
    assert [one["state"] for one in delivery_of(world)["history"]].count("delivered") == 1


def test_of_very_many_delays_the_last_ones_are_kept_and_the_delivery(world: World) -> None:
    world.hear([ses_event("delivery")])
    for minute in range(13):
        world.hear([changed("delivery_delay", deliveryDelay__timestamp=f"2026-01-10T15:{minute:02d}:00Z")])
    found = delivery_of(world)
    assert found["state"] == "delivered"
    assert len(found["history"]) == MAX_FEEDBACK + 2
    assert found["history"][-1]["at"] == "2026-01-10T15:12:00Z"


def test_a_history_has_no_more_entries_where_the_delivery_was_noted_by_ses_call(world: World) -> None:
    world.enrol("b0", "awa")
    world.enrol("b1", "awa")
    world.tell(messages(*(transaction(id=one, account=one) for one in ("b0", "b1"))))
    tags = {"message_id": world.ses.id_of("b0"), "transaction": "b0"}
    world.hear([ses_event("delivery", **tags)])
    for minute in range(13):
        event = json.loads(ses_event("delivery_delay", **tags))
        event["deliveryDelay"]["timestamp"] = f"2026-01-10T15:{minute:02d}:00Z"
        world.hear([json.dumps(event)])
    (found,) = world.deliveries.of_transaction(TransactionKey("eazycard", "b0"))
    kept = [one["at"] for one in found["history"] if one.get("reason", "").startswith("delayed")]
    assert found["state"] == "delivered"
    assert len(found["history"]) == MAX_FEEDBACK + 2
    assert kept == [f"2026-01-10T15:{minute:02d}:00Z" for minute in range(4, 13)]


def test_a_policy_s_bounce_suppresses_until_it_lapses_and_then_the_mailer_sends_again(world: World) -> None:
    refused = [{"emailAddress": ADDRESS, "diagnosticCode": "smtp; 550 5.7.26 unauthenticated"}]
    world.hear([changed("bounce", bounce__bouncedRecipients=refused)])
    (awa,) = world.holders.of_account("eazycard", "a0")
    assert awa.suppressed is not None
    assert (awa.suppressed.reason, awa.suppressed.until) == (
        "policy_bounce",
        awa.suppressed.since + timedelta(days=14),
    )
    world.tell(messages(transaction(id="t1", account="a0")))
    assert world.states("t1") == {"awa": "suppressed"}
    world.now += timedelta(days=14)
    world.tell(messages(transaction(id="t2", account="a0")))
    assert world.states("t2") == {"awa": "sent"}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"complaint__complaintFeedbackType": "auth-failure"}, "sent"),
        ({"complaint__complaintSubType": "OnAccountSuppressionList"}, "rejected"),
    ],
)
def test_what_is_no_complaint_of_the_holder_suppresses_nothing(
    world: World, changes: dict[str, Any], state: str
) -> None:
    world.hear([changed("complaint", **changes)])
    assert (delivery_of(world)["state"], is_suppressed(world)) == (state, False)


def test_what_changed_is_in_the_bank_s_feed(world: World) -> None:
    world.now += timedelta(minutes=1)
    position = world.feed().read("eazycard", "", 50).position
    world.hear([ses_event("delivery"), "{broken", ses_event("delivery", transaction="t9")])
    world.now += timedelta(minutes=1)
    assert [(key.bank, key.transaction) for key in world.feed().read("eazycard", position, 50).keys] == [T0]


class Down:
    """A client of which one operation is throttled."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client, self._operation = client, operation

    def __getattr__(self, name: str) -> Any:
        def called(**arguments: Any) -> Any:
            if name == self._operation:
                raise refusal("ThrottlingException")
            return getattr(self._client, name)(**arguments)

        return called


@pytest.mark.parametrize("operation", ["batch_get_item", "update_item", "batch_write_item"])
def test_a_table_that_is_down_raises_and_all_is_made_up_for_when_sqs_brings_the_batch_again(
    world: World, operation: str
) -> None:
    bodies = ["{broken", ses_event("bounce"), ses_event("delivery")]
    with pytest.raises(TemporarilyUnavailable):
        world.hear(bodies, dynamodb=Down(world.dynamodb, operation))
    assert world.letters() == world.feedback_queue.bodies == []
    world.hear(bodies)
    assert (delivery_of(world)["state"], is_suppressed(world)) == ("bounced", True)
    assert len(world.letters()) == 1


@pytest.mark.parametrize("operation", ["put_item", "query"])
def test_a_table_that_only_suppressions_need_raises_nothing_and_they_are_made_up_for(
    world: World, operation: str
) -> None:
    world.hear(["{broken", ses_event("bounce")], dynamodb=Down(world.dynamodb, operation))
    assert (delivery_of(world)["state"], is_suppressed(world)) == ("bounced", False)
    hear_what_was_put_off(world)
    assert is_suppressed(world)
    assert len(world.letters()) == 1


@pytest.mark.parametrize("dies_at", range(9))
def test_a_function_that_dies_between_any_two_calls_is_made_up_for_by_the_next(world: World, dies_at: int) -> None:
    world.now += timedelta(minutes=1)
    position = world.feed().read("eazycard", "", 50).position
    try:
        world.hear([ses_event("bounce")], dynamodb=Failing(world.dynamodb, Died(), dies_at))
    except Died:
        world.hear([ses_event("bounce")])
    world.now += timedelta(minutes=1)
    assert (delivery_of(world)["state"], is_suppressed(world)) == ("bounced", True)
    assert len(world.feed().read("eazycard", position, 50).keys) == 1


class Unsuppressing:
    """A client to which the addresses, or only this one, can't be written."""

    def __init__(self, world: World, code: str, only: Address | None = None) -> None:
        self._world, self._code, self._only = world, code, only

    def __getattr__(self, name: str) -> Any:
        def called(**arguments: Any) -> Any:
            is_address = arguments.get("TableName") == self._world.names["AddressesTable"]
            if (
                is_address
                and name in ("put_item", "update_item")
                and (not self._only or self._only.digest in str(arguments))
            ):
                raise refusal(self._code)
            return getattr(self._world.dynamodb, name)(**arguments)

        return called


@pytest.mark.parametrize("code", ["ThrottlingException", "ValidationException"])
def test_a_suppression_that_can_not_be_made_holds_up_no_webhook_of_its_batch(world: World, code: str) -> None:
    world.enrol("b0", "awa")
    world.tell(messages(transaction(id="b0", account="b0")))
    world.now += timedelta(minutes=1)
    position = world.feed().read("eazycard", "", 50).position
    bodies = [ses_event("bounce"), ses_event("delivery", transaction="b0")]
    world.hear(bodies, dynamodb=Unsuppressing(world, code))
    world.now += timedelta(minutes=1)
    assert [key.transaction for key in world.feed().read("eazycard", position, 50).keys] == ["t0", "b0"]
    assert (world.states("t0"), world.states("b0")) == ({"awa": "bounced"}, {"awa": "delivered"})
    # What was refused for good is a dead letter; what may pass is tried again by itself.
    reasons = [letter["reason"] for letter in world.letters()]
    is_passing = code == "ThrottlingException"
    assert reasons == ([] if is_passing else ["not_suppressed: ClientError"])
    assert len(world.feedback_queue.bodies) == is_passing
    world.hear(world.feedback_queue.bodies if is_passing else bodies)
    assert is_suppressed(world)


def test_a_refusal_of_the_function_itself_brings_the_whole_batch_again_and_nothing_is_kept_twice(world: World) -> None:
    with pytest.raises(ClientError):
        world.hear([ses_event("bounce")], dynamodb=Unsuppressing(world, "AccessDeniedException"))
    assert (delivery_of(world)["state"], is_suppressed(world)) == ("bounced", False)
    assert world.feedback_queue.bodies == world.letters() == []
    world.hear([ses_event("bounce")])
    assert [one["state"] for one in delivery_of(world)["history"]].count("bounced") == 1
    assert is_suppressed(world)


def pages(world: World) -> list[list[str]]:
    """Return the pages of the bank's feed, in order: which transactions each says have changed."""
    stored = world.dynamodb.scan(TableName=world.names["NotificationsTable"])["Items"]
    found = sorted((item["holder"]["S"], item["changed"]["L"]) for item in stored if "changed" in item)
    return [[entry["S"].partition("#")[0] for entry in changed] for _, changed in found]


def hear_what_was_put_off(world: World, dynamodb: Any = None) -> None:
    """Deliver what the function has sent to itself, as SQS does after its delay."""
    bodies, world.feedback_queue.bodies, world.feedback_queue.delays = world.feedback_queue.bodies, [], []
    world.now += timedelta(seconds=PUT_OFF_S)
    world.hear(bodies, dynamodb=dynamodb)


def test_a_suppression_that_is_tried_again_and_again_is_in_the_feed_and_counted_once(world: World, logged: Any) -> None:
    world.enrol("b0", "awa")
    world.tell(messages(transaction(id="b0", account="b0")))
    world.now += timedelta(minutes=1)
    before = pages(world)
    throttled = Unsuppressing(world, "ThrottlingException")
    world.hear([ses_event("bounce"), ses_event("delivery", transaction="b0")], dynamodb=throttled)
    for _ in range(4):
        hear_what_was_put_off(world, throttled)
        assert (world.feedback_queue.delays, set(world.feedback_queue.groups)) == ([PUT_OFF_S], {"eazycard"})
        assert not is_suppressed(world)
    assert pages(world) == [*before, ["t0", "b0"]]
    hear_what_was_put_off(world)
    assert is_suppressed(world)
    assert world.feedback_queue.bodies == world.letters() == []
    assert pages(world) == [*before, ["t0", "b0"]]
    text = logged()
    assert [counted(text, name) for name in ("MailsBounced", "MailsDelivered", "SuppressionsPutOff")] == [1, 1, 5]
    assert [line["put_off"] for line in lines_saying(text, "feedback_batch")] == [1, 1, 1, 1, 1, 0]
    assert {line["error"] for line in lines_saying(text, "suppression_put_off")} == {"ThrottlingException"}
    (hour,) = [hour for hour in world.hours() if hour.emails.get("bounced")]
    assert hour.emails["bounced"] == 1


def test_a_suppression_that_is_stuck_holds_up_no_other_nor_a_sweep_a_dead_letter_or_what_is_put_back(
    world: World,
) -> None:
    *bounces, _ = bounces_and_a_sweep(world, 12)
    addresses = AddressRepository(world.dynamodb, world.names["AddressesTable"])
    entry = addresses.suppress(Address.of("eazycard", ADDRESS), Suppressed("complaint", world.now))
    stuck = Unsuppressing(world, "ThrottlingException", Address.of("eazycard", "b0.awa@example.com"))
    # The step of the other bank's turn comes second.
    other = pack(Sweep(Address("other-bank", entry.address.digest), entry.version, began_at=world.now))
    world.hear([*bounces, "{broken", other, pack(Sweep.of(entry, world.now))], dynamodb=stuck)
    holders = world.holders.of_accounts(f"eazycard#b{number}" for number in range(12))
    suppressed = {key for key, of_account in holders.items() if all(one.suppressed for one in of_account)}
    assert suppressed == {f"eazycard#b{number}" for number in range(1, 9)}
    assert [letter["reason"] for letter in world.letters()] == ["malformed_event: JSONDecodeError"]
    put_off, *put_back = world.feedback_queue.bodies
    assert put_back == [*bounces[9:], pack(Sweep.of(entry, world.now))]
    assert world.feedback_queue.delays == [PUT_OFF_S, 0, 0, 0, 0]
    assert "b0.awa" not in put_off
    while world.feedback_queue.bodies:
        hear_what_was_put_off(world)
    holders = world.holders.of_accounts(f"eazycard#b{number}" for number in range(12))
    assert all(one.suppressed for of_account in holders.values() for one in of_account)
    assert is_suppressed(world)


def test_what_was_put_off_makes_nothing_for_a_bank_that_has_left_meanwhile(world: World) -> None:
    world.hear([ses_event("bounce")], dynamodb=Unsuppressing(world, "ThrottlingException"))
    sweep = pack(Sweep(Address.of("eazycard", ADDRESS), 0, began_at=world.now))
    for table, *key in (("BanksTable", "entry"), ("AddressesTable", "address_key", "entry")):
        for row in world.dynamodb.scan(TableName=world.names[table])["Items"]:
            world.dynamodb.delete_item(TableName=world.names[table], Key={name: row[name] for name in key})
    world.feedback_queue.bodies.append(sweep)
    hear_what_was_put_off(world)
    assert world.dynamodb.scan(TableName=world.names["AddressesTable"])["Items"] == []
    assert world.feedback_queue.bodies == world.letters() == []
    assert not is_suppressed(world)


def test_what_there_is_no_time_for_is_put_off_before_the_function_is_ended(world: World, logged: Any) -> None:
    *bounces, _ = bounces_and_a_sweep(world, 3)
    # Before the first one's bank is read, before it begins, before its holders are read, and marked; the others.
    left = iter([*[30.0] * 5, 14.9, 0.0])
    world.hear(bounces, time_left_s=lambda: next(left))
    assert len(world.feedback_queue.bodies) == 2
    hear_what_was_put_off(world)
    holders = world.holders.of_accounts(f"eazycard#b{number}" for number in range(3))
    assert all(one.suppressed for of_account in holders.values() for one in of_account)
    text = logged()
    assert (counted(text, "SuppressionsPutOff"), counted(text, "LongFeedbackHandled")) == (2, 3)
    assert [line["error"] for line in lines_saying(text, "suppression_put_off")] == ["no_time", "no_time"]


def test_when_what_is_put_off_can_not_be_sent_nothing_is_put_back_that_comes_again_with_the_batch(world: World) -> None:
    *bounces, _ = bounces_and_a_sweep(world, 30)
    stuck = Unsuppressing(world, "ThrottlingException", Address.of("eazycard", "b0.awa@example.com"))
    world.feedback_queue.fails_left = 100
    with pytest.raises(TemporarilyUnavailable):
        world.hear(bounces, dynamodb=stuck)
    assert world.feedback_queue.bodies == []
    world.feedback_queue.fails_left = 0
    world.hear(bounces, dynamodb=stuck)
    assert len(world.feedback_queue.bodies) == 21


def test_one_event_that_the_table_will_never_take_holds_up_no_other(world: World) -> None:
    spoilt = Failing(world.dynamodb, refusal("ValidationException"), operation="update_item")
    world.hear([ses_event("complaint"), ses_event("delivery")], dynamodb=spoilt)
    (letter,) = world.letters()
    assert letter["reason"] == "not_recorded: ClientError"
    assert delivery_of(world)["state"] == "delivered"


def test_a_step_of_a_sweep_is_made_after_all_events_and_one_that_fails_costs_no_event(world: World) -> None:
    address = Address.of("eazycard", ADDRESS)
    addresses = AddressRepository(world.dynamodb, world.names["AddressesTable"])
    entry = addresses.suppress(address, Suppressed("complaint", world.now))
    step = pack(Sweep.of(entry, world.now))
    spoilt = Failing(world.dynamodb, refusal("ThrottlingException"), 1, "update_item")
    world.hear([step, ses_event("delivery")], dynamodb=spoilt)
    assert delivery_of(world)["state"] == "delivered"
    assert not is_suppressed(world)
    assert (world.feedback_queue.bodies, world.feedback_queue.delays) == ([step], [PUT_OFF_S])
    hear_what_was_put_off(world)
    assert is_suppressed(world)


def test_a_sweep_that_goes_on_for_too_long_or_can_not_be_read_is_a_dead_letter(world: World) -> None:
    entry = Entry(Address.of("eazycard", ADDRESS), Standing())
    world.hear([pack(Sweep.of(entry, world.now - TRIED_FOR * 2)), '{"sweep": {}}'])
    letters = {letter["reason"]: letter["payload"] for letter in world.letters()}
    assert sorted(letters) == ["malformed_event: KeyError", "sweep_given_up"]
    # Sent through again, it has a day of its own.
    world.hear([letters["sweep_given_up"]])
    assert len(world.letters()) == 2


def test_of_e_mails_that_were_sent_together_deliveries_alone_are_noted_together(world: World) -> None:
    for account in ("b0", "b1"):
        world.enrol(account, "awa")
    world.tell(messages(*(transaction(id=account, account=account) for account in ("b0", "b1"))))
    events = {"b0": "delivery", "b1": "bounce"}
    world.hear([ses_event(name, message_id=world.ses.id_of(one), transaction=one) for one, name in events.items()])
    assert (world.states("b0"), world.states("b1")) == ({"awa": "delivered"}, {"awa": "bounced"})
    stored = world.dynamodb.scan(TableName="NotificationsTable")["Items"]
    beside = {(item["transaction_key"]["S"], item["holder"]["S"]) for item in stored if "#" in item["holder"]["S"]}
    assert ("eazycard#b1", "awa#feedback") in beside
    assert ("eazycard#b0", "awa#feedback") not in beside


def test_a_delivery_that_came_before_the_note_and_again_behind_it_is_in_the_history_once(world: World) -> None:
    for account in ("b0", "b1"):
        world.enrol(account, "awa")

    def hear() -> None:
        world.hear([ses_event("delivery", message_id=world.ses.id_of("b0"), transaction="b0")])

    world.ses.after_accepting = hear
    world.tell(messages(*(transaction(id=one, account=one) for one in ("b0", "b1"))))
    hear()
    stored = world.dynamodb.scan(TableName="NotificationsTable")["Items"]
    places = {item["holder"]["S"] for item in stored if item["transaction_key"]["S"].startswith("eazycard#")}
    assert {"#delivered", "awa#feedback"} <= places  # it is noted in both
    (found,) = world.deliveries.of_transaction(TransactionKey("eazycard", "b0"))
    assert [one["state"] for one in found["history"]].count("delivered") == 1


class RefusingDeliveries:
    """A client that never takes what is noted together, nor what is noted of one transaction."""

    def __init__(self, client: Any, transaction_key: str = "", code: str = "ValidationException") -> None:
        self._client, self._transaction_key, self._code = client, transaction_key, code

    def __getattr__(self, name: str) -> Any:
        def called(**arguments: Any) -> Any:
            key = arguments.get("Key", {})
            is_refused = key.get("holder") == {"S": "#delivered"} or key.get("transaction_key") == {
                "S": self._transaction_key
            }
            if name == "update_item" and is_refused:
                raise refusal(self._code)
            return getattr(self._client, name)(**arguments)

        return called


@pytest.mark.parametrize(
    ("code", "raised"), [("ThrottlingException", TemporarilyUnavailable), ("AccessDeniedException", ClientError)]
)
def test_deliveries_that_an_error_of_the_table_stops_come_again_together(
    world: World, logged: Any, code: str, raised: type[Exception]
) -> None:
    for account in ("b0", "b1"):
        world.enrol(account, "awa")
    world.tell(messages(*(transaction(id=account, account=account) for account in ("b0", "b1"))))
    position = world.feed().read("eazycard", "", 50).position
    bodies = [ses_event("delivery", message_id=world.ses.id_of(one), transaction=one) for one in ("b0", "b1")]
    with pytest.raises(raised):
        world.hear(bodies, dynamodb=RefusingDeliveries(world.dynamodb, code=code))
    assert world.feed().read("eazycard", position, 50).keys == []
    assert world.letters() == []
    assert counted(logged(), "DeliveriesNotedApart") == 0
    world.hear(bodies)
    assert (world.states("b0"), world.states("b1")) == ({"awa": "delivered"}, {"awa": "delivered"})


@pytest.mark.parametrize(
    ("at", "spoil", "reason"),
    [
        ("9999-12-31T23:00:00Z", lambda client: client, "not_recorded: OverflowError"),
        ("2026-01-10T15:00:00Z", lambda client: RefusingDeliveries(client, "eazycard#b0"), "not_recorded: ClientError"),
    ],
)
def test_a_delivery_that_can_not_be_stored_holds_up_no_other_of_its_batch(
    world: World, logged: Any, at: str, spoil: Any, reason: str
) -> None:
    for account in ("b0", "b1"):
        world.enrol(account, "awa")
    world.tell(messages(*(transaction(id=account, account=account) for account in ("b0", "b1"))))
    bodies = []
    for one, time in (("b0", at), ("b1", "2026-01-10T15:00:00Z")):
        event = json.loads(ses_event("delivery", message_id=world.ses.id_of(one), transaction=one))
        event["delivery"]["timestamp"] = time
        bodies.append(json.dumps(event))
    world.hear([*bodies, ses_event("bounce")], dynamodb=spoil(world.dynamodb))
    (letter,) = world.letters()
    assert (letter["payload"], letter["reason"]) == (bodies[0], reason)
    assert (world.states("b0"), world.states("b1")) == ({"awa": "sent"}, {"awa": "delivered"})
    assert is_suppressed(world)
    text = logged()
    (line,) = lines_saying(text, "deliveries_noted_apart")
    assert line["error"] == reason.removeprefix("not_recorded: ")
    assert counted(text, "DeliveriesNotedApart") == 2


def bounces_and_a_sweep(world: World, bounces: int) -> list[str]:
    """Return bounces of as many accounts' e-mails, and behind them a step of another bank's sweep."""
    accounts = [f"b{number}" for number in range(bounces)]
    for account in accounts:
        world.enrol(account, "awa")
    world.tell(messages(*(transaction(id=account, account=account) for account in accounts)))
    bodies = [ses_event("bounce", address=f"{one}.awa@example.com", transaction=one) for one in accounts]
    return [*bodies, pack(Sweep(Address.of("other-bank", ADDRESS), 0, began_at=world.now))]


def test_of_what_takes_long_a_batch_makes_a_part_of_each_bank_s_and_puts_the_others_back(
    world: World, logged: Any
) -> None:
    *bounces, sweep = bounces_and_a_sweep(world, 30)
    world.hear([*bounces, sweep, ses_event("delivery")])
    assert delivery_of(world)["state"] == "delivered"
    text = logged()
    (line,) = lines_saying(text, "feedback_batch")
    assert (line["kinds"], line["swept"], line["put_back"]) == ({"hard_bounce": 9, "delivery": 1}, 1, 21)
    assert (counted(text, "FeedbackPutBack"), counted(text, "LongFeedbackHandled")) == (21, 10)
    assert world.feedback_queue.bodies == bounces[9:]
    assert set(world.feedback_queue.groups) == {"eazycard"}
    assert set(world.feedback_queue.delays) == {0}
    assert world.letters() == []


def test_a_digest_s_events_are_bounded_too(world: World, logged: Any) -> None:
    ids = [f"digest@a{number}@20260110T140000.000000Z" for number in range(12)]
    bodies = [ses_event("delivery", transaction=to_tag(id_)) for id_ in ids]
    world.hear([*bodies, ses_event("delivery")])
    assert world.feedback_queue.bodies == bodies[LONG_AT_MOST:]
    assert LONG_AT_MOST == 10
    (line,) = lines_saying(logged(), "feedback_batch")
    assert (line["kinds"], line["put_back"], line["dead_lettered"]) == ({"delivery": 1}, 2, 10)


def test_nothing_is_put_back_before_the_dead_letters_are_sent(world: World) -> None:
    bodies = ["{broken", *bounces_and_a_sweep(world, 30)]
    world.dead_letters.fails_left = 10_000
    with pytest.raises(TemporarilyUnavailable):
        world.hear(bodies)
    assert world.feedback_queue.bodies == []


def test_what_was_put_back_is_all_kept_in_the_end(world: World) -> None:
    bounces = bounces_and_a_sweep(world, 30)
    rounds = 0
    while bounces:
        world.hear(bounces)
        bounces, world.feedback_queue.bodies = world.feedback_queue.bodies, []
        rounds += 1
    assert rounds == 4
    assert all(world.states(f"b{number}") == {"awa": "bounced"} for number in range(30))
    holders = world.holders.of_accounts(f"eazycard#b{number}" for number in range(30))
    assert all(one.suppressed for of_account in holders.values() for one in of_account)


def test_what_can_not_be_put_back_comes_again_with_its_batch(world: World) -> None:
    bodies = bounces_and_a_sweep(world, 30)
    world.feedback_queue.fails_left = 10_000
    with pytest.raises(TemporarilyUnavailable):
        world.hear(bodies)
    assert world.states("b0") == {"awa": "bounced"}


def test_nothing_personal_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.hear([ses_event("bounce"), changed("delivery", mail__tags=None), "{broken a0.awa@example.com"])
    logged = " ".join(str(line.__dict__) for line in caplog.records)
    assert "feedback_batch" in logged
    assert "example.com" not in logged
    assert "user unknown" not in logged


def final_state(world: World, number: int, steps: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """Return what a new account's notification has become, and whether the address is suppressed, after these steps.

    SES accepts its e-mail in one call with another one, or, for even numbers, alone.
    """
    account, transaction_id = f"s{number}", f"s{number}"
    world.enrol(account, "awa")
    told = [transaction(id=transaction_id, account=account)]
    if number % 2:
        world.enrol(f"beside-{number}", "awa")
        told.append(transaction(id=f"beside-{number}", account=f"beside-{number}"))

    def hear(name: str) -> None:
        address, message_id = f"{account}.awa@example.com", world.ses.id_of(transaction_id)
        world.hear([ses_event(name, address, message_id, transaction=transaction_id)])

    def hear_early() -> None:
        for name in steps[: steps.index("note")]:  # what SES tells before the mailer has noted that it accepted
            hear(name)

    body = messages(*told)
    world.ses.after_accepting = hear_early
    world.tell(body)
    world.ses.after_accepting = lambda: None
    for name in steps[steps.index("note") + 1 :]:
        world.tell(body) if name == "note" else hear(name)
    (found,) = world.deliveries.of_transaction(TransactionKey("eazycard", transaction_id))
    del found["message_id"]
    ((holder,),) = world.holders.of_accounts([f"eazycard#{account}"]).values()
    return found, holder.suppressed is not None


@pytest.mark.parametrize("names", [("delivery", "complaint", "soft_bounce"), ("bounce", "delivery", "delivery_delay")])
def test_both_engines_keep_the_same_of_it_in_any_order(each_dynamodb: Any, names: tuple[str, ...]) -> None:
    world = told(World(each_dynamodb, {name: name for name in TABLES}))
    world.hear([ses_event(name) for name in names])
    forth = delivery_of(world)
    world.hear([ses_event(name) for name in names[::-1]])
    assert delivery_of(world) == forth
    assert forth["state"] == {"delivery": "complained", "bounce": "bounced"}[names[0]]
    assert is_suppressed(world)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_interleaving_of_events_notes_and_repetitions_ends_the_same(world: World, data: st.DataObject) -> None:
    events = data.draw(st.lists(st.sampled_from(NAMES), max_size=5))
    ends = []
    in_any_order = data.draw(st.permutations(["note", "note", *events, *events]))
    for steps in (["note", *dict.fromkeys(events)], in_any_order, in_any_order):
        ends.append(final_state(world, next(_numbers), steps))
    assert ends[0] == ends[1] == ends[2]


def test_a_line_says_what_a_batch_of_feedback_was(world: World, logged: Any) -> None:
    sweep = pack(Sweep(Address.of("eazycard", ADDRESS), 0, began_at=world.now))
    world.hear(
        [ses_event("delivery"), ses_event("complaint"), "{broken", ses_event("delivery", transaction="t9"), sweep]
    )
    (line,) = lines_saying(logged(), "feedback_batch")
    assert line["kinds"] == {"delivery": 1, "complaint": 1}
    assert (line["swept"], line["dead_lettered"], line["transactions"]) == (1, 2, ["eazycard#t0"])


def test_a_batch_counts_what_ses_told_and_how_long_deliveries_took(world: World, logged: Any) -> None:
    world.hear([ses_event(name) for name in NAMES])
    text = logged()
    metrics = ("MailsDelivered", "MailsBounced", "MailsComplained")
    assert [counted(text, metric) for metric in metrics] == [1, 2, 1]
    assert [line["AcceptedToDelivered"] for line in lines(text) if "AcceptedToDelivered" in line] == [[1.548]]


def test_an_hour_counts_each_event_but_delays(world: World) -> None:
    world.hear([ses_event(name) for name in NAMES])
    (hour,) = [hour for hour in world.hours() if hour.counts]
    expected = {"sent": 1, "delivered": 1, "bounced": 2, "complained": 1, "rejected": 1, "failed": 1}
    assert {state: number for state, number in hour.emails.items() if number} == expected


def test_our_own_three_tags_are_enough() -> None:
    tags = {"bank": ["eazycard"], "transaction": ["t0"], "holder": ["awa"]}
    event = read_event(changed("delivery", mail__tags=tags))
    assert event is not None
    assert event.key == NotificationKey(*T0, "awa")


def test_a_message_id_that_is_none_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="messageId"):
        read_event(changed("delivery", mail__messageId="a#b"))


def test_a_sweep_that_fails_or_is_too_old_holds_up_no_other(world: World) -> None:
    addresses = AddressRepository(world.dynamodb, world.names["AddressesTable"])
    entry = addresses.suppress(Address.of("eazycard", ADDRESS), Suppressed("complaint", world.now))
    old, spoilt, good = (pack(Sweep.of(entry, world.now - age)) for age in (TRIED_FOR * 2, TRIED_FOR, timedelta(0)))
    refusing = Failing(world.dynamodb, refusal("ValidationException"), operation="update_item")
    world.hear([old, spoilt, good], dynamodb=refusing)
    assert [letter["reason"] for letter in world.letters()] == ["sweep_given_up", "not_swept: ClientError"]
    assert is_suppressed(world)
