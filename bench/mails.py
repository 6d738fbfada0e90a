"""The cost of notifying a hundred holders beside a naive mailer, and the time to render one e-mail.

python -m bench.mails            forty rounds
python -m bench.mails --quick    six
"""

import argparse
import dataclasses
import functools
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tqdm import tqdm

from bench import environment, naive_mailer, report, timing
from bench.report import Line
from chalicelib.activity.recorder import ActivityRecorder
from chalicelib.activity.repository import ActivityRepository
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.dynamo import Item, to_item
from chalicelib.aws.queues import Queue
from chalicelib.aws.secret_store import SecretStore
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import DEFAULT_DIGEST_AFTER
from chalicelib.holders.links import HolderLinks
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.pacing import Pacer, SesAccount
from chalicelib.mail.ses import SesOutbox
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
from chalicelib.notifications.log import NotificationLog
from chalicelib.notifications.mail_tally import MailTally
from chalicelib.notifications.mailer import Mailer
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.notifications.purchases import Purchases
from chalicelib.notifications.sending import Sending
from chalicelib.notifications.stand_ins import StandIns
from mail_gallery.samples import STORIES, TRANSACTION, sample

COUNT = 100
# The limits (docs/performance.md).
OWN_TIME, WITH_SES, ONE_MAIL_S = 0.35, 0.05, 0.0005
SES_ANSWERS_S = 0.020
_NOW = datetime(2026, 1, 10, 14, 1, tzinfo=UTC)


class StubTables:
    """Replaces DynamoDB: each account has one holder, every claim succeeds, and nothing is stored."""

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:  # noqa: N803
        if "entry" in Key:
            return {"Item": to_item(dataclasses.asdict(Bank("eazycard", "EAZYCard", "XAF", "standard")))}
        return {"Item": _account(Key)}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        return {"Responses": {table: [_account(key) for key in asked["Keys"]] for table, asked in RequestItems.items()}}

    def put_item(self, **_: Any) -> dict[str, Any]:
        return {}

    batch_write_item = transact_write_items = update_item = put_item


class StubSes:
    """Replaces SES: it accepts every e-mail at once, and counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def send_email(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        return {"MessageId": "message"}

    def send_bulk_email(self, *, BulkEmailEntries: list[Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        return {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "message"} for _ in BulkEmailEntries]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if a target is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.mails",
        description="Measure notifying 100 holders beside a naive mailer, and rendering one e-mail of each kind.",
        epilog="The status is 0 when every target is met, 1 when a target is missed.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a first impression")
    rounds = 6 if parser.parse_args(arguments).quick else 40
    output = environment.divert_output()
    lines = [*_notifications(rounds), *_renderings(rounds)]
    print(report.as_text(lines), file=output)
    return 0 if all(line.is_met for line in lines) else 1


def _notifications(rounds: int) -> Iterator[Line]:
    works = {"ours": ours, "naive": naive}
    waited_s = {}
    for name, make in works.items():
        ses = StubSes()
        make(ses)()
        # The mailers do nothing else while SES answers: the wait is the sum of all answers' times.
        waited_s[name] = ses.calls * SES_ANSWERS_S
    with tqdm(total=rounds, desc="notifications", unit="round", delay=2) as bar:
        own = timing.rounds({name: make(StubSes()) for name, make in works.items()}, rounds, bar.update)
    whole = {name: [seconds + waited_s[name] for seconds in own[name]] for name in works}
    yield _line(f"{COUNT} notifications: own time", own, OWN_TIME)
    yield _line(f"{COUNT} notifications: SES answers in 20 ms", whole, WITH_SES)


def _renderings(rounds: int) -> Iterator[Line]:
    works = {
        f"{kind}, {locale}": functools.partial(sample, kind, locale) for kind in STORIES for locale in ("fr", "en")
    }
    seconds = timing.rounds(works, rounds, lambda: None)
    for name, found in seconds.items():
        median = statistics.median(found)
        yield Line(f"one e-mail: {name}", report.duration, median, "", ONE_MAIL_S, median / ONE_MAIL_S, 1)


class _Keys:
    """Replaces Secrets Manager: it has the keys that sign the links."""

    def get_secret_value(self, **_: Any) -> dict[str, Any]:
        return {"SecretString": json.dumps({"newest": "k" * 48, "older": []})}


def ours(ses: Any) -> timing.Work:
    """Return the mailer's work on a hundred notices in ten queue messages."""
    tables = StubTables()
    links = HolderLinks(SecretStore(_Keys, lambda: _NOW), "keys", lambda: _NOW, "https://api.example.com")
    queue = Queue(None, "url")  # Not used: nothing is deferred or dead-lettered.
    banks = BankDirectory(BankRepository(tables, "banks"), lambda: _NOW)
    holders, letters = HolderRepository(tables, "accounts"), DeadLetters(queue, "mailer")
    tally = MailTally(ActivityRecorder(ActivityRepository(tables, "deferrals"), lambda: now))
    sending = Sending(
        NotificationLog(
            tables,
            "notifications",
            NotificationFeed(tables, "notifications", lambda: _NOW),
            recorded=tally.recorded,
        ),
        Pacer(tables, "notifications", SesAccount(ses, lambda: _NOW, fixed=1e9), lambda: _NOW),
        SesOutbox(ses, "EAZYCard <alerts@example.com>", "configuration"),
        lambda: _NOW,
    )
    digests = DigestSender(
        DigestRepository(tables, "deferrals"),
        DigestMembers(tables, "notifications"),
        holders,
        DigestComposer(banks, links.links_for),
        sending,
        queue,
        letters,
        lambda: _NOW,
    )
    mailer = Mailer(
        holders,
        Purchases(
            TransactionRepository(tables, "transactions"),
            PurchaseRepository(tables, "notifications"),
            StandIns(tables, "notifications"),
        ),
        Composer(banks, links.links_for),
        Allowances(AllowanceRepository(tables, "deferrals"), lambda _bank: DEFAULT_DIGEST_AFTER),
        sending,
        digests,
        queue,
        Deferrals(DueRepository(tables, "deferrals"), queue),
        letters,
        lambda _bank, count: count,
        lambda: now,
    )
    bodies = list(pack(to_payload(Notice(transaction)) for transaction in transactions()))
    now = _NOW

    def work() -> None:
        # Each round is in another hour: the second and later ones of an hour would be counted.
        nonlocal now
        now += timedelta(hours=2)
        mailer.handle(bodies, lambda: 20)
        tally.flush()

    return work


def naive(ses: Any) -> timing.Work:
    """Return the naive mailer's work on the same transactions."""
    debits, tables = transactions(), StubTables()
    return lambda: naive_mailer.handle(debits, tables, ses)


def transactions() -> list[Transaction]:
    """Return a hundred debits, each of its own account."""
    return [
        dataclasses.replace(
            TRANSACTION, id=f"t{number}", account=f"account-{number}", amount=Decimal(1000 + 37 * number)
        )
        for number in range(COUNT)
    ]


def _account(key: Item) -> Item:
    holder = {
        "name": "Grace Tanyi",
        "email": "grace@example.com",
        "locale": "en",
        "timezone": "Africa/Douala",
        "preferences": {},
        "enrolled_at": "2026-01-01T00:00:00Z",
    }
    return {**key, **to_item({"holder:h": holder})}


def _line(name: str, seconds: dict[str, list[float]], target: float) -> Line:
    measured, beside = (statistics.median(seconds[who]) for who in ("ours", "naive"))
    figure = timing.ratio(seconds["ours"], seconds["naive"])
    return Line(name, report.duration, measured, "naive mailer", beside, figure, target)


if __name__ == "__main__":
    sys.exit(main())
