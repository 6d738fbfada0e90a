"""The mailer: from notices in the queue to e-mails at SES, each holder told once. No call for a single record."""

import random
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.queues import MAX_DELAY_S, DeadLetters, Queue, Unsendable
from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.preferences import Wait
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key, transaction_key
from chalicelib.mail.pacing import Pacer
from chalicelib.mail.ses import MAX_DESTINATIONS, Email, SesOutbox
from chalicelib.notifications.addressees import Addressed
from chalicelib.notifications.closings import How
from chalicelib.notifications.composing import Composer, is_wanted
from chalicelib.notifications.deferrals import Deferrals, Waiting
from chalicelib.notifications.log import MAX_CLAIMS, NotificationLog
from chalicelib.notifications.notice import Notice, pack, to_payload, unpack
from chalicelib.notifications.ordering import in_order, in_turns
from chalicelib.notifications.purchases import Purchases, subject_of
from chalicelib.notifications.state import NotificationKey, Outcome, State

# Claiming, rendering, one SES call that runs into its time limit and noting take no longer.
PART_TAKES_AT_MOST_S = 12
_LEASE_MARGIN_S = 5
# Over so long, at random, what there was no time for comes back.
_PACED_FOR_S = 10


@dataclass(slots=True)
class Done:
    """What became of the people of one SES call; with a reason where there is one."""

    sent: int = 0
    skipped: list[Outcome] = field(default_factory=list)
    failed: list[tuple[Addressed, str]] = field(default_factory=list)
    put_off: list[tuple[Addressed, str]] = field(default_factory=list)
    waiting: list[tuple[Addressed, Wait]] = field(default_factory=list)

    def report(self, busy: int, settled: int) -> None:
        """Log and count it."""
        failed, put_off = len(self.failed), len(self.put_off)
        counts = {"sent": self.sent, "skipped": len(self.skipped), "failed": failed, "put_off": put_off}
        reasons = Counter(reason for _, reason in (*self.failed, *self.put_off))
        counts["waiting"] = len(self.waiting)
        logger.info("told", extra={**counts, "busy": busy, "settled": settled, "reasons": reasons})
        count("NotificationsSent", self.sent)
        count("NotificationsFailed", failed)
        count("NotificationsPutOff", put_off)
        count("NotificationsDeferred", len(self.waiting))


class Mailer:
    def __init__(
        self,
        holders: HolderRepository,
        purchases: Purchases,
        composer: Composer,
        log: NotificationLog,
        pacer: Pacer,
        outbox: SesOutbox,
        queue: Queue,
        deferrals: Deferrals,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        jitter: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._holders = holders
        self._purchases = purchases
        self._composer = composer
        self._log = log
        self._pacer = pacer
        self._outbox = outbox
        self._queue = queue
        self._deferrals = deferrals
        self._dead_letters = dead_letters
        self._clock = clock
        self._jitter = jitter

    def handle(self, bodies: Sequence[str], time_left_s: Callable[[], float]) -> None:
        """Tell the holders of what the queue's messages carry.

        What fails by itself (an unreadable message, an e-mail that can't be rendered or that SES refuses for
        good) goes to the dead-letter queue with its reason; what SES puts off, and what would come before the
        e-mail that it follows, goes back to the queue, later and alone. Raises only when the tables or queues
        can't be reached: SQS then brings the messages again, and those who were told are not told again.
        """
        notices = self._read(bodies)
        people = self._addressed(notices)
        self._note_erased(notices, {person.key for person in people})
        bank_names = self._composer.bank_names(people)
        at_once = min(MAX_DESTINATIONS, self._pacer.at_once)
        parts = [part for turn in in_turns(people) for part in batches(turn, at_once)]
        for index, part in enumerate(parts):
            left_s = time_left_s() - PART_TAKES_AT_MOST_S
            if left_s < 0 or not self._pacer.wait_for(len(part), left_s):
                rest = [person for left in parts[index:] for person in left]
                for number, turn in enumerate(in_turns(rest)):
                    first_s = number * _PACED_FOR_S
                    delay_s = partial(self._jitter, first_s, first_s + _PACED_FOR_S)
                    self._send_back([person.alone for person in turn], delay_s)
                logger.warning("out_of_time", extra={"put_back": len(rest)})
                return
            self._tell(part, bank_names, timedelta(seconds=time_left_s() + _LEASE_MARGIN_S))

    def _read(self, bodies: Sequence[str]) -> list[Notice]:
        notices: list[Notice] = []
        malformed: list[tuple[Any, str]] = []
        for body in bodies:
            found, not_understood = unpack(body)
            notices += found
            malformed += not_understood
        self._dead_letters.put(malformed)
        return notices

    def _addressed(self, notices: Iterable[Notice]) -> list[Addressed]:
        """Return each notice with each holder it is for, looked up now: nobody who was erased meanwhile is told."""
        notices = list(notices)
        holders = self._holders.of_accounts(
            account_key(notice.transaction.bank, notice.transaction.account) for notice in notices
        )
        people: dict[NotificationKey, Addressed] = {}
        for notice in notices:
            for holder in holders.get(account_key(notice.transaction.bank, notice.transaction.account), ()):
                if notice.holders is None or holder.id in notice.holders:
                    person = Addressed(notice, holder)
                    people.setdefault(person.key, person)
        return list(people.values())

    def _note_erased(self, notices: Iterable[Notice], keys: Container[NotificationKey]) -> None:
        """Note that nobody is told who was asked for by name and has been erased meanwhile."""
        asked = {
            NotificationKey(transaction_key(notice.transaction.bank, notice.transaction.id), holder): notice
            for notice in notices
            for holder in notice.holders or ()
        }
        now = self._clock()
        for part in batches([key for key in asked if key not in keys], MAX_CLAIMS):
            again = {key for key in part if asked[key].again}
            claims = self._log.claim(part, now, now + timedelta(seconds=_LEASE_MARGIN_S), again)
            self._log.note(
                [
                    Outcome(key, State.SKIPPED, "erased", queued_at=asked[key].transaction.recorded_at)
                    for key in sorted(claims.claimed)
                ],
                now,
            )

    def _tell(self, people: Sequence[Addressed], bank_names: Mapping[str, str], lease: timedelta) -> None:
        """Tell those of the people, at most one SES call's, whose notification can be claimed."""
        now = self._clock()
        tellings = self._purchases.tellings((person for person in people if is_wanted(person, now)), now)
        told_before = [
            person.outcome(State.SKIPPED, How.AS_AUTHORIZATION.value)
            for person in people
            if person.key in tellings.told_before
        ]
        subjects = {
            person.key: subject_of(person.notice)
            for person in people
            if person.key not in tellings.told_before | tellings.busy
        }
        again = {person.key for person in people if person.notice.again}
        claims = self._log.claim(list(subjects), now, now + lease, again, subjects)
        claimed = (person for person in people if person.key in claims.claimed)
        composed = self._composer.compose(claimed, tellings.stories, bank_names, now)
        # Behind the claims: what is claimed here and now is on its way as well.
        emails, early = in_order(composed.emails, tellings.stories, self._log.queued, now)
        skipped = [*told_before, *composed.skipped]
        done = Done(skipped=skipped, failed=[*composed.failed], put_off=early, waiting=[*composed.waiting])
        self._send(emails, now, done)
        self._dead_letters.put([(_letter(person), reason) for person, reason in done.failed])
        self._send_back_later([person for person, _ in done.put_off], now)
        self._deferrals.put((_deferred(person, wait) for person, wait in done.waiting), now)
        busy = [person.alone for person in people if person.key in claims.busy | tellings.busy]
        self._send_back(busy, lambda: min(int(lease.total_seconds()), MAX_DELAY_S))
        # Noted last: had the hand-over failed, the notification must not look settled.
        outcomes = [
            *done.skipped,
            *(person.outcome(State.FAILED, reason) for person, reason in done.failed),
            *(person.outcome(State.QUEUED, reason) for person, reason in done.put_off),
            *(person.outcome(State.QUEUED, wait.preference) for person, wait in done.waiting),
        ]
        self._log.note(outcomes, self._clock())
        done.report(busy=len(busy), settled=len(claims.settled))

    def _send(self, emails: Sequence[tuple[Addressed, Email]], now: datetime, done: Done) -> None:
        for results in self._outbox.send([email for _, email in emails]):
            accepted = []
            for position, result in results:
                person = emails[position][0]
                if result.message_id is not None:
                    accepted.append(person.outcome(State.SENT, message_id=result.message_id))
                    continue
                is_given_up, reason = result.verdict(person.notice.put_off_since or now, now)
                (done.failed if is_given_up else done.put_off).append((person, reason))
            # At once: between SES's yes and this note lies the only way to be told twice.
            self._log.note(accepted, self._clock())
            done.sent += len(accepted)

    def _send_back(self, notices: Iterable[Notice], delay_s: Callable[[], int]) -> None:
        try:
            self._queue.send(pack(map(to_payload, notices)), delay_s)
        except Unsendable as error:
            self._dead_letters.put([(body, "refused_by_queue") for body in error.bodies])

    def _send_back_later(self, people: Iterable[Addressed], now: datetime) -> None:
        """Put back what was put off: each message waits for up to twice as long each time, at random, so that they
        don't all meet SES again at once."""
        later = [
            replace(person.alone, attempt=person.notice.attempt + 1, put_off_since=person.notice.put_off_since or now)
            for person in people
        ]
        later.sort(key=lambda notice: notice.attempt)
        for attempt, group in groupby(later, key=lambda notice: notice.attempt):
            self._send_back(group, partial(self._jitter, 1, _back_off_s(attempt)))


def _deferred(person: Addressed, wait: Wait) -> Waiting:
    """Return the notice as it is to come back: what SES has put off is tried as if for the first time."""
    return Waiting(replace(person.alone, attempt=0, put_off_since=None), wait.until)


def _letter(person: Addressed) -> dict[str, Any]:
    """Return the payload of a dead letter: put back into the queue as a notice, it is tried as if for the first
    time, although the notification is noted as failed."""
    return to_payload(replace(person.alone, attempt=0, put_off_since=None, again=True))


def _back_off_s(attempt: int) -> int:
    return min(1 << min(attempt, 12), MAX_DELAY_S)
