"""The composition root: which parts a function needs, made once for each process, on first use."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib import clients
from chalicelib.bank_settings import SettingsDirectory
from chalicelib.banks import BankDirectory
from chalicelib.banks_repository import BankRepository
from chalicelib.holders_repository import HolderRepository
from chalicelib.ingest import IngestQueue, IngestWorker
from chalicelib.intake import Intake
from chalicelib.queues import DeadLetters, Queue
from chalicelib.repository import TransactionRepository
from chalicelib.secret_store import SecretStore
from chalicelib.settings import Settings
from chalicelib.signatures import Signatures

if TYPE_CHECKING:
    from chalicelib.analytics import AnalyticsJob, AnalyticsReader
    from chalicelib.analytics_repository import AnalyticsRepository
    from chalicelib.archive import Archiver
    from chalicelib.baselines_repository import BaselineRepository
    from chalicelib.deferrals import Release
    from chalicelib.deferrals_repository import DeferralRepository
    from chalicelib.flag_repository import FlagRepository
    from chalicelib.links import HolderLinks
    from chalicelib.mailer import Mailer
    from chalicelib.operator_alerts import OperatorAlerts
    from chalicelib.operators import OperatorTopic
    from chalicelib.reconciliation import Reconciliation
    from chalicelib.stream import StreamHandler


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
        self._settings = settings
        self._client = client
        self.now = clock

    @cached_property
    def banks(self) -> BankDirectory:
        return BankDirectory(self.bank_store, self.now)

    @cached_property
    def bank_store(self) -> BankRepository:
        return BankRepository(self._client("dynamodb"), self._settings.banks_table)

    @cached_property
    def bank_settings(self) -> SettingsDirectory:
        return SettingsDirectory(self.bank_store, self.now)

    @cached_property
    def transactions(self) -> TransactionRepository:
        return TransactionRepository(self._client("dynamodb"), self._settings.transactions_table)

    @cached_property
    def holders(self) -> HolderRepository:
        return HolderRepository(self._client("dynamodb"), self._settings.accounts_table)

    @cached_property
    def intake(self) -> Intake:
        return Intake(self.transactions, lambda: IngestQueue(self._queue(self._settings.ingest_queue_url)))

    @cached_property
    def ingest_worker(self) -> IngestWorker:
        return IngestWorker(
            self.intake,
            DeadLetters(self._queue(self._settings.ingest_dead_letter_queue_url), "ingest_worker"),
            self.now,
            is_partial=bool(self._settings.partial_batch_responses),
        )

    @cached_property
    def signatures(self) -> Signatures:
        return Signatures(self._secrets, self.now)

    def cursor_secret(self) -> str:
        return self._secrets.get(self._settings.cursor_secret_arn)

    @cached_property
    def stream_handler(self) -> "StreamHandler":
        from chalicelib.events import EventBus
        from chalicelib.judging import Judge
        from chalicelib.stream import StreamHandler

        return StreamHandler(
            Judge(self.bank_settings, self._baselines, self.transactions, self.flags, self.now),
            self._queue(self._settings.alert_queue_url),
            self._queue(self._settings.notification_queue_url),
            EventBus(self._client("events"), self._settings.event_bus),
            DeadLetters(self._queue(self._settings.stream_dead_letter_queue_url), "transaction_stream"),
        )

    @cached_property
    def archiver(self) -> "Archiver":
        from chalicelib.archive import Archiver

        return Archiver(self._client("s3"), self._settings.archive_bucket)

    @cached_property
    def mailer(self) -> "Mailer":
        return self._mailer(self._settings.notification_queue_url, "mailer")

    @cached_property
    def alert_mailer(self) -> "Mailer":
        return self._mailer(self._settings.alert_queue_url, "alert_mailer")

    def _mailer(self, queue_url: str, name: str) -> "Mailer":
        # Templates, Babel and the SES model are imported here and not above: no other function pays for them.
        from chalicelib.closings import Closings
        from chalicelib.composing import Composer
        from chalicelib.deferrals import Deferrals
        from chalicelib.mailer import Mailer
        from chalicelib.notifications import NotificationLog
        from chalicelib.purchases import Purchases
        from chalicelib.ses import SesOutbox

        return Mailer(
            self.holders,
            Purchases(self.transactions, Closings(self._client("dynamodb"), self._settings.notifications_table)),
            Composer(self.banks, self.links.links_for),
            NotificationLog(self._client("dynamodb"), self._settings.notifications_table),
            SesOutbox(self._client("sesv2"), self._settings.mail_from, self._settings.mail_configuration_set),
            self._queue(queue_url),
            Deferrals(self._deferrals, self._queue(self._settings.notification_queue_url)),
            DeadLetters(self._queue(self._settings.notification_dead_letter_queue_url), name),
            self.now,
        )

    @cached_property
    def operator_alerts(self) -> "OperatorAlerts":
        from chalicelib.operator_alerts import OperatorAlerts

        return OperatorAlerts(
            self.operator_topic,
            DeadLetters(self._queue(self._settings.operator_alerts_dead_letter_queue_url), "operator_alerts"),
        )

    @cached_property
    def operator_topic(self) -> "OperatorTopic":
        from chalicelib.operators import OperatorTopic

        return OperatorTopic(self._client("sns"), self._settings.operator_alerts_topic_arn)

    @cached_property
    def flags(self) -> "FlagRepository":
        from chalicelib.flag_repository import FlagRepository

        return FlagRepository(self._client("dynamodb"), self._settings.transactions_table)

    @cached_property
    def release(self) -> "Release":
        from chalicelib.deferrals import Release

        return Release(
            self._deferrals,
            self._queue(self._settings.notification_queue_url),
            DeadLetters(self._queue(self._settings.notification_dead_letter_queue_url), "release_deferred"),
            self.now,
        )

    @cached_property
    def _deferrals(self) -> "DeferralRepository":
        from chalicelib.deferrals_repository import DeferralRepository

        return DeferralRepository(self._client("dynamodb"), self._settings.deferrals_table)

    @cached_property
    def links(self) -> "HolderLinks":
        from chalicelib.links import HolderLinks

        settings = self._settings
        url = settings.public_url or settings.api_url
        return HolderLinks(self._secrets, settings.preferences_secret_arn, self.now, url)

    @cached_property
    def analytics_job(self) -> "AnalyticsJob":
        from chalicelib.analytics import AnalyticsJob

        return AnalyticsJob(self._roll_ups, self._baselines, self.transactions, self.now)

    @cached_property
    def analytics(self) -> "AnalyticsReader":
        from chalicelib.analytics import AnalyticsReader

        return AnalyticsReader(self._roll_ups, self.transactions, self.now)

    @cached_property
    def reconciliation(self) -> "Reconciliation":
        from chalicelib.reconciliation import Reconciliation

        return Reconciliation(self._roll_ups, self.transactions)

    @cached_property
    def _roll_ups(self) -> "AnalyticsRepository":
        from chalicelib.analytics_repository import AnalyticsRepository

        return AnalyticsRepository(self._client("dynamodb"), self._settings.analytics_table)

    @cached_property
    def _baselines(self) -> "BaselineRepository":
        from chalicelib.baselines_repository import BaselineRepository

        return BaselineRepository(self._client("dynamodb"), self._settings.analytics_table)

    @cached_property
    def _secrets(self) -> SecretStore:
        return SecretStore(self._client("secretsmanager"), self.now)

    def _queue(self, url: str) -> Queue:
        return Queue(self._client("sqs"), url)
