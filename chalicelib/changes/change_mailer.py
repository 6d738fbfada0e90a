"""The change mailer: tells holders by e-mail that their security alerts ended, or that their address changed, and asks
them to confirm an address.

Its notices come in the mailers' own queues, and it sends as they do: claimed first, at SES's rate, recorded at once.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside, is_fault_of_value
from chalicelib.aws.queues import Queue
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.bank import BankDirectory
from chalicelib.changes.change_notice import ChangeNotice, is_change, pack, to_payload, unpack
from chalicelib.changes.confirming import Confirming, NoLink
from chalicelib.changes.told_lately import ToldLately
from chalicelib.holders.change import CONFIRM_ADDRESS
from chalicelib.holders.confirmation import NOT_CONFIRMED
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import LinksFor
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.email_address import same_address
from chalicelib.ledger.keys import account_key
from chalicelib.mail.change_mail import render_change
from chalicelib.mail.parts import NO_LINKS, email_to
from chalicelib.mail.ses import PUT_OFF_AT_MOST, Email
from chalicelib.notifications.mail_tally import MailTally
from chalicelib.notifications.mailer import PART_TAKES_AT_MOST_S, Mailer
from chalicelib.notifications.returns import LEFT_FOR_GOOD, is_left_for_good, longest_wait_s, seconds_of
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.sharing import in_shares
from chalicelib.notifications.state import State, StateChange

_LEASE_MARGIN_S = 5
_PACED_FOR_S = 10


@dataclass(slots=True)
class _Composed:
    emails: list[tuple[ChangeNotice, Email]] = field(default_factory=list)
    untold: list[StateChange] = field(default_factory=list)
    failed: list[tuple[ChangeNotice, str]] = field(default_factory=list)
    put_off: list[tuple[ChangeNotice, str]] = field(default_factory=list)


class ChangeMailer:
    """Tells holders of changes. `links_for` returns a holder's links, by bank, account and holder."""

    def __init__(
        self,
        holders: HolderRepository,
        banks: BankDirectory,
        links_for: LinksFor,
        confirming: Confirming,
        told_lately: ToldLately,
        sending: Sending,
        queue: Queue,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        jitter: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._holders = holders
        self._banks = banks
        self._links_for = links_for
        self._confirming = confirming
        self._told_lately = told_lately
        self._sending = sending
        self._log = sending.log
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock = clock
        self._jitter = jitter

    def handle(self, bodies: Sequence[str], time_left_s: Callable[[], float]) -> None:
        """Tell the holders of the changes in the queue's messages, each once.

        What can't be read, rendered or sent goes to the dead letters; what SES puts off goes back to the queue. Raises
        only when a table or queue can't be reached: SQS then brings the messages again, and nobody is told twice.
        """
        letters: list[Letter] = []
        notices: dict[object, ChangeNotice] = {}
        for body in bodies:
            with SetAside(letters, body, "malformed_change"):
                notice = unpack(body)
                notices.setdefault(notice.key, notice)
        self._dead_letters.put(letters)

        def send(part: list[ChangeNotice]) -> None:
            self._tell(part, timedelta(seconds=time_left_s() + _LEASE_MARGIN_S))

        left = in_shares(
            self._sending, [list(notices.values())], lambda one: one.told.bank, time_left_s, PART_TAKES_AT_MOST_S, send
        )
        if left:
            self._leave(left)

    def _leave(self, notices: Sequence[ChangeNotice]) -> None:
        """Put back what no time is left for; what came back so for days goes to the dead letters instead."""
        now = self._clock()
        overdue = {one.key: one for one in notices if is_left_for_good(one.left_since, now)}
        again = {key for key in overdue if overdue[key].again}
        claims = self._log.claim(list(overdue), now, now + timedelta(seconds=_LEASE_MARGIN_S), again)
        given_up = [overdue[key] for key in sorted(claims.claimed)]
        self._dead_letters.put([Letter(to_payload(_fresh(notice)), LEFT_FOR_GOOD) for notice in given_up])
        self._log.record([notice.change(State.FAILED, LEFT_FOR_GOOD) for notice in given_up], now)
        over = claims.claimed | claims.settled
        left = [replace(one, left_since=one.left_since or now) for one in notices if one.key not in over]
        self._send_back(left, lambda _: self._jitter(0, _PACED_FOR_S))

    def _tell(self, notices: Sequence[ChangeNotice], lease: timedelta) -> None:
        now = self._clock()
        again = {notice.key for notice in notices if notice.again}
        claims = self._log.claim([notice.key for notice in notices], now, now + lease, again)
        composed = self._compose([notice for notice in notices if notice.key in claims.claimed])
        sent = self._sending.send(composed.emails, now)
        failed = [*composed.failed, *sent.failed]
        # Handed over before it is recorded, so that nothing looks settled before.
        self._dead_letters.put([Letter(to_payload(_fresh(notice)), reason) for notice, reason in failed])
        put_off = [*composed.put_off, *sent.put_off]
        later = [_later(notice, now) for notice, _ in put_off]
        # Before it comes back: whoever gets it next may be done with it before this mailer is.
        self._log.record([notice.change(State.QUEUED, reason) for notice, reason in put_off], self._clock())
        self._send_back(later, lambda notice: self._jitter(1, longest_wait_s(notice.attempt)))
        busy = [notice for notice in notices if notice.key in claims.busy]
        self._send_back(busy, lambda _: seconds_of(lease))
        changes = [
            *composed.untold,
            *(notice.change(State.FAILED, reason) for notice, reason in failed),
        ]
        self._log.record(changes, self._clock())
        logger.info("changes_told", extra={"sent": sent.accepted, "failed": len(failed), "put_off": len(put_off)})
        count("NotificationsSent", sent.accepted)
        count("NotificationsFailed", len(failed))
        count("NotificationsPutOff", len(put_off))

    def _compose(self, notices: Sequence[ChangeNotice]) -> _Composed:
        composed, at = _Composed(), self._clock()
        stored = self._holders.of_accounts(account_key(one.told.bank, one.told.account) for one in notices)
        for notice in notices:
            key = account_key(notice.told.bank, notice.told.account)
            now = next((one for one in stored.get(key, ()) if one.notified_as == notice.key.holder), None)
            if now is None:
                composed.untold.append(notice.change(State.SKIPPED, "erased"))
            elif untold := self._untold(notice, now, at):
                composed.untold.append(untold)
            else:
                self._compose_one(notice, now, at, composed)
        return composed

    def _untold(self, notice: ChangeNotice, now: Holder, at: datetime) -> StateChange | None:
        """Return how it is noted that the holder gets no e-mail; None if the holder gets one."""
        suppressed = notice.told.holder.suppressed or (now.suppression(at) if _is_at(now, notice) else None)
        if suppressed is not None:
            return notice.change(State.SUPPRESSED, suppressed.reason)
        if notice.told.kind == CONFIRM_ADDRESS:
            reason = self._confirming.why_not(notice, now, at)
        elif notice.told.holder.awaits_confirmation:
            reason = NOT_CONFIRMED
        else:
            reason = self._told_lately.why_not(notice, at)
        return notice.change(State.SKIPPED, reason) if reason else None

    def _compose_one(self, notice: ChangeNotice, now: Holder, at: datetime, composed: _Composed) -> None:
        try:
            composed.emails.append((notice, self._email(notice, now)))
        except NoLink:
            is_given_up = at - (notice.put_off_since or at) >= PUT_OFF_AT_MOST
            (composed.failed if is_given_up else composed.put_off).append((notice, "no_link"))
        except Exception as error:  # one e-mail that can't be made must not hold up the others
            if not is_fault_of_value(error):
                raise  # a table can't be reached: the messages come again
            composed.failed.append((notice, f"not_rendered: {type(error).__name__}"))

    def _email(self, notice: ChangeNotice, now: Holder) -> Email:
        told, holder = notice.told, notice.told.holder
        if told.kind == CONFIRM_ADDRESS:
            return self._confirming.email(notice, now)
        # Links open for the present address only.
        links = self._links_for(told.bank, told.account, now) if _is_at(now, notice) else NO_LINKS
        mail = render_change(told, self._banks.name_of(told.bank), links)
        return email_to(holder, mail, links, told.bank, told.id)

    def _send_back(self, notices: Sequence[ChangeNotice], delay_s: Callable[[ChangeNotice], int]) -> None:
        for notice in notices:
            self._dead_letters.send(self._queue, [pack(notice)], partial(delay_s, notice))


class MailDesk:
    """Gives a queue's messages to whom they are for: notices of transactions to the mailer, of changes to theirs.

    `tally` counts what became of the e-mails of both.
    """

    def __init__(self, mailer: Mailer, change_mailer: ChangeMailer, tally: MailTally) -> None:
        self._mailer = mailer
        self._change_mailer = change_mailer
        self._tally = tally

    def handle(self, bodies: Sequence[str], time_left_s: Callable[[], float]) -> None:
        """Handle the messages; raises what the two mailers raise."""
        changes = [body for body in bodies if is_change(body)]
        others = [body for body in bodies if not is_change(body)]
        try:
            if changes:
                self._change_mailer.handle(changes, time_left_s)
            if others:
                self._mailer.handle(others, time_left_s)
        finally:
            self._tally.flush()  # what was sent before an error is not sent again


def _is_at(holder: Holder, notice: ChangeNotice) -> bool:
    return same_address(holder.email, notice.told.holder.email)


def _later(notice: ChangeNotice, now: datetime) -> ChangeNotice:
    since = notice.put_off_since or now
    return replace(notice, attempt=notice.attempt + 1, put_off_since=since, left_since=None)


def _fresh(notice: ChangeNotice) -> ChangeNotice:
    return replace(notice, attempt=0, put_off_since=None, left_since=None, again=True)
