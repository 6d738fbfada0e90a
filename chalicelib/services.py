"""The composition root: makes what each function of the app needs, once for each process, on first use.

What only some functions need is imported where it is made. So the API starts without the e-mail templates, Babel and
boto3's model of SES, and only the webhook sender loads what it needs for TLS.
"""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.ledger.ingest_queue import IngestQueue
from chalicelib.ledger.ingest_worker import IngestWorker
from chalicelib.ledger.intake import Intake
from chalicelib.stores import Stores

if TYPE_CHECKING:
    from chalicelib.analytics.job import AnalyticsJob
    from chalicelib.analytics.reader import AnalyticsReader
    from chalicelib.analytics.reconciliation import Reconciliation
    from chalicelib.api.preferences_page import PreferencesPage
    from chalicelib.changes.change_mailer import MailDesk
    from chalicelib.changes.change_teller import ChangeTeller
    from chalicelib.flags.operator_alerts import OperatorAlerts
    from chalicelib.ledger.archive import Archiver
    from chalicelib.notifications.deferrals import Release
    from chalicelib.notifications.feedback import FeedbackHandler
    from chalicelib.notifications.sending import Sending
    from chalicelib.notifications.stream import StreamHandler
    from chalicelib.statements.job import StatementJob
    from chalicelib.webhooks.feeder import WebhookFeeder
    from chalicelib.webhooks.sender import WebhookSender


class Services(Stores):
    """The stage's stores, and what the routes and triggers of `app.py` call."""

    # The API

    @cached_property
    def intake(self) -> Intake:
        return Intake(self.transactions, lambda: IngestQueue(self.queue(self.settings.ingest_queue_url)))

    @cached_property
    def analytics(self) -> "AnalyticsReader":
        from chalicelib.analytics.reader import AnalyticsReader

        return AnalyticsReader(self.roll_ups, self.transactions, self.now)

    @cached_property
    def preferences_page(self) -> "PreferencesPage":
        from chalicelib.api.preferences_page import PreferencesPage

        return PreferencesPage(self.links, self.banks, self.holders, self.statement_index, self.now)

    # The ledger

    @cached_property
    def ingest_worker(self) -> IngestWorker:
        return IngestWorker(
            self.intake,
            self.dead_letters(self.settings.ingest_dead_letter_queue_url, "ingest_worker"),
            self.now,
            is_partial=bool(self.settings.partial_batch_responses),
        )

    @cached_property
    def archiver(self) -> "Archiver":
        from chalicelib.ledger.archive import Archiver

        return Archiver(self.client("s3"), self.settings.archive_bucket)

    # Flags and analytics

    @cached_property
    def operator_alerts(self) -> "OperatorAlerts":
        from chalicelib.flags.operator_alerts import OperatorAlerts

        return OperatorAlerts(
            self.operator_topic,
            self.dead_letters(self.settings.operator_alerts_dead_letter_queue_url, "operator_alerts"),
        )

    @cached_property
    def analytics_job(self) -> "AnalyticsJob":
        from chalicelib.analytics.job import AnalyticsJob

        return AnalyticsJob(self.roll_ups, self.baselines, self.transactions, self.now)

    @cached_property
    def reconciliation(self) -> "Reconciliation":
        from chalicelib.analytics.reconciliation import Reconciliation

        return Reconciliation(self.roll_ups, self.transactions)

    # Notifications and statements

    @cached_property
    def stream_handler(self) -> "StreamHandler":
        from chalicelib.flags.judge import Judge
        from chalicelib.ledger.collecting import Collector
        from chalicelib.notifications.stream import StreamHandler

        return StreamHandler(
            Collector(self.transactions, self.purchases),
            Judge(self.bank_settings, self.baselines, self.transactions, self.flags, self.now),
            self.queue(self.settings.alert_queue_url),
            self.queue(self.settings.notification_queue_url),
            self.event_bus,
            self.dead_letters(self.settings.stream_dead_letter_queue_url, "transaction_stream"),
        )

    @cached_property
    def mailer(self) -> "MailDesk":
        """The mailer of the notification queue, and of changed holders: a redrive puts their dead letters there."""
        from chalicelib.mail.pacing import AHEAD

        return self._mailer(self.settings.notification_queue_url, "mailer", AHEAD)

    @cached_property
    def alert_mailer(self) -> "MailDesk":
        """The mailer of the alert queue. It may book SES's time further ahead than the mailer of other e-mails."""
        from chalicelib.mail.pacing import ALERTS_AHEAD

        return self._mailer(self.settings.alert_queue_url, "alert_mailer", ALERTS_AHEAD)

    @cached_property
    def change_teller(self) -> "ChangeTeller":
        from chalicelib.changes.change_teller import ChangeTeller

        return ChangeTeller(
            self.queue(self.settings.alert_queue_url),
            self.event_bus,
            self.endpoints,
            self.queue(self.settings.webhook_queue_url),
            self.dead_letters(self.settings.stream_dead_letter_queue_url, "holder_changes"),
            self.now,
        )

    @cached_property
    def release(self) -> "Release":
        from chalicelib.notifications.deferrals import Release

        return Release(
            self.due_notices,
            self.queue(self.settings.notification_queue_url),
            self.dead_letters(self.settings.notification_dead_letter_queue_url, "release_deferred"),
            self.now,
        )

    @cached_property
    def feedback(self) -> "FeedbackHandler":
        from chalicelib.notifications.feedback import FeedbackHandler

        return FeedbackHandler(
            self.notification_records,
            self.notification_feed,
            self.enrolment,
            self.dead_letters(self.settings.feedback_dead_letter_queue_url, "feedback"),
        )

    @cached_property
    def statements(self) -> "StatementJob":
        from chalicelib.mail.pacing import AHEAD
        from chalicelib.statements.composing import StatementComposer
        from chalicelib.statements.job import StatementJob

        return StatementJob(
            self.due_statements,
            self.holders,
            StatementComposer(self.transactions, self.banks, self.links.links_for),
            self._sending(AHEAD),
            self.dead_letters(self.settings.notification_dead_letter_queue_url, "statements"),
            self.now,
        )

    # Webhooks

    @cached_property
    def webhook_feeder(self) -> "WebhookFeeder":
        from chalicelib.webhooks.feeder import WebhookFeeder

        return WebhookFeeder(
            self.endpoints,
            self.notification_records,
            self.queue(self.settings.webhook_queue_url),
            self.dead_letters(self.settings.webhook_dead_letter_queue_url, "webhook_feeder"),
            self.now,
        )

    @cached_property
    def webhook_sender(self) -> "WebhookSender":
        from chalicelib.webhooks.poster import Poster
        from chalicelib.webhooks.public_addresses import is_public, is_public_or_loopback
        from chalicelib.webhooks.records import WebhookRecords
        from chalicelib.webhooks.sender import WebhookSender
        from chalicelib.webhooks.signed_poster import SignedPoster

        poster = Poster(is_public_or_loopback if self.settings.local_endpoints else is_public)
        return WebhookSender(
            SignedPoster(self.endpoints, self.secrets, poster, self.now),
            self.endpoints,
            WebhookRecords(self.client("dynamodb"), self.settings.notifications_table),
            self.queue(self.settings.webhook_queue_url),
            self.dead_letters(self.settings.webhook_dead_letter_queue_url, "webhook_sender"),
            self.now,
        )

    # Shared by several of the above

    def _mailer(self, queue_url: str, name: str, ahead: timedelta) -> "MailDesk":
        from chalicelib.changes.change_mailer import ChangeMailer, MailDesk
        from chalicelib.notifications.composing import Composer
        from chalicelib.notifications.deferrals import Deferrals
        from chalicelib.notifications.mailer import Mailer
        from chalicelib.notifications.purchases import Purchases

        settings, links_for = self.settings, self.links.links_for
        sending, queue = self._sending(ahead), self.queue(queue_url)
        letters = self.dead_letters(settings.notification_dead_letter_queue_url, name)
        mailer = Mailer(
            self.holders,
            Purchases(self.transactions, self.purchases, self.stand_ins),
            Composer(self.banks, links_for),
            sending,
            queue,
            Deferrals(self.due_notices, self.queue(settings.notification_queue_url)),
            letters,
            self.now,
        )
        return MailDesk(mailer, ChangeMailer(self.holders, self.banks, links_for, sending, queue, letters, self.now))

    def _sending(self, ahead: timedelta) -> "Sending":
        from chalicelib.mail.pacing import Pacer, SesAccount
        from chalicelib.mail.ses import SesOutbox
        from chalicelib.notifications.log import NotificationLog
        from chalicelib.notifications.sending import Sending

        settings, dynamodb, ses = self.settings, self.client("dynamodb"), self.client("sesv2")
        rate = float(settings.mail_rate) if settings.mail_rate else None
        return Sending(
            NotificationLog(dynamodb, settings.notifications_table, self.notification_feed),
            Pacer(dynamodb, settings.notifications_table, SesAccount(ses, self.now, rate), self.now, ahead),
            SesOutbox(ses, settings.mail_from, settings.mail_configuration_set),
            self.now,
        )
