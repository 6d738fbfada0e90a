"""Notices that go back into the queue: as what they come back, and after which wait."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.holders.holder import Holder
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.notice import Notice, Recipient
from chalicelib.notifications.ordering import AUTHORIZATION_FIRST
from chalicelib.notifications.returns import LEFT_FOR_GOOD, Returns, begun_anew, is_left_for_good, letter, seconds_of
from tests.fakes import FakeSqs
from tests.mail_world import NOW
from tests.samples import EVIDENCE, transaction

AWA = Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, NOW)
LONG_AGO = NOW - timedelta(days=2)
BUSY = "put_off: ACCOUNT_THROTTLED"
# A notice with all that one can have.
FULL = Notice(transaction(), ("awa",), 3, LONG_AGO, True, dict(EVIDENCE), LONG_AGO, LONG_AGO, False)


class Desk:
    """Returns whose waits are the longest ones; `between` has the shortest and the longest of each."""

    def __init__(self) -> None:
        self.queue = FakeSqs()
        self.between: list[tuple[int, int]] = []
        queue = Queue(self.queue, "url", sleep=lambda _: None)
        self.returns = Returns(queue, DeadLetters(queue, "mailer"), self._jitter)

    def _jitter(self, shortest: int, longest: int) -> int:
        self.between.append((shortest, longest))
        return longest

    @property
    def notices(self) -> list[Any]:
        return [notice for body in self.queue.bodies for notice in unpack(body, [])]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def recipient(**changes: Any) -> Recipient:
    return Recipient(Notice(transaction(), **changes), AWA)


@pytest.mark.parametrize(
    ("attempt", "longest_s"),
    [(0, 2), (1, 4), (2, 8), (3, 16), (7, 256), (8, 512), (9, 900), (10, 900), (400, 900)],
)
def test_ses_is_left_alone_twice_as_long_each_time_up_to_15_minutes(desk: Desk, attempt: int, longest_s: int) -> None:
    desk.returns.put_off([(recipient(attempt=attempt), BUSY)], {}, NOW)
    assert desk.between == [(1, longest_s)]
    assert [one.attempt for one in desk.notices] == [attempt + 1]


@pytest.mark.parametrize(
    ("waited_s", "longest_s"), [(0, 4), (16, 4), (19, 4), (20, 5), (60, 15), (240, 60), (3_599, 899), (90_000, 900)]
)
def test_another_e_mail_is_waited_for_by_a_quarter_of_the_time_at_most(
    desk: Desk, waited_s: int, longest_s: int
) -> None:
    since = NOW - timedelta(seconds=waited_s)
    desk.returns.put_off([(recipient(attempt=2, put_off_since=since), AUTHORIZATION_FIRST)], {}, NOW)
    assert desk.between == [(1, longest_s)]
    assert [(one.attempt, one.put_off_since) for one in desk.notices] == [(2, since)]  # that was not SES


@pytest.mark.parametrize("reason", [BUSY, AUTHORIZATION_FIRST])
def test_what_is_put_off_comes_back_for_one_holder_with_its_times(desk: Desk, reason: str) -> None:
    first, again = recipient(left_since=LONG_AGO), Recipient(replace(FULL, holders=None), AWA)
    desk.returns.put_off([(first, reason), (again, reason)], {again.key: NOW}, NOW)
    attempts = int(reason == BUSY)
    came = sorted(desk.notices, key=lambda one: one.attempt)
    assert came == [
        Notice(replace(transaction(), metadata=None), ("awa",), attempts, NOW, counted_until=NOW),
        replace(FULL, attempt=3 + attempts, counted_until=NOW, left_since=None),
    ]


def test_each_has_the_wait_of_its_own(desk: Desk) -> None:
    ways = [(recipient(attempt=attempt), BUSY) for attempt in (1, 0, 1)]
    desk.returns.put_off([*ways, (recipient(), AUTHORIZATION_FIRST)], {}, NOW)
    assert sorted(desk.between) == [(1, 2), (1, 4)]  # three of them travel together
    assert sorted(one.attempt for one in desk.notices) == [0, 1, 2, 2]


def test_after_a_wait_that_is_not_for_ses_all_is_counted_anew() -> None:
    assert begun_anew(FULL) == Notice(FULL.transaction, ("awa",), again=True, flags=FULL.flags, waited=True)
    again = letter(replace(FULL, again=False), LEFT_FOR_GOOD)
    assert (again.payload["again"], again.payload["waited"], again.reason) == (True, True, "given_up: out_of_time")
    assert not {"attempt", "put_off_since", "counted_until", "left_since"} & again.payload.keys()


def test_what_nobody_had_time_for_is_given_up_after_three_days() -> None:
    assert not is_left_for_good(None, NOW)
    assert not is_left_for_good(NOW - timedelta(days=3) + timedelta(microseconds=1), NOW)
    assert is_left_for_good(NOW - timedelta(days=3), NOW)


@pytest.mark.parametrize(("lease_s", "wait_s"), [(0.5, 0), (35.9, 35), (900, 900), (4_000, 900)])
def test_a_message_waits_for_another_mailer_as_long_as_a_message_may(desk: Desk, lease_s: float, wait_s: int) -> None:
    lease = timedelta(seconds=lease_s)
    desk.returns.until_lease_ends([FULL], lease)
    assert (desk.queue.delays, desk.notices, seconds_of(lease)) == ([wait_s], [FULL], wait_s)


def test_what_no_time_is_left_for_comes_back_within_ten_seconds_and_what_names_it_behind_it(desk: Desk) -> None:
    named = recipient()
    naming = Recipient(Notice(transaction(id="t2", authorization_id=named.key.transaction), left_since=LONG_AGO), AWA)
    desk.returns.in_turns([naming, named], NOW)
    assert desk.between == [(0, 10), (10, 20)]
    assert [(one.transaction.id, one.left_since) for one in desk.notices] == [
        (named.key.transaction, NOW),
        ("t2", LONG_AGO),
    ]
