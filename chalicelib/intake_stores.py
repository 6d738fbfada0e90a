"""The stores that a transaction's way in needs, and what the other stores share: each is made on first use.

`stores` has the stage's other stores. What a `POST` doesn't need is imported where it is made.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.aws import clients
from chalicelib.aws.stage import Settings
from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.ledger.repository import TransactionRepository

if TYPE_CHECKING:
    from chalicelib.aws.dead_letters import DeadLetters
    from chalicelib.aws.queues import Queue
    from chalicelib.aws.secret_store import SecretStore
    from chalicelib.banks.endpoints import EndpointDirectory
    from chalicelib.banks.pace import Pace
    from chalicelib.banks.quotas import Quotas
    from chalicelib.banks.quotas_repository import QuotaRepository
    from chalicelib.banks.settings import SettingsDirectory
    from chalicelib.banks.signatures import Signatures
    from chalicelib.flags.alert_topic import OperatorTopics


def utc_now() -> datetime:
    return datetime.now(UTC)


class IntakeStores:
    """A stage's banks, transactions, quotas, secrets and queues.

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
    def bank_settings(self) -> "SettingsDirectory":
        from chalicelib.banks.settings import SettingsDirectory

        return SettingsDirectory(self.bank_store, self.now)

    @cached_property
    def endpoints(self) -> "EndpointDirectory":
        from chalicelib.banks.endpoints import EndpointDirectory

        return EndpointDirectory(self.bank_settings, self.banks, self.bank_store)

    @cached_property
    def transactions(self) -> TransactionRepository:
        return TransactionRepository(self.client("dynamodb"), self.settings.transactions_table, self.settings.shards)

    @cached_property
    def used_quotas(self) -> "QuotaRepository":
        from chalicelib.banks.quotas_repository import QuotaRepository

        return QuotaRepository(self.client("dynamodb"), self.settings.deferrals_table)

    @cached_property
    def quotas(self) -> "Quotas":
        from chalicelib.banks.quotas import Quotas

        return Quotas(self.used_quotas, lambda *told: self.operator_topics.publish(*told), self.now)

    @cached_property
    def pace(self) -> "Pace":
        from chalicelib.banks.pace import Pace
        from chalicelib.banks.pace_repository import PaceRepository

        return Pace(PaceRepository(self.client("dynamodb"), self.settings.deferrals_table), self.now)

    @cached_property
    def operator_topics(self) -> "OperatorTopics":
        from chalicelib.banks.confirmations import Confirmations
        from chalicelib.flags.alert_topic import OperatorTopics

        confirmations = Confirmations(self.used_quotas, self.now)
        return OperatorTopics(self.client("sns"), self.settings.operator_alerts_topic_arn, confirmations.may_ask)

    @cached_property
    def secrets(self) -> "SecretStore":
        from chalicelib.aws.secret_store import SecretStore

        return SecretStore(lambda: self.client("secretsmanager"), self.now)

    @cached_property
    def signatures(self) -> "Signatures":
        from chalicelib.banks.signatures import Signatures
        from chalicelib.banks.signed_ids_repository import SignedIds

        ids = SignedIds(self.client("dynamodb"), self.settings.deferrals_table)
        return Signatures(self.secrets, ids, self.now)

    def cursor_secret(self) -> str:
        """Return the secret that signs page cursors; raises TemporarilyUnavailable."""
        return self.secrets.get(self.settings.cursor_secret_arn)

    def queue(self, url: str) -> "Queue":
        from chalicelib.aws.queues import Queue

        return Queue(self.client("sqs"), url)

    def dead_letters(self, url: str, source: str) -> "DeadLetters":
        """Return the dead-letter queue at `url`, for the function named `source`."""
        from chalicelib.aws.dead_letters import DeadLetters

        return DeadLetters(self.queue(url), source)
