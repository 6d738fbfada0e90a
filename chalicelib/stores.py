"""The stores of a stage: its tables, queues, topics and secrets, each made on first use.

The functions use them through `services.Services`. Operators' commands use `Stores` directly.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.aws import clients
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.aws.secret_store import SecretStore
from chalicelib.aws.stage import Settings
from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.banks.signatures import Signatures
from chalicelib.banks.signed_ids_repository import SignedIds
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.notifications.digest_members import DigestMembers
from chalicelib.notifications.due import DueRepository
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.records import NotificationRecords
from chalicelib.statements.index import StatementIndex

if TYPE_CHECKING:
    from chalicelib.analytics.repository import AnalyticsRepository
    from chalicelib.audit.repository import AuditRepository
    from chalicelib.audit.trail import Trail
    from chalicelib.banks.endpoints import EndpointDirectory
    from chalicelib.banks.quotas import Quotas
    from chalicelib.banks.quotas_repository import QuotaRepository
    from chalicelib.flags.alert_topic import OperatorTopics
    from chalicelib.flags.baselines_repository import BaselineRepository
    from chalicelib.flags.events import EventBus
    from chalicelib.flags.repository import FlagRepository
    from chalicelib.holders.links import HolderLinks
    from chalicelib.notifications.allowances import Allowances
    from chalicelib.notifications.digests_repository import DigestRepository
    from chalicelib.notifications.stand_ins import StandIns


def utc_now() -> datetime:
    return datetime.now(UTC)


class Stores:
    """A stage's tables, queues, topics and secrets.

    `client` returns the AWS client of a service by boto3's name for it; `clock` returns the time in UTC.
    """

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
    def endpoints(self) -> "EndpointDirectory":
        from chalicelib.banks.endpoints import EndpointDirectory

        return EndpointDirectory(self.bank_settings, self.banks, self.bank_store)

    @cached_property
    def event_bus(self) -> "EventBus":
        from chalicelib.flags.events import EventBus

        return EventBus(self.client("events"), self.settings.event_bus)

    @cached_property
    def transactions(self) -> TransactionRepository:
        return TransactionRepository(self.client("dynamodb"), self.settings.transactions_table, self.settings.shards)

    @cached_property
    def purchases(self) -> PurchaseRepository:
        return PurchaseRepository(self.client("dynamodb"), self.settings.notifications_table)

    @cached_property
    def stand_ins(self) -> "StandIns":
        from chalicelib.notifications.stand_ins import StandIns

        kept_days = self.settings.retention.notifications
        return StandIns(self.client("dynamodb"), self.settings.notifications_table, kept_days=kept_days)

    @cached_property
    def flags(self) -> "FlagRepository":
        from chalicelib.flags.repository import FlagRepository

        return FlagRepository(self.client("dynamodb"), self.settings.transactions_table, shards=self.settings.shards)

    @cached_property
    def baselines(self) -> "BaselineRepository":
        from chalicelib.flags.baselines_repository import BaselineRepository

        return BaselineRepository(self.client("dynamodb"), self.settings.analytics_table)

    @cached_property
    def roll_ups(self) -> "AnalyticsRepository":
        from chalicelib.analytics.repository import AnalyticsRepository

        return AnalyticsRepository(self.client("dynamodb"), self.settings.analytics_table, self.settings.shards)

    @cached_property
    def holders(self) -> HolderRepository:
        return HolderRepository(self.client("dynamodb"), self.settings.accounts_table)

    @cached_property
    def addresses(self) -> AddressRepository:
        return AddressRepository(self.client("dynamodb"), self.settings.addresses_table)

    @cached_property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.addresses, self.holders)

    @cached_property
    def links(self) -> "HolderLinks":
        from chalicelib.holders.links import HolderLinks

        settings = self.settings
        url = settings.public_url or settings.api_url
        return HolderLinks(self.secrets, settings.preferences_secret_arn, self.now, url)

    @cached_property
    def audit_entries(self) -> "AuditRepository":
        from chalicelib.audit.repository import AuditRepository

        return AuditRepository(self.client("dynamodb"), self.settings.audit_table, self.settings.audit_years)

    @cached_property
    def trail(self) -> "Trail":
        from chalicelib.audit.trail import Trail

        return Trail(self.audit_entries, self.cursor_secret, self.now)

    @cached_property
    def notification_records(self) -> NotificationRecords:
        kept_days = self.settings.retention.notifications
        return NotificationRecords(self.client("dynamodb"), self.settings.notifications_table, self.now, kept_days)

    @cached_property
    def notification_feed(self) -> NotificationFeed:
        return NotificationFeed(
            self.client("dynamodb"),
            self.settings.notifications_table,
            self.now,
            kept_days=self.settings.retention.feed,
        )

    @cached_property
    def due_notices(self) -> DueRepository:
        return DueRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def allowances(self) -> "Allowances":
        from chalicelib.notifications.allowances import HOUR, Allowances
        from chalicelib.notifications.allowances_repository import AllowanceRepository

        hour = timedelta(seconds=int(self.settings.flood_hour_s)) if self.settings.flood_hour_s else HOUR
        repository = AllowanceRepository(self.client("dynamodb"), self.settings.deferrals_table)
        return Allowances(repository, lambda bank: self.bank_settings.of(bank).digest_after, hour)

    @cached_property
    def due_digests(self) -> "DigestRepository":
        from chalicelib.notifications.digests_repository import DigestRepository

        return DigestRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def digest_members(self) -> DigestMembers:
        kept_days = self.settings.retention.notifications
        return DigestMembers(self.client("dynamodb"), self.settings.notifications_table, self.now, kept_days)

    @cached_property
    def due_statements(self) -> DueRepository:
        return DueRepository(self.client("dynamodb"), self.settings.statements_table)

    @cached_property
    def statement_index(self) -> StatementIndex:
        return StatementIndex(self.due_statements)

    @cached_property
    def used_quotas(self) -> "QuotaRepository":
        from chalicelib.banks.quotas_repository import QuotaRepository

        return QuotaRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def quotas(self) -> "Quotas":
        from chalicelib.banks.quotas import Quotas

        return Quotas(self.used_quotas, lambda *told: self.operator_topics.publish(*told), self.now)

    @cached_property
    def operator_topics(self) -> "OperatorTopics":
        from chalicelib.banks.confirmations import Confirmations
        from chalicelib.flags.alert_topic import OperatorTopics

        confirmations = Confirmations(self.used_quotas, self.now)
        return OperatorTopics(self.client("sns"), self.settings.operator_alerts_topic_arn, confirmations.may_ask)

    @cached_property
    def secrets(self) -> SecretStore:
        return SecretStore(lambda: self.client("secretsmanager"), self.now)

    @cached_property
    def signatures(self) -> Signatures:
        ids = SignedIds(self.client("dynamodb"), self.settings.deferrals_table)
        return Signatures(self.secrets, ids, self.now)

    def cursor_secret(self) -> str:
        """Return the secret that signs page cursors; raises TemporarilyUnavailable."""
        return self.secrets.get(self.settings.cursor_secret_arn)

    def queue(self, url: str) -> Queue:
        return Queue(self.client("sqs"), url)

    def dead_letters(self, url: str, source: str) -> DeadLetters:
        """Return the dead-letter queue at `url`, for the function named `source`."""
        return DeadLetters(self.queue(url), source)
