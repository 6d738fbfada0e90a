"""The stores of a stage: its tables, queues, topics and secrets, each made on first use.

The functions use them through `services.Services`. Operators' commands use `Stores` directly.
"""

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.intake_stores import IntakeStores

if TYPE_CHECKING:
    from chalicelib.analytics.repository import AnalyticsRepository
    from chalicelib.audit.repository import AuditRepository
    from chalicelib.audit.trail import Trail
    from chalicelib.flags.baselines_repository import BaselineRepository
    from chalicelib.flags.events import EventBus
    from chalicelib.flags.repository import FlagRepository
    from chalicelib.holders.addresses import AddressRepository
    from chalicelib.holders.enrolment import Enrolment
    from chalicelib.holders.links import HolderLinks
    from chalicelib.holders.repository import HolderRepository
    from chalicelib.ledger.ingest_queue import IngestQueue
    from chalicelib.ledger.purchases_repository import PurchaseRepository
    from chalicelib.notifications.allowances import Allowances
    from chalicelib.notifications.allowances_repository import AllowanceRepository
    from chalicelib.notifications.digest_members import DigestMembers
    from chalicelib.notifications.digests_repository import DigestRepository
    from chalicelib.notifications.due import DueRepository
    from chalicelib.notifications.feed import NotificationFeed
    from chalicelib.notifications.records import NotificationRecords
    from chalicelib.notifications.stand_ins import StandIns
    from chalicelib.statements.index import StatementIndex


class Stores(IntakeStores):
    """A stage's tables, queues, topics and secrets: the intake's, and those behind it."""

    @cached_property
    def ingest_queue(self) -> "IngestQueue":
        from chalicelib.ledger.ingest_queue import IngestQueue

        return IngestQueue(self.queue(self.settings.ingest_queue_url))

    @cached_property
    def event_bus(self) -> "EventBus":
        from chalicelib.flags.events import EventBus

        return EventBus(self.client("events"), self.settings.event_bus)

    @cached_property
    def purchases(self) -> "PurchaseRepository":
        from chalicelib.ledger.purchases_repository import PurchaseRepository

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
    def holders(self) -> "HolderRepository":
        from chalicelib.holders.repository import HolderRepository

        return HolderRepository(self.client("dynamodb"), self.settings.accounts_table)

    @cached_property
    def addresses(self) -> "AddressRepository":
        from chalicelib.holders.addresses import AddressRepository

        return AddressRepository(self.client("dynamodb"), self.settings.addresses_table)

    @cached_property
    def enrolment(self) -> "Enrolment":
        from chalicelib.holders.enrolment import Enrolment

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
    def notification_records(self) -> "NotificationRecords":
        from chalicelib.notifications.records import NotificationRecords

        kept_days = self.settings.retention.notifications
        table, ids_by_alias = self.settings.notifications_table, self.holders.ids_by_alias
        return NotificationRecords(self.client("dynamodb"), table, self.now, kept_days, ids_by_alias)

    @cached_property
    def notification_feed(self) -> "NotificationFeed":
        from chalicelib.notifications.feed import NotificationFeed

        return NotificationFeed(
            self.client("dynamodb"),
            self.settings.notifications_table,
            self.now,
            kept_days=self.settings.retention.feed,
        )

    @cached_property
    def due_notices(self) -> "DueRepository":
        from chalicelib.notifications.due import DueRepository

        return DueRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def email_counts(self) -> "AllowanceRepository":
        from chalicelib.notifications.allowances_repository import AllowanceRepository

        return AllowanceRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def allowances(self) -> "Allowances":
        from chalicelib.notifications.allowances import HOUR, Allowances

        hour = timedelta(seconds=int(self.settings.flood_hour_s)) if self.settings.flood_hour_s else HOUR
        return Allowances(self.email_counts, lambda bank: self.bank_settings.of(bank).digest_after, hour)

    @cached_property
    def due_digests(self) -> "DigestRepository":
        from chalicelib.notifications.digests_repository import DigestRepository

        return DigestRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def digest_members(self) -> "DigestMembers":
        from chalicelib.notifications.digest_members import DigestMembers

        kept_days = self.settings.retention.notifications
        return DigestMembers(self.client("dynamodb"), self.settings.notifications_table, self.now, kept_days)

    @cached_property
    def due_statements(self) -> "DueRepository":
        from chalicelib.notifications.due import DueRepository

        return DueRepository(self.client("dynamodb"), self.settings.statements_table)

    @cached_property
    def statement_index(self) -> "StatementIndex":
        from chalicelib.statements.index import StatementIndex

        return StatementIndex(self.due_statements)
