"""A night with quiet hours: the mailer, the deferred notices, and their release."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.deferrals import Release
from chalicelib.notifications.due import DueRepository
from tests.fakes import FakeSqs
from tests.mail_world import World

# It is 14:00:05 (UTC) when the tests begin.
QUIET = {"from": "13:00", "to": "20:30"}
END = datetime(2026, 1, 10, 20, 30, tzinfo=UTC)


class Night(World):
    """The mailer's world with the function that hands back what is due."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        super().__init__(dynamodb, names)
        self.alert_queue = FakeSqs()

    def release(
        self,
        dynamodb: Any = None,
        queue: Any = None,
        time_left_s: Callable[[], float] = lambda: 55,
        now: datetime = END,
    ) -> None:
        self.now = max(self.now, now)
        Release(
            DueRepository(dynamodb or self.dynamodb, self.names["DeferralsTable"]),
            Queue(queue or self.queue, "url", sleep=lambda _: None),
            Queue(self.alert_queue, "url", sleep=lambda _: None),
            DeadLetters(Queue(self.dead_letters, "url", sleep=lambda _: None), "release_deferred"),
            lambda: self.now,
        ).run(time_left_s)

    def deliver(self) -> None:
        """Hand what is in the queue to the mailer, as SQS would."""
        bodies, self.queue.bodies, self.queue.delays = self.queue.bodies, [], []
        if bodies:
            self.tell(bodies)

    @property
    def kept(self) -> int:
        """How many notices wait in the table."""
        items = self.dynamodb.scan(TableName=self.names["DeferralsTable"])["Items"]
        return sum("notice" in item for item in items)

    def noted(self, transaction_id: str = "t0") -> list[tuple[str, str | None]]:
        found = self.deliveries.of_transaction(TransactionKey("eazycard", transaction_id))
        return [(values["state"], values.get("reason")) for values in found]
