"""The mailer: from notices in the queue to e-mails at SES. Each holder is notified once of each transaction.

For the recipients of one SES call, at most 50, `Mailer._notify` goes through these steps:

1. decide: what the holders' preferences say, and what there is to tell (`purchases`);
2. claim: only one mailer at a time may send a notification (`log`);
3. compose: render the e-mails (`composing`);
4. order: an e-mail that would come before the one that it follows waits (`ordering`);
5. send: SES answers for each e-mail by itself (`sending`); accepted ones are recorded as `sent` at once;
6. hand over: what failed goes to the dead letters, what was put off back to the queue, what waits for quiet hours to
   end to the table of due notices;
7. record: the states of all that was not sent, last, so that nothing looks settled before it has been handed over.
"""

import random
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from chalicelib.aws.batching import batches
from chalicelib.aws.dead_letters import DeadLetters, Letter
from chalicelib.aws.queues import MAX_DELAY_S, Queue
from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.preferences import Wait
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key
from chalicelib.notifications.composing import Composer, decision_of, is_wanted
from chalicelib.notifications.deferrals import Deferrals, Waiting
from chalicelib.notifications.log import MAX_CLAIMS, Claims
from chalicelib.notifications.notice import Notice, Recipient, pack, to_payload, unpack
from chalicelib.notifications.ordering import in_order, in_turns
from chalicelib.notifications.purchases import Purchases, Stories, subjects_of
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.state import NotificationKey, State, StateChange

# Claiming, rendering, one SES call that runs into its time limit, and recording take no longer.
PART_TAKES_AT_MOST_S = 12
_LEASE_MARGIN_S = 5
# Notices for which no time was left come back within so long, at random.
_PACED_FOR_S = 10


@dataclass(slots=True)
class Outcome:
    """What was done for the recipients of one SES call, with a reason where there is one."""

    sent: int = 0
    skipped: list[StateChange] = field(default_factory=list)
    failed: list[tuple[Recipient, str]] = field(default_factory=list)
    put_off: list[tuple[Recipient, str]] = field(default_factory=list)
    waiting: list[tuple[Recipient, Wait]] = field(default_factory=list)
    busy: list[Recipient] = field(default_factory=list)
    settled: int = 0

    def report(self) -> None:
        """Log and count it."""
        failed, put_off, waiting = len(self.failed), len(self.put_off), len(self.waiting)
        counts = {"sent": self.sent, "skipped": len(self.skipped), "failed": failed, "put_off": put_off}
        counts |= {"waiting": waiting, "busy": len(self.busy), "settled": self.settled}
        reasons = Counter(reason for _, reason in (*self.failed, *self.put_off))
        logger.info("told", extra={**counts, "reasons": reasons})
        count("NotificationsSent", self.sent)
        count("NotificationsFailed", failed)
        count("NotificationsPutOff", put_off)
        count("NotificationsDeferred", waiting)


class Mailer:
    """Notifies the holders of the transactions in a queue's messages.

    `holders` says who they are, `purchases` and `composer` what they are told, `sending` sends it. What is not sent
    goes back to the `queue`, to the `deferrals` or to the `dead_letters`.
    """

    def __init__(
        self,
        holders: HolderRepository,
        purchases: Purchases,
        composer: Composer,
        sending: Sending,
        queue: Queue,
        deferrals: Deferrals,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        jitter: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._holders = holders
        self._purchases = purchases
        self._composer = composer
        self._sending = sending
        self._log = sending.log
        self._queue = queue
        self._deferrals = deferrals
        self._dead_letters = dead_letters
        self._clock = clock
        self._jitter = jitter

    def handle(self, bodies: Sequence[str], time_left_s: Callable[[], float]) -> None:
        """Notify the holders of the transactions in the queue's messages.

        A message that can't be read, and an e-mail that can't be rendered or that SES refuses for good, goes to the
        dead-letter queue with its reason. What SES puts off, and what would come before the e-mail that it follows,
        goes back to the queue, later and alone. Raises only when the tables or queues can't be reached: SQS then
        brings the messages again, and nobody is notified twice.
        """
        notices = self._read(bodies)
        recipients = self._recipients(notices)
        self._record_erased(notices, {recipient.key for recipient in recipients})
        bank_names = self._composer.bank_names(recipients)
        parts = [part for turn in in_turns(recipients) for part in batches(turn, self._sending.at_once)]
        for index, part in enumerate(parts):
            left_s = time_left_s() - PART_TAKES_AT_MOST_S
            if left_s < 0 or not self._sending.wait_for(len(part), left_s):
                self._send_back_in_turns([recipient for left in parts[index:] for recipient in left])
                return
            self._notify(part, bank_names, timedelta(seconds=time_left_s() + _LEASE_MARGIN_S))

    def _read(self, bodies: Sequence[str]) -> list[Notice]:
        letters: list[Letter] = []
        notices = [notice for body in bodies for notice in unpack(body, letters)]
        self._dead_letters.put(letters)
        return notices

    def _recipients(self, notices: Iterable[Notice]) -> list[Recipient]:
        """Return each notice with each holder it is for, looked up now: who was erased meanwhile is not notified."""
        notices = list(notices)
        holders = self._holders.of_accounts(
            account_key(notice.transaction.bank, notice.transaction.account) for notice in notices
        )
        recipients: dict[NotificationKey, Recipient] = {}
        for notice in notices:
            for holder in holders.get(account_key(notice.transaction.bank, notice.transaction.account), ()):
                if notice.holders is None or holder.id in notice.holders:
                    recipient = Recipient(notice, holder)
                    recipients.setdefault(recipient.key, recipient)
        return list(recipients.values())

    def _record_erased(self, notices: Iterable[Notice], keys: Container[NotificationKey]) -> None:
        """Record that a holder who was asked for by id and has been erased meanwhile is not notified."""
        asked = {
            NotificationKey(notice.transaction.bank, notice.transaction.id, holder): notice
            for notice in notices
            for holder in notice.holders or ()
        }
        now = self._clock()
        for part in batches([key for key in asked if key not in keys], MAX_CLAIMS):
            again = {key for key in part if asked[key].again}
            claims = self._log.claim(part, now, now + timedelta(seconds=_LEASE_MARGIN_S), again)
            erased = [
                StateChange(key, State.SKIPPED, "erased", queued_at=asked[key].transaction.recorded_at)
                for key in sorted(claims.claimed)
            ]
            self._log.record(erased, now)

    def _notify(self, recipients: Sequence[Recipient], bank_names: Mapping[str, str], lease: timedelta) -> None:
        """Notify those of the recipients, at most one SES call's, whose notification can be claimed."""
        now = self._clock()
        decisions = {recipient.key: decision_of(recipient, now) for recipient in recipients}
        wanting = [recipient for recipient in recipients if is_wanted(decisions[recipient.key])]
        stories = self._purchases.stories(wanting, now)
        claims = self._claim(recipients, stories, now, lease)
        told_before = stories.told_before.keys() & (claims.claimed | stories.settled)
        claimed = [one for one in recipients if one.key in claims.claimed - told_before]
        composed = self._composer.compose(claimed, decisions, stories.by_key, bank_names, now)
        # After the claims: a notification that is claimed here and now is on its way as well.
        emails, early = in_order(composed.emails, stories.by_key, self._log.queued, now)
        sent = self._sending.send(emails, now)
        outcome = Outcome(
            sent=sent.accepted,
            skipped=[*_told_before(recipients, stories, told_before), *composed.skipped],
            failed=[*composed.failed, *sent.failed],
            put_off=[*early, *sent.put_off],
            waiting=composed.waiting,
            busy=[recipient for recipient in recipients if recipient.key in claims.busy | stories.busy],
            settled=len(claims.settled),
        )
        self._hand_over(outcome, now, lease)
        self._record(outcome)
        outcome.report()

    def _claim(self, recipients: Sequence[Recipient], stories: Stories, now: datetime, lease: timedelta) -> Claims:
        subjects = {
            recipient.key: subjects_of(recipient.notice)
            for recipient in recipients
            if recipient.key not in stories.settled | stories.busy
        }
        again = {recipient.key for recipient in recipients if recipient.notice.again}
        return self._log.claim(list(subjects), now, now + lease, again, subjects)

    def _hand_over(self, outcome: Outcome, now: datetime, lease: timedelta) -> None:
        """Hand what was not sent to the dead letters, back to the queue, or to the due notices."""
        self._dead_letters.put([_letter(recipient, reason) for recipient, reason in outcome.failed])
        self._send_back_later([recipient for recipient, _ in outcome.put_off], now)
        self._deferrals.put((_deferred(recipient, wait) for recipient, wait in outcome.waiting), now)
        busy = [recipient.alone for recipient in outcome.busy]
        self._send_back(busy, lambda: min(int(lease.total_seconds()), MAX_DELAY_S))

    def _record(self, outcome: Outcome) -> None:
        changes = [
            *outcome.skipped,
            *(recipient.change(State.FAILED, reason) for recipient, reason in outcome.failed),
            *(recipient.change(State.QUEUED, reason) for recipient, reason in outcome.put_off),
            *(recipient.change(State.QUEUED, wait.preference) for recipient, wait in outcome.waiting),
        ]
        self._log.record(changes, self._clock())

    def _send_back(self, notices: Iterable[Notice], delay_s: Callable[[], int]) -> None:
        self._dead_letters.send(self._queue, pack(map(to_payload, notices)), delay_s)

    def _send_back_in_turns(self, recipients: Sequence[Recipient]) -> None:
        """Send back what no time was left for: the second turn comes after the first."""
        for number, turn in enumerate(in_turns(recipients)):
            first_s = number * _PACED_FOR_S
            delay_s = partial(self._jitter, first_s, first_s + _PACED_FOR_S)
            self._send_back([recipient.alone for recipient in turn], delay_s)
        logger.warning("out_of_time", extra={"put_back": len(recipients)})

    def _send_back_later(self, recipients: Iterable[Recipient], now: datetime) -> None:
        """Send back what was put off. The longest wait doubles each time, and each wait is random, so that they don't
        all meet SES again at once."""
        later = [
            replace(recipient.alone, attempt=recipient.notice.attempt + 1, put_off_since=recipient.put_off_since or now)
            for recipient in recipients
        ]
        later.sort(key=lambda notice: notice.attempt)
        for attempt, group in groupby(later, key=lambda notice: notice.attempt):
            self._send_back(group, partial(self._jitter, 1, _longest_wait_s(attempt)))


def _told_before(
    recipients: Iterable[Recipient], stories: Stories, keys: Container[NotificationKey]
) -> list[StateChange]:
    return [one.change(State.SKIPPED, stories.told_before[one.key]) for one in recipients if one.key in keys]


def _deferred(recipient: Recipient, wait: Wait) -> Waiting:
    """Return the notice as it comes back after the wait: with a new count of attempts at SES."""
    return Waiting(replace(recipient.alone, attempt=0, put_off_since=None), wait.until)


def _letter(recipient: Recipient, reason: str) -> Letter:
    """Return the dead letter: sent through again, the notice is tried although its notification is `failed`."""
    return Letter(to_payload(replace(recipient.alone, attempt=0, put_off_since=None, again=True)), reason)


def _longest_wait_s(attempt: int) -> int:
    return min(1 << min(attempt, 12), MAX_DELAY_S)
