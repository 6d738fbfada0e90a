"""What a steady stage's tables cost: by hand of figures that are easy to follow, and told apart as the functions do."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from chalicelib.analytics.job import AnalyticsJob
from chalicelib.analytics.repository import SAFETY_MARGIN, AnalyticsRepository
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from operations import units
from operations.steady import (
    HARDLY_READ,
    NOTE_ACTIVITY,
    READ_THE_STEADY_TABLES,
    READS,
    TABLES_AND_INDEXES,
    USD_AN_HOUR,
    WRITES,
    lines,
    to_set,
    usd_a_million,
)
from tests.fakes import FakeSqs, Metered
from tests.mail_world import NOW, World, many, messages, ses_event
from tests.samples import PROJECT_DIR
from tests.stream_world import Stream, record

QUIET, BUSY = Decimal("0.001"), Decimal(10**12)
ONE = Decimal(1)
BATCH = 100


@pytest.fixture(scope="module")
def with_capacity() -> dict[str, Any]:
    """The tables that have capacity in a steady stage, by the template."""
    template, _ = decode(str(PROJECT_DIR / "infra" / "data.yaml"))
    return {
        name: one["Properties"]
        for name, one in template["Resources"].items()
        if one["Type"] == "AWS::DynamoDB::Table" and "IsSteady" in json.dumps(one)
    }


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Units that are easy to follow, in the place of those that were counted; some can be set."""
    path = tmp_path / "units.json"

    def count(**others: tuple[float, float]) -> None:
        rows = {"api_handler": (4, 0.1), "transaction_stream": (1, 2), "analytics_job": (1, 1)}
        rows |= {"mailer": (3, 1), "feedback": (2, 1)} | others
        calls = {f"{name} dynamodb": {"write_units": write, "read_units": read} for name, (write, read) in rows.items()}
        run = {"calls": calls, "functions": {}}
        path.write_text(json.dumps({"runs": {"alone": run, "full": run}}))

    count()
    monkeypatch.setattr(units, "UNITS", path)
    return count


@pytest.mark.usefixtures("counted")
def test_what_has_capacity_is_told_apart_from_what_is_on_demand_by_hand() -> None:
    busy = {one.name: (one.a_transaction, one.an_email) for one in lines(BUSY, 1, ONE)}
    of_notes = Decimal("0.01")  # a hundred share the call that notes a bank's activity
    assert busy["DynamoDB, writes on demand"] == (of_notes, 2 * of_notes)
    assert busy["DynamoDB, write capacity"] == (6 - of_notes, 5 - 2 * of_notes)
    assert busy["DynamoDB, read capacity"] == (6, 1), "three reads, and three indexes that are kept"
    assert busy["DynamoDB, reads on demand"] == (Decimal("0.1"), 1)
    quiet = {one.name: (one.a_transaction, one.an_email) for one in lines(QUIET, 1, ONE)}
    assert quiet["DynamoDB, writes on demand"] == (1, 2)
    assert quiet["DynamoDB, reads on demand"] == (Decimal("0.1"), 1)


def test_no_function_notes_more_than_it_writes(counted: Callable[..., None]) -> None:
    counted(feedback=(0.25, 1))
    quiet = {one.name: (one.a_transaction, one.an_email) for one in lines(QUIET, 1, ONE)}
    assert quiet["DynamoDB, writes on demand"] == (1, Decimal("1.25"))


@pytest.mark.parametrize(("per_day", "number"), [(1, 1), (86_400, 2), (864_000, 15), (8_640_000, 143)])
@pytest.mark.parametrize("holders", ["1", "1.5"])
def test_a_small_stage_pays_for_the_least_that_its_tables_keep(per_day: int, number: int, holders: str) -> None:
    assert to_set(Decimal(per_day), 70) == number
    for one in lines(Decimal(per_day), 1, Decimal(holders)):
        if "capacity" in one.name:
            an_hour = USD_AN_HOUR[WRITES if "write" in one.name else READS]
            a_day = one.usd(Decimal(per_day), per_day * Decimal(holders))
            assert float(a_day) >= float(24 * an_hour * number * 6) * 0.999, one.name
            if per_day == 1:
                assert float(a_day) == pytest.approx(float(24 * an_hour * 6)), one.name


def test_nothing_else_differs_from_a_stage_on_demand() -> None:
    on_demand, steady = units.lines(BUSY, 100, ONE), lines(BUSY, 100, ONE)
    assert [one for one in steady if "DynamoDB" not in one.name] == [
        one for one in on_demand if one.name not in (WRITES.name, READS.name)
    ]
    assert [one.name for one in steady][1:5] == [
        f"DynamoDB, {kind}" for kind in ("write capacity", "read capacity", "writes on demand", "reads on demand")
    ]


def test_no_write_is_lost_between_capacity_and_on_demand() -> None:
    (whole,) = [one for one in units.lines(Decimal(10**8)) if one.name == WRITES.name]
    parts = [one for one in lines(Decimal(10**8), 1, ONE) if "write" in one.name]
    assert sum(one.a_transaction for one in parts) == pytest.approx(whole.a_transaction, rel=Decimal("0.005"))
    assert sum(one.an_email for one in parts) == pytest.approx(whole.an_email, rel=Decimal("0.005"))


def test_a_million_units_cost_what_their_hours_do() -> None:
    # A million writes in an hour are 277.8 a second; at half of the use, twice as many are kept.
    assert float(usd_a_million(WRITES, 100)) == pytest.approx(1_000_000 / 3_600 * 0.00065)
    assert usd_a_million(WRITES, 50) == 2 * usd_a_million(WRITES, 100)
    for price in (WRITES, READS):
        assert usd_a_million(price, 29) < Decimal(price.usd_a_million) < usd_a_million(price, 28)


# What the functions do


class ByTable:
    """A client that counts the units of each table."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._units: dict[str, Counter[str]] = defaultdict(Counter)

    def __getattr__(self, name: str) -> Any:
        def counted(**arguments: Any) -> Any:
            items = [one for each in arguments.get("TransactItems", ()) for one in each.values()]
            tables = {one["TableName"] for one in items} or arguments.get("RequestItems") or {arguments["TableName"]}
            (table,) = tables
            return getattr(Metered(self._client, Counter(), self._units[table]), name)(**arguments)

        return counted

    def tables(self, kind: str) -> dict[str, float]:
        return {table: units[kind] for table, units in self._units.items() if units[kind]}


def test_the_functions_read_and_write_the_tables_that_the_price_takes_them_to(
    dynamodb: Any, table_names: dict[str, str], with_capacity: dict[str, Any]
) -> None:
    world = World(dynamodb, table_names)
    told = many(BATCH)
    for one in told:
        world.enrol(one.account, "awa")
    clients = {name: ByTable(dynamodb) for name in (*NOTE_ACTIVITY, "analytics_job")}
    queue, stream = FakeSqs(), Stream(dynamodb, table_names)
    batch = [record(transaction_item(one)) for one in told]
    stream.handle(batch, notifications=queue, dynamodb=clients["transaction_stream"])
    world.tell(messages(*told), dynamodb=clients["mailer"])
    bodies = [ses_event("delivery", message_id=world.ses.id_of(one.id), transaction=one.id) for one in told]
    world.hear(bodies, dynamodb=clients["feedback"])
    for one in told:
        dynamodb.put_item(TableName=table_names["TransactionsTable"], Item=transaction_item(one))
    client = clients["analytics_job"]
    AnalyticsJob(
        AnalyticsRepository(client, table_names["AnalyticsTable"]),
        BaselineRepository(client, table_names["AnalyticsTable"]),
        TransactionRepository(client, table_names["TransactionsTable"]),
        lambda: NOW + SAFETY_MARGIN + timedelta(seconds=1),
    ).run(lambda: 60)

    for name, client in clients.items():
        others = {table: units for table, units in client.tables("write").items() if table not in with_capacity}
        assert others == ({"DeferralsTable": 1} if name in NOTE_ACTIVITY else {}), name
        read = client.tables("read")
        if name in READ_THE_STEADY_TABLES:
            assert sum(units for table, units in read.items() if table not in with_capacity) <= 1, name  # settings
            assert sum(read.values()) > BATCH
        else:
            assert not with_capacity.keys() & read.keys(), name


def test_the_indexes_that_are_hardly_read_are_all_that_have_capacity(with_capacity: dict[str, Any]) -> None:
    indexes = [index["IndexName"] for one in with_capacity.values() for index in one.get("GlobalSecondaryIndexes", ())]
    assert sorted(HARDLY_READ) == sorted(indexes)
    assert len(with_capacity) + len(indexes) == TABLES_AND_INDEXES
