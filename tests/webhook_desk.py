"""The webhooks' world: a feeder, a sender, and endpoints of banks that answer what a test sets."""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.aws.secret_store import SecretStore
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, SettingsDirectory, StoredSettings
from chalicelib.banks.webhook_endpoints import CHOICES, NamedEndpoint, Status, states_after
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.feeder import WebhookFeeder
from chalicelib.webhooks.outbox import Outbox
from chalicelib.webhooks.poster import Answer, Poster
from chalicelib.webhooks.records import Record, WebhookRecords
from chalicelib.webhooks.sender import WebhookSender
from chalicelib.webhooks.signed_poster import SignedPoster
from chalicelib.webhooks.tester import EndpointTester, queue_tests
from chalicelib.webhooks.webhook import Webhook, pack, unpack, webhook_of
from tests.aws_calls import meanwhile
from tests.fakes import FakeSqs, refusal
from tests.mail_world import World, messages, ses_event
from tests.samples import transaction

URL = "https://hooks.bank.example/notifications"
OLD, NEW = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2))
TAKEN, BROKEN, GONE = Answer(204), Answer(500), Answer(410)


FLAGS = NamedEndpoint("https://flags.bank.example/", ("transaction.flagged",))
ALL = NamedEndpoint("https://all.bank.example/", CHOICES)


@dataclass(frozen=True, slots=True)
class Posted:
    """A request that an endpoint got."""

    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> tuple[str, str, str]:
        content = json.loads(self.body)
        return content["type"], content["data"]["transaction"], content["data"]["holder"]


class FakeEndpoints(Poster):
    """Endpoints that keep the requests they get. `answers` has each URL's answers in order; the last is repeated."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answers: dict[str, list[Answer]] = {}
        self.while_posting: Callable[[], None] = lambda: None
        self.takes: dict[str, timedelta] = {}
        self.tick: Callable[[timedelta], None] = lambda _: None
        self._lock = threading.Lock()

    def post(self, url: str, headers: Any, body: bytes) -> Answer:
        meanwhile(self.while_posting)
        with self._lock:
            self.posted.append(Posted(url, dict(headers), body))
            self.tick(self.takes.get(url, timedelta(0)))
            answers = self.answers.get(url, [TAKEN])
            return answers.pop(0) if len(answers) > 1 else answers[0]


class FakeSecrets:
    """A Secrets Manager whose secrets the test sets."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
        if SecretId not in self.values:
            raise refusal("ResourceNotFoundException")
        return {"SecretString": self.values[SecretId]}

    def store(self, arn: str, *secrets: str) -> None:
        self.values[arn] = json.dumps({"secrets": [{"secret": secret} for secret in secrets]})


class Desk(World):
    """The mailer's world, and behind it the feed's stream, the webhooks' functions, and banks' endpoints."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        super().__init__(dynamodb, names)
        self.webhook_queue, self.webhook_letters = FakeSqs(), FakeSqs()
        self.endpoints, self.secrets = FakeEndpoints(), FakeSecrets()
        self.endpoints.tick = self.pass_time
        self.banks = BankRepository(dynamodb, names["BanksTable"])
        self.restart()
        self.name_endpoint("eazycard", URL)

    def restart(self, dynamodb: Any = None, queue: Any = None, secrets: Any = None) -> None:
        """Start new processes, with empty caches."""
        dynamodb, clock = dynamodb or self.dynamodb, lambda: self.now
        banks = BankRepository(dynamodb, self.names["BanksTable"])
        endpoints = EndpointDirectory(SettingsDirectory(banks, clock), BankDirectory(banks, clock), banks)
        webhooks = Queue(queue or self.webhook_queue, "url", sleep=lambda _: None)
        letters = Queue(self.webhook_letters, "url", sleep=lambda _: None)
        self.webhooks = webhooks
        table = self.names["NotificationsTable"]
        notification_records = NotificationRecords(dynamodb, table)
        feeder_letters, sender_letters = DeadLetters(letters, "webhook_feeder"), DeadLetters(letters, "webhook_sender")
        outbox = Outbox(endpoints, webhooks, feeder_letters)
        self.feeder = WebhookFeeder(notification_records, outbox, feeder_letters, clock)
        poster = SignedPoster(endpoints, SecretStore(lambda: secrets or self.secrets, clock), self.endpoints, clock)
        self.attempt_log = AttemptLog(dynamodb, self.names["DeferralsTable"])
        self.directory, self.tester = endpoints, EndpointTester(endpoints, poster, self.attempt_log, clock)
        self.records = WebhookRecords(dynamodb, table)
        self.sender = WebhookSender(
            poster,
            endpoints,
            self.records,
            self.attempt_log,
            webhooks,
            sender_letters,
            clock,
            self.activity(dynamodb),
            jitter=lambda: 0,
        )

    def name_endpoint(self, bank: str, url: str | None) -> None:
        arn = f"webhook-secret-of-{bank}"
        self.secrets.store(arn, OLD)
        self.banks.put_bank(Bank(bank, bank.title(), "EUR", "standard", webhook_secret_arn=arn))
        version = self.banks.settings(bank).version + 1
        self.banks.put_settings(bank, StoredSettings(BankSettings(webhook_url=url), {}, version))

    def pass_time(self, time: timedelta) -> None:
        self.now += time

    def queued_anew(self, transaction_id: str) -> str:
        """Return the message that sends the webhook about a notification again, as an operator's command makes it."""
        key = NotificationKey("eazycard", transaction_id, "awa")
        webhook = webhook_of(key, self.deliveries.of_keys([key])[key], self.now)
        assert webhook is not None
        return resent(pack(webhook))

    def disable(self, bank: str = "eazycard") -> None:
        """Record that the bank's endpoint answered that it is gone."""
        stored = self.banks.settings(bank)
        states = {key: replace(one, status=Status.GONE, since=self.now) for key, one in stored.states.items()}
        self.banks.put_endpoint_states(bank, states, stored.version)

    def pages(self) -> list[dict[str, Any]]:
        """Return all items of the table as its stream brings new items."""
        items = self.dynamodb.scan(TableName=self.names["NotificationsTable"])["Items"]
        return [{"eventName": "INSERT", "dynamodb": {"NewImage": item}} for item in items]

    def change(self, *ids: str, event: str = "delivery", account: str = "a0", holder: str = "awa") -> None:
        """Notify a holder of transactions, and let SES publish this event about each e-mail; its tags name `holder`."""
        self.enrol(account, "awa")
        self.tell(messages(*(transaction(id=transaction_id, account=account) for transaction_id in ids)))
        for transaction_id in ids:
            address = f"{account}.awa@example.com"
            self.hear([ses_event(event, transaction=transaction_id, address=address, holder=holder)])

    def feed_webhooks(self) -> None:
        self.feeder.handle(self.pages())

    def send(self) -> None:
        """Let the sender handle the messages in the queue, once."""
        bodies, self.webhook_queue.bodies, self.webhook_queue.delays = self.webhook_queue.bodies, [], []
        for start in range(0, len(bodies), 10):
            self.sender.handle(bodies[start : start + 10])

    def send_for(self, time: timedelta) -> None:
        """Let SQS bring each message after its delay, until the time is over or the queue is empty."""
        until = self.now + time
        waiting = [(self.now, body) for body in self.webhook_queue.bodies]
        while waiting:
            waiting.sort()
            at, body = waiting.pop(0)
            if at > until:
                waiting.append((at, body))
                break
            self.now = max(at, self.now)
            self.webhook_queue.bodies, self.webhook_queue.delays = [], []
            self.sender.handle([body])
            back = zip(self.webhook_queue.bodies, self.webhook_queue.delays, strict=True)
            waiting += [(self.now + timedelta(seconds=delay), body) for body, delay in back]
        self.webhook_queue.bodies = [body for _, body in sorted(waiting)]
        self.now = max(self.now, until)

    def told(self) -> Counter[tuple[str, str, str]]:
        return Counter(posted.told for posted in self.endpoints.posted)

    def unpacked(self, body: str) -> Webhook:
        return unpack(body)

    def record_of(self, transaction_id: str, bank: str = "eazycard") -> Record:
        (found,) = self.records.of_transaction(TransactionKey(bank, transaction_id))
        return found


def resent(body: str) -> str:
    """Return a copy of the message with `again`, as an operator's command makes it."""
    content = {name: value for name, value in json.loads(body).items() if name != "not_before"}
    return json.dumps({**content, "again": True})


def messages_of(*webhooks: Webhook) -> list[str]:
    """Return the messages that bring these webhooks."""
    return [pack(webhook) for webhook in webhooks]


def name(desk: Desk, *webhooks: NamedEndpoint) -> StoredSettings:
    """Store settings with these endpoints as the API stores them, and queue their tests."""
    before, settings = desk.banks.settings("eazycard"), BankSettings(webhooks=webhooks)
    stored = StoredSettings(settings, {}, before.version + 1, states_after(settings.endpoints, before.states))
    desk.banks.put_settings("eazycard", stored)
    queue_tests("eazycard", stored, desk.webhooks, desk.now)
    desk.now += timedelta(minutes=1)
    return stored


def statuses(desk: Desk) -> dict[str, Status]:
    return {state.url: state.status for state in desk.banks.settings("eazycard").states.values()}


def urls(desk: Desk) -> list[tuple[str, str]]:
    return [(posted.url, json.loads(posted.body)["type"]) for posted in desk.endpoints.posted]
