"""The world of changed holders: the accounts table's stream, both functions that tell of a change, and an endpoint."""

import json
from collections.abc import Callable
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.dynamo import to_item
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, SettingsDirectory, StoredSettings
from chalicelib.banks.webhook_endpoints import NamedEndpoint
from chalicelib.changes.asked_repository import AskedRepository
from chalicelib.changes.change_mailer import ChangeMailer
from chalicelib.changes.change_teller import ChangeTeller
from chalicelib.changes.confirming import Confirming
from chalicelib.changes.told_lately import ToldLately
from chalicelib.flags.events import EventBus
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Holder, load_holder
from chalicelib.holders.repository import HolderRepository
from chalicelib.holders.stored_form import holder_values
from chalicelib.notifications.allowances_repository import AllowanceRepository
from chalicelib.webhooks.outbox import Outbox
from tests.fakes import FakeEventBridge, FakeSqs
from tests.mail_world import NOW, World


def holder(holder_id: str = "awa", email: str = "awa@example.com", locale: str = "en", **preferences: Any) -> Holder:
    body = {"name": "Awa", "email": email, "locale": locale, "preferences": preferences}
    return load_holder(body, holder_id, NOW)


def account_image(bank: str, account: str, *holders: Holder) -> dict[str, Any]:
    """Return an account's record as the table's stream brings it."""
    attributes = {f"holder:{one.id}": holder_values(one) for one in holders}
    return to_item({"account_key": f"{bank}#{account}", **attributes})


class Changes(World):
    """An account of the bank, whose records the tests change; what the stream brings, and what becomes of it."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        super().__init__(dynamodb, names)
        self.webhooks, self.events = FakeSqs(), FakeEventBridge()
        self.quota_asked: list[tuple[str, int]] = []
        self.banks = BankRepository(dynamodb, names["BanksTable"])
        self.confirmation_link: Callable[[Address], str | None] = lambda address: f"https://x/addresses/{address.bank}"

    def name_endpoint(self, *types: str) -> None:
        """Name the bank's endpoint: for these types, or in the short form."""
        self.banks.put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard", webhook_secret_arn="secret"))
        url = "https://hooks.bank.example/"
        settings = BankSettings(webhooks=(NamedEndpoint(url, types),)) if types else BankSettings(webhook_url=url)
        self.banks.put_settings("eazycard", StoredSettings(settings, {}, 1))

    def image(self, account: str = "A1") -> dict[str, Any] | None:
        key = to_item({"account_key": f"eazycard#{account}"})
        return self.dynamodb.get_item(TableName=self.names["AccountsTable"], Key=key).get("Item")

    def put(self, *holders: Holder, account: str = "A1") -> list[dict[str, Any]]:
        """Write records past everything else; return what the stream brings of it."""
        records = []
        for one in holders:
            old = self.image(account)
            self.holders.put("eazycard", account, one)
            records.append(record(old, self.image(account)))
        return records

    def teller(self, **clients: Any) -> ChangeTeller:
        banks, now = self.banks, lambda: self.now
        letters = DeadLetters(Queue(self.dead_letters, "url", sleep=lambda _: None), "holder_changes")
        return ChangeTeller(
            Queue(clients.get("mails", self.queue), "url", sleep=lambda _: None),
            EventBus(clients.get("events", self.events), "bus", sleep=lambda _: None),
            Outbox(
                EndpointDirectory(SettingsDirectory(banks, now), BankDirectory(banks, now), banks),
                Queue(clients.get("webhooks", self.webhooks), "url", sleep=lambda _: None),
                letters,
            ),
            letters,
            now,
        )

    def change_mailer(self, **clients: Any) -> ChangeMailer:
        dynamodb = clients.get("dynamodb", self.dynamodb)
        return ChangeMailer(
            HolderRepository(dynamodb, self.names["AccountsTable"]),
            BankDirectory(self.banks, lambda: self.now),
            self.links_for,
            self.confirming(dynamodb),
            ToldLately(AllowanceRepository(dynamodb, self.names["DeferralsTable"]), self.take_emails),
            self.sending(dynamodb, clients.get("ses", self.ses)),
            Queue(self.queue, "url", sleep=lambda _: None),
            DeadLetters(Queue(self.dead_letters, "url", sleep=lambda _: None), "change_mailer"),
            lambda: self.now,
            jitter=lambda _, longest: longest,
        )

    def take_emails(self, bank: str, count: int) -> int:
        self.quota_asked.append((bank, count))
        return self.allowed_emails(bank, count)

    def confirming(self, dynamodb: Any) -> Confirming:
        return Confirming(
            AskedRepository(dynamodb, self.names["DeferralsTable"]),
            BankDirectory(self.banks, lambda: self.now),
            self.links_for,
            lambda address: self.confirmation_link(address),
            lambda bank, count: self.allowed_emails(bank, count),
        )

    def taken(self) -> list[str]:
        """Return and remove the queue's messages."""
        bodies, self.queue.bodies, self.queue.delays = self.queue.bodies, [], []
        return bodies

    def mail(self, **clients: Any) -> None:
        """Let the change mailer handle what is in the queue, once."""
        self.change_mailer(**clients).handle(self.taken(), lambda: 20)

    def subjects(self) -> list[tuple[str, str]]:
        """Return the address and the subject of each e-mail that SES accepted."""
        return [(one["to"], one["subject"]) for one in self.ses.accepted]

    def webhook_bodies(self) -> list[dict[str, Any]]:
        return [json.loads(json.loads(body)["body"]) for body in self.webhooks.bodies]


def record(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    """Return a stream's record of an item that was written."""
    images = {"OldImage": old, "NewImage": new}
    name = "MODIFY" if old else "INSERT"
    return {"eventName": name, "dynamodb": {key: image for key, image in images.items() if image}}
