"""A flood of transactions: mailers that remember, both queues, the release, and the count of what came in the end."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.allowances import HOUR
from chalicelib.notifications.digest import DigestNotice, unpack
from chalicelib.notifications.digests_repository import CLOSED_FOR
from chalicelib.notifications.mailer import Mailer
from chalicelib.notifications.notice import Evidence, Notice, pack, to_payload
from chalicelib.notifications.state import NotificationKey
from tests.mail_world import NOW
from tests.quiet_night import Night
from tests.samples import EVIDENCE, transaction

ACCOUNT = "a0"
ADDRESS = "a0.awa@example.com"


class Flood(Night):
    """The mailers of both queues, each a process that goes on living, and time that passes."""

    def __init__(self, dynamodb: Any, names: dict[str, str], mailers: int = 1) -> None:
        super().__init__(dynamodb, names)
        self.mailers = [self.mailer() for _ in range(mailers)]
        self.alert_mailer = self.mailer(queue=self.alert_queue)

    def flood(self, transactions: Iterable[Transaction], mailer: Mailer | None = None) -> None:
        """Hand the transactions to a mailer, ten messages of ten at a time."""
        bodies = list(pack(to_payload(Notice(one)) for one in transactions))
        for start in range(0, len(bodies), 10):
            (mailer or self.mailers[0]).handle(bodies[start : start + 10], lambda: 20)

    def alarm(self, *transactions: Transaction, flags: dict[str, Evidence] | None = None) -> None:
        """Hand flagged transactions to the alert mailer."""
        flags = flags or {"large_amount": EVIDENCE["large_amount"]}
        bodies = list(pack(to_payload(Notice(one, flags=flags)) for one in transactions))
        self.alert_mailer.handle(bodies, lambda: 20)

    def pass_time(self, duration: timedelta = HOUR + CLOSED_FOR, mailer: Mailer | None = None) -> None:
        """Let time pass, and what is due then come to the mailers."""
        self.now += duration
        self.release(now=self.now)
        self.deliver_all(mailer)

    def deliver_all(self, mailer: Mailer | None = None) -> None:
        """Hand all that is in the queues to the mailers, as SQS would after its delays, until nothing is left."""
        for _ in range(400):
            if not (self.queue.bodies or self.alert_queue.bodies):
                return
            for queue, handler in ((self.queue, mailer or self.mailers[0]), (self.alert_queue, self.alert_mailer)):
                bodies, delays = queue.bodies, queue.delays
                queue.bodies, queue.delays = [], []
                self.now += timedelta(seconds=max(delays, default=0))
                if bodies:
                    handler.handle(bodies, lambda: 20)
        raise AssertionError("the queues never empty")

    def mails(self, to: str = ADDRESS) -> list[dict[str, Any]]:
        return [email for email in self.ses.accepted if email["to"] == to]

    def noted_of(self, transactions: Sequence[Transaction]) -> Counter[tuple[str, str | None]]:
        """Return how many notifications are in which state, with the reason."""
        keys = [NotificationKey("eazycard", one.id, "awa") for one in transactions]
        found = self.deliveries.of_keys(keys).values()
        return Counter((values["state"], values.get("reason")) for values in found)

    def items(self) -> list[dict[str, Any]]:
        """Return what is in the table of due notices."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.names["DeferralsTable"])
        return [item for page in pages for item in page["Items"]]

    @property
    def entries(self) -> int:
        """How many notifications wait for a digest."""
        return sum(item["due_hour"]["S"].startswith(("digest#", "alerts#")) for item in self.items())

    def digest_states(self, bodies: Sequence[str]) -> set[str]:
        """Return what is noted of the digests themselves whose notices are in these messages."""
        notices = [notice for body in bodies for notice in unpack(body, [])]
        keys = [notice.key for notice in notices if isinstance(notice, DigestNotice)]
        return {note["state"] for note in self.log(self.dynamodb).notes(keys).values()}


def on_one_account(count: int, first: int = 0, at: datetime = NOW, **changes: object) -> list[Transaction]:
    """Return so many debits of one account, `f0`, `f1`, …, a second apart; all can be told from an e-mail's text."""
    return [
        transaction(
            **{
                "id": f"f{number:04}",
                "account": ACCOUNT,
                "timestamp": at + timedelta(seconds=number),
                "recorded_at": at + timedelta(seconds=number),
                "merchant": {"name": f"Shop <{number:04}>"},
                **changes,
            }
        )
        for number in range(first, first + count)
    ]


def shops_in(mail: dict[str, Any]) -> list[str]:
    """Return the numbers of the transactions that a mail's text tells."""
    return re.findall(r"Shop <(\d{4})>", mail["text"])
