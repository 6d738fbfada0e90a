"""Whatever is stored, every step behind the door holds it: a record over which a step fails is set aside by itself.

Each example is a stream batch of transactions at the extremes of every field, among them some that the door refuses
today (of the year 1) and records that were written past it. It goes through judging, telling, archiving, folding,
baselines, statements, the feed and webhooks; the test ends by counting.
"""

import gzip
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.reader import AnalyticsReader
from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.analytics.rollups import is_countable
from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.dynamo import from_item
from chalicelib.aws.queues import Queue
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.archive import Archiver
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from chalicelib.mail.statement import statement_of
from chalicelib.mail.statement_mail import render_statement
from chalicelib.notifications.deferrals import Release
from chalicelib.notifications.due import DueRepository
from tests.archive_bucket import BUCKET, FakeBucket, of_item
from tests.fakes import FakeSqs, OneCallAtATime
from tests.stream_world import Stream
from tests.tables import create_tables
from tests.webhook_desk import Desk

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
ZONES = ("Pacific/Kiritimati", "Etc/GMT+12", "Africa/Douala", "America/New_York")
# The first and last moments that are stored today, those of the years before the door was closed, and the calendar's.
MOMENTS = (
    datetime(1970, 1, 1, tzinfo=UTC),
    NOW,
    NOW + timedelta(minutes=5),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1900, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
TEXTS = (
    "A",
    "‮evil‬",
    "é" * 140,
    "🧾" * 70,
    "<b>&amp;{{x}}</b>",
    "http://a.example/",
    "\N{ARABIC LIGATURE UIGHUR KIRGHIZ YEH WITH HAMZA ABOVE WITH ALEF MAKSURA ISOLATED FORM}",
)
SPOILT: tuple[dict[str, Any], ...] = (
    {"amount": {"S": "twelve"}},
    {"amount": {"N": "-1"}},
    {"currency": {"S": "???"}},
    {"timestamp": {"S": "yesterday"}},
    {"timestamp": {"NULL": True}},
    {"recorded_at": {"S": "2026-13-01T00:00:00Z"}},
    {"account": {"S": ""}},
    {"status": {"S": "unknown"}},
    {"merchant": {"S": "none"}},
    {"merchant": {"M": {"name": {"N": "5"}}}},
    {"counterparty": {"L": []}},
    {"description": {"M": {}}},
    {"reference": {"N": "1"}},
    {"balance": {"S": "1"}},
    {"metadata": {"L": []}},
    {"booking_date": {"S": "2026-02-30"}},
    {"original": {"S": "12 USD"}},
    {"original": {"M": {"currency": {"S": "???"}}}},
    {"original": {"M": {"amount": {"L": []}}}},
)


@st.composite
def extremes(draw: st.DrawFn, number: int) -> Transaction:
    currency = draw(st.sampled_from(["XAF", "EUR", "KWD", "CLF", "JPY"]))
    smallest = Decimal(1).scaleb(-CURRENCY_DECIMALS[currency])
    amounts = st.sampled_from([smallest, Decimal(10**15) - smallest, Decimal(1)])
    text = st.sampled_from(TEXTS)
    day = st.sampled_from([date(1970, 1, 1), date(9999, 12, 31), date(1, 1, 1)])
    identifier = st.sampled_from(["x", "t0", "Z" * 64, "a.b_c-d"])
    status = draw(st.sampled_from(STATUSES))
    optional = {
        "authorization_id": identifier,
        "reversal_of": identifier if status == "reversed" else st.none(),
        "merchant": st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(["name", "city", "id"], text)
            | {"mcc": st.just("0000"), "country": st.sampled_from(["CM", "AQ"])},
        ),
        "description": text,
        "balance": amounts.map(lambda amount: -amount),
        "card_last4": st.just("0000"),
        "booking_date": day,
        "value_date": day,
        "original": st.fixed_dictionaries(
            {}, optional={"amount": amounts, "currency": st.just("CLF"), "rate": st.just(Decimal("0.000000000000001"))}
        ),
        "counterparty": st.fixed_dictionaries({}, optional={"name": text, "account": st.just("9" * 34)}),
        "reference": text,
        "decline_reason": text if status == "declined" else st.none(),
        # In one transaction only: Hypothesis can't show an example of more than 30 KB.
        "metadata": st.just({f"k{index}": "v" * 256 for index in range(20 if number == 0 else 1)}),
        "notify": st.booleans(),
    }
    return Transaction(
        bank="eazycard",
        id=f"t{number}",
        account=draw(st.sampled_from(["a0", "a1"])),
        amount=draw(amounts),
        type=draw(st.sampled_from(TYPES)),
        timestamp=draw(st.sampled_from(MOMENTS)),
        currency=currency,
        status=status,
        recorded_at=NOW - timedelta(minutes=5) + timedelta(microseconds=number),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    )


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[Transaction], list[dict[str, Any]]]:
    """Return transactions, and stored items of others that were written past the API."""
    size = draw(st.integers(20, 30))  # many in a batch: making the tables takes longer than all the steps
    good = [draw(extremes(number)) for number in range(size)]
    bad = []
    for number, spoilt in enumerate(draw(st.lists(st.sampled_from(SPOILT), max_size=8)), size):
        bad.append(transaction_item(draw(extremes(number))) | spoilt)
    return good, bad


class Behind:
    """Everything behind the door, on one set of tables."""

    def __init__(self, dynamodb: Any, names: dict[str, str]) -> None:
        self.dynamodb, self.names = OneCallAtATime(dynamodb), names
        self.desk = Desk(self.dynamodb, names)
        self.desk.now = NOW
        self.stream = Stream(dynamodb, names)
        self.stream.now = NOW
        self.bucket = FakeBucket()
        self.transactions = TransactionRepository(self.dynamodb, names["TransactionsTable"])
        for account, zone in (("a0", ZONES[0]), ("a1", ZONES[1])):
            self.desk.enrol(account, "awa", locale="fr")
            (holder,) = self.desk.holders.of_account("eazycard", account)
            self.desk.holders.put("eazycard", account, replace(holder, timezone=zone))

    def job(self) -> AnalyticsJob:
        table = self.names["AnalyticsTable"]
        return AnalyticsJob(
            AnalyticsRepository(self.dynamodb, table),
            BaselineRepository(self.dynamodb, table),
            self.transactions,
            lambda: NOW,
        )

    def pass_time(self) -> None:
        """Let the hour of the holders' e-mails pass, and send what was to come together then."""
        alerts, due = FakeSqs(), DueRepository(self.dynamodb, self.names["DeferralsTable"])
        due.move_checkpoint(NOW)  # or a day of hours is looked at
        self.desk.now += timedelta(hours=2)
        Release(
            due,
            Queue(self.desk.queue, "url", sleep=lambda _: None),
            Queue(alerts, "url", sleep=lambda _: None),
            DeadLetters(Queue(self.desk.dead_letters, "url", sleep=lambda _: None), "release_deferred"),
            lambda: self.desk.now,
        ).run(lambda: 55)
        self.desk.tell(alerts.bodies)
        self.desk.drain()

    def told(self) -> Counter[str]:
        """Return how often the holders were told of each transaction."""
        return Counter(email["tags"]["transaction"] for email in self.desk.ses.accepted)


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(batches())
def test_nothing_that_is_stored_stops_anything_behind(batch: tuple[list[Transaction], list[dict[str, Any]]]) -> None:
    good, bad = batch
    with mock_aws():
        client = boto3.client("dynamodb")
        behind = Behind(client, create_tables(client))
        items = [*map(transaction_item, good), *bad]
        for item in items:
            if item.get("account", {}).get("S") != "":  # an index key can't be empty
                client.put_item(TableName=behind.names["TransactionsTable"], Item=item)
        records = [of_item(item, number) for number, item in enumerate(items)]

        # Judging and telling: whatever is wrong with a record, the others are told.
        behind.stream.handle(records)
        bodies = [*behind.stream.alerts.bodies, *behind.stream.notifications.bodies]
        behind.desk.tell(bodies)
        behind.desk.drain()
        behind.pass_time()
        states = {one.id: behind.desk.states(one.id) for one in good}
        letters = [json.loads(body) for body in (*behind.stream.dead_letters.bodies, *behind.desk.dead_letters.bodies)]
        failed = Counter(
            letter["payload"]["transaction"]["id"] for letter in letters if "transaction" in letter["payload"]
        )
        for one in good:
            if not one.notify:
                continue
            assert states[one.id].get("awa") in ("sent", "skipped", "failed"), (one, states[one.id])
            assert (states[one.id]["awa"] == "failed") == (failed[one.id] == 1), one
        assert all(count == 1 for count in behind.told().values())

        # Archiving: each readable transaction once.
        Archiver(behind.bucket, BUCKET).handle(records)
        archived = Counter(line["id"] for line in _lines(behind.bucket))
        assert archived.keys() >= {one.id for one in good}
        assert set(archived.values()) == {1}

        # Folding and baselines: the job comes to its end, and counts what is countable.
        behind.job().run(lambda: 60.0)
        reader = AnalyticsReader(
            AnalyticsRepository(behind.dynamodb, behind.names["AnalyticsTable"]),
            behind.transactions,
            lambda: NOW,
            lambda _: None,
        )
        days, _ = reader.of_bank("eazycard", date.min, date.max)
        counted = sum(sum(sums.statuses.values()) for sums in days.values())
        assert counted == sum(is_countable(from_item(item)) for item in items)
        assert behind.job().run(lambda: 60.0) == 0

        # Listing and statements: what can't be read is left out.
        for account in ("a0", "a1"):
            page = behind.transactions.newest_for_account("eazycard", Listing(account, limit=100))
            assert {one.id for one in good if one.account == account} <= {one.id for one in page.transactions}
            (holder,) = behind.desk.holders.of_account("eazycard", account)
            week = [one for one in page.transactions if one.timestamp.date() == NOW.date()]
            statement = statement_of(account, "weekly", date(2026, 1, 5), date(2026, 1, 11), week)
            assert render_statement(statement, holder, "EAZYCard").text

        # The feed and webhooks: every notification that changed is there.
        behind.desk.now += timedelta(minutes=1)
        changes = behind.desk.feed().read("eazycard", "", 100)
        assert {key.transaction for key in changes.keys} >= {one.id for one in good if one.notify}


def _lines(bucket: FakeBucket) -> list[dict[str, Any]]:

    return [
        json.loads(line) for body in bucket.objects.values() for line in gzip.decompress(body).decode().split("\n")[:-1]
    ]


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_account_with_a_moment_at_the_end_of_the_calendar_is_judged_again_and_again(moment: datetime) -> None:
    with mock_aws():
        client = boto3.client("dynamodb")
        behind = Behind(client, create_tables(client))
        odd = replace(_plain("t0"), timestamp=moment)
        for batch in ([odd], [_plain("t1")], [odd, _plain("t2")]):
            behind.stream.store(*(one for one in batch if one.id != "t0" or len(batch) == 1))
            behind.stream.handle([of_item(transaction_item(one)) for one in batch])
            behind.job().run(lambda: 60.0)
        assert not behind.stream.dead_letters.bodies
        assert len(behind.stream.notifications.bodies) == 3


def _plain(id_: str) -> Transaction:
    return Transaction(
        bank="eazycard",
        id=id_,
        account="a0",
        amount=Decimal(100),
        type="debit",
        timestamp=NOW,
        currency="EUR",
        recorded_at=NOW - timedelta(minutes=5),
    )
