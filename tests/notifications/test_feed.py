"""The feed of notifications: in order, whole, the bank's own, on both engines."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.notifications.feed import LATE, MARGIN, NotificationFeed, changes_in, position_at
from chalicelib.notifications.state import NotificationKey
from tests.fakes import Failing, refusal

TABLE = "NotificationsTable"
START = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(each_dynamodb: Any, clock: Clock) -> NotificationFeed:
    return NotificationFeed(each_dynamodb, TABLE, clock, sleep=lambda _: None)


def key(number: int, bank: str = "eazycard") -> NotificationKey:
    return NotificationKey(bank, f"t{number}", "awa")


def followed(feed: NotificationFeed, limit: int = 3, position: str = "", bank: str = "eazycard") -> tuple[Any, str]:
    """Return all keys from the position on, as a bank that asks again until there is nothing new, and the position."""
    found: list[NotificationKey] = []
    while changes := feed.read(bank, position, limit):
        assert len(changes.keys) <= limit
        if changes.position == position:
            assert changes.keys == []
            return found, position
        found += changes.keys
        position = changes.position
    raise AssertionError


def test_changes_are_shown_in_the_order_in_which_they_were_written(feed: NotificationFeed, clock: Clock) -> None:
    for number in range(20):
        feed.append([key(number)])
        clock.now += timedelta(milliseconds=7)
    clock.now += MARGIN
    for limit in (1, 6, 100):
        assert followed(feed, limit)[0] == [key(number) for number in range(20)]


def test_a_page_of_many_is_cut_by_the_limit_and_gone_on_with(feed: NotificationFeed, clock: Clock) -> None:
    feed.append([key(number) for number in range(90)])
    clock.now += MARGIN + LATE
    first = feed.read("eazycard", "", 50)
    assert first.keys == [key(number) for number in range(50)]
    assert followed(feed, 50, first.position)[0] == [key(number) for number in range(50, 90)]


def test_more_than_fits_a_page_is_all_there(feed: NotificationFeed, clock: Clock) -> None:
    feed.append([key(number) for number in range(250)])
    clock.now += MARGIN + LATE
    assert sorted(followed(feed, 100)[0]) == sorted(key(number) for number in range(250))


def test_what_was_written_within_the_margin_is_not_shown_yet(feed: NotificationFeed, clock: Clock) -> None:
    feed.append([key(1)])
    clock.now += MARGIN
    assert feed.read("eazycard", "", 50).keys == []
    clock.now += timedelta(microseconds=1)
    assert feed.read("eazycard", "", 50).keys == [key(1)]


def test_a_notification_that_changed_twice_is_shown_once_where_it_changed_last(
    feed: NotificationFeed, clock: Clock
) -> None:
    for number in (1, 2, 1, 3):
        feed.append([key(number)])
        clock.now += timedelta(seconds=1)
    clock.now += MARGIN
    assert feed.read("eazycard", "", 50).keys == [key(2), key(1), key(3)]


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ([1, 2, 1], [2, 1]),  # for what is shown already, there is room
        ([1, 2, 1, 3], [2, 1, 3]),
        ([1, 2, 3, 1], [1, 2, 3, 1]),  # it changed again behind what there was no room for
    ],
)
def test_a_read_ends_before_the_first_notification_that_there_is_no_room_for(
    feed: NotificationFeed, clock: Clock, changed: list[int], shown: list[int]
) -> None:
    feed.append([key(number) for number in changed])
    clock.now += MARGIN + LATE
    assert followed(feed, 2)[0] == [key(number) for number in shown]


def test_pages_of_several_changes_are_gone_on_with_wherever_they_are_cut(feed: NotificationFeed, clock: Clock) -> None:
    for page in range(4):
        feed.append([key(10 * page + number) for number in range(5)])
        clock.now += timedelta(seconds=1)
    clock.now += MARGIN
    for limit in range(1, 12):
        assert followed(feed, limit)[0] == [key(10 * page + number) for page in range(4) for number in range(5)]


def test_a_digest_has_no_entry_of_its_own(feed: NotificationFeed, clock: Clock) -> None:
    digest = NotificationKey("eazycard", "digest@a0@20260110T140000.000000Z", "awa")
    feed.append([digest, key(1)])
    clock.now += MARGIN + LATE
    assert followed(feed)[0] == [key(1)]


def test_two_writers_of_one_microsecond_do_not_meet(feed: NotificationFeed, clock: Clock) -> None:
    alike = [[("t1", "a"), ("at2", "b")], [("t1", "aa"), ("t2", "b")]]  # which read the same in a row
    for changed in alike:
        feed.append(NotificationKey("eazycard", transaction, holder) for transaction, holder in changed)
    clock.now += MARGIN + LATE
    found = [(found.transaction, found.holder) for found in followed(feed, 10)[0]]
    assert sorted(found) == sorted([*alike[0], *alike[1]])


def test_what_changed_longer_ago_than_pages_are_kept_is_gone(each_dynamodb: Any, clock: Clock) -> None:
    feed = NotificationFeed(each_dynamodb, TABLE, clock, kept_days=3)
    feed.append([key(1)])
    before = feed.read("eazycard", "", 50).position
    clock.now += timedelta(days=3)
    assert feed.read("eazycard", before, 50).keys == [key(1)]
    clock.now += timedelta(seconds=1)
    assert feed.read("eazycard", before, 50).keys == []


def test_a_bank_sees_its_own_only(feed: NotificationFeed, clock: Clock) -> None:
    feed.append([key(1), key(2, "other"), key(3, "eazycard-2")])
    clock.now += MARGIN + LATE
    assert followed(feed)[0] == [key(1)]
    assert followed(feed, bank="other")[0] == [key(2, "other")]
    assert followed(feed, bank="nobody") == ([], "")


def test_what_comes_between_two_reads_is_shown_by_the_second_only(feed: NotificationFeed, clock: Clock) -> None:
    feed.append([key(1)])
    clock.now += MARGIN + LATE
    first, position = followed(feed)
    feed.append([key(2)])
    clock.now += MARGIN + LATE
    assert (first, followed(feed, position=position)[0]) == ([key(1)], [key(2)])


def test_a_page_that_was_slow_to_be_written_is_written_again(each_dynamodb: Any, clock: Clock) -> None:
    reader = NotificationFeed(each_dynamodb, TABLE, clock)
    passed_by: list[str] = []

    class Slow:
        """A table that takes a write only when readers have gone past its time, once."""

        def batch_write_item(self, **arguments: Any) -> Any:
            if not passed_by:
                clock.now += MARGIN + LATE
                feed_of_another.append([key(1)])
                clock.now += MARGIN + LATE
                passed_by.append(followed(reader)[1])
            return each_dynamodb.batch_write_item(**arguments)

    feed_of_another = NotificationFeed(each_dynamodb, TABLE, clock)
    NotificationFeed(Slow(), TABLE, clock).append([key(2)])
    clock.now += MARGIN + LATE
    assert followed(reader, position=passed_by[0])[0] == [key(2)]


def test_a_page_that_is_slow_three_times_is_a_failure(clock: Clock) -> None:
    written: list[datetime] = []

    class Slow:
        def batch_write_item(self, **_: Any) -> Any:
            written.append(clock.now)
            clock.now += LATE + timedelta(milliseconds=1)
            return {}

    with pytest.raises(TemporarilyUnavailable):
        NotificationFeed(Slow(), TABLE, clock).append([key(1)])
    assert len(written) == 3


@pytest.mark.parametrize(("takes", "writes"), [(LATE, 1), (LATE + timedelta(microseconds=1), 2)])
def test_a_page_that_takes_two_seconds_counts_as_written(clock: Clock, takes: timedelta, writes: int) -> None:
    assert timedelta(seconds=2) == LATE
    times = iter([takes])
    written: list[str] = []

    class Slow:
        def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803
            clock.now += next(times, timedelta(0))
            written.extend(one["PutRequest"]["Item"]["holder"]["S"] for one in RequestItems[TABLE])
            return {}

    NotificationFeed(Slow(), TABLE, clock).append([key(1)])
    assert len(written) == len(set(written)) == writes


def test_a_throttled_table_is_tried_again_and_told_of_in_the_end(each_dynamodb: Any, clock: Clock) -> None:
    throttled = refusal("ThrottlingException")
    waits: list[float] = []
    NotificationFeed(Failing(each_dynamodb, throttled), TABLE, clock, waits.append).append([key(1)])
    assert len(waits) == 1

    class Down:
        def batch_write_item(self, **_: Any) -> Any:
            raise throttled

    with pytest.raises(TemporarilyUnavailable):
        NotificationFeed(Down(), TABLE, clock, sleep=lambda _: None).append([key(2)])
    clock.now += MARGIN + LATE
    assert followed(NotificationFeed(each_dynamodb, TABLE, clock))[0] == [key(1)]


def test_nothing_changed_makes_no_call(clock: Clock) -> None:
    NotificationFeed(None, TABLE, clock).append([])


@pytest.fixture
def fresh_bank() -> Callable[[], str]:
    """Each example of a property has a bank of its own: the table stays."""
    names = iter(f"bank-{number}" for number in range(10_000))
    return lambda: next(names)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whoever_writes_while_it_is_read_nothing_is_skipped(
    table_names: dict[str, str], dynamodb: Any, clock: Clock, fresh_bank: Callable[[], str], data: st.DataObject
) -> None:
    """Writers whose clocks differ by seconds, and a reader who asks in between: each change is shown at least once."""
    bank, position = fresh_bank(), ""
    skews = [timedelta(seconds=one) for one in data.draw(st.lists(st.floats(-1.4, 1.4), min_size=1, max_size=3))]
    written: set[NotificationKey] = set()
    shown: set[NotificationKey] = set()
    reader = NotificationFeed(dynamodb, TABLE, clock)
    for step in range(data.draw(st.integers(1, 12))):
        if data.draw(st.booleans()):
            skew = data.draw(st.sampled_from(skews))
            writer = NotificationFeed(dynamodb, TABLE, lambda skew=skew: clock.now + skew)  # type: ignore[misc]
            keys = [NotificationKey(bank, f"t{step}", f"h{number}") for number in range(data.draw(st.integers(1, 8)))]
            writer.append(keys)
            written |= set(keys)
        else:
            changes = reader.read(bank, position, data.draw(st.integers(1, 10)))
            shown |= set(changes.keys)
            position = changes.position
        clock.now += timedelta(seconds=data.draw(st.floats(0, 4)))
    clock.now += MARGIN + 2 * LATE
    assert shown | set(followed(reader, 7, position, bank)[0]) == written


class Recording:
    """A table that notes the arguments of the calls, and has nothing."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []

    def query(self, **arguments: Any) -> Any:
        self.queries.append(arguments)
        return {"Items": []}

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803
        self.items += [one["PutRequest"]["Item"] for one in RequestItems[TABLE]]
        return {}


@pytest.mark.parametrize(("limit", "pages"), [(1, 2), (3, 2), (4, 3), (100, 27)])
def test_a_read_asks_each_of_four_partitions_consistently_for_its_share(clock: Clock, limit: int, pages: int) -> None:
    table = Recording()
    NotificationFeed(table, TABLE, clock).read("eazycard", "", limit)
    assert [(one["Limit"], one["ConsistentRead"]) for one in table.queries] == [(pages, True)] * 4
    partitions = [one["ExpressionAttributeValues"][":feed"]["S"] for one in table.queries]
    assert partitions == [f"feed#eazycard#{number}" for number in range(4)]


def test_a_read_of_what_cannot_be_shown_yet_asks_nobody(clock: Clock) -> None:
    assert timedelta(seconds=5) == MARGIN
    table = Recording()
    for position in (position_at(START - MARGIN), position_at(START)):
        assert NotificationFeed(table, TABLE, clock).read("eazycard", position, 50).keys == []
    assert table.queries == []


def test_a_page_has_a_hundred_keys_is_kept_for_some_days_and_tells_what_changed(clock: Clock) -> None:
    table = Recording()
    keys = [key(number) for number in range(201)]
    NotificationFeed(table, TABLE, clock, kept_days=3).append(keys)
    assert [len(item["changed"]["L"]) for item in table.items] == [100, 100, 1]
    assert {item["expires_at"]["N"] for item in table.items} == {str(int((START + timedelta(days=3)).timestamp()))}
    assert [changed for item in table.items for changed in changes_in(item)] == keys


def test_pages_are_spread_over_the_partitions(clock: Clock) -> None:
    table = Recording()
    for number in range(50):
        NotificationFeed(table, TABLE, clock).append([key(number)])
    assert {item["transaction_key"]["S"] for item in table.items} == {f"feed#eazycard#{number}" for number in range(4)}


def test_the_position_of_a_moment_is_before_all_that_changes_then() -> None:
    assert position_at(datetime(2026, 1, 10, 14, tzinfo=UTC)) == "2026-01-10T14:00:00.000000Z|-1"


def test_what_is_no_page_of_the_feed_tells_no_change() -> None:
    assert changes_in({"transaction_key": {"S": "eazycard#t0"}, "holder": {"S": "awa"}}) == []
