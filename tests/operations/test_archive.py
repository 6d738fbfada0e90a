"""The command for the archive: what is in it, and back into the table."""

import dataclasses
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.archive import Archiver
from chalicelib.ledger.intake import Intake
from chalicelib.ledger.repository import AlreadyRecorded, TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction, to_json
from operations.archive import main
from operations.archive_reader import Archive, Selection
from operations.replay import Replay
from tests import moto_server
from tests.archive_bucket import archived, of_item, records
from tests.audit_trail import operators_actions
from tests.clone import PROJECT_DIR
from tests.cloud import eventually
from tests.fakes import Failing, OneCallAtATime, refusal
from tests.samples import TRANSACTION, transaction
from tests.tables import create_tables

TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "archive"}}},
    "Outputs": {
        "ArchiveBucket": {"Value": {"Ref": "Bucket"}},
        "BanksTable": {"Value": "BanksTable"},
        "TransactionsTable": {"Value": "TransactionsTable"},
        "AuditTrail": {"Value": "AuditTable/10"},
    },
}
TABLE = "TransactionsTable"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def no_queue() -> Any:
    pytest.fail("a replay queues nothing")


class Stage:
    """A provisioned stage's table and archive, and the archiver that fills the archive."""

    def __init__(self) -> None:
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(TEMPLATE)
        )
        self.s3 = boto3.client("s3")
        self.dynamodb = boto3.client("dynamodb")
        create_tables(self.dynamodb)
        BankRepository(self.dynamodb, "BanksTable").put_bank(Bank("eazycard", "EAZYCard", "XAF", "standard"))
        self.archive = Archive(self.s3, "archive")
        self._sequence_number = 100

    def record(self, *stored: Transaction) -> None:
        """Store transactions, which the archiver gets as one batch of the stream."""
        for one in stored:
            self.dynamodb.put_item(TableName=TABLE, Item=transaction_item(one))
        Archiver(self.s3, "archive").handle(records(*stored, first=self._sequence_number))
        self._sequence_number += len(stored)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket="archive", Key=key, Body=content)

    def lose_the_table(self) -> None:
        for item in self.dynamodb.scan(TableName=TABLE)["Items"]:
            self.dynamodb.delete_item(TableName=TABLE, Key={"transaction_key": item["transaction_key"]})

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return what is stored, without its time of recording, by bank#id."""
        items = self.dynamodb.scan(TableName=TABLE)["Items"]
        return {item["transaction_key"]["S"]: {k: v for k, v in item.items() if "recorded" not in k} for item in items}

    def replay(self, client: Any, **arguments: Any) -> Replay:
        """Return a replay from this archive into the table by `client`, one call at a time: moto can't do more."""
        repository = TransactionRepository(OneCallAtATime(client), TABLE)
        return Replay(self.archive, Intake(repository, no_queue), **arguments)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mock_aws():
        yield Stage()


def run(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", "us-east-2", *arguments])


def three_days(bank: str = "eazycard") -> list[list[Transaction]]:
    """Return transactions that arrive on January 10, 11 and 12: two, one and one."""
    days = [TRANSACTION.recorded_at + timedelta(days=days) for days in (0, 0, 1, 2)]
    some = [transaction(id=f"t{n}", bank=bank, recorded_at=day, metadata={"n": f"{n}"}) for n, day in enumerate(days)]
    return [some[:2], some[2:3], some[3:]]


def test_objects_are_listed_with_size_and_number_of_lines(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for day in three_days():
        stage.record(*day)
    capsys.readouterr()  # what the archiver logs is not the command's
    assert run("list") == 0
    out, err = capsys.readouterr()
    header, *listed = [line.split("\t") for line in out.splitlines()]
    assert header == ["key", "bytes", "lines"]
    assert {key: int(lines) for key, _, lines in listed} == {k: len(v) for k, v in archived(stage.s3).items()}
    sizes = {entry["Key"]: entry["Size"] for entry in stage.s3.list_objects_v2(Bucket="archive")["Contents"]}
    assert {key: int(size) for key, size, _ in listed} == sizes
    assert err == f"3 objects, {sum(sizes.values())} bytes, 4 lines\n"


def test_what_the_archiver_left_out_is_added_once_and_a_replay_brings_it_back(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    (one, other), *_ = three_days()
    stage.record(one)
    stage.dynamodb.put_item(TableName=TABLE, Item=transaction_item(other))
    spoilt = {**transaction_item(transaction(id="spoilt")), "amount": {"S": "12"}}
    stage.dynamodb.put_item(TableName=TABLE, Item=spoilt)
    capsys.readouterr()
    for _ in range(2):
        assert run("add", "eazycard", other.id) == 0
        key = capsys.readouterr().out.strip()
    assert json.loads(archived(stage.s3)[key][0]) == to_json(other)
    assert run("add", "eazycard", "nothing", "spoilt", other.id) == 1
    out, err = capsys.readouterr()
    assert out == f"{key}\n"
    assert err.splitlines() == [
        "archive: eazycard has no transaction nothing.",
        "archive: spoilt can't be read (TypeError): put its row in the table right.",
    ]
    assert len(archived(stage.s3)) == 2
    stage.dynamodb.delete_item(TableName=TABLE, Key={"transaction_key": {"S": "eazycard#spoilt"}})
    before = stage.stored()
    stage.lose_the_table()
    assert run("replay") == 0
    assert stage.stored() == before
    assert operators_actions("eazycard") == ["archive.add"] * 3


def test_what_adds_or_replays_nothing_is_not_noted(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt = {**transaction_item(transaction(id="spoilt")), "amount": {"S": "12"}}
    stage.dynamodb.put_item(TableName=TABLE, Item=spoilt)
    assert run("add", "eazycard", "nothing", "spoilt") == 1
    assert run("replay") == 0
    assert run("replay", "--dry-run") == 0
    stage.record(*three_days()[0])
    assert run("replay", "--from", "2026-02-01") == 0
    assert operators_actions("eazycard") == operators_actions() == []
    assert run("replay") == 0
    assert operators_actions() == ["archive.replay"]


def test_a_bank_with_nothing_in_the_archive_is_empty_and_one_that_has_left_is_not(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.record(*three_days("left")[0])
    capsys.readouterr()
    assert run("list", "--bank", "eazycard", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run("replay", "--bank", "eazycard") == 0
    assert capsys.readouterr().out.startswith("0 of 0 objects: 0 created")
    assert run("list", "--bank", "left", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1
    assert run("list", "--bank", "eazycart") == 1
    assert "there is no bank in the archive eazycart: there are 'left'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], ["acme/12", "eazycard/10", "eazycard/11", "eazycard/12", "eazycard-2/10"]),
        (["--bank", "eazycard"], ["eazycard/10", "eazycard/11", "eazycard/12"]),
        (["--bank", "eazycard", "--from", "2026-01-11"], ["eazycard/11", "eazycard/12"]),
        (["--bank", "eazycard", "--to", "2026-01-11"], ["eazycard/10", "eazycard/11"]),
        (["--from", "2026-01-12", "--to", "2026-01-12"], ["acme/12", "eazycard/12"]),
        (["--from", "2026-01-13"], []),
        (["--to", "2026-01-09"], []),
    ],
)
def test_a_bank_and_days_can_be_chosen(
    stage: Stage, options: list[str], ids: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for day in three_days():
        stage.record(*day)
    stage.record(*three_days("eazycard-2")[0])
    stage.record(*three_days("acme")[2])
    capsys.readouterr()
    assert run("list", *options) == 0
    folders = [line.split("/") for line in capsys.readouterr().out.splitlines()[1:]]
    found = [f"{bank.removeprefix('bank=')}/{day[-2:]}" for bank, day, _ in folders]
    assert sorted(found) == sorted(ids)


def test_more_objects_than_a_page_of_the_listing_holds_are_all_found(stage: Stage) -> None:
    bucket = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]  # so many calls take seconds, and only the listing is tested
    for number in range(1_050):
        bucket.put_object("archive", f"bank=eazycard/date=2026-01-10/{number}-3-0a1b.jsonl.gz", b"")
    stage.put("bank=eazycard/date=2026-01-11/1-3-0a1b.jsonl.gz", b"")
    found = list(stage.archive.objects(Selection(last=datetime(2026, 1, 10, tzinfo=UTC).date())))
    assert len({one.key for one in found}) == 1_050
    assert {one.lines for one in found} == {3}


def test_what_is_no_object_of_the_archive_is_left_alone(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.put("README.txt", b"")
    stage.put("bank=eazycard/date=2026-01-10/_SUCCESS", b"")
    stage.put("bank=eazycard/date=2026-01-10/by-hand.jsonl.gz", gzip.compress(b""))
    assert run("list") == 0
    assert capsys.readouterr().out == (
        f"key\tbytes\tlines\nbank=eazycard/date=2026-01-10/by-hand.jsonl.gz\t{len(gzip.compress(b''))}\t\n"
    )


def test_an_object_is_shown_line_by_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.record(*three_days()[0])
    (key,) = archived(stage.s3)
    capsys.readouterr()
    assert run("show", key) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert shown == [to_json(one) for one in three_days()[0]]


def test_an_object_that_cannot_be_shown_is_one_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "bank=x/nothing") == 1
    assert capsys.readouterr() == ("", "archive: bank=x/nothing: NoSuchKey\n")


def test_a_lost_table_is_restored_whole_and_a_second_replay_changes_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for bank in ("eazycard", "acme"):
        for day in three_days(bank):
            stage.record(*day)
    before = stage.stored()
    stage.lose_the_table()
    capsys.readouterr()
    began = datetime.now(UTC)

    assert run("replay") == 0
    assert capsys.readouterr().out == (
        "6 of 6 objects: 8 created, 0 already there, 0 conflicts, 0 unreadable lines, 0 unreadable objects\n"
    )
    assert stage.stored() == before
    assert len(before) == 8
    # The analytics job goes by the time of recording: it must not be behind what the job has folded.
    for item in stage.dynamodb.scan(TableName=TABLE)["Items"]:
        assert datetime.fromisoformat(item["recorded_at"]["S"]) >= began

    assert run("replay") == 0
    assert "0 created, 8 already there, 0 conflicts" in capsys.readouterr().out
    assert stage.stored() == before


def test_only_what_is_chosen_is_replayed(stage: Stage) -> None:
    for bank in ("eazycard", "acme"):
        for day in three_days(bank):
            stage.record(*day)
    stage.lose_the_table()
    assert run("replay", "--bank", "acme", "--from", "2026-01-11", "--to", "2026-01-11") == 0
    assert set(stage.stored()) == {"acme#t2"}


def test_a_dry_run_says_what_would_happen_and_writes_nothing(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = three_days()
    stage.record(*first, *second, *third)
    stage.lose_the_table()
    stage.record(*first)
    stage.dynamodb.put_item(TableName=TABLE, Item=transaction_item(dataclasses.replace(second[0], type="credit")))
    before = stage.stored()
    capsys.readouterr()
    assert run("replay", "--dry-run", "--to", "2026-01-11") == 1
    out = capsys.readouterr().out
    assert "(dry run): 0 to be created, 4 already there, 1 conflicts" in out  # the first two are archived twice
    assert run("replay", "--dry-run", "--from", "2026-01-12") == 0
    assert "1 of 1 objects (dry run): 1 to be created, 0 already there" in capsys.readouterr().out
    assert stage.stored() == before


def test_a_conflict_is_listed_without_what_differs_and_the_stored_one_stays(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.record(*three_days()[0])
    other = dataclasses.replace(three_days()[0][0], amount=TRANSACTION.amount + 1, type="credit")
    stage.dynamodb.put_item(TableName=TABLE, Item=transaction_item(other))
    before = stage.stored()
    capsys.readouterr()
    assert run("replay") == 1
    out = capsys.readouterr().out
    assert out.startswith("conflict\teazycard\tt0\tamount, type\n")
    assert "0 created, 1 already there, 1 conflicts" in out
    assert "25050" not in out
    assert stage.stored() == before


def test_broken_objects_and_lines_are_named_and_the_rest_is_restored(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.record(*three_days()[0])
    ((key, lines),) = archived(stage.s3).items()
    folder = key.rpartition("/")[0]
    whole = stage.s3.get_object(Bucket="archive", Key=key)["Body"].read()
    stage.put(f"{folder}/000-1-00.jsonl.gz", b"no gzip")
    stage.put(f"{folder}/001-1-00.jsonl.gz", whole[:-9])
    stage.put(f"{folder}/002-1-00.jsonl.gz", whole[:60] + bytes(20) + whole[80:])
    stage.put(f"{folder}/003-1-00.jsonl.gz", gzip.compress(b"\xff\xfe\n"))
    spoilt = f'{lines[0][:-5]}\n{{"id": "x"}}\n\n{lines[1]}'  # the last line has lost its end
    stage.put(f"{folder}/004-3-00.jsonl.gz", gzip.compress(spoilt.encode()))
    before = stage.stored()
    stage.lose_the_table()
    capsys.readouterr()
    assert run("replay") == 1
    *named, summary = capsys.readouterr().out.splitlines()
    assert [line.removeprefix(f"unreadable\t{folder}/") for line in named] == [
        *[f"00{number}-1-00.jsonl.gz: no gzip of UTF-8 text, or incomplete" for number in range(4)],
        "004-3-00.jsonl.gz: line 1: JSONDecodeError",
        "004-3-00.jsonl.gz: line 2: KeyError",
        "004-3-00.jsonl.gz: line 3: JSONDecodeError",
    ]
    assert summary.endswith("2 created, 1 already there, 0 conflicts, 3 unreadable lines, 4 unreadable objects")
    assert stage.stored() == before


def test_an_object_that_is_out_of_reach_stops_nothing(stage: Stage) -> None:
    first, second, _ = three_days()
    stage.record(*first)
    stage.record(*second)
    stage.lose_the_table()
    said: list[str] = []
    gone = Archive(Failing(stage.s3, refusal("InvalidObjectState"), operation="get_object"), "archive")
    replay = Replay(gone, Intake(TransactionRepository(stage.dynamodb, TABLE), no_queue), report=said.append)
    for found in stage.archive.objects(Selection()):
        replay.take(found)
    assert replay.counts == {"unreadable object": 1, "created": 1}
    assert said[0].endswith("jsonl.gz: InvalidObjectState")


class Throttling:
    """A table's client that refuses the first calls to put an item."""

    def __init__(self, client: Any, calls: int) -> None:
        self._client = client
        self._left = calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **arguments: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            raise refusal("ThrottlingException")
        return self._client.put_item(**arguments)


def test_what_the_table_throttles_is_tried_again_with_a_later_time_of_recording(stage: Stage) -> None:
    stage.record(*three_days()[0])
    stage.lose_the_table()
    now = [NOW]

    def sleep(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds)

    replay = stage.replay(Throttling(stage.dynamodb, 3), clock=lambda: now[0], sleep=sleep)
    (found,) = stage.archive.objects(Selection())
    replay.take(found)
    assert replay.counts == {"created": 2}
    items = stage.dynamodb.scan(TableName=TABLE)["Items"]
    # Two are refused, then one of them once more: put in after waits of 1 and 2 s.
    assert sorted(item["recorded_at"]["S"] for item in items) == ["2026-03-01T12:00:01Z", "2026-03-01T12:00:03Z"]


def test_a_table_that_takes_nothing_ends_the_replay_after_minutes_with_what_was_done_counted(stage: Stage) -> None:
    stage.record(*three_days()[0])
    stage.lose_the_table()
    waited: list[float] = []
    replay = stage.replay(Throttling(stage.dynamodb, 10_000), sleep=waited.append)
    (found,) = stage.archive.objects(Selection())
    with pytest.raises(TemporarilyUnavailable):
        replay.take(found)
    assert 60 <= sum(waited) <= 300
    assert replay.counts == {}
    assert stage.stored() == {}


def test_a_large_object_is_replayed_in_parts_none_of_which_outlasts_the_analytics_margin(stage: Stage) -> None:
    stage.record(*[transaction(id=f"t{number}") for number in range(450)])
    stage.lose_the_table()
    moments = iter(NOW + timedelta(minutes=number) for number in range(10))
    replay = stage.replay(stage.dynamodb, clock=lambda: next(moments))
    (found,) = stage.archive.objects(Selection())
    replay.take(found)
    assert replay.counts == {"created": 450}
    assert next(moments) == NOW + timedelta(minutes=3)


def test_a_transaction_that_is_archived_twice_is_created_once(stage: Stage) -> None:
    stage.record(TRANSACTION)
    Archiver(stage.s3, "archive").handle([of_item(transaction_item(TRANSACTION), number) for number in (7, 8)])
    stage.lose_the_table()
    replay = stage.replay(stage.dynamodb)
    for found in stage.archive.objects(Selection()):
        replay.take(found)
    assert replay.counts == {"created": 1, "replayed": 2}
    with pytest.raises(AlreadyRecorded):
        TransactionRepository(stage.dynamodb, TABLE).add(TRANSACTION)


@pytest.mark.parametrize("arguments", [["--from", "yesterday"], ["--to", "2026-13-01"], ["--bank"]])
def test_a_date_that_is_none_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("list", *arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_days_in_the_wrong_order_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("replay", "--from", "2026-01-12", "--to", "2026-01-11")
    assert ended.value.code == 2
    assert "--from is after --to" in capsys.readouterr().err


def test_a_stage_that_is_not_provisioned_is_one_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stage", "dev", "--region", "us-east-2", "list"]) == 1
    assert capsys.readouterr().err == "archive: There is no stack transaction-notifier-dev-data.\n"


def test_a_stage_from_before_the_archive_is_one_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    template = {"Resources": TEMPLATE["Resources"], "Outputs": {}}
    template["Resources"] = {"Queue": {"Type": "AWS::SQS::Queue"}}
    boto3.client("cloudformation").create_stack(
        StackName="transaction-notifier-dev-data", TemplateBody=json.dumps(template)
    )
    assert main(["--stage", "dev", "--region", "us-east-2", "list"]) == 1
    assert (
        capsys.readouterr().err
        == "archive: the data stack of stage dev has no ArchiveBucket: provision the stage again.\n"
    )


def test_an_archive_that_may_not_be_read_is_one_line(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.s3.delete_bucket(Bucket="archive")
    assert run("replay") == 1
    err = capsys.readouterr().err
    assert err.startswith("archive: An error occurred (NoSuchBucket)")
    assert err.count("\n") == 1


def test_an_interrupted_replay_says_how_far_it_came_and_the_next_one_does_the_rest() -> None:
    with moto_server.running() as url, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", url)
        stage = Stage()
        for day in range(10):
            arrived = TRANSACTION.recorded_at + timedelta(days=day)
            Archiver(stage.s3, "archive").handle(
                records(*[transaction(id=f"{day}-{number}", recorded_at=arrived) for number in range(60)])
            )
        command = [sys.executable, "-m", "operations.archive", "--stage", "prod", "--region", "us-east-2", "replay"]
        replay = subprocess.Popen(
            command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
        )
        eventually(stage.stored)
        replay.send_signal(signal.SIGINT)
        out, err = replay.communicate(timeout=60)

        assert replay.returncode == 130
        assert "archive: interrupted. What was done is kept: run the command again to do the rest.\n" in err
        assert "Traceback" not in err
        done, _, rest = out.partition(" of 10 objects: ")
        assert 0 <= int(done) < 10
        created = int(rest.partition(" created")[0])
        assert created >= 60 * int(done)

        again = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, timeout=120)
        assert again.returncode == 0, again.stderr
        assert again.stdout.startswith("10 of 10 objects: ")
        count = stage.dynamodb.scan(TableName=TABLE, Select="COUNT")["Count"]
        assert count == 600
