"""A morning on which statements are due: the mailer's world with the function that sends them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.holders.holder import Holder
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.notifications.due import DueRepository
from chalicelib.notifications.mail_tally import MailTally
from chalicelib.statements.composing import StatementComposer
from chalicelib.statements.index import StatementIndex
from chalicelib.statements.job import StatementJob
from tests.mail_world import World
from tests.samples import transaction

# A Wednesday; its week is over on Sunday, 14 June.
ENROLLED = datetime(2026, 6, 10, 12, tzinfo=UTC)
DUE = datetime(2026, 6, 15, 8, tzinfo=UTC)
WEEK = "statement@a0@2026-W24"


class Morning(World):
    """The mailer's world with the function that sends statements."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        super().__init__(dynamodb, names)
        self.now = ENROLLED
        self.most_transactions = 20_000

    def subscribe(
        self, account: str = "a0", *ids: str, bank: str = "eazycard", timezone: str = "UTC", **preferences: Any
    ) -> None:
        """Enrol holders as the API does."""
        for holder_id in ids or ("awa",):
            holder = Holder(
                holder_id,
                "Awa",
                f"{account}.{holder_id}@example.com",
                "en",
                timezone,
                {"statement": "weekly", **preferences},
                self.now,
                choices={},
            )
            self.index().enter(bank, account, holder, self.now)
            self.suppression().enrol(bank, account, holder)

    def index(self) -> StatementIndex:
        return StatementIndex(DueRepository(self.dynamodb, self.names["StatementsTable"]))

    def spend(self, amount: str, at: str, account: str = "a0", **changes: Any) -> None:
        moment = datetime.fromisoformat(at)
        self.record(
            transaction(
                id=f"{account}-{at.replace(':', '').replace('+', 'p')}",
                account=account,
                amount=Decimal(amount),
                timestamp=moment.astimezone(UTC),
                **changes,
            )
        )

    def run(
        self,
        now: datetime | None = None,
        dynamodb: Any = None,
        ses: Any = None,
        dead_letters: Any = None,
        time_left_s: Callable[[], float] = lambda: 55,
    ) -> None:
        dynamodb = dynamodb or self.dynamodb
        self.now = max(self.now, now or self.now)
        if now is not None:
            self.skip_to(now - timedelta(hours=1))
        self.tally = MailTally(self.activity(dynamodb))
        self.job(dynamodb, ses, dead_letters).run(time_left_s)

    def job(
        self, dynamodb: Any = None, ses: Any = None, dead_letters: Any = None, composer: Any = None
    ) -> StatementJob:
        dynamodb = dynamodb or self.dynamodb
        return StatementJob(
            DueRepository(dynamodb, self.names["StatementsTable"]),
            HolderRepository(dynamodb, self.names["AccountsTable"]),
            composer
            or StatementComposer(
                TransactionRepository(dynamodb, self.names["TransactionsTable"]),
                BankDirectory(BankRepository(dynamodb, self.names["BanksTable"]), lambda: self.now),
                self.links_for,
                self.most_transactions,
            ),
            self.sending(dynamodb, ses or self.ses),
            DeadLetters(Queue(dead_letters or self.dead_letters, "url", sleep=lambda _: None), "statements"),
            lambda: self.now,
            self.tally,
        )

    def runs_on(self, until: datetime, every: timedelta = timedelta(minutes=15)) -> None:
        """Let time pass, and let the job run whenever a statement is due."""
        while self.now < until:
            self.now = min(self.now + every, until)
            soonest = min((due for due, _ in self.expected), default="")
            if soonest and datetime.fromisoformat(f"{soonest}+00:00") <= self.now:
                self.skip_to(datetime.fromisoformat(f"{soonest}+00:00"))
                self.run()

    def skip_to(self, moment: datetime) -> None:
        """Move the checkpoint over the empty hours before the moment, to save time; never back, as the job doesn't."""
        repository = DueRepository(self.dynamodb, self.names["StatementsTable"])
        checkpoint, hour = repository.checkpoint(), moment.replace(minute=0, second=0, microsecond=0)
        if checkpoint is None or checkpoint < hour:
            repository.move_checkpoint(hour)

    @property
    def expected(self) -> list[tuple[str, str]]:
        """The index's entries: when each is due, and its holder and period; soonest first."""
        items = self.dynamodb.scan(TableName=self.names["StatementsTable"])["Items"]
        entries = [
            (item["due"]["S"].partition("#")[0], json.loads(item["notice"]["S"])) for item in items if "notice" in item
        ]
        return sorted((due[:16], f"{entry['account']}.{entry['holder']} {entry['period']}") for due, entry in entries)

    @property
    def told(self) -> dict[str, int]:
        return dict(self.ses.recipients)

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Which statement went to which holder, in order."""
        return [(email["to"].partition("@")[0], email["tags"]["transaction"]) for email in self.ses.accepted]

    def noted(self, statement: str = WEEK) -> list[tuple[str, str | None]]:
        found = self.deliveries.of_transaction(TransactionKey("eazycard", statement))
        return [(values["state"], values.get("reason")) for values in found]
