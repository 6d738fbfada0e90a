"""The statement job: sends the statements that are due, each once.

For the entries of one SES call, at most 50, `StatementJob._send` goes through these steps:

1. read the entries of the index (`_read`);
2. select, by the holders as they are now, which statements are sent now, later, or not at all (`selecting`);
3. claim: only one run at a time may send a statement (`log`);
4. compose the e-mails from the accounts' transactions (`composing`);
5. send: SES answers for each e-mail by itself (`sending`); accepted ones are recorded as `sent` at once;
6. hand over: what failed goes to the dead letters; what is sent later, and the next period's statement of each holder,
   goes to the index (`index`);
7. record the states of all that was not sent, and remove the entries.

A run that dies half-way leaves its entries in the index, and the next run handles them again: the claim keeps it from
sending a statement twice.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.telemetry import SECONDS, count, logger, measured
from chalicelib.holders.confirmation import NOT_CONFIRMED
from chalicelib.holders.repository import HolderRepository
from chalicelib.mail.ses import Email
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.log import Claims
from chalicelib.notifications.mail_tally import MailTally
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.sharing import in_shares
from chalicelib.notifications.state import NotificationKey, State, StateChange
from chalicelib.statements.composing import NotComposed, StatementComposer
from chalicelib.statements.index import Expected, StatementIndex, expected_in
from chalicelib.statements.selecting import Ready, Selection, select

# The longest that one SES call and recording its results take; and, before it, reading one account's transactions.
_SENDING_TAKES_AT_MOST_S = 12
_READING_TAKES_AT_MOST_S = 10
_LEASE_MARGIN_S = 5
# The first run of a stage begins this long ago. Entries are put into the index hours before they are due, and only by
# releases that have this job.
_DUE_AT_MOST = timedelta(days=1)


@dataclass(slots=True)
class Composed:
    """The e-mails of claimed statements, and the statements without an e-mail, each with its reason."""

    emails: list[tuple[Ready, Email]] = field(default_factory=list)
    untold: list[tuple[Ready, State, str]] = field(default_factory=list)
    out_of_time: list[Ready] = field(default_factory=list)
    failed: list[tuple[Ready, str]] = field(default_factory=list)


@dataclass(slots=True)
class StatementOutcome:
    """What was done with the statements of one SES call. `later` are those that stay in the index, and until when."""

    sent: int
    dropped: int
    untold: list[tuple[Ready, State, str]]
    out_of_time: list[Ready]
    failed: list[tuple[Ready, str]]
    put_off: list[tuple[Ready, str]]
    later: list[tuple[Expected, datetime]]

    def changes(self) -> list[StateChange]:
        """Return the new states of the statements that were not sent."""
        return [
            *(ready.change(state, reason) for ready, state, reason in self.untold),
            *(ready.change(State.QUEUED, "out_of_time") for ready in self.out_of_time),
            *(ready.change(State.FAILED, reason) for ready, reason in self.failed),
            *(ready.change(State.QUEUED, reason) for ready, reason in self.put_off),
        ]

    def report(self) -> None:
        """Log and count it."""
        failed, put_off = len(self.failed), len(self.put_off)
        noted = len(self.untold) + len(self.out_of_time)
        counts = {"sent": self.sent, "noted": noted, "failed": failed, "put_off": put_off}
        reasons = Counter(reason for _, reason in (*self.failed, *self.put_off))
        logger.info("statements", extra={**counts, "dropped": self.dropped, "later": len(self.later), "why": reasons})
        count("NotificationsSent", self.sent)
        count("NotificationsFailed", failed)
        count("NotificationsPutOff", put_off)


class StatementJob:
    """Sends the statements that are due.

    `due` is the table of the index, `holders` says who wants which statement, `composer` makes the e-mails, `sending`
    sends them. What can't be sent goes to the `dead_letters`. `tally` counts what became of the e-mails.
    """

    def __init__(
        self,
        due: DueRepository,
        holders: HolderRepository,
        composer: StatementComposer,
        sending: Sending,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        tally: MailTally,
    ) -> None:
        self._due = due
        self._index = StatementIndex(due)
        self._holders = holders
        self._composer = composer
        self._sending = sending
        self._log = sending.log
        self._dead_letters = dead_letters
        self._clock = clock
        self._tally = tally

    def run(self, time_left_s: Callable[[], float]) -> None:
        """Send what is due, hour by hour from where the last run ended, as far as the time allows.

        `time_left_s` returns how many seconds the function still has. Raises TemporarilyUnavailable; the next run goes
        on with what is left.
        """
        try:
            self._run(time_left_s)
        finally:
            self._tally.flush()

    def _run(self, time_left_s: Callable[[], float]) -> None:
        now = self._clock()
        first = (now - _DUE_AT_MOST).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hour = self._due.checkpoint() or first
        while all(self._handle(page, time_left_s) for page in self._due.due(hour, now)):
            if hour + timedelta(hours=1) > now:
                measured("JobLag", SECONDS, [0.0], job="statements")
                return
            if time_left_s() < _SENDING_TAKES_AT_MOST_S:
                break
            hour += timedelta(hours=1)
            self._due.move_checkpoint(hour)
        measured("JobLag", SECONDS, [(now - hour).total_seconds()], job="statements")

    def _handle(self, page: Sequence[DueEntry], time_left_s: Callable[[], float]) -> bool:
        """Send the statements of a page's entries; return False if the time ended before all were handled."""
        takes_s = _SENDING_TAKES_AT_MOST_S + _READING_TAKES_AT_MOST_S

        def send(entries: list[DueEntry]) -> None:
            self._send(entries, time_left_s)

        # Nobody waits for this function's end: it may wait for a bank's share as long as it runs.
        left = in_shares(self._sending, [list(page)], _bank_of, time_left_s, takes_s, send, math.inf)
        if left:
            logger.info("statements_out_of_time", extra={"left": len(left)})
        return not left

    def _send(self, entries: Sequence[DueEntry], time_left_s: Callable[[], float]) -> None:
        """Send the statements of the entries, at most one SES call's."""
        now = self._clock()
        selection = self._select(entries, now)
        ready = selection.ready
        claims = self._claim(ready, now, timedelta(seconds=time_left_s() + _LEASE_MARGIN_S))
        composed = self._compose([ready[key] for key in ready if key in claims.claimed], now, time_left_s)
        sent = self._sending.send(composed.emails, now)
        outcome = StatementOutcome(
            sent=sent.accepted,
            dropped=selection.dropped,
            untold=composed.untold,
            out_of_time=composed.out_of_time,
            failed=[*composed.failed, *sent.failed],
            put_off=sent.put_off,
            later=[
                *selection.later,
                *((waiting.expected, now) for waiting in composed.out_of_time),
                *((_put_off(waiting.expected, now), now) for waiting, _ in sent.put_off),
                *((ready[key].expected, now) for key in claims.busy),
            ],
        )
        self._hand_over(outcome, ready.values(), now)
        self._log.record(outcome.changes(), self._clock())
        self._due.remove(entries)
        outcome.report()

    def _select(self, entries: Iterable[DueEntry], now: datetime) -> Selection:
        statements = self._read(entries)
        selection = select(statements, self._holders.of_accounts(expected.account_key for expected in statements), now)
        self._dead_letters.put(selection.letters)
        return selection

    def _read(self, entries: Iterable[DueEntry]) -> list[Expected]:
        """Return the statements that the entries expect; of two entries of a statement, one that says `again` wins."""
        found: dict[str, Expected] = {}
        letters: list[Letter] = []
        for entry in entries:
            with SetAside(letters, entry.payload, "malformed_statement"):
                expected = expected_in(entry.payload)
                if expected.again or expected.name not in found:
                    found[expected.name] = expected
        self._dead_letters.put(letters)
        return list(found.values())

    def _claim(self, ready: dict[NotificationKey, Ready], now: datetime, lease: timedelta) -> Claims:
        again = {key for key, statement in ready.items() if statement.expected.again}
        return self._log.claim(list(ready), now, now + lease, again)

    def _compose(self, claimed: Iterable[Ready], now: datetime, time_left_s: Callable[[], float]) -> Composed:
        composed = Composed()
        for ready in claimed:
            suppressed = ready.holder.suppression(now)
            if suppressed is not None:
                composed.untold.append((ready, State.SUPPRESSED, suppressed.reason))
            elif ready.holder.awaits_confirmation:
                composed.untold.append((ready, State.SKIPPED, NOT_CONFIRMED))
            elif time_left_s() < _SENDING_TAKES_AT_MOST_S + _READING_TAKES_AT_MOST_S:
                composed.out_of_time.append(ready)
            else:
                try:
                    composed.emails.append((ready, self._composer.email(ready.expected, ready.holder)))
                except NotComposed as error:
                    composed.failed.append((ready, error.reason))
        return composed

    def _hand_over(self, outcome: StatementOutcome, ready: Iterable[Ready], now: datetime) -> None:
        """Put what failed into the dead letters; put what comes later, and each holder's next period, into the index.

        This is done before the states are recorded: if the run dies in between, the next run finds statements that are
        already settled and still puts the next period into the index.
        """
        self._dead_letters.put([Letter(statement.expected.to_json(), reason) for statement, reason in outcome.failed])
        later = {expected.name for expected, _ in outcome.later}
        following = [_next_statement(statement) for statement in ready if statement.expected.name not in later]
        self._index.put([*following, *outcome.later], now)


def _next_statement(ready: Ready) -> tuple[Expected, datetime]:
    return ready.expected.of(ready.following), ready.following.due(ready.holder.timezone)


def _bank_of(entry: DueEntry) -> str:
    return entry.name.partition("#")[0]


def _put_off(expected: Expected, now: datetime) -> Expected:
    return replace(expected, put_off_since=expected.put_off_since or now)
