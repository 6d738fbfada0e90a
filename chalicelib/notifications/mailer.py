"""The mailer: from notices in the queue to e-mails at SES. Each holder is notified once of each transaction.

For the recipients of one SES call, at most 50, `Mailer._notify` goes through these steps:

1. decide: what the holders' preferences say, and what there is to tell (`purchases`);
2. claim: only one mailer at a time may send a notification (`log`);
3. divide: what is too much for a holder waits for a digest (`allowances`);
4. compose: render the e-mails (`composing`);
5. order: an e-mail that would come before the one that it follows waits (`ordering`);
6. send: SES answers for each e-mail by itself (`sending`); accepted ones are recorded as `sent` at once;
7. hand over: what failed goes to the dead letters, what was put off back to the queue, what waits for quiet hours to
   end, or for a digest, to the table of due notices. What comes back is recorded as `queued` before;
8. record: the states of all else that was not sent, last, so that nothing looks settled before it has been handed over.

A digest that is due comes by the same queue; `digest_sender` sends it.
"""

import random
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.aws.dead_letters import DeadLetters, Letter
from chalicelib.aws.queues import Queue
from chalicelib.aws.telemetry import about, logger
from chalicelib.holders.preferences import Tell, Wait
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key
from chalicelib.notifications.allowances import Allowances, Division
from chalicelib.notifications.composing import Composer, Decision, decision_of, is_wanted
from chalicelib.notifications.deferrals import Deferrals, Waiting
from chalicelib.notifications.digest import DigestNotice, Entry, unpack
from chalicelib.notifications.digest_sender import DigestSender
from chalicelib.notifications.email_quota import leave_out
from chalicelib.notifications.log import Claims
from chalicelib.notifications.notice import Notice, Recipient
from chalicelib.notifications.ordering import in_order, in_turns
from chalicelib.notifications.outcome import Outcome
from chalicelib.notifications.purchases import Purchases, Stories, subjects_of
from chalicelib.notifications.returns import LEFT_FOR_GOOD, Returns, begun_anew, is_left_for_good, letter
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.sharing import in_shares
from chalicelib.notifications.state import NotificationKey, State, StateChange

# Claiming, rendering, one SES call that runs into its time limit, and recording take no longer.
PART_TAKES_AT_MOST_S = 12
_LEASE_MARGIN_S = 5


class Mailer:
    """Notifies the holders of the transactions in a queue's messages.

    `holders` says who they are, `purchases` and `composer` what they are told, `allowances` who is told by a digest of
    `digests`; `sending` sends e-mails. What is not sent goes back to the `queue`, to the `deferrals`, to the `digests`
    or to the `dead_letters`. `allowed_emails` takes so many e-mails of a bank's quota, and returns how many it may
    send.
    """

    def __init__(
        self,
        holders: HolderRepository,
        purchases: Purchases,
        composer: Composer,
        allowances: Allowances,
        sending: Sending,
        digests: DigestSender,
        queue: Queue,
        deferrals: Deferrals,
        dead_letters: DeadLetters,
        allowed_emails: Callable[[str, int], int],
        clock: Callable[[], datetime],
        jitter: Callable[[int, int], int] = random.randint,
    ) -> None:
        self._holders = holders
        self._purchases = purchases
        self._composer = composer
        self._allowances = allowances
        self._sending = sending
        self._digests = digests
        self._log = sending.log
        self._returns = Returns(queue, dead_letters, jitter)
        self._deferrals = deferrals
        self._dead_letters = dead_letters
        self._allowed_emails = allowed_emails
        self._clock = clock

    def handle(self, bodies: Sequence[str], time_left_s: Callable[[], float]) -> None:
        """Notify the holders of the transactions in the queue's messages.

        A message that can't be read, and an e-mail that can't be rendered or that SES refuses for good, goes to the
        dead-letter queue with its reason. What SES puts off, and what would come before the e-mail that it follows,
        goes back to the queue, later and alone. Raises only when the tables or queues can't be reached: SQS then
        brings the messages again, and nobody is notified twice.
        """
        notices = []
        for notice in self._read(bodies):
            if isinstance(notice, DigestNotice):
                self._digests.send(notice, time_left_s)
            else:
                notices.append(notice)
        recipients = self._recipients(notices)
        self._record_erased(notices, {recipient.key for recipient in recipients})
        bank_names = self._composer.bank_names(recipients)

        def send(part: list[Recipient]) -> None:
            self._notify(part, bank_names, timedelta(seconds=time_left_s() + _LEASE_MARGIN_S))

        left = in_shares(
            self._sending, in_turns(recipients), lambda one: one.key.bank, time_left_s, PART_TAKES_AT_MOST_S, send
        )
        if left:
            self._leave(left)

    def _leave(self, recipients: Sequence[Recipient]) -> None:
        """Put back what no time is left for; what came back so for days goes to the dead letters instead."""
        now = self._clock()
        overdue = {one.key: one for one in recipients if is_left_for_good(one.notice.left_since, now)}
        left = [one for one in recipients if one.key not in overdue]
        again = {key for key, one in overdue.items() if one.notice.again}
        claims = self._log.claim(list(overdue), now, now + timedelta(seconds=_LEASE_MARGIN_S), again)
        given_up = [overdue[key] for key in sorted(claims.claimed)]
        self._dead_letters.put([letter(one.alone, LEFT_FOR_GOOD) for one in given_up])
        self._log.record([one.change(State.FAILED, LEFT_FOR_GOOD) for one in given_up], now)
        left += [overdue[key] for key in sorted(claims.busy)]
        self._returns.in_turns(left, now)
        logger.warning("out_of_time", extra={"put_back": len(left), "given_up": len(recipients) - len(left)})

    def _read(self, bodies: Sequence[str]) -> list[DigestNotice | Notice]:
        letters: list[Letter] = []
        notices = [notice for body in bodies for notice in unpack(body, letters)]
        self._dead_letters.put(letters)
        return notices

    def _recipients(self, notices: Iterable[Notice]) -> list[Recipient]:
        """Return each notice with each holder it is for, looked up now: who was erased meanwhile is not notified, and
        who was enrolled in the place of somebody erased not of what was recorded before."""
        notices = list(notices)
        holders = self._holders.of_accounts(
            account_key(notice.transaction.bank, notice.transaction.account) for notice in notices
        )
        recipients: dict[NotificationKey, Recipient] = {}
        for notice in notices:
            transaction = notice.transaction
            for holder in holders.get(account_key(transaction.bank, transaction.account), ()):
                is_asked_for = notice.holders is None or holder.notified_as in notice.holders
                if is_asked_for and holder.hears_of(transaction.recorded_at):
                    recipient = Recipient(notice, holder)
                    recipients.setdefault(recipient.key, recipient)
        return list(recipients.values())

    def _record_erased(self, notices: Iterable[Notice], keys: Container[NotificationKey]) -> None:
        """Record that a holder who was asked for and has been erased meanwhile is not notified."""
        asked = {
            NotificationKey(transaction.bank, transaction.id, holder, transaction.account): notice
            for notice in notices
            for transaction in [notice.transaction]
            for holder in notice.holders or ()
        }
        gone = [key for key in asked if key not in keys]
        if not gone:
            return
        now = self._clock()
        again = {key for key in gone if asked[key].again}
        claims = self._log.claim(gone, now, now + timedelta(seconds=_LEASE_MARGIN_S), again)
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
        division, over_quota = self._divide(claimed, decisions, now)
        composed = self._composer.compose(division.alone, decisions, stories.by_key, bank_names, now)
        # After the claims: a notification that is claimed here and now is on its way as well.
        emails, early = in_order(composed.emails, stories.by_key, self._log.queued, now)
        sent = self._sending.send(emails, now)
        outcome = Outcome(
            sent=sent.accepted,
            skipped=[*_told_before(recipients, stories, told_before), *composed.skipped, *over_quota],
            failed=[*composed.failed, *sent.failed],
            put_off=[*early, *sent.put_off],
            waiting=composed.waiting,
            together=division.together,
            busy=[recipient for recipient in recipients if recipient.key in claims.busy | stories.busy],
            settled=len(claims.settled),
            transactions=about((one.key.bank, one.key.transaction) for one in recipients),
        )
        self._log.record(outcome.given_back(), self._clock())
        self._hand_over(outcome, division, now, lease)
        self._log.record(outcome.settled_changes(), self._clock())
        outcome.report()

    def _divide(
        self, claimed: Iterable[Recipient], decisions: Mapping[NotificationKey, Decision], now: datetime
    ) -> tuple[Division, list[StateChange]]:
        """Divide the recipients; who gets no e-mail now is not counted, and among those who are told alone.

        Who would get one over the bank's quota is in no part, but in the list.
        """
        claimed = list(claimed)
        getting = {
            one.key for one in claimed if isinstance(decisions[one.key], Tell) and one.holder.suppression(now) is None
        }
        division = self._allowances.divide((one for one in claimed if one.key in getting), now)
        over_quota = leave_out(division, self._allowed_emails)
        division.alone += [one for one in claimed if one.key not in getting]
        return division, over_quota

    def _claim(self, recipients: Sequence[Recipient], stories: Stories, now: datetime, lease: timedelta) -> Claims:
        subjects = {
            one.key: subjects_of(one.notice) for one in recipients if one.key not in stories.settled | stories.busy
        }
        again = {one.key for one in recipients if one.notice.again}
        alerts = {one.key for one in recipients if one.notice.flags}
        return self._log.claim(list(subjects), now, now + lease, again, subjects, alerts)

    def _hand_over(self, outcome: Outcome, division: Division, now: datetime, lease: timedelta) -> None:
        """Hand what was not sent to the dead letters, back to the queue, to the due notices, or to a digest."""
        self._dead_letters.put([letter(recipient.alone, reason) for recipient, reason in outcome.failed])
        self._returns.put_off(outcome.put_off, division.counted_until, now)
        self._deferrals.put((_deferred(recipient, wait) for recipient, wait in outcome.waiting), now)
        self._digests.keep(Entry(digest, begun_anew(recipient.alone)) for recipient, digest in outcome.together)
        self._returns.until_lease_ends([recipient.alone for recipient in outcome.busy], lease)


def _told_before(
    recipients: Iterable[Recipient], stories: Stories, keys: Container[NotificationKey]
) -> list[StateChange]:
    return [one.change(State.SKIPPED, stories.told_before[one.key]) for one in recipients if one.key in keys]


def _deferred(recipient: Recipient, wait: Wait) -> Waiting:
    """Return the notice as it comes back after the wait: with a new count of attempts at SES."""
    return Waiting(begun_anew(recipient.alone), wait.until)
