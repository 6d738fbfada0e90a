"""How long rows of the notifications table are kept: what is written expires, and what expired is not read."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import from_item
from chalicelib.aws.retention import KEPT, Retention, expiry, is_kept, read_retention
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.notifications.digest_members import DigestMembers
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.stand_ins import StandIn, StandIns
from chalicelib.notifications.state import Feedback, Kind, NotificationKey, State, StateChange
from chalicelib.webhooks.records import Record, Standing, WebhookRecords
from chalicelib.webhooks.webhook import Webhook
from tests.purchase_cast import CAST

TABLE = "NotificationsTable"
NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
KEY = NotificationKey("eazycard", "t1", "awa")
DIGEST = NotificationKey("eazycard", "digest@A1@2026-01-10T15:00:00Z", "awa")
DAYS = Retention(notifications=100, feed=40, webhooks=60)


class World:
    """Every kind of row of the table, written at NOW; and its readers at a later time."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.now = NOW
        clock = lambda: self.now  # noqa: E731
        self.feed = NotificationFeed(client, TABLE, clock, lambda _: None, DAYS.feed)
        self.log = NotificationLog(client, TABLE, self.feed, lambda _: None, DAYS.notifications)
        self.records = NotificationRecords(client, TABLE, clock, DAYS.notifications)
        self.members = DigestMembers(client, TABLE, clock, DAYS.notifications)
        self.webhooks = WebhookRecords(client, TABLE, clock, DAYS.webhooks)
        self.stand_ins = StandIns(client, TABLE, lambda _: None, DAYS.notifications)

    def write_all(self) -> None:
        self.log.claim([KEY], NOW, NOW + timedelta(seconds=20))
        self.log.record([StateChange(KEY, State.SENT, message_id="m1")], NOW)
        self.log.claim([NotificationKey("eazycard", "claimed", "awa")], NOW, NOW)
        self.records.note_feedback(KEY, Feedback(NOW, Kind.DELIVERY, "m1", NOW))
        self.members.put(DIGEST, ["t1", "t2"])
        self.stand_ins.ask([StandIn(NotificationKey("eazycard", "A", "awa", "a0"), frozenset({"a0#debit"}))], NOW)
        self.webhooks.put([Record(KEY, "msg_1", "notification.delivered", Standing.DELIVERED, "204", 1, NOW)])
        PurchaseRepository(self.client, TABLE, lambda _: None).collect([CAST["t"]], ())

    def rows(self) -> Iterator[tuple[str, Any]]:
        for item in self.client.scan(TableName=TABLE)["Items"]:
            values = from_item(item)
            is_page = values["transaction_key"].startswith("feed#")
            yield ("page" if is_page else f"{values['transaction_key']} {values['holder']}"), values.get("expires_at")


@pytest.fixture
def world(each_dynamodb: Any) -> World:
    world = World(each_dynamodb)
    world.write_all()
    return world


def after(days: int) -> int:
    return int((NOW + timedelta(days=days)).timestamp())


def test_each_row_expires_when_the_stage_says_and_a_purchase_never_does(world: World) -> None:
    found = dict(world.rows())
    assert found == {
        "eazycard#t1 awa": after(100),
        "eazycard#claimed awa": after(100),
        "eazycard#t1 awa#feedback": after(100),
        f"eazycard#{DIGEST.transaction} awa#members#0": after(100),
        "eazycard#A awa": after(100),
        "eazycard#t1 awa#webhook#msg_1": after(60),
        "page": after(40),
        "eazycard#A#purchase #purchase": None,
    }


def test_what_has_expired_is_gone_for_readers_although_it_is_still_there(world: World) -> None:
    webhook = Webhook("msg_1", KEY, "notification.delivered", "{}", NOW)

    def seen() -> tuple[bool, bool, bool, bool, bool]:
        t1 = TransactionKey("eazycard", "t1")
        return (
            KEY in world.feed.read("eazycard", "", 10).keys,
            bool(world.webhooks.of([webhook])),
            bool(world.webhooks.of_transaction(t1)),
            bool(world.records.of_transaction(t1)),
            KEY in world.records.of_keys([KEY]),
        )

    for days, expected in (
        (39, (True, True, True, True, True)),
        (41, (False, True, True, True, True)),
        (61, (False, False, False, True, True)),
        (101, (False, False, False, False, False)),
    ):
        world.now = NOW + timedelta(days=days)
        assert seen() == expected, days
    assert len(dict(world.rows())) == 8  # DynamoDB has deleted nothing


def test_what_has_expired_is_still_not_sent_again_while_it_is_there(world: World) -> None:
    later = NOW + timedelta(days=101)
    claims = world.log.claim([KEY], later, later + timedelta(seconds=20))
    assert (claims.settled, claims.claimed) == ({KEY}, set())


def test_a_cursor_that_is_older_than_the_feed_goes_on_with_what_there_is(world: World) -> None:
    world.now = NOW + timedelta(seconds=10)
    old = world.feed.read("eazycard", "", 10).position
    other = dataclasses.replace(KEY, transaction="t2")
    world.now = NOW + timedelta(days=50)
    world.feed.append([other])
    world.now += timedelta(seconds=10)
    assert world.feed.read("eazycard", old, 10).keys == [other]


def test_the_stack_says_how_long_rows_are_kept_and_an_older_stack_does_not() -> None:
    assert read_retention("100 40 60") == DAYS
    assert read_retention("") == KEPT == Retention(400, 90, 90)


def test_a_row_is_kept_until_its_time_or_for_good() -> None:
    row = {"expires_at": expiry(NOW, 1)}
    assert is_kept(row, lambda: NOW + timedelta(hours=23))
    assert not is_kept(row, lambda: NOW + timedelta(hours=24))
    assert is_kept({}, lambda: NOW + timedelta(days=9999))
    assert is_kept(row, None)
