"""The archiver: every stored transaction as a line of an object, by bank and day, whatever comes twice."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib.aws.clients import WRITERS
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.archive import Archiver, from_line, to_line
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction, to_json
from tests.archive_bucket import BUCKET, FakeBucket, archived, of_item, records
from tests.fakes import Failing, refusal
from tests.samples import TRANSACTION, transaction
from tests.sizes import size
from tests.strategies import transactions
from tests.tables import TEMPLATE, _Loader

EVENT = Path(__file__).parents[1] / "events" / "transactions_stream.json"
SLOW_DOWN = ClientError(
    {"Error": {"Code": "SlowDown", "Message": "refused by the test"}, "ResponseMetadata": {"HTTPStatusCode": 503}},
    "PutObject",
)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        yield client


def ids(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the ids in each object, by the object's folder and the first two parts of its name."""
    return {key.rpartition("-")[0]: [json.loads(line)["id"] for line in lines] for key, lines in found.items()}


def test_a_batch_becomes_one_object_for_each_bank_and_day_of_arrival(s3: Any) -> None:
    late = datetime(2026, 1, 11, 0, 0, tzinfo=UTC)
    batch = records(
        transaction(id="a", bank="one"),
        transaction(id="b", bank="two"),
        transaction(id="c", bank="one"),
        transaction(id="d", bank="one", recorded_at=late),
    )
    Archiver(s3, BUCKET).handle(batch)
    assert ids(archived(s3)) == {
        "bank=one/date=2026-01-10/100-2": ["a", "c"],
        "bank=two/date=2026-01-10/101-1": ["b"],
        "bank=one/date=2026-01-11/103-1": ["d"],
    }


def test_the_event_that_lambda_gets_is_archived_as_gzip_and_the_line_is_what_the_api_answers(s3: Any) -> None:
    Archiver(s3, BUCKET).handle(json.loads(EVENT.read_text())["Records"])
    ((key, lines),) = archived(s3).items()
    assert key.startswith("bank=eazycard/date=2026-01-10/4421584500000000017450439091-1-")
    assert key.endswith(".jsonl.gz")
    assert [json.loads(line) for line in lines] == [to_json(TRANSACTION)]
    head = s3.head_object(Bucket=BUCKET, Key=key)
    assert head["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in head


def test_the_day_is_the_one_of_arrival_in_utc_and_not_the_transactions_own(s3: Any) -> None:
    arrived = datetime.fromisoformat("2026-02-01T00:30:00+01:00")
    Archiver(s3, BUCKET).handle(records(transaction(recorded_at=arrived)))
    (key,) = archived(s3)
    assert key.startswith("bank=eazycard/date=2026-01-31/")


@given(st.lists(transactions(), max_size=8))
@settings(max_examples=size(50, 1_000))
def test_any_transactions_come_back_whole(stored: list[Transaction]) -> None:
    bucket = FakeBucket()
    Archiver(bucket, BUCKET).handle(records(*stored))

    def order(one: Transaction) -> str:
        return repr((one.bank, to_line(one)))

    assert sorted(bucket.transactions, key=order) == sorted(stored, key=order)


def test_what_ends_a_line_in_a_text_ends_none_in_the_archive(s3: Any) -> None:
    stored = transaction(description="a\u2028b\u0085c\nd", metadata={"k\r": "\u2029"})
    Archiver(s3, BUCKET).handle(records(stored))
    ((line,),) = archived(s3).values()
    assert from_line(line, stored.bank) == stored


def test_a_batch_that_comes_again_overwrites_itself_with_the_same_bytes() -> None:
    batch = records(transaction(id="a"), transaction(id="b", bank="two"), transaction(id="c"))
    bucket = FakeBucket()
    Archiver(bucket, BUCKET).handle(batch)
    first = dict(bucket.objects)
    Archiver(bucket, BUCKET).handle(batch)
    assert bucket.objects == first
    assert len(first) == 2


def test_the_halves_of_a_bisected_batch_overwrite_neither_each_other_nor_the_whole() -> None:
    batch = records(*[transaction(id=f"t{number}") for number in range(4)])
    bucket = FakeBucket()
    for part in (batch, batch[:2], batch[2:]):
        Archiver(bucket, BUCKET).handle(part)
    assert [one.id for one in bucket.transactions] == ["t0", "t1", "t2", "t3", "t0", "t1", "t2", "t3"]
    assert len(bucket.objects) == 3


def test_a_part_that_bisecting_does_not_cut_keeps_its_name() -> None:
    batch = records(transaction(id="a"), transaction(id="b"), transaction(id="c", bank="two"))
    whole, half = FakeBucket(), FakeBucket()
    Archiver(whole, BUCKET).handle(batch)
    Archiver(half, BUCKET).handle(batch[1:])
    kept = {key: content for key, content in whole.objects.items() if key.startswith("bank=two/")}
    assert len(kept) == 1
    assert kept.items() <= half.objects.items()


def test_batches_of_two_shards_that_begin_alike_do_not_overwrite_each_other() -> None:
    bucket = FakeBucket()
    for name in ("a", "b"):
        Archiver(bucket, BUCKET).handle(records(transaction(id=name), first=7))
    assert [one.id for one in bucket.transactions] == ["a", "b"]


def test_changes_and_removals_are_not_archived() -> None:
    bucket = FakeBucket()
    item = transaction_item(TRANSACTION)
    Archiver(bucket, BUCKET).handle([of_item(item, name="MODIFY"), {"eventName": "REMOVE", "dynamodb": {}}])
    assert bucket.objects == {}


def test_the_same_records_make_the_same_bytes_at_any_time() -> None:
    bucket = FakeBucket()
    Archiver(bucket, BUCKET).handle(records(TRANSACTION))
    (content,) = bucket.objects.values()
    assert content[4:8] == bytes(4)  # the time in gzip's header (RFC 1952): none


def test_a_line_is_as_short_as_json_can_be() -> None:
    line = to_line(transaction(description="Marché de Mokolo"))
    assert line == json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"))
    assert "Marché" in line


def test_what_is_no_new_transaction_keeps_none_behind_it_out_and_a_batch_is_one_line_with_its_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    item = transaction_item(TRANSACTION)
    flags = {**item, "flags": {"M": {"velocity": {"M": {}}}}}
    unreadable = of_item({**item, "amount": {"S": "12"}})
    batch = [
        {"eventName": "REMOVE", "dynamodb": {}},
        of_item(item, name="MODIFY"),
        of_item(flags),
        unreadable,
        *records(transaction(id="a"), transaction(id="b"), transaction(id="c", bank="two")),
        unreadable,
    ]
    bucket = FakeBucket()
    Archiver(bucket, BUCKET).handle(batch)
    assert sorted(one.id for one in bucket.transactions) == ["a", "b", "c"]
    (line,) = [line.__dict__ for line in caplog.records if line.message == "archive_batch"]
    assert (line["archived"], line["objects"], line["unreadable"]) == (3, 2, 2)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda item: item.pop("amount"),
        lambda item: item.update(amount={"S": "12"}),
        lambda item: item.update(recorded_at={"S": "yesterday"}),
        lambda item: item.update(currency={"S": "ZZZ"}),
        lambda item: item.update(metadata={"M": {"secret-key": {"B": b"250500"}}}),
        lambda item: item.clear(),
    ],
)
def test_an_unreadable_record_is_counted_and_the_others_are_archived(
    spoil: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bad = transaction_item(transaction(id="bad"))
    spoil(bad)
    bucket = FakeBucket()
    batch = [*records(transaction(id="a")), of_item(bad, 101), *records(transaction(id="b"), first=102)]
    Archiver(bucket, BUCKET).handle(batch)
    assert [one.id for one in bucket.transactions] == ["a", "b"]
    assert '"NotArchived":[1.0]' in capsys.readouterr().out.replace(" ", "")
    (line,) = [line.__dict__ for line in caplog.records if line.message == "not_archived"]
    assert line["event"] == "e101"
    named = (line.get("bank"), line.get("transaction"))
    assert named == (("eazycard", "bad") if bad else (None, None)), "as the runbook's query shows it"


@pytest.mark.parametrize("key", ["eazycard", "Awa Ndiaye#1", "eazycard#Awa Ndiaye", "eazycard#a@example.com", 7, None])
def test_a_key_that_is_none_of_ours_is_not_logged(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    Archiver(FakeBucket(), BUCKET).handle([of_item({"transaction_key": {"S": key}})])
    (line,) = [line.__dict__ for line in caplog.records if line.message == "not_archived"]
    assert not {"bank", "transaction"} & line.keys()


def test_a_transaction_that_was_left_out_is_added_on_its_day_under_one_name() -> None:
    bucket = FakeBucket()
    keys = {Archiver(bucket, BUCKET).add(TRANSACTION) for _ in range(2)}
    (key,) = bucket.objects
    assert keys == {key}
    assert key.startswith(f"bank={TRANSACTION.bank}/date={TRANSACTION.recorded_at.date()}/added-1-")
    assert bucket.transactions == [TRANSACTION]


def test_what_no_replay_could_read_is_not_added() -> None:
    bucket = FakeBucket()
    with pytest.raises(ValueError, match="not of the contract"):
        Archiver(bucket, BUCKET).add(transaction(account="no account"))
    assert bucket.objects == {}


def test_nothing_of_a_transaction_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    Archiver(FakeBucket(), BUCKET).handle([*records(TRANSACTION), of_item({"amount": {"N": "250500"}})])
    logged = " ".join(str(line.__dict__) for line in caplog.records)
    assert "archive_batch" in logged
    for secret in ("250500", "Mokolo", TRANSACTION.account, "4242"):
        assert secret not in logged


@pytest.mark.parametrize("at", [0, 1])
def test_when_s3_throttles_the_batch_raises_and_is_archived_whole_when_it_comes_again(at: int) -> None:
    bucket = FakeBucket()
    throttled = Failing(bucket, SLOW_DOWN, at)
    batch = records(transaction(id="a"), transaction(id="b", bank="two"))
    with pytest.raises(TemporarilyUnavailable):
        Archiver(throttled, BUCKET).handle(batch)
    assert len(bucket.objects) <= 1  # the other one may have been put beside it, or not
    Archiver(throttled, BUCKET).handle(batch)
    assert sorted(one.id for one in bucket.transactions) == ["a", "b"]


class SlowBucket(FakeBucket):
    """A bucket that answers so many calls when all of them are there, and counts how many are there at most."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.most = 0
        self._there = 0
        self._lock = threading.Lock()
        self._all_there = threading.Barrier(together, timeout=10)

    def put_object(self, **arguments: Any) -> None:
        with self._lock:
            self._there += 1
            self.most = max(self.most, self._there)
        self._all_there.wait()
        time.sleep(0.02)  # whoever comes besides is there by then
        super().put_object(**arguments)
        with self._lock:
            self._there -= 1


def test_the_objects_of_many_banks_are_put_side_by_side_sixteen_at_most() -> None:
    """Of 2,000 banks in a batch, one after the other takes longer than the function has."""
    batch = records(*(transaction(id=f"t{number}", bank=f"bank-{number}") for number in range(48)))
    bucket = SlowBucket(together=16)
    Archiver(bucket, BUCKET).handle(batch)
    assert len(bucket.objects) == 48
    assert bucket.most == 16
    assert WRITERS == 16  # as many connections as the client has


def test_a_refusal_for_good_raises_too_so_that_nothing_is_dropped() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        Archiver(Failing(FakeBucket(), refusal("AccessDenied")), BUCKET).handle(records(TRANSACTION))


def test_a_line_of_a_later_release_with_a_field_more_is_read() -> None:
    line = json.dumps({**to_json(TRANSACTION), "channel": "web"})
    assert from_line(line, TRANSACTION.bank) == TRANSACTION


@pytest.mark.parametrize(
    "change",
    [
        {"id": 5},
        {"id": "a/b"},
        {"account": ""},
        {"amount": "NaN"},
        {"amount": "1e999999999"},
        {"amount": "twelve"},
        {"amount": None},
        {"balance": "Infinity"},
        {"currency": "ZZZ"},
        {"currency": ["EUR"]},
        {"type": "refund"},
        {"status": None},
        {"status": "pending"},
        {"account": "a/b"},
        {"timestamp": "2026-01-10T14:00:00"},
        {"timestamp": "2026-01-10T14:00:00+01:00"},
        {"timestamp": 5},
        {"recorded_at": "soon"},
        {"metadata": {"weight": 0.5}},
    ],
    ids=str,
)
def test_a_line_that_could_not_be_stored_and_answered_is_none(change: dict[str, Any]) -> None:
    line = json.dumps({**to_json(TRANSACTION), **change})
    with pytest.raises(ValueError, match=r"^(\w+|not of the contract)$"):
        from_line(line, TRANSACTION.bank)


@pytest.mark.parametrize("line", ["", "{", "[]", "5", '"id"', "null", "{}", "[" * 100_000, to_line(TRANSACTION)[:-9]])
def test_a_broken_line_is_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"^\w+$"):
        from_line(line, TRANSACTION.bank)


def test_amounts_stay_exact_to_the_last_digit() -> None:
    stored = transaction(amount=Decimal("999999999999999.99"), balance=Decimal("-0.01"), currency="EUR")
    assert from_line(to_line(stored), stored.bank) == stored


def test_the_bucket_keeps_everything_where_it_is_read_at_once() -> None:
    bucket = yaml.load(TEMPLATE.read_text(), _Loader)["Resources"]["ArchiveBucket"]
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    # Old versions of overwritten or deleted objects expire, and the marks of deletions; no object does.
    expiring = {name for rule in rules for name in rule if "Expir" in name}
    assert expiring == {"NoncurrentVersionExpiration", "ExpiredObjectDeleteMarker"}
    classes = {transition["StorageClass"] for rule in rules for transition in rule.get("Transitions", ())}
    assert classes == {"STANDARD_IA", "GLACIER_IR"}
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
