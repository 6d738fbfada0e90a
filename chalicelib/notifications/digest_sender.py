"""Sending digests: from a digest that is due to one e-mail, and to the state of each notification in it.

A notification that waits for a digest belongs to it: nobody else tells it. So only the digest itself is claimed, and
what is in it is read. `DigestSender.send` goes through these steps:

1. claim: only one mailer at a time may send a digest (`log`);
2. read the entries, and leave out those that don't belong to the digest (`digests_repository`);
3. choose, by the holder's preferences as they are now; what isn't wanted any more is recorded (`digest_composing`);
4. note which notifications the e-mail tells (`digest_members`), and send it (`sending`);
5. record all of them as sent, and remove their entries, as many at a time as there is time for.

A mailer that dies leaves the entries and the notes from which the next one goes on. When the digest's e-mail is noted
as sent, only the last step is left. A digest of over 5,000 transactions becomes several e-mails, one after the other.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from chalicelib.aws.batching import batches
from chalicelib.aws.dead_letters import DeadLetters, Letter
from chalicelib.aws.queues import Queue
from chalicelib.aws.telemetry import about, count, logger
from chalicelib.holders.holder import Holder
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key
from chalicelib.notifications.digest import Digest, DigestNotice, Entry, to_payload
from chalicelib.notifications.digest_composing import DigestComposer, choose
from chalicelib.notifications.digest_members import MAX_MEMBERS, DigestMembers
from chalicelib.notifications.digests_repository import CLOSED_FOR, DigestRepository
from chalicelib.notifications.notice import pack
from chalicelib.notifications.returns import LEFT_FOR_GOOD, is_left_for_good, letter, longest_wait_s, seconds_of
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.state import NotificationKey, State, StateChange

# Reading and rendering 5,000 transactions, and one SES call that runs into its time limit, take no longer.
_TELLING_TAKES_AT_MOST_S, _SENDING_TAKES_AT_MOST_S = 12, 6
# Recording and removing so many takes no longer than this.
_RECORDED_AT_ONCE, _RECORDING_TAKES_AT_MOST_S = 250, 3
_LEASE_MARGIN_S = 5
_PUT_BACK_FOR_S = 10


class DigestSender:
    """Sends the digests that are due. What can't be sent now goes back to the `queue`."""

    def __init__(
        self,
        digests: DigestRepository,
        members: DigestMembers,
        holders: HolderRepository,
        composer: DigestComposer,
        sending: Sending,
        queue: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        jitter: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._digests = digests
        self._members = members
        self._holders = holders
        self._composer = composer
        self._sending = sending
        self._log = sending.log
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock
        self._jitter = jitter

    def keep(self, entries: Iterable[Entry]) -> None:
        """Have the notifications come as part of their digests, whose notices come when they are due.

        Raises TemporarilyUnavailable with some maybe kept; keeping them again is safe.
        """
        self._digests.put(entries)

    def send(self, notice: DigestNotice, time_left_s: Callable[[], float]) -> None:
        """Send a digest's e-mail if it isn't sent yet, and record what it tells.

        Raises TemporarilyUnavailable: SQS then brings the notice again, and nobody is told twice.
        """
        now, lease = self._clock(), timedelta(seconds=time_left_s() + _LEASE_MARGIN_S)
        if time_left_s() < _TELLING_TAKES_AT_MOST_S and not is_left_for_good(notice.left_since, now):
            self._leave(notice, now)
            return
        claims = self._log.claim([notice.key], now, now + lease, {notice.key} if notice.again else ())
        if claims.busy:
            self._put_back(notice, lambda: seconds_of(lease))
        elif claims.claimed and is_left_for_good(notice.left_since, now):
            self._give_up_digest(notice, LEFT_FOR_GOOD)
        elif claims.claimed:
            self._tell(notice, now, time_left_s)
        else:
            state = self._log.notes([notice.key])[notice.key]["state"]
            if state == State.SENT:
                told = set(self._members.of(notice.key))
                self._finish(notice, [one for one in self._entries(notice.digest) if one.key in told], time_left_s)
            elif state == State.SKIPPED:
                self._go_on(notice)

    def _tell(self, notice: DigestNotice, now: datetime, time_left_s: Callable[[], float]) -> None:
        digest = notice.digest
        holder = self._holder(digest)
        choice = choose(self._belonging(notice, self._entries(digest)), holder, now)
        self._settle(digest, choice.skipped)
        self._give_up(digest, choice.failed)
        if holder is None or not choice.wanted:
            self._log.record([notice.change(State.SKIPPED, "nothing_to_tell")], self._clock())
            self._go_on(notice)
        elif choice.until is not None:
            # Its claim is given back first: whoever gets it next may be done with it before this mailer is.
            self._log.record([notice.change(State.QUEUED, "quiet_hours")], self._clock())
            self._digests.put_off(notice, max(choice.until, now + CLOSED_FOR))
        else:
            self._mail(notice, choice.wanted, holder, now, time_left_s)

    def _mail(
        self,
        notice: DigestNotice,
        entries: Sequence[Entry],
        holder: Holder,
        now: datetime,
        time_left_s: Callable[[], float],
    ) -> None:
        """Send one e-mail that tells the entries, and record what becomes of it."""
        email, failed = self._composer.compose(notice, entries, holder)
        self._give_up(notice.digest, failed)
        untold = {entry.key for entry, _ in failed}
        told = [entry for entry in entries if entry.key not in untold]
        self._members.put(notice.key, [entry.notice.transaction.id for entry in told])
        if not self._sending.wait_for(notice.digest.bank, 1, time_left_s() - _SENDING_TAKES_AT_MOST_S):
            self._log.record([notice.change(State.QUEUED, "out_of_time")], self._clock())
            self._leave(notice, now)
            return
        sent = self._sending.send([(notice, email)], now)
        logger.info("digest", extra={"sent": sent.accepted, "told": len(told)})
        for _, reason in sent.put_off:
            since = notice.put_off_since or now
            later = replace(notice, attempt=notice.attempt + 1, put_off_since=since, left_since=None)
            self._log.record([notice.change(State.QUEUED, reason)], self._clock())
            self._put_back(later, partial(self._jitter, 1, longest_wait_s(later.attempt)))
        for _, reason in sent.failed:
            self._give_up_digest(notice, reason, told)
        if sent.accepted:
            count("DigestsSent")
            self._finish(notice, told, time_left_s)

    def _entries(self, digest: Digest) -> list[Entry]:
        """Return the digest's entries, as many as one e-mail tells; what can't be read becomes a dead letter."""
        letters: list[Letter] = []
        entries, unreadable = self._digests.entries(digest, MAX_MEMBERS, letters)
        self._dead_letters.put(letters)
        keys = (NotificationKey(digest.bank, id_, digest.holder, digest.account) for id_ in unreadable)
        self._settle(digest, [StateChange(key, State.FAILED, "malformed_deferral") for key in keys])
        return entries

    def _belonging(self, notice: DigestNotice, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries whose notifications wait for this digest, and remove the others.

        A mailer may have died after it put an entry: its notice came again, and the holder was told otherwise.
        """
        open_states = {State.QUEUED, State.FAILED} if notice.again else {State.QUEUED}
        notes = self._log.notes(entry.key for entry in entries)
        belonging = {
            key
            for key, note in notes.items()
            if note.get("digest") == notice.digest.id and note["state"] in open_states
        }
        others = [entry.notice.transaction.id for entry in entries if entry.key not in belonging]
        self._digests.remove(notice.digest, others)
        return [entry for entry in entries if entry.key in belonging]

    def _holder(self, digest: Digest) -> Holder | None:
        key = account_key(digest.bank, digest.account)
        holders = self._holders.of_accounts([key]).get(key, ())
        return next((holder for holder in holders if holder.notified_as == digest.holder), None)

    def _settle(self, digest: Digest, changes: Sequence[StateChange]) -> None:
        """Record what is told or never will be, and then remove the entries."""
        self._log.record(changes, self._clock())
        self._digests.remove(digest, [change.key.transaction for change in changes])

    def _give_up(self, digest: Digest, failed: Sequence[tuple[Entry, str]]) -> None:
        """Make dead letters of notifications that can't be told; each may be sent through again by itself."""
        self._dead_letters.put([letter(entry.notice, reason) for entry, reason in failed])
        self._settle(digest, [entry.change(State.FAILED, reason) for entry, reason in failed])

    def _give_up_digest(self, notice: DigestNotice, reason: str, told: Sequence[Entry] = ()) -> None:
        """Make a dead letter of a digest that can't be sent, and record that, also of what its e-mail would tell.

        Its entries stay: sent through again, the letter tells them.
        """
        again = replace(notice, attempt=0, put_off_since=None, left_since=None, again=True)
        self._dead_letters.put([Letter(to_payload(again), reason)])
        failures = [entry.change(State.FAILED, reason, told_in=notice.digest.id) for entry in told]
        self._log.record([*failures, notice.change(State.FAILED, reason)], self._clock())

    def _finish(self, notice: DigestNotice, told: Sequence[Entry], time_left_s: Callable[[], float]) -> None:
        """Record as sent what a sent e-mail tells, and remove the entries, as far as the time allows."""
        message_id, told_in = self._log.notes([notice.key])[notice.key]["message_id"], notice.key.transaction
        for part in batches(told, _RECORDED_AT_ONCE):
            if time_left_s() < _RECORDING_TAKES_AT_MOST_S:
                self._put_back(notice, lambda: 0)
                return
            self._settle(notice.digest, [entry.change(State.SENT, None, message_id, told_in) for entry in part])
            logger.info(
                "digest_told", extra={"transactions": about((one.key.bank, one.key.transaction) for one in part)}
            )
        self._go_on(notice)

    def _go_on(self, notice: DigestNotice) -> None:
        """Have the digest's next e-mail sent, if there is more than one e-mail tells."""
        entries, unreadable = self._digests.entries(notice.digest, 1, [])
        if entries or unreadable:
            self._put_back(DigestNotice(notice.digest, notice.part + 1), lambda: 0)

    def _leave(self, notice: DigestNotice, now: datetime) -> None:
        """Put back what no time is left for."""
        left = replace(notice, left_since=notice.left_since or now)
        self._put_back(left, partial(self._jitter, 0, _PUT_BACK_FOR_S))

    def _put_back(self, notice: DigestNotice, delay_s: Callable[[], int]) -> None:
        self._queue.send(pack([to_payload(notice)]), delay_s)
