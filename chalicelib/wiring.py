"""The composition root: which parts a function needs, made once for each process, on first use."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.aws import clients
from chalicelib.aws.queues import DeadLetters, Queue
from chalicelib.aws.secret_store import SecretStore
from chalicelib.aws.stage import Settings
from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.banks.signatures import Signatures
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.enrolment import Suppression
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.ingest_queue import IngestQueue
from chalicelib.ledger.ingest_worker import IngestWorker
from chalicelib.ledger.intake import Intake
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.notifications.due import DeferralRepository
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.records import DeliveryRecords
from chalicelib.statements.index import StatementIndex

if TYPE_CHECKING:
    from chalicelib.analytics.job import AnalyticsJob
    from chalicelib.analytics.reader import AnalyticsReader
    from chalicelib.analytics.reconciliation import Reconciliation
    from chalicelib.analytics.repository import AnalyticsRepository
    from chalicelib.flags.alert_topic import OperatorTopic
    from chalicelib.flags.baselines_repository import BaselineRepository
    from chalicelib.flags.operator_alerts import OperatorAlerts
    from chalicelib.flags.repository import FlagRepository
    from chalicelib.holders.links import HolderLinks
    from chalicelib.ledger.archive import Archiver
    from chalicelib.mail_wiring import Mails
    from chalicelib.notifications.deferrals import Release
    from chalicelib.notifications.feedback import FeedbackHandler
    from chalicelib.notifications.stream import StreamHandler
    from chalicelib.webhook_wiring import Webhooks


def utc_now() -> datetime:
    return datetime.now(UTC)


class Services:
    """What the routes and triggers hand over to. `client` gives AWS clients by service name."""

    def __init__(
        self,
        settings: Settings,
        client: Callable[[str], Any] = clients.client,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.client = client
        self.now = clock

    @cached_property
    def banks(self) -> BankDirectory:
        return BankDirectory(self.bank_store, self.now)

    @cached_property
    def bank_store(self) -> BankRepository:
        return BankRepository(self.client("dynamodb"), self.settings.banks_table)

    @cached_property
    def bank_settings(self) -> SettingsDirectory:
        return SettingsDirectory(self.bank_store, self.now)

    @cached_property
    def transactions(self) -> TransactionRepository:
        return TransactionRepository(self.client("dynamodb"), self.settings.transactions_table)

    @cached_property
    def holders(self) -> HolderRepository:
        return HolderRepository(self.client("dynamodb"), self.settings.accounts_table)

    @cached_property
    def suppression(self) -> Suppression:
        return Suppression(AddressRepository(self.client("dynamodb"), self.settings.addresses_table), self.holders)

    @cached_property
    def statement_index(self) -> StatementIndex:
        return StatementIndex(DeferralRepository(self.client("dynamodb"), self.settings.statements_table))

    @cached_property
    def deliveries(self) -> DeliveryRecords:
        return DeliveryRecords(self.client("dynamodb"), self.settings.notifications_table)

    @cached_property
    def notification_feed(self) -> NotificationFeed:
        return NotificationFeed(self.client("dynamodb"), self.settings.notifications_table, self.now)

    @cached_property
    def intake(self) -> Intake:
        return Intake(self.transactions, lambda: IngestQueue(self.queue(self.settings.ingest_queue_url)))

    @cached_property
    def ingest_worker(self) -> IngestWorker:
        return IngestWorker(
            self.intake,
            DeadLetters(self.queue(self.settings.ingest_dead_letter_queue_url), "ingest_worker"),
            self.now,
            is_partial=bool(self.settings.partial_batch_responses),
        )

    @cached_property
    def signatures(self) -> Signatures:
        return Signatures(self.secrets, self.now)

    def cursor_secret(self) -> str:
        return self.secrets.get(self.settings.cursor_secret_arn)

    @cached_property
    def stream_handler(self) -> "StreamHandler":
        from chalicelib.flags.events import EventBus
        from chalicelib.flags.judge import Judge
        from chalicelib.notifications.stream import StreamHandler

        return StreamHandler(
            Judge(self.bank_settings, self._baselines, self.transactions, self.flags, self.now),
            self.queue(self.settings.alert_queue_url),
            self.queue(self.settings.notification_queue_url),
            EventBus(self.client("events"), self.settings.event_bus),
            DeadLetters(self.queue(self.settings.stream_dead_letter_queue_url), "transaction_stream"),
        )

    @cached_property
    def archiver(self) -> "Archiver":
        from chalicelib.ledger.archive import Archiver

        return Archiver(self.client("s3"), self.settings.archive_bucket)

    @cached_property
    def mails(self) -> "Mails":
        from chalicelib.mail_wiring import Mails

        return Mails(self)

    @cached_property
    def webhooks(self) -> "Webhooks":
        from chalicelib.webhook_wiring import Webhooks

        return Webhooks(self)

    @cached_property
    def operator_alerts(self) -> "OperatorAlerts":
        from chalicelib.flags.operator_alerts import OperatorAlerts

        return OperatorAlerts(
            self.operator_topic,
            DeadLetters(self.queue(self.settings.operator_alerts_dead_letter_queue_url), "operator_alerts"),
        )

    @cached_property
    def operator_topic(self) -> "OperatorTopic":
        from chalicelib.flags.alert_topic import OperatorTopic

        return OperatorTopic(self.client("sns"), self.settings.operator_alerts_topic_arn)

    @cached_property
    def flags(self) -> "FlagRepository":
        from chalicelib.flags.repository import FlagRepository

        return FlagRepository(self.client("dynamodb"), self.settings.transactions_table)

    @cached_property
    def release(self) -> "Release":
        from chalicelib.notifications.deferrals import Release

        return Release(
            self.deferrals,
            self.queue(self.settings.notification_queue_url),
            DeadLetters(self.queue(self.settings.notification_dead_letter_queue_url), "release_deferred"),
            self.now,
        )

    @cached_property
    def deferrals(self) -> DeferralRepository:
        return DeferralRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def links(self) -> "HolderLinks":
        from chalicelib.holders.links import HolderLinks

        settings = self.settings
        url = settings.public_url or settings.api_url
        return HolderLinks(self.secrets, settings.preferences_secret_arn, self.now, url)

    @cached_property
    def feedback(self) -> "FeedbackHandler":
        from chalicelib.notifications.feedback import FeedbackHandler

        return FeedbackHandler(
            self.deliveries,
            self.notification_feed,
            self.suppression,
            DeadLetters(self.queue(self.settings.feedback_dead_letter_queue_url), "feedback"),
        )

    @cached_property
    def analytics_job(self) -> "AnalyticsJob":
        from chalicelib.analytics.job import AnalyticsJob

        return AnalyticsJob(self._roll_ups, self._baselines, self.transactions, self.now)

    @cached_property
    def analytics(self) -> "AnalyticsReader":
        from chalicelib.analytics.reader import AnalyticsReader

        return AnalyticsReader(self._roll_ups, self.transactions, self.now)

    @cached_property
    def reconciliation(self) -> "Reconciliation":
        from chalicelib.analytics.reconciliation import Reconciliation

        return Reconciliation(self._roll_ups, self.transactions)

    @cached_property
    def _roll_ups(self) -> "AnalyticsRepository":
        from chalicelib.analytics.repository import AnalyticsRepository

        return AnalyticsRepository(self.client("dynamodb"), self.settings.analytics_table)

    @cached_property
    def _baselines(self) -> "BaselineRepository":
        from chalicelib.flags.baselines_repository import BaselineRepository

        return BaselineRepository(self.client("dynamodb"), self.settings.analytics_table)

    @cached_property
    def secrets(self) -> SecretStore:
        return SecretStore(self.client("secretsmanager"), self.now)

    def queue(self, url: str) -> Queue:
        return Queue(self.client("sqs"), url)
