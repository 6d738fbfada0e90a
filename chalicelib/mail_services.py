"""The composition root of what sends e-mail, and of what counts it: made on first use.

The e-mail templates, Babel and boto3's model of SES are imported where they are needed: no other function loads them.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import Metered
from chalicelib.stores import Stores

if TYPE_CHECKING:
    from chalicelib.activity.reader import ActivityReader
    from chalicelib.activity.recorder import ActivityRecorder
    from chalicelib.activity.repository import ActivityRepository
    from chalicelib.changes.change_mailer import MailDesk
    from chalicelib.holders.enrolment import Enrolment
    from chalicelib.mail.shares import Lane
    from chalicelib.notifications.mail_tally import MailTally
    from chalicelib.notifications.sending import Sending
    from chalicelib.statements.job import StatementJob


class MailServices(Stores):
    """The stage's stores, what sends its e-mails, and the banks' activity."""

    @cached_property
    def enrolment(self) -> "Enrolment":
        """Enrolment that hands the long part of a suppression or lifting over to the feedback function."""
        from chalicelib.holders.enrolment import Enrolment
        from chalicelib.holders.sweep import pack

        queue = self.queue(self.settings.feedback_queue_url)
        return Enrolment(self.addresses, self.holders, lambda sweep: queue.send([pack(sweep)]))

    @cached_property
    def activity(self) -> "ActivityReader":
        from chalicelib.activity.reader import ActivityReader

        return ActivityReader(self._activity_hours)

    @cached_property
    def activity_recorder(self) -> "ActivityRecorder":
        from chalicelib.activity.recorder import ActivityRecorder

        return ActivityRecorder(self._activity_hours, self.now)

    @cached_property
    def _activity_hours(self) -> "ActivityRepository":
        from chalicelib.activity.repository import ActivityRepository

        return ActivityRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def mailer(self) -> "MailDesk":
        """The mailer of the notification queue, and of changed holders: a redrive puts their dead letters there."""
        from chalicelib.mail.shares import Lane

        return self._mailer(self.settings.notification_queue_url, "mailer", Lane.ORDINARY)

    @cached_property
    def alert_mailer(self) -> "MailDesk":
        """The mailer of the alert queue. It books SES's time in a lane of its own."""
        from chalicelib.mail.shares import Lane

        return self._mailer(self.settings.alert_queue_url, "alert_mailer", Lane.ALERTS)

    @cached_property
    def statements(self) -> "StatementJob":
        from chalicelib.mail.shares import Lane
        from chalicelib.statements.composing import StatementComposer
        from chalicelib.statements.job import StatementJob

        return StatementJob(
            self.due_statements,
            self.holders,
            StatementComposer(self.transactions, self.banks, self.links.links_for),
            self._sending(Lane.ORDINARY),
            self.dead_letters(self.settings.notification_dead_letter_queue_url, "statements"),
            self.now,
            self._tally,
        )

    def _mailer(self, queue_url: str, name: str, lane: "Lane") -> "MailDesk":
        from chalicelib.changes.asked_repository import AskedRepository
        from chalicelib.changes.change_mailer import ChangeMailer, MailDesk
        from chalicelib.changes.confirming import Confirming
        from chalicelib.changes.told_lately import ToldLately
        from chalicelib.notifications.composing import Composer
        from chalicelib.notifications.deferrals import Deferrals
        from chalicelib.notifications.digest_composing import DigestComposer
        from chalicelib.notifications.digest_sender import DigestSender
        from chalicelib.notifications.mailer import Mailer
        from chalicelib.notifications.purchases import Purchases

        settings, links_for = self.settings, self.links.links_for
        sending, queue = self._sending(lane), self.queue(queue_url)
        letters = self.dead_letters(settings.notification_dead_letter_queue_url, name)
        in_one = DigestComposer(self.banks, links_for)
        mailer = Mailer(
            self.holders,
            Purchases(self.transactions, self.purchases, self.stand_ins),
            Composer(self.banks, links_for),
            self.allowances,
            sending,
            DigestSender(
                self.due_digests, self.digest_members, self.holders, in_one, sending, queue, letters, self.now
            ),
            queue,
            Deferrals(self.due_notices, self.queue(settings.notification_queue_url)),
            letters,
            self._allowed_emails,
            self.now,
        )
        asked = AskedRepository(self.client("dynamodb"), settings.deferrals_table)
        confirming = Confirming(asked, self.banks, links_for, self.links.confirmation_link, self._allowed_emails)
        told_lately = ToldLately(self.email_counts, self._allowed_emails)
        changes = ChangeMailer(
            self.holders, self.banks, links_for, confirming, told_lately, sending, queue, letters, self.now
        )
        return MailDesk(mailer, changes, self._tally)

    def _allowed_emails(self, bank_id: str, count: int) -> int:
        """Take so many e-mails of the bank's quota of today; return how many it may send."""
        # A bank that has left is counted as one on the standard plan.
        bank = self.banks.by_id(bank_id) or Bank(bank_id, bank_id, default_currency="", plan="standard")
        return self.quotas.take(bank, Metered.EMAILS, count)

    @cached_property
    def _tally(self) -> "MailTally":
        from chalicelib.notifications.mail_tally import MailTally

        return MailTally(self.activity_recorder)

    def _sending(self, lane: "Lane") -> "Sending":
        from chalicelib.mail.pacing import Pacer, SesAccount
        from chalicelib.mail.ses import SesOutbox
        from chalicelib.notifications.log import NotificationLog
        from chalicelib.notifications.sending import Senders, Sending

        settings, dynamodb, ses = self.settings, self.client("dynamodb"), self.client("sesv2")
        rate = float(settings.mail_rate) if settings.mail_rate else None
        return Sending(
            NotificationLog(
                dynamodb,
                settings.notifications_table,
                self.notification_feed,
                kept_days=settings.retention.notifications,
                recorded=self._tally.recorded,
            ),
            Pacer(dynamodb, settings.notifications_table, SesAccount(ses, self.now, rate), self.now, lane),
            SesOutbox(ses, settings.mail_from, settings.mail_configuration_set, Senders(self.banks).of),
            self.now,
        )
