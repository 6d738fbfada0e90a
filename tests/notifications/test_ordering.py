"""The order of a holder's e-mails of one purchase: what closes an authorization never comes before its own e-mail."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.holders.holder import Holder
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.story import Story
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.notice import Notice, Recipient, pack, to_payload
from chalicelib.notifications.ordering import AUTHORIZATION_FIRST, in_order, in_turns
from chalicelib.notifications.state import NotificationKey
from tests.fakes import Failing, Interrupted
from tests.mail_world import NOW, Died, World, messages
from tests.purchase_cast import CAST, FLAGS, told
from tests.quiet_night import Night
from tests.tables import create_tables

AWA, BEN = "a0.awa@example.com", "a0.ben@example.com"
BEFORE = NOW - timedelta(days=1)


@pytest.fixture(scope="module")
def tables() -> Iterator[tuple[Any, dict[str, str]]]:
    with mock_aws():
        client = boto3.client("dynamodb")
        yield client, create_tables(client)


@pytest.fixture
def world(tables: tuple[Any, dict[str, str]]) -> Night:
    client, names = tables
    for table, key in (
        ("TransactionsTable", ("transaction_key",)),
        ("NotificationsTable", ("transaction_key", "holder")),
        ("AccountsTable", ("account_key",)),
        ("DeferralsTable", ("due_hour", "due")),
    ):
        for item in client.scan(TableName=names[table])["Items"]:
            client.delete_item(TableName=names[table], Key={name: item[name] for name in key})
    world = Night(client, names)
    world.enrol("a0", "awa", "ben", locale="en", enrolled_at=BEFORE)
    return world


def tell(world: World, *letters: str, **clients: Any) -> None:
    """Let the mailer have the transactions in one batch, in this order; all of them are recorded."""
    cast = [CAST[letter] for letter in letters]
    world.record(*cast)
    world.tell(messages(*cast), **clients)


def deliver(world: World, *letters: str) -> None:
    """Hand the mailer what was put back for these transactions, as SQS would; the rest stays in the queue."""
    taken, left = [], []
    for body in world.queue.bodies:
        (notice,) = unpack(body, [])
        (taken if notice.transaction.id in letters else left).append(body)
    world.queue.bodies, world.queue.delays = left, []
    assert taken
    world.tell(taken)


def put_back(world: World) -> list[tuple[str, str, int]]:
    """Return the transaction, holder and attempt of each notice in the queue."""
    notices = [notice for body in world.queue.bodies for notice in unpack(body, [])]
    return sorted((one.transaction.id, (one.holders or ("?",))[0], one.attempt) for one in notices)


def noted(world: World, transaction_id: str) -> dict[str, tuple[str, str | None]]:
    found = world.deliveries.of_transaction(TransactionKey("eazycard", transaction_id))
    return {values["holder"]: (values["state"], values.get("reason")) for values in found}


def put_off_authorization(world: World) -> None:
    world.ses.statuses[AWA] = "ACCOUNT_THROTTLED"
    tell(world, "A")
    world.ses.statuses.clear()


EXPECTED = {
    "T": ["authorized A", "final T of A"],
    "U": ["authorized A", "final U of A"],
    "R": ["authorized A", "released R of A"],
    "r": ["authorized A", "released r of A"],
}


@pytest.mark.parametrize("closing", EXPECTED)
def test_what_closes_an_authorization_that_ses_put_off_waits_for_it(world: Night, closing: str) -> None:
    put_off_authorization(world)
    tell(world, closing)
    assert told(world, "awa") == []
    assert told(world, "ben") == EXPECTED[closing]  # nobody waits for another holder's e-mail
    assert noted(world, closing) == {"awa": ("queued", AUTHORIZATION_FIRST), "ben": ("sent", None)}
    assert put_back(world) == sorted([("A", "awa", 1), (closing, "awa", 0)])
    assert world.queue.delays == [2, 4]
    deliver(world, closing)  # it is back before the authorization
    assert told(world, "awa") == []
    deliver(world, "A")
    world.drain()
    assert told(world, "awa") == EXPECTED[closing]
    assert noted(world, closing)["awa"] == ("sent", None)
    assert world.dead_letters.bodies == []


def test_it_waits_at_most_a_quarter_of_the_time_that_it_has_waited(world: Night) -> None:
    put_off_authorization(world)
    tell(world, "R")
    since, waits = world.now, []
    while world.now - since < timedelta(minutes=55):
        world.queue.delays = []
        deliver(world, "R")
        waits.append((world.now - since, world.queue.delays[-1]))
        world.now += timedelta(seconds=world.queue.delays[-1])
    assert [(int(waited.total_seconds()), wait) for waited, wait in waits[:8]] == [
        (0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (20, 5), (25, 6), (31, 7),
    ]  # fmt: skip
    assert all(wait <= max(timedelta(seconds=4), waited / 4).total_seconds() for waited, wait in waits)
    assert len(waits) == 29
    deliver(world, "A")
    deliver(world, "R")
    assert told(world, "awa") == EXPECTED["R"]


def test_an_e_mail_that_has_waited_for_another_begins_anew_with_ses(world: Night) -> None:
    put_off_authorization(world)
    tell(world, "R")
    for _ in range(9):
        deliver(world, "R")
    world.ses.statuses[AWA] = "ACCOUNT_THROTTLED"
    world.now += timedelta(hours=1)  # it waits for nothing any more
    world.queue.delays = []
    deliver(world, "R")
    assert noted(world, "R")["awa"] == ("queued", "put_off: ACCOUNT_THROTTLED")
    assert put_back(world)[-1] == ("R", "awa", 1)
    assert world.queue.delays == [2]


@pytest.mark.parametrize("letter", ["S", "C", "D", "s"])
def test_what_builds_on_no_e_mail_of_the_authorization_waits_for_none(world: Night, letter: str) -> None:
    put_off_authorization(world)
    if letter == "s":
        tell(world, "S")  # it closes the authorization; the second one is a charge of its own
    tell(world, letter)
    assert [one for one, holder, _ in put_back(world) if holder == "awa"] == ["A"]
    assert noted(world, letter)["awa"][0] == ("skipped" if letter == "S" else "sent")


def test_a_reversal_waits_for_the_settlement_that_it_names(world: Night) -> None:
    tell(world, "A")
    world.ses.statuses[AWA] = "ACCOUNT_THROTTLED"
    tell(world, "T")
    world.ses.statuses.clear()
    reversal = dataclasses.replace(CAST["Z"], authorization_id="T")
    world.record(reversal)
    world.tell(messages(reversal))
    assert told(world) == ["authorized A"]
    deliver(world, "T")
    world.drain()
    assert told(world) == ["authorized A", "final T of A", "reversed Z of T"]


# The documented hour, and not whatever the constant says.
@pytest.mark.parametrize("passed", [timedelta(minutes=59, seconds=59), timedelta(hours=1)])
def test_an_authorization_that_never_comes_holds_its_reversal_up_for_an_hour_and_no_longer(
    world: Night, passed: timedelta
) -> None:
    put_off_authorization(world)
    tell(world, "R")
    started, world.now = world.now, world.now + timedelta(minutes=20)
    deliver(world, "R")
    world.now = started + passed
    deliver(world, "R")
    assert told(world) == ([] if passed < timedelta(hours=1) else ["released R of A"])
    world.drain()
    assert sorted(told(world)) == ["authorized A", "released R of A"]


def test_an_authorization_that_fails_lets_its_reversal_go(world: Night) -> None:
    put_off_authorization(world)
    tell(world, "R")
    world.ses.statuses[AWA] = "MESSAGE_REJECTED"
    deliver(world, "A")
    world.ses.statuses.clear()
    deliver(world, "R")
    assert noted(world, "A")["awa"][0] == "failed"
    assert told(world) == ["released R of A"]


@pytest.mark.parametrize("preferences", [{"min_amount": {"EUR": "110"}}, {"types": ["credit"]}])
def test_an_authorization_that_the_holder_does_not_want_holds_up_nothing(
    world: Night, preferences: dict[str, Any]
) -> None:
    world.enrol("a0", "awa", locale="en", enrolled_at=BEFORE, **preferences)
    reversal = dataclasses.replace(CAST["T"], id="R", status="reversed", type="credit")
    world.record(CAST["A"], reversal)
    world.tell(messages(CAST["A"], reversal))
    assert noted(world, "A")["awa"][0] == "skipped"
    assert told(world) == ["released R of A"]


def test_an_authorization_of_which_there_is_no_notification_holds_up_nothing(world: Night) -> None:
    world.record(CAST["A"])
    tell(world, "R")
    assert told(world) == ["released R of A"]


def test_a_holder_who_was_enrolled_after_the_authorization_does_not_wait_for_it(world: Night) -> None:
    put_off_authorization(world)
    world.enrol("a0", "awa", locale="en", enrolled_at=NOW + timedelta(seconds=1))
    tell(world, "R")
    assert told(world) == ["released R of A"]


@pytest.mark.parametrize("closing", ["T", "R"])
def test_a_security_alert_waits_for_nothing(world: Night, closing: str) -> None:
    put_off_authorization(world)
    world.record(CAST[closing])
    world.tell(list(pack([to_payload(Notice(CAST[closing], flags=FLAGS))])))
    assert told(world) == [f"alert {closing}"]


@pytest.mark.parametrize("order", ["AR", "RA", "AT", "TA"])
def test_in_one_batch_the_authorization_goes_first_and_nobody_has_to_wait(world: Night, order: str) -> None:
    tell(world, *order)
    closing = order.replace("A", "")
    for holder in ("awa", "ben"):
        assert told(world, holder) == EXPECTED[closing]
    assert world.queue.bodies == []


@pytest.mark.parametrize("order", ["AR", "RA", "AT", "TA"])
def test_in_one_batch_of_which_ses_puts_off_the_authorization_the_closing_comes_later(world: Night, order: str) -> None:
    first = [True]

    class PutsOffTheFirst:
        """An SES that takes nothing for one holder in its first call."""

        def send_bulk_email(self, **call: Any) -> Any:
            world.ses.statuses = {AWA: "ACCOUNT_THROTTLED"} if first else {}
            first.clear()
            return world.ses.send_bulk_email(**call)

        def get_account(self) -> Any:
            return world.ses.get_account()

    tell(world, *order, ses=PutsOffTheFirst())
    closing = order.replace("A", "")
    assert told(world, "awa") == []
    assert told(world, "ben") == EXPECTED[closing]
    deliver(world, closing)
    assert told(world, "awa") == []
    deliver(world, "A")
    world.drain()
    assert told(world, "awa") == EXPECTED[closing]


def test_a_chain_in_one_batch_is_told_link_by_link(world: Night) -> None:
    reversal = dataclasses.replace(CAST["Z"], authorization_id="T")
    world.record(CAST["A"], CAST["T"], reversal)
    world.tell(messages(reversal, CAST["T"], CAST["A"]))
    assert told(world) == ["authorized A", "final T of A"]
    assert put_back(world) == [("Z", "awa", 0), ("Z", "ben", 0)]
    world.drain()
    assert told(world) == ["authorized A", "final T of A", "reversed Z of T"]


def test_those_that_name_each_other_are_told_within_two_hours(world: Night) -> None:
    one, other = (
        dataclasses.replace(CAST["R"], id=id_, authorization_id=named, recorded_at=NOW)
        for id_, named in (("x", "y"), ("y", "x"))
    )
    world.record(one, other)
    world.tell(messages(one, other))
    world.drain()
    assert sorted(told(world)) == ["reversed x of y", "reversed y of x"]
    assert world.now <= NOW + timedelta(hours=2)


def test_what_there_is_no_time_for_comes_back_in_order(world: Night) -> None:
    tell_later = [CAST["R"], CAST["A"]]
    world.record(*tell_later)
    world.tell(messages(*tell_later), time_left_s=lambda: 5)
    back = [unpack(body, []) for body in world.queue.bodies]
    assert [{notice.transaction.id for notice in notices} for notices in back] == [{"A"}, {"R"}]
    assert world.queue.delays == [10, 20]  # each the longest of its own ten seconds
    world.drain()
    assert told(world) == EXPECTED["R"]


@pytest.mark.parametrize("waits_first", ["A", "R"])
def test_what_waits_for_quiet_hours_to_end_comes_in_order_whichever_is_handed_back_first(
    world: Night, waits_first: str
) -> None:
    world.enrol("a0", "awa", locale="en", enrolled_at=BEFORE, quiet_hours={"from": "13:00", "to": "20:30"})
    tell(world, "A")
    tell(world, "R")
    assert noted(world, "R")["awa"] == ("queued", "quiet_hours")
    world.release()
    notices = [notice for body in world.queue.bodies for notice in unpack(body, [])]
    assert sorted(notice.transaction.id for notice in notices) == ["A", "R"]
    world.queue.bodies, world.queue.delays = [], []
    notices.sort(key=lambda notice: notice.transaction.id != waits_first)
    for notice in notices:
        world.tell(list(pack([to_payload(notice)])))
    world.drain()
    assert told(world, "awa") == EXPECTED["R"]


def test_whoever_ends_the_quiet_hours_early_hears_of_the_reversal_within_the_hour(world: Night) -> None:
    world.enrol("a0", "awa", locale="en", enrolled_at=BEFORE, quiet_hours={"from": "13:00", "to": "20:30"})
    tell(world, "A")
    world.enrol("a0", "awa", locale="en", enrolled_at=BEFORE)
    tell(world, "R")
    assert told(world) == []
    world.drain()
    assert told(world) == ["released R of A"]
    assert world.now - NOW <= timedelta(hours=1, minutes=15)
    world.release()
    world.deliver()
    assert told(world) == ["released R of A", "authorized A"]


@pytest.mark.parametrize("at", range(11))
def test_a_mailer_that_dies_at_any_call_leaves_the_order_as_it_was(world: Night, at: int) -> None:
    """The closing's mailer dies, for a holder whose authorization SES has put off."""
    put_off_authorization(world)
    world.record(CAST["R"])
    with contextlib.suppress(Died):
        world.tell(messages(CAST["R"]), dynamodb=Failing(world.dynamodb, Died(), at=at))
    world.now += timedelta(minutes=2)
    world.tell(messages(CAST["R"]))
    assert told(world, "awa") == []
    deliver(world, "A")
    world.drain()
    assert told(world, "awa") == EXPECTED["R"]
    assert set(noted(world, "R").values()) == {("sent", None)}


def test_a_mailer_that_dies_with_the_authorization_in_its_hands_is_waited_for(world: Night) -> None:
    world.record(CAST["A"])
    with contextlib.suppress(Died):
        world.tell(messages(CAST["A"]), ses=Failing(world.ses, Died()))
    tell(world, "R")
    assert told(world) == []
    world.now += timedelta(minutes=2)  # SQS brings the dead one's message again
    world.tell(messages(CAST["A"]))
    world.drain()
    for holder in ("awa", "ben"):
        assert told(world, holder) == EXPECTED["R"]


@pytest.mark.parametrize("at", range(9))
def test_an_authorization_that_another_mailer_tells_meanwhile_is_told_once_and_never_behind(
    world: Night, at: int
) -> None:
    put_off_authorization(world)
    world.record(CAST["R"])
    interrupted = Interrupted(world.dynamodb, lambda: deliver(world, "A"), at)
    world.tell(messages(CAST["R"]), dynamodb=interrupted)
    if not interrupted.has_happened:
        deliver(world, "A")
    world.drain()
    assert told(world, "awa") == EXPECTED["R"]


def test_the_dead_letter_of_a_reversal_that_is_put_back_waits_as_if_for_the_first_time(world: Night) -> None:
    put_off_authorization(world)
    world.record(CAST["R"])
    long_ago = Notice(CAST["R"], ("awa",), attempt=9, put_off_since=NOW - timedelta(days=3))
    world.ses.statuses[AWA] = "ACCOUNT_THROTTLED"
    world.tell(list(pack([to_payload(long_ago)])))
    world.ses.statuses.clear()
    (letter,) = world.letters()
    assert letter["reason"] == "given_up: ACCOUNT_THROTTLED"
    world.tell(list(pack([letter["payload"]])))
    assert told(world) == []
    deliver(world, "A")
    world.drain()
    assert told(world) == EXPECTED["R"]


def addressed(transaction: Transaction, **notice: Any) -> Recipient:
    return Recipient(Notice(transaction, **notice), Holder("awa", "Awa", AWA, "en", "UTC", {}, BEFORE))


def turns(*people: Recipient) -> list[str]:
    return ["".join(person.notice.transaction.id for person in turn) for turn in in_turns(people)]


def test_only_what_names_another_one_of_the_batch_comes_in_the_second_turn() -> None:
    assert turns(addressed(CAST["R"]), addressed(CAST["S"])) == ["RS", ""]
    assert turns(addressed(CAST["R"]), addressed(CAST["A"]), addressed(CAST["S"])) == ["A", "RS"]
    assert turns(addressed(CAST["I"])) == ["A", ""]  # names itself
    assert turns(addressed(CAST["D"]), addressed(CAST["A"])) == ["DA", ""]  # closes nothing
    other = dataclasses.replace(CAST["A"], bank="other")
    assert turns(addressed(CAST["R"]), addressed(other)) == ["RA", ""]


def test_an_alert_comes_in_the_first_turn() -> None:
    assert turns(addressed(CAST["R"], flags=FLAGS), addressed(CAST["A"])) == ["RA", ""]


def test_the_times_of_a_closing_are_kept_when_it_waits(world: Night) -> None:
    put_off_authorization(world)
    tell(world, "R")
    first: list[datetime | None] = []
    for _ in range(3):
        world.now += timedelta(minutes=5)
        deliver(world, "R")
        first += [notice.put_off_since for body in world.queue.bodies for notice in unpack(body, [])][-1:]
    assert first == [NOW, NOW, NOW]


RECORDED = CAST["A"].recorded_at
AN_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("enrolled_at", "put_off_since", "flags", "waits"),
    [
        (RECORDED, None, {}, True),  # who was enrolled when it was recorded hears of it
        (RECORDED + timedelta(microseconds=1), None, {}, False),
        (RECORDED, NOW - AN_HOUR + timedelta(microseconds=1), {}, True),
        (RECORDED, NOW - AN_HOUR, {}, False),
        (RECORDED, None, FLAGS, False),
    ],
)
def test_an_e_mail_waits_for_one_on_its_way_that_its_holder_hears_of_for_an_hour(
    enrolled_at: datetime, put_off_since: datetime | None, flags: dict[str, Any], waits: bool
) -> None:
    holder = Holder("awa", "Awa", AWA, "en", "UTC", {}, enrolled_at)
    recipient = Recipient(Notice(CAST["R"], put_off_since=put_off_since, flags=flags), holder)
    asked: list[list[NotificationKey]] = []

    def queued(keys: Iterable[NotificationKey]) -> list[NotificationKey]:
        asked.append(list(keys))
        return asked[-1]

    email: Any = "e-mail"
    stories = {recipient.key: Story(CAST["R"], "reversal", related=CAST["A"])}
    going, waiting = in_order([(recipient, email)], stories, queued, NOW)
    assert going == ([] if waits else [(recipient, email)])
    assert waiting == ([(recipient, "put_off: authorization_first")] if waits else [])
    assert asked == ([[NotificationKey("eazycard", "A", "awa")]] if waits else [])
