"""The release by itself, hour by hour with a store in memory: what it reads, sends, removes and notes, and when."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.notifications.deferrals import Deferrals, Release, Waiting
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.notice import Notice, to_payload
from tests.fakes import FakeSqs
from tests.metrics import lines, lines_saying
from tests.samples import TRANSACTION, transaction

HOUR = datetime(2026, 1, 10, 14, tzinfo=UTC)
NOW = HOUR + timedelta(hours=2, minutes=30)
AN_HOUR = timedelta(hours=1)


class Store(DueRepository):
    """Pages by hour; what is done with them, in order."""

    def __init__(self, checkpoint: datetime | None = HOUR, **pages: list[list[DueEntry]]) -> None:
        self.begins = checkpoint
        self.pages = {HOUR + int(name[1:]) * AN_HOUR: found for name, found in pages.items()}
        self.done: list[Any] = []
        self.put_in: list[DueEntry] = []

    def put(self, entries: Iterable[DueEntry]) -> None:
        self.put_in += entries

    def due(self, hour: datetime, now: datetime) -> Iterator[list[DueEntry]]:
        self.done.append((f"{hour:%d %H:%M:%S.%f}", now))
        yield from self.pages.get(hour, [])

    def remove(self, entries: Iterable[DueEntry]) -> None:
        self.done.append([one.name for one in entries])

    def checkpoint(self) -> datetime | None:
        return self.begins

    def move_checkpoint(self, hour: datetime) -> None:
        self.done.append(hour)


class Sent(FakeSqs):
    """A queue that notes its sending beside what the store does."""

    def __init__(self, name: str, done: list[Any]) -> None:
        super().__init__()
        self._name, self._done = name, done

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        self._done.append(self._name)
        return super().send_message_batch(**call)


def entry(name: str, **payload: Any) -> DueEntry:
    return DueEntry(NOW, name, json.dumps({"bank": "eazycard", "name": name, **payload}))


def page(*names: str) -> list[DueEntry]:
    return [entry(name) for name in names]


def released(store: Store, time_left_s: Callable[[], float] = lambda: 60, now: datetime = NOW) -> dict[str, Sent]:
    queues = {name: Sent(name, store.done) for name in ("mailer", "alerts", "letters")}
    queue, alerts, letters = (Queue(one, "url", sleep=lambda _: None) for one in queues.values())
    Release(store, queue, alerts, DeadLetters(letters, "release"), lambda: now).run(time_left_s)
    return queues


def names_in(queue: FakeSqs) -> list[str]:
    return [one["name"] for body in queue.bodies for one in json.loads(body)["notices"]]


def test_each_hour_is_read_up_to_now_and_the_checkpoint_follows_behind_what_is_over() -> None:
    store = Store()
    released(store)
    hours = [HOUR + number * AN_HOUR for number in range(3)]
    assert store.done == [
        ("10 14:00:00.000000", NOW),
        hours[1],
        ("10 15:00:00.000000", NOW),
        hours[2],
        ("10 16:00:00.000000", NOW),
    ]


def test_an_hour_is_over_with_its_last_moment() -> None:
    store = Store()
    released(store, now=HOUR + AN_HOUR - timedelta(microseconds=1))
    assert len(store.done) == 1
    store = Store()
    released(store, now=HOUR + AN_HOUR)
    assert store.done[1:] == [HOUR + AN_HOUR, ("10 15:00:00.000000", HOUR + AN_HOUR)]


def test_the_first_release_of_all_begins_a_day_ago_at_the_full_hour() -> None:
    store = Store(None)
    released(store, now=NOW + timedelta(seconds=7, microseconds=9))
    assert store.done[0][0] == "09 16:00:00.000000"
    assert sum(isinstance(one, tuple) for one in store.done) == 25


def test_a_page_is_sent_before_it_is_removed_and_alerts_go_to_their_own_queue() -> None:
    alert = entry("alert", digest={"kind": "alerts"})
    digest = entry("digest", digest={"kind": "digest"})
    broken = DueEntry(NOW, "broken", "no JSON")
    store = Store(h2=[[entry("a"), alert, broken, digest], page("b")])
    queues = released(store)

    assert store.done[-6:] == ["letters", "alerts", "mailer", ["a", "alert", "broken", "digest"], "mailer", ["b"]]
    assert [names_in(queues[name]) for name in ("mailer", "alerts")] == [["a", "digest", "b"], ["alert"]]
    (letter,) = map(json.loads, queues["letters"].bodies)
    assert (letter["payload"], letter["reason"]) == ("no JSON", "malformed_deferral: JSONDecodeError")


@pytest.mark.parametrize(("left_s", "pages"), [(9.9, 0), (10, 0), (10.1, 2)])
def test_without_ten_seconds_it_begins_nothing(left_s: float, pages: int) -> None:
    store = Store(h0=[page("a"), page("b")])
    queues = released(store, lambda: left_s)
    assert len(names_in(queues["mailer"])) == pages


@pytest.mark.parametrize(("left_s", "told"), [(9.9, ["a"]), (10, ["a", "b"])])
def test_it_ends_behind_the_page_that_takes_its_last_ten_seconds_and_keeps_the_checkpoint(
    left_s: float, told: list[str]
) -> None:
    store = Store(h0=[page("a"), page("b")])
    times = iter([60])
    queues = released(store, lambda: next(times, left_s))
    assert names_in(queues["mailer"]) == told
    assert (HOUR + AN_HOUR in store.done) == (told == ["a", "b"])


def said(logged: str) -> dict[str, Any]:
    (line,) = lines_saying(logged, "released")
    (counted,) = [one for one in lines(logged) if "NotificationsReleased" in one]
    (lag,) = [one for one in lines(logged) if "JobLag" in one]
    return {
        "log": (line["released"], line["done"]),
        "count": counted["NotificationsReleased"],
        "lag": (lag["JobLag"], lag["job"], lag["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"]),
    }


def test_what_was_released_is_logged_and_counted(logged: Any) -> None:
    released(Store(h0=[page("a", "b")], h2=[page("c")]))
    assert said(logged()) == {"log": (3, True), "count": [3], "lag": ([0.0], "release_deferred", "Seconds")}


def test_one_that_is_not_done_lags_behind_by_the_hour_that_it_is_in(logged: Any) -> None:
    times = iter([60, 60, 5])
    released(Store(h1=[page("a")]), lambda: next(times, 5))
    assert said(logged()) == {"log": (1, False), "count": [1], "lag": ([5_400.0], "release_deferred", "Seconds")}


@pytest.mark.parametrize(
    ("wait", "delay_s"),
    [
        (timedelta(0), 0),
        (timedelta(microseconds=1), 1),
        (timedelta(seconds=7), 7),
        (timedelta(seconds=899, microseconds=1), 900),
        (timedelta(seconds=900), 900),
        (timedelta(seconds=900, microseconds=1), None),
        (timedelta(days=1), None),
    ],
)
def test_a_short_wait_is_the_queue_s_own_and_never_ends_too_early(wait: timedelta, delay_s: int | None) -> None:
    store, sqs = Store(), FakeSqs()
    notice = Notice(TRANSACTION, ("awa",))
    Deferrals(store, Queue(sqs, "url", sleep=lambda _: None)).put(iter([Waiting(notice, NOW + wait)]), NOW)

    payload = json.loads(json.dumps(to_payload(notice)))
    if delay_s is None:
        assert sqs.bodies == []
        (kept,) = store.put_in
        assert (kept.until, kept.name) == (NOW + wait, f"eazycard#{TRANSACTION.id}#awa")
        assert json.loads(kept.payload) == payload
    else:
        assert (sqs.delays, store.put_in) == ([delay_s], [])
        assert json.loads(sqs.bodies[0]) == {"notices": [payload]}


def test_a_notice_for_nobody_yet_is_kept_under_its_transaction_alone() -> None:
    store = Store()
    waiting = Waiting(Notice(TRANSACTION), NOW + timedelta(days=1))
    Deferrals(store, Queue(FakeSqs(), "url", sleep=lambda _: None)).put([waiting], NOW)
    assert [kept.name for kept in store.put_in] == [f"eazycard#{TRANSACTION.id}#"]


def test_a_kept_notice_is_written_in_its_own_letters() -> None:
    """Escaped, an Amharic letter would take twice the bytes, which are paid for."""
    store = Store()
    waiting = Waiting(Notice(transaction(description="ካፌ"), ("awa",)), NOW + timedelta(days=1))
    Deferrals(store, Queue(FakeSqs(), "url", sleep=lambda _: None)).put([waiting], NOW)
    assert all("ካፌ" in kept.payload for kept in store.put_in)
