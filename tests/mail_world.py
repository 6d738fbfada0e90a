"""The mailer's world: its tables on moto, a fake SES, its queues, and the ways in which it can die."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chalicelib.activity.hour import HourOfActivity
from chalicelib.activity.reader import ActivityReader
from chalicelib.activity.recorder import ActivityRecorder
from chalicelib.activity.repository import ActivityRepository
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.collecting import Collector
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.pacing import Pacer, SesAccount
from chalicelib.mail.sender import Sender
from chalicelib.mail.ses import SesOutbox, the_stage_s
from chalicelib.notifications.allowances import Allowances
from chalicelib.notifications.allowances_repository import AllowanceRepository
from chalicelib.notifications.composing import Composer
from chalicelib.notifications.deferrals import Deferrals
from chalicelib.notifications.digest_composing import DigestComposer
from chalicelib.notifications.digest_members import DigestMembers
from chalicelib.notifications.digest_sender import DigestSender
from chalicelib.notifications.digests_repository import DigestRepository
from chalicelib.notifications.due import DueRepository
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.feedback import FeedbackHandler
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.mail_tally import MailTally
from chalicelib.notifications.mailer import Mailer
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.notifications.purchases import Purchases
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.stand_ins import StandIns
from chalicelib.notifications.suppressing import Suppressor
from tests.fakes import FakeSes, FakeSqs
from tests.samples import transaction

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
EVENTS = Path(__file__).parent / "events"


class Died(BaseException):
    """The function's process is killed: no handler of exceptions sees it."""


class World:
    """A mailer on real tables, with an SES and queues that can be made to misbehave."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        self.dynamodb = dynamodb
        self.names = names
        self.ses = FakeSes()
        self.queue = FakeSqs()
        self.dead_letters = FakeSqs()
        self.feedback_queue = FakeSqs()
        self.now = NOW
        self.rate: float | None = 1e9
        self.digest_after = 20
        self.tally = MailTally(self.activity())
        self.allowed_emails: Callable[[str, int], int] = lambda _bank, count: count
        self.sender_of: Callable[[str, Sender], Sender] = the_stage_s
        self.links_for: Callable[[str, str, Holder], Links] = lambda *_: Links()
        # As in the records of releases without aliases, whose holders are notified under their ids.
        self.make_alias: Callable[[], str] = str
        self.holders = HolderRepository(dynamodb, names["AccountsTable"], make_alias=lambda: self.make_alias())
        ids_by_alias = self.holders.ids_by_alias
        self.deliveries = NotificationRecords(dynamodb, names["NotificationsTable"], ids_by_alias=ids_by_alias)
        BankRepository(dynamodb, names["BanksTable"]).put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard"))

    def mailer(self, dynamodb: Any = None, ses: Any = None, queue: Any = None, dead_letters: Any = None) -> Mailer:
        dynamodb = dynamodb or self.dynamodb
        banks = BankDirectory(BankRepository(dynamodb, self.names["BanksTable"]), lambda: self.now)
        sending = self.sending(dynamodb, ses or self.ses)
        own_queue = Queue(queue or self.queue, "url", sleep=lambda _: None)
        letters = DeadLetters(Queue(dead_letters or self.dead_letters, "url", sleep=lambda _: None), "mailer")
        return Mailer(
            HolderRepository(dynamodb, self.names["AccountsTable"]),
            Purchases(
                TransactionRepository(dynamodb, self.names["TransactionsTable"]),
                self.purchases(dynamodb),
                StandIns(dynamodb, self.names["NotificationsTable"], sleep=lambda _: None),
            ),
            Composer(banks, self.links_for),
            self.allowances(dynamodb),
            sending,
            DigestSender(
                DigestRepository(dynamodb, self.names["DeferralsTable"]),
                DigestMembers(dynamodb, self.names["NotificationsTable"]),
                HolderRepository(dynamodb, self.names["AccountsTable"]),
                DigestComposer(banks, self.links_for),
                sending,
                own_queue,
                letters,
                lambda: self.now,
                jitter=lambda _, longest: longest,
            ),
            own_queue,
            Deferrals(DueRepository(dynamodb, self.names["DeferralsTable"]), own_queue),
            letters,
            lambda bank, count: self.allowed_emails(bank, count),
            lambda: self.now,
            jitter=lambda _, longest: longest,
        )

    def allowances(self, dynamodb: Any) -> Allowances:
        """Return the memory of a new mailer."""
        repository = AllowanceRepository(dynamodb, self.names["DeferralsTable"])
        return Allowances(repository, lambda _bank: self.digest_after)

    def sending(self, dynamodb: Any, ses: Any) -> Sending:
        table, now = self.names["NotificationsTable"], lambda: self.now
        return Sending(
            self.log(dynamodb),
            Pacer(dynamodb, table, SesAccount(ses, now, fixed=self.rate), now, sleep=self.sleep),
            SesOutbox(ses, "EAZYCard <alerts@example.com>", "configuration", self.sender_of),
            now,
        )

    def log(self, dynamodb: Any) -> NotificationLog:
        table = self.names["NotificationsTable"]
        feed = self.feed(dynamodb)
        return NotificationLog(
            dynamodb, table, feed, sleep=lambda _: None, recorded=lambda *of: self.tally.recorded(*of)
        )

    def activity(self, dynamodb: Any = None) -> ActivityRecorder:
        hours = ActivityRepository(dynamodb or self.dynamodb, self.names["DeferralsTable"])
        return ActivityRecorder(hours, lambda: self.now)

    def hours(self) -> list[HourOfActivity]:
        """Return the bank's hours of today."""
        reader = ActivityReader(ActivityRepository(self.dynamodb, self.names["DeferralsTable"]))
        return reader.between("eazycard", self.now.replace(hour=0), self.now)

    def feed(self, dynamodb: Any = None) -> NotificationFeed:
        table = self.names["NotificationsTable"]
        return NotificationFeed(dynamodb or self.dynamodb, table, lambda: self.now, sleep=lambda _: None)

    def suppression(self, dynamodb: Any = None) -> Enrolment:
        dynamodb = dynamodb or self.dynamodb
        addresses = AddressRepository(dynamodb, self.names["AddressesTable"])
        table = self.names["AccountsTable"]
        return Enrolment(addresses, HolderRepository(dynamodb, table, make_alias=lambda: self.make_alias()))

    def hear(self, bodies: list[str], dynamodb: Any = None, time_left_s: Callable[[], float] = lambda: 30) -> None:
        """Let the feedback function take what SES told."""
        dynamodb = dynamodb or self.dynamodb
        FeedbackHandler(
            NotificationRecords(dynamodb, self.names["NotificationsTable"]),
            self.feed(dynamodb),
            Suppressor(
                self.suppression(dynamodb), BankRepository(dynamodb, self.names["BanksTable"]), lambda: self.now
            ),
            Queue(self.feedback_queue, "url", sleep=lambda _: None),
            DeadLetters(Queue(self.dead_letters, "url", sleep=lambda _: None), "feedback"),
            self.activity(dynamodb),
        ).handle(bodies, time_left_s)

    def sleep(self, seconds: float) -> None:
        if self.rate is None or self.rate < 1e6:  # else only the milliseconds are slept that are booked at the least
            self.now += timedelta(seconds=seconds)

    def enrol(
        self, account: str, *ids: str, locale: str = "fr", enrolled_at: datetime = NOW, **preferences: Any
    ) -> None:
        for holder_id in ids:
            email = f"{account}.{holder_id}@example.com"
            holder = Holder(holder_id, "Awa", email, locale, "UTC", preferences, enrolled_at, choices={})
            self.suppression().enrol("eazycard", account, holder)

    def purchases(self, dynamodb: Any = None) -> PurchaseRepository:
        return PurchaseRepository(dynamodb or self.dynamodb, self.names["NotificationsTable"], sleep=lambda _: None)

    def record(self, *transactions: Transaction) -> None:
        """Store the transactions, and collect them as the stream handler does with one batch."""
        for one in transactions:
            self.dynamodb.put_item(TableName=self.names["TransactionsTable"], Item=transaction_item(one))
        stored = TransactionRepository(self.dynamodb, self.names["TransactionsTable"])
        Collector(stored, self.purchases()).collect(transactions)

    def tell(self, bodies: list[str], time_left_s: Callable[[], float] = lambda: 20, **clients: Any) -> None:
        """Let a mailer handle the messages, and count what it did."""
        self.tally = MailTally(self.activity(clients.get("dynamodb")))
        try:
            self.mailer(**clients).handle(bodies, time_left_s)
        finally:
            self.tally.flush()

    def drain(self, **clients: Any) -> None:
        """Deliver what was put back, as SQS would after its delay, until nothing is left."""
        for _ in range(400):
            bodies, self.queue.bodies, self.queue.delays = self.queue.bodies, [], []
            if not bodies:
                return
            self.now += timedelta(minutes=15)
            self.tell(bodies, **clients)
        raise AssertionError("the queue never empties")

    def states(self, transaction_id: str) -> dict[str, str]:
        noted = self.deliveries.of_transaction(TransactionKey("eazycard", transaction_id))
        return {values["holder"]: values["state"] for values in noted}

    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.dead_letters.bodies]


def ses_event(name: str, address: str | None = None, message_id: str | None = None, **tags: str) -> str:
    """Return what SES publishes, as in `tests/events`, for an e-mail with these tags."""
    event = json.loads((EVENTS / f"ses_{name}.json").read_text())
    event["mail"]["tags"] |= {name: [value] for name, value in tags.items()}
    if address is not None:
        event["mail"]["destination"] = [address]
    if message_id is not None:
        event["mail"]["messageId"] = message_id
    return json.dumps(event)


def messages(*told: Transaction) -> list[str]:
    return list(pack(to_payload(Notice(one)) for one in told))


def many(count: int) -> list[Transaction]:
    return [transaction(id=f"t{number}", account=f"a{number}") for number in range(count)]
