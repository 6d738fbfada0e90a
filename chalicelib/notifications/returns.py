"""Putting notices back into their queue, and dead letters of them: what a mailer doesn't send, and doesn't give up."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter

from chalicelib.aws.batching import grouped
from chalicelib.aws.dead_letters import DeadLetters, Letter
from chalicelib.aws.queues import MAX_DELAY_S, Queue
from chalicelib.notifications.notice import Notice, Recipient, pack, to_payload
from chalicelib.notifications.ordering import AUTHORIZATION_FIRST, in_turns
from chalicelib.notifications.state import NotificationKey

# Notices for which no time was left come back within so long, at random.
_PACED_FOR_S = 10
# How long a notice may come back because no time was left for it: as long as SES may put an e-mail off. Then it is a
# dead letter, so that no notice goes around for ever.
LEFT_AT_MOST = timedelta(days=3)
LEFT_FOR_GOOD = "given_up: out_of_time"
_FIRST_WAIT_BEHIND_S = 4


class Returns:
    """Puts notices back into a mailer's `queue`. `jitter` returns a random number of seconds between two others.

    All methods raise TemporarilyUnavailable with some maybe put back; putting them back again is safe.
    """

    def __init__(self, queue: Queue, dead_letters: DeadLetters, jitter: Callable[[int, int], int]) -> None:
        self._queue = queue
        self._dead_letters = dead_letters
        self._jitter = jitter

    def until_lease_ends(self, notices: Iterable[Notice], lease: timedelta) -> None:
        """Put back what another mailer is busy with. It ends with what that mailer does."""
        self._put(notices, lambda: seconds_of(lease))

    def in_turns(self, recipients: Sequence[Recipient], now: datetime) -> None:
        """Put back what no time was left for: the second turn comes after the first."""
        for number, turn in enumerate(in_turns(recipients)):
            first_s = number * _PACED_FOR_S
            delay_s = partial(self._jitter, first_s, first_s + _PACED_FOR_S)
            left = (replace(one.alone, left_since=one.notice.left_since or now) for one in turn)
            self._put(left, delay_s)

    def put_off(
        self,
        recipients: Iterable[tuple[Recipient, str]],
        counted_until: Mapping[NotificationKey, datetime],
        now: datetime,
    ) -> None:
        """Put back those who were put off, with the reason. Each wait is random, so that they don't all meet SES again
        at once."""
        waits = [_put_off(one, reason, counted_until.get(one.key), now) for one, reason in recipients]
        for longest_s, group in grouped(waits, itemgetter(0)).items():
            self._put((notice for _, notice in group), partial(self._jitter, 1, longest_s))

    def _put(self, notices: Iterable[Notice], delay_s: Callable[[], int]) -> None:
        self._dead_letters.send(self._queue, pack(map(to_payload, notices)), delay_s)


def is_left_for_good(left_since: datetime | None, now: datetime) -> bool:
    """Return whether no time was left for so long that a notice is given up."""
    return left_since is not None and now - left_since >= LEFT_AT_MOST


def begun_anew(notice: Notice) -> Notice:
    """Return the notice as it comes back after a wait that has nothing to do with SES."""
    return replace(notice, attempt=0, put_off_since=None, counted_until=None, left_since=None, waited=True)


def letter(notice: Notice, reason: str) -> Letter:
    """Return the dead letter: sent through again, the notice is tried although its notification is `failed`."""
    return Letter(to_payload(replace(begun_anew(notice), again=True)), reason)


def seconds_of(lease: timedelta) -> int:
    """Return how long a message may wait for a lease to end."""
    return min(int(lease.total_seconds()), MAX_DELAY_S)


def longest_wait_s(attempt: int) -> int:
    """Return how long an e-mail may wait that SES has put off so often: 2 s, 4 s, … 15 min."""
    return min(1 << min(attempt, 12), MAX_DELAY_S)


def _put_off(recipient: Recipient, reason: str, counted_until: datetime | None, now: datetime) -> tuple[int, Notice]:
    """Return the longest wait in seconds, and the notice as it comes back after it."""
    since = recipient.put_off_since or now
    notice = replace(recipient.alone, put_off_since=since, counted_until=counted_until, left_since=None)
    if reason == AUTHORIZATION_FIRST:
        return _longest_wait_behind_s(now - since), notice
    notice = replace(notice, attempt=notice.attempt + 1)
    return longest_wait_s(notice.attempt), notice


def _longest_wait_behind_s(waited: timedelta) -> int:
    """Return how long an e-mail may wait that has waited so long for another one: a quarter of that time.

    So it comes soon after the other, which may be out in seconds or in an hour. It looks some fifty times in an hour.
    """
    return max(_FIRST_WAIT_BEHIND_S, min(int(waited.total_seconds()) // 4, MAX_DELAY_S))
