"""The stream handler's world: its tables on moto, its queues, and stream records."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from chalicelib.activity.recorder import ActivityRecorder
from chalicelib.activity.repository import ActivityRepository
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, SettingsDirectory, StoredSettings
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.events import EventBus
from chalicelib.flags.judge import Judge
from chalicelib.flags.repository import FlagRepository
from chalicelib.ledger.collecting import Collector
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.stream import StreamHandler
from chalicelib.webhooks.flagged import FlaggedTeller
from chalicelib.webhooks.outbox import Outbox
from tests.fakes import FakeEventBridge, FakeSqs, OneCallAtATime
from tests.samples import TRANSACTION

NOW = TRANSACTION.recorded_at + timedelta(seconds=1)
LARGE = Decimal(1_000_001)


def record(item: dict[str, Any], name: str = "INSERT") -> dict[str, Any]:
    return {"eventName": name, "eventID": "1", "dynamodb": {"NewImage": item, "SequenceNumber": "1"}}


def records(*stored: Transaction) -> list[dict[str, Any]]:
    return [record(transaction_item(one)) for one in stored]


class Stream:
    """A stream handler on real tables, with queues and an EventBridge that can be made to misbehave."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        self.dynamodb = OneCallAtATime(dynamodb)
        self.names = names
        self.alerts, self.notifications, self.dead_letters = FakeSqs(), FakeSqs(), FakeSqs()
        self.webhooks = FakeSqs()
        self.events = FakeEventBridge()
        self.banks = BankRepository(self.dynamodb, names["BanksTable"])
        self.judge_waits: list[float] = []
        self.now = NOW

    def store(self, *stored: Transaction) -> None:
        transactions = TransactionRepository(self.dynamodb, self.names["TransactionsTable"])
        for one in stored:
            transactions.add(one)

    def handle(self, batch: list[dict[str, Any]], **clients: Any) -> None:
        """Handle a batch in a new function, in which these clients take the place of its own."""

        def queue(name: str) -> Queue:
            return Queue(clients.get(name, getattr(self, name)), "url", sleep=lambda _: None)

        dynamodb = clients.get("dynamodb", self.dynamodb)
        table = self.names["TransactionsTable"]
        banks = BankRepository(dynamodb, self.names["BanksTable"])
        settings = SettingsDirectory(banks, lambda: self.now)
        endpoints = EndpointDirectory(settings, BankDirectory(banks, lambda: self.now), banks)
        letters = DeadLetters(queue("dead_letters"), "transaction_stream")
        purchases = PurchaseRepository(dynamodb, self.names["NotificationsTable"], sleep=lambda _: None)
        judge = Judge(
            settings,
            BaselineRepository(dynamodb, self.names["AnalyticsTable"]),
            TransactionRepository(dynamodb, table),
            purchases,
            FlagRepository(dynamodb, table, sleep=lambda _: None),
            lambda: self.now,
            sleep=self.judge_waits.append,
        )
        StreamHandler(
            Collector(TransactionRepository(dynamodb, table), purchases),
            judge,
            queue("alerts"),
            queue("notifications"),
            EventBus(clients.get("events", self.events), "bus", sleep=lambda _: None),
            letters,
            FlaggedTeller(Outbox(endpoints, queue("webhooks"), letters), lambda: self.now).tell,
            ActivityRecorder(ActivityRepository(dynamodb, self.names["DeferralsTable"]), lambda: self.now),
        ).handle(batch)

    def flags(self, transaction_id: str) -> dict[str, Any]:
        return FlagRepository(self.dynamodb, self.names["TransactionsTable"]).of("eazycard", transaction_id)

    def set(self, **thresholds: Any) -> None:
        version = self.banks.settings("eazycard").version + 1
        settings = BankSettings(replace(DEFAULT_THRESHOLDS, **thresholds))
        self.banks.put_settings("eazycard", StoredSettings(settings, version=version))
