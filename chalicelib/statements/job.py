"""The statement job: sends the statements that are due, each once.

Banks take turns (`sharing`), and a turn reads for a few seconds: one bank's large accounts don't hold up the others'
statements. Who had no turn in a run is first in the next.

For the entries of one SES call, at most 50, `StatementJob._send` goes through these steps:

1. read the entries of the index (`_read`);
2. select, by the holders as they are now, which statements are sent now, later, or not at all (`selecting`);
3. compose the e-mails from the accounts' transactions (`composing`), as far as the bank's turn allows;
4. claim: only one run at a time may send a statement (`log`);
5. send: SES answers for each e-mail by itself (`sending`); accepted ones are recorded as `sent` at once;
6. hand over: what failed goes to the dead letters; what is sent later, and the next period's statement of each holder,
   goes to the index (`index`);
7. record the states of all that was not sent, and remove the entries.

A run that dies half-way leaves its entries in the index, and the next run handles them again: the claim keeps it from
sending a statement twice.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.telemetry import SECONDS, logger, measured
from chalicelib.holders.confirmation import NOT_CONFIRMED
from chalicelib.holders.repository import HolderRepository
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.log import Claims
from chalicelib.notifications.mail_tally import MailTally
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.sharing import in_shares
from chalicelib.notifications.state import NotificationKey, State
from chalicelib.statements.composing import NotComposed, StatementComposer
from chalicelib.statements.index import Expected, StatementIndex, distinct, expected_in
from chalicelib.statements.outcome import Composed, StatementOutcome
from chalicelib.statements.selecting import Ready, Selection, select

# The longest that one SES call and recording its results take; and, before it, reading one account's transactions.
_SENDING_TAKES_AT_MOST_S = 12
_READING_TAKES_AT_MOST_S = 10
# After so long, a bank's turn begins no other account.
_TURN_READS_FOR_S = 5
# How many entries, and of how many hours, are looked at to find whose are due.
_ENTRIES_AT_ONCE = 20_000
_HOURS_AT_ONCE = timedelta(days=7)
# After so many hours without an entry, the checkpoint follows: a run that breaks off need not look at them again.
_EMPTY_HOURS_A_STEP = 6
_LEASE_MARGIN_S = 5
# The first run of a stage begins this long ago. Entries are put into the index hours before they are due, and only by
# releases that have this job.
_DUE_AT_MOST = timedelta(days=1)


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
        self._turns = count(1)
        self._had_turn: dict[str, int] = {}  # the number of each bank's last turn in this process

    def run(self, time_left_s: Callable[[], float]) -> None:
        """Send what is due, of all hours from where the last run ended, as far as the time allows.

        `time_left_s` returns how many seconds the function still has. Raises TemporarilyUnavailable; the next run goes
        on with what is left.
        """
        try:
            self._run(time_left_s)
        finally:
            self._tally.flush()

    def _run(self, time_left_s: Callable[[], float]) -> None:
        now = self._clock()
        hour = self._due.checkpoint() or _hour_of(now - _DUE_AT_MOST)
        is_done = False
        while not is_done and time_left_s() >= _SENDING_TAKES_AT_MOST_S:
            until = min(now, hour + _HOURS_AT_ONCE)
            entries = self._first_of_each(hour, until, now)
            first = _hour_of(min((entry.until for entry in entries), default=until))
            if first > hour:
                self._due.move_checkpoint(first)
                hour = first
            if not self._handle(entries, time_left_s):
                break
            is_done = not entries and until == now
        lag_s = 0.0 if is_done else (now - hour).total_seconds()
        measured("JobLag", SECONDS, [lag_s], job="statements")

    def _first_of_each(self, hour: datetime, until: datetime, now: datetime) -> list[DueEntry]:
        """Return entries that are due, of each bank some if it has any; first whose turn is the longest ago."""
        hours = [hour]
        while hours[-1] + timedelta(hours=1) <= until:
            hours.append(hours[-1] + timedelta(hours=1))
        entries: list[DueEntry] = []
        for number, one in enumerate(hours, start=1):
            # Where so many banks have entries that one look doesn't find them all, runs begin with different ones.
            for page in self._due.first_of_each(one, now, now.minute):
                entries += page
                if len(entries) >= _ENTRIES_AT_ONCE:
                    break
            if len(entries) >= _ENTRIES_AT_ONCE:
                break
            if not entries and number % _EMPTY_HOURS_A_STEP == 0:
                self._due.move_checkpoint(one)

        def order(entry: DueEntry) -> tuple[int, int]:
            bank = _bank_of(entry)
            return self._had_turn.get(bank, 0), zlib.crc32(f"{now.minute} {bank}".encode())

        return sorted(entries, key=order)

    def _handle(self, entries: list[DueEntry], time_left_s: Callable[[], float]) -> bool:
        """Send the entries' statements, in turns of banks; return False if the time ended before all were handled."""
        takes_s = _SENDING_TAKES_AT_MOST_S + _READING_TAKES_AT_MOST_S

        def send(part: list[DueEntry]) -> list[DueEntry]:
            self._had_turn[_bank_of(part[0])] = next(self._turns)
            return self._send(part, time_left_s)

        # Nobody waits for this function's end: it may wait for a bank's share as long as it runs.
        left = in_shares(self._sending, [entries], _bank_of, time_left_s, takes_s, send, math.inf)
        if left:
            logger.info("statements_out_of_time", extra={"left": len(left)})
        return not left

    def _send(self, entries: Sequence[DueEntry], time_left_s: Callable[[], float]) -> list[DueEntry]:
        """Send the statements of the entries, at most one SES call's; return the entries that the turn had no time for.

        These stay in the index as they are.
        """
        now = self._clock()
        statements = self._read(entries)
        selection = self._select(distinct(statements.values()), now)
        composed = self._compose(selection.ready.values(), now, time_left_s)
        left_names = {selection.ready[key].expected.name for key in composed.left}
        ready = {key: one for key, one in selection.ready.items() if key not in composed.left}
        claims = self._claim(ready, self._clock(), timedelta(seconds=time_left_s() + _LEASE_MARGIN_S))
        composed.keep(claims.claimed)
        sent = self._sending.send(composed.emails, now)
        outcome = StatementOutcome(
            sent=sent.accepted,
            dropped=selection.dropped,
            untold=composed.untold,
            failed=[*composed.failed, *sent.failed],
            put_off=sent.put_off,
            later=[
                *selection.later,
                *((_put_off(waiting.expected, now), now) for waiting, _ in sent.put_off),
                *((ready[key].expected, now) for key in claims.busy),
            ],
        )
        self._hand_over(outcome, ready.values(), now)
        self._log.record(outcome.changes(), self._clock())
        left = [entry for entry, expected in statements.items() if expected.name in left_names]
        self._due.remove(set(entries).difference(left))
        outcome.report()
        return left

    def _select(self, statements: Sequence[Expected], now: datetime) -> Selection:
        selection = select(statements, self._holders.of_accounts(expected.account_key for expected in statements), now)
        self._dead_letters.put(selection.letters)
        return selection

    def _read(self, entries: Iterable[DueEntry]) -> dict[DueEntry, Expected]:
        """Return the statement that each entry expects."""
        found: dict[DueEntry, Expected] = {}
        letters: list[Letter] = []
        for entry in entries:
            with SetAside(letters, entry.payload, "malformed_statement"):
                found[entry] = expected_in(entry.payload)
        self._dead_letters.put(letters)
        return found

    def _claim(self, ready: dict[NotificationKey, Ready], now: datetime, lease: timedelta) -> Claims:
        again = {key for key, statement in ready.items() if statement.expected.again}
        return self._log.claim(list(ready), now, now + lease, again)

    def _compose(self, statements: Iterable[Ready], now: datetime, time_left_s: Callable[[], float]) -> Composed:
        composed = Composed()
        began_s = time_left_s()
        for ready in statements:
            left_s = time_left_s()
            suppressed = ready.holder.suppression(now)
            if suppressed is not None:
                composed.untold.append((ready, State.SUPPRESSED, suppressed.reason))
            elif ready.holder.awaits_confirmation:
                composed.untold.append((ready, State.SKIPPED, NOT_CONFIRMED))
            elif began_s - left_s > _TURN_READS_FOR_S or left_s < _SENDING_TAKES_AT_MOST_S + _READING_TAKES_AT_MOST_S:
                composed.left.add(ready.key)
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


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _bank_of(entry: DueEntry) -> str:
    return entry.name.partition("#")[0]


def _put_off(expected: Expected, now: datetime) -> Expected:
    return replace(expected, put_off_since=expected.put_off_since or now)
