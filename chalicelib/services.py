"""The composition root: makes what each function of the app needs, once for each process, on first use.

`mail_services` makes the part of it that sends e-mail, `staff_services` the part that banks' staff use.

What only some functions need is imported where it is made. So the API starts without the e-mail templates, Babel and
boto3's model of SES, and only the webhook sender loads what it needs for TLS.
"""

from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.ledger.intake import Intake
from chalicelib.staff_services import StaffServices

if TYPE_CHECKING:
    from chalicelib.analytics.job import AnalyticsJob
    from chalicelib.analytics.reader import AnalyticsReader
    from chalicelib.analytics.reconciliation import Reconciliation
    from chalicelib.api.address_page import AddressPage
    from chalicelib.api.alert_page import AlertPage
    from chalicelib.api.preferences_page import PreferencesPage
    from chalicelib.api.staff_today import Today
    from chalicelib.banks.settings import StoredSettings
    from chalicelib.changes.answer_teller import AnswerTeller
    from chalicelib.changes.change_teller import ChangeTeller
    from chalicelib.flags.operator_alerts import OperatorAlerts
    from chalicelib.ledger.archive import Archiver
    from chalicelib.ledger.ingest_worker import IngestWorker
    from chalicelib.notifications.deferrals import Release
    from chalicelib.notifications.feedback import FeedbackHandler
    from chalicelib.notifications.stream import StreamHandler
    from chalicelib.webhooks.feeder import WebhookFeeder
    from chalicelib.webhooks.outbox import Outbox
    from chalicelib.webhooks.sender import WebhookSender
    from chalicelib.webhooks.signed_poster import SignedPoster
    from chalicelib.webhooks.tester import EndpointTester


class Services(StaffServices):
    """The stage's stores, its mailers, and what the routes and triggers of `app.py` call."""

    # The API

    @cached_property
    def intake(self) -> Intake:
        return Intake(self.transactions, lambda: self.ingest_queue)

    @cached_property
    def analytics(self) -> "AnalyticsReader":
        from chalicelib.analytics.reader import AnalyticsReader

        return AnalyticsReader(self.roll_ups, self.transactions, self.now)

    @cached_property
    def today(self) -> "Today":
        from chalicelib.api.staff_today import Today

        def cases(bank: str) -> dict[str, int]:
            return asdict(self.case_queue.waiting(bank))

        return Today(self.analytics, self.activity, self.used_quotas, self.bank_store, cases, self.now)

    @cached_property
    def preferences_page(self) -> "PreferencesPage":
        from chalicelib.api.preferences_page import PreferencesPage

        return PreferencesPage(self.links, self.banks, self.holders, self.statement_index, self.trail, self.now)

    @cached_property
    def alert_page(self) -> "AlertPage":
        from chalicelib.api.alert_page import AlertPage

        return AlertPage(self.links, self.banks, self.holders, self.transactions, self.flags, self.trail, self.now)

    @cached_property
    def address_page(self) -> "AddressPage":
        from chalicelib.api.address_page import AddressPage

        return AddressPage(self.links, self.banks, self.enrolment, self.trail, self.now)

    # The ledger

    @cached_property
    def ingest_worker(self) -> "IngestWorker":
        from chalicelib.ledger.ingest_worker import IngestWorker

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
            self.operator_topics,
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

    # Notifications and feedback

    @cached_property
    def stream_handler(self) -> "StreamHandler":
        from chalicelib.flags.judge import Judge
        from chalicelib.ledger.collecting import Collector
        from chalicelib.notifications.stream import StreamHandler
        from chalicelib.webhooks.flagged import FlaggedTeller

        return StreamHandler(
            Collector(self.transactions, self.purchases),
            Judge(self.bank_settings, self.baselines, self.transactions, self.purchases, self.flags, self.now),
            self.queue(self.settings.alert_queue_url),
            self.queue(self.settings.notification_queue_url),
            self.event_bus,
            self.dead_letters(self.settings.stream_dead_letter_queue_url, "transaction_stream"),
            FlaggedTeller(self._outbox("transaction_stream"), self.now).tell,
            self.activity_recorder,
        )

    @cached_property
    def answer_teller(self) -> "AnswerTeller":
        from chalicelib.changes.answer_teller import AnswerTeller

        return AnswerTeller(
            self.event_bus,
            self._outbox("transaction_stream"),
            self.dead_letters(self.settings.stream_dead_letter_queue_url, "transaction_stream"),
            self.now,
            self.activity_recorder,
        )

    @cached_property
    def change_teller(self) -> "ChangeTeller":
        from chalicelib.changes.change_teller import ChangeTeller

        return ChangeTeller(
            self.queue(self.settings.alert_queue_url),
            self.event_bus,
            self._outbox("holder_changes"),
            self.dead_letters(self.settings.stream_dead_letter_queue_url, "holder_changes"),
            self.now,
        )

    @cached_property
    def release(self) -> "Release":
        from chalicelib.notifications.deferrals import Release

        return Release(
            self.due_notices,
            self.queue(self.settings.notification_queue_url),
            self.queue(self.settings.alert_queue_url),
            self.dead_letters(self.settings.notification_dead_letter_queue_url, "release_deferred"),
            self.now,
        )

    @cached_property
    def feedback(self) -> "FeedbackHandler":
        from chalicelib.notifications.feedback import FeedbackHandler
        from chalicelib.notifications.suppressing import Suppressor

        return FeedbackHandler(
            self.notification_records,
            self.notification_feed,
            Suppressor(self.enrolment, self.bank_store, self.now),
            self.queue(self.settings.feedback_queue_url),
            self.dead_letters(self.settings.feedback_dead_letter_queue_url, "feedback"),
            self.activity_recorder,
        )

    # Webhooks

    @cached_property
    def webhook_feeder(self) -> "WebhookFeeder":
        from chalicelib.webhooks.feeder import WebhookFeeder

        return WebhookFeeder(
            self.notification_records,
            self._outbox("webhook_feeder", self.settings.webhook_dead_letter_queue_url),
            self.dead_letters(self.settings.webhook_dead_letter_queue_url, "webhook_feeder"),
            self.now,
        )

    @cached_property
    def webhook_sender(self) -> "WebhookSender":
        from chalicelib.webhooks.sender import WebhookSender

        return WebhookSender(
            self._signed_poster,
            self.endpoints,
            self.webhook_records,
            self.attempt_log,
            self.queue(self.settings.webhook_queue_url),
            self.dead_letters(self.settings.webhook_dead_letter_queue_url, "webhook_sender"),
            self.now,
            self.activity_recorder,
        )

    @cached_property
    def endpoint_tester(self) -> "EndpointTester":
        from chalicelib.webhooks.tester import EndpointTester

        return EndpointTester(self.endpoints, self._signed_poster, self.attempt_log, self.now)

    def queue_tests(self, bank: str, stored: "StoredSettings") -> None:
        """Queue a test for each of the bank's endpoints that has not proved itself."""
        from chalicelib.webhooks.tester import queue_tests

        queue_tests(bank, stored, self.webhook_queue, self.now())

    @cached_property
    def _signed_poster(self) -> "SignedPoster":
        from chalicelib.webhooks.poster import Poster
        from chalicelib.webhooks.public_addresses import is_public, is_public_or_loopback
        from chalicelib.webhooks.signed_poster import SignedPoster

        poster = Poster(is_public_or_loopback if self.settings.local_endpoints else is_public)
        return SignedPoster(self.endpoints, self.secrets, poster, self.now)

    def _outbox(self, source: str, dead_letters_url: str = "") -> "Outbox":
        """Return the outbox of webhooks for the function named `source`."""
        from chalicelib.webhooks.outbox import Outbox

        url = dead_letters_url or self.settings.stream_dead_letter_queue_url
        return Outbox(self.endpoints, self.webhook_queue, self.dead_letters(url, source))
