"""Sending statements: what is due by the index is looked at now, made of the account's transactions, and sent once."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from chalicelib.aws.batching import batches
from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.telemetry import count, logger
from chalicelib.holders.holder import Holder
from chalicelib.holders.preferences import quiet_until
from chalicelib.holders.repository import HolderRepository
from chalicelib.mail.ses import Email
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.state import NotificationKey, State, StateChange
from chalicelib.statements.composing import NotComposed, StatementComposer
from chalicelib.statements.index import Expected, StatementIndex, expected_in
from chalicelib.statements.periods import Period, period_at, wanted

# One SES call that runs into its time limit, and the notes; before it, one account's transactions.
_SENDING_TAKES_AT_MOST_S = 12
_READING_TAKES_AT_MOST_S = 10
_LEASE_MARGIN_S = 5
# Where the first run begins. Entries are put hours before they are due, by a release that has this job too.
_DUE_AT_MOST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement that is due to a holder who wants it, and the period whose statement is expected next."""

    expected: Expected
    holder: Holder
    following: Period

    @property
    def put_off_since(self) -> datetime | None:
        return self.expected.put_off_since

    def change(self, state: State, reason: str | None = None, message_id: str | None = None) -> StateChange:
        return StateChange(self.expected.key, state, reason, message_id, self.expected.period.due(self.holder.timezone))


@dataclass(slots=True)
class Done:
    """What became of the statements of one SES call; with a reason where there is one."""

    sent: int = 0
    dropped: int = 0
    noted: list[StateChange] = field(default_factory=list)
    failed: list[tuple[Ready, str]] = field(default_factory=list)
    put_off: list[tuple[Ready, str]] = field(default_factory=list)
    later: list[tuple[Expected, datetime]] = field(default_factory=list)

    def report(self) -> None:
        """Log and count it."""
        failed, put_off = len(self.failed), len(self.put_off)
        counts = {"sent": self.sent, "noted": len(self.noted), "failed": failed, "put_off": put_off}
        reasons = Counter(reason for _, reason in (*self.failed, *self.put_off))
        logger.info("statements", extra={**counts, "dropped": self.dropped, "later": len(self.later), "why": reasons})
        count("NotificationsSent", self.sent)
        count("NotificationsFailed", failed)
        count("NotificationsPutOff", put_off)


class StatementJob:
    def __init__(
        self,
        due: DueRepository,
        holders: HolderRepository,
        composer: StatementComposer,
        sending: Sending,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._due = due
        self._index = StatementIndex(due)
        self._holders = holders
        self._composer = composer
        self._sending = sending
        self._log = sending.log
        self._dead_letters = dead_letters
        self._clock = clock

    def run(self, time_left_s: Callable[[], float]) -> None:
        """Send what is due, hour by hour from where the last run ended, as far as the time allows.

        An entry is removed when all is done for it, the next period's entry included. So a run that dies, or runs
        beside another, leaves what the next one goes on with, and the claim keeps it from being told twice.
        """
        now = self._clock()
        first = (now - _DUE_AT_MOST).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hour = self._due.checkpoint() or first
        while all(self._handle(page, time_left_s) for page in self._due.due(hour, now)):
            if hour + timedelta(hours=1) > now or time_left_s() < _SENDING_TAKES_AT_MOST_S:
                return
            hour += timedelta(hours=1)
            self._due.move_checkpoint(hour)

    def _handle(self, page: Sequence[DueEntry], time_left_s: Callable[[], float]) -> bool:
        """Handle the entries; False if the time is over before all are."""
        for part in batches(page, self._sending.at_once):
            left_s = time_left_s() - _SENDING_TAKES_AT_MOST_S - _READING_TAKES_AT_MOST_S
            if left_s < 0 or not self._sending.wait_for(len(part), left_s):
                logger.info("statements_out_of_time")
                return False
            self._tell(part, time_left_s)
        return True

    def _tell(self, part: Sequence[DueEntry], time_left_s: Callable[[], float]) -> None:
        now, done = self._clock(), Done()
        ready = self._ready(self._read(part), now, done)
        lease = timedelta(seconds=time_left_s() + _LEASE_MARGIN_S)
        again = {key for key, one in ready.items() if one.expected.again}
        claims = self._log.claim(list(ready), now, now + lease, again)
        emails = list(self._emails([ready[key] for key in ready if key in claims.claimed], time_left_s, done))
        sent = self._sending.send(emails, now)
        done.sent, done.put_off = sent.accepted, sent.put_off
        done.failed += sent.failed
        self._dead_letters.put([Letter(one.expected.to_json(), reason) for one, reason in done.failed])
        done.later += [(_put_off(one.expected, now), now) for one, _ in done.put_off]
        done.later += [(ready[key].expected, now) for key in claims.busy]
        # Before the notes: should this die, what is noted as told is found settled, and gone on with all the same.
        later = {expected.key for expected, _ in done.later}
        follow = [_next(one) for key, one in ready.items() if key not in later]
        self._index.put([*follow, *done.later], now)
        outcomes = [
            *done.noted,
            *(one.change(State.FAILED, reason) for one, reason in done.failed),
            *(one.change(State.QUEUED, reason) for one, reason in done.put_off),
        ]
        self._log.record(outcomes, self._clock())
        self._due.remove(part)
        done.report()

    def _read(self, part: Iterable[DueEntry]) -> list[Expected]:
        found: dict[NotificationKey, Expected] = {}
        letters: list[Letter] = []
        for entry in part:
            with SetAside(letters, entry.payload, "malformed_statement"):
                one = expected_in(entry.payload)
                if one.again or one.key not in found:
                    found[one.key] = one
        self._dead_letters.put(letters)
        return list(found.values())

    def _ready(self, found: Sequence[Expected], now: datetime, done: Done) -> dict[NotificationKey, Ready]:
        """Return what is to be sent now, by the holders as they are now: nobody who was erased meanwhile is told."""
        holders = self._holders.of_accounts(one.account_key for one in found)
        ready = {}
        letters: list[Letter] = []
        for one in found:
            holder = next((holder for holder in holders.get(one.account_key, ()) if holder.id == one.holder), None)
            if holder is None or wanted(holder.preferences) != one.period.kind:
                done.dropped += 1  # who chooses statements again is entered again
                continue
            with SetAside(letters, one.to_json(), "malformed_holder"):
                until = _not_before(one, holder, now)
                if until > now:
                    done.later.append((one, until))
                else:
                    ready[one.key] = Ready(one, holder, _following(one, holder, now))
        self._dead_letters.put(letters)
        return ready

    def _emails(
        self, claimed: Iterable[Ready], time_left_s: Callable[[], float], done: Done
    ) -> Iterator[tuple[Ready, Email]]:
        for one in claimed:
            if one.holder.suppressed is not None:
                done.noted.append(one.change(State.SUPPRESSED, one.holder.suppressed.reason))
            elif time_left_s() < _SENDING_TAKES_AT_MOST_S + _READING_TAKES_AT_MOST_S:
                done.noted.append(one.change(State.QUEUED, "out_of_time"))
                done.later.append((one.expected, self._clock()))
            else:
                try:
                    email = self._composer.email(one.expected, one.holder)
                except NotComposed as error:
                    done.failed.append((one, error.reason))
                else:
                    yield one, email


def _not_before(one: Expected, holder: Holder, now: datetime) -> datetime:
    """Return when the holder is to have the statement, by the time zone and the quiet hours that are set now."""
    due = one.period.due(holder.timezone)
    if due > now or "quiet_hours" not in holder.preferences:
        return due
    return quiet_until(holder.preferences["quiet_hours"], holder.timezone, now) or now


def _following(one: Expected, holder: Holder, now: datetime) -> Period:
    # One that had failed was gone on with then, unless the holder's record couldn't be read; and what came between is
    # not to be told now.
    return period_at(one.period.kind, now, holder.timezone) if one.again else one.period.next


def _next(one: Ready) -> tuple[Expected, datetime]:
    expected = replace(one.expected, period=one.following, put_off_since=None, again=False)
    return expected, one.following.due(one.holder.timezone)


def _put_off(expected: Expected, now: datetime) -> Expected:
    return replace(expected, put_off_since=expected.put_off_since or now)
