"""Failed batches of streams: listed, shown, and sent to their functions again."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.ledger.stored_form import transaction_item
from infra.stacks import stack_name
from operations import failed_batches
from operations.failed_batch_bucket import FailedBatch, FailedBatches, UnreadableBatch
from operations.stream_functions import StreamFunctions
from tests.cloud import CloudUnderTest, eventually
from tests.fakes import FakeLambda
from tests.samples import TRANSACTION, transaction
from tests.stream_world import record

BUCKET = "failed"
FUNCTIONS = "arn:aws:lambda:us-east-2:123456789012:function"
RECORDS = [record(transaction_item(TRANSACTION))]


def content(function: str = "transaction_stream", stage: str = "prod", **changes: Any) -> dict[str, Any]:
    """Return what Lambda puts into the bucket for a batch that it gives up on."""
    return {
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": f"{FUNCTIONS}:transaction-notifier-{stage}-{function}:live",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 101,
        },
        "version": "1.0",
        "timestamp": "2026-01-10T14:00:05.517Z",
        "DDBStreamBatchInfo": {"shardId": "shardId-1", "batchSize": 1},
        "payload": json.dumps({"Records": RECORDS}),
    } | changes


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        yield client


@pytest.fixture
def functions() -> FakeLambda:
    return FakeLambda()


@pytest.fixture
def batches(s3: Any, functions: FakeLambda) -> FailedBatches:
    return FailedBatches(s3, StreamFunctions(functions, "prod"), BUCKET)


def put(s3: Any, body: Any, key: str = "aws/lambda/uuid/shard/2026/01/10/1", bucket: str = BUCKET) -> str:
    s3.put_object(Bucket=bucket, Key=key, Body=body if isinstance(body, bytes) else json.dumps(body).encode())
    return key


@pytest.mark.parametrize("payload", [json.dumps({"Records": RECORDS}), {"Records": RECORDS}], ids=["text", "object"])
def test_a_batch_is_read_as_lambda_puts_it(s3: Any, batches: FailedBatches, payload: Any) -> None:
    key = put(s3, content(payload=payload))
    assert list(batches.stored_keys()) == [key]
    failed_at = "2026-01-10T14:00:05.517Z"
    assert batches.read(key) == FailedBatch(key, "transaction_stream", "RetryAttemptsExhausted", failed_at, RECORDS)


def test_a_batch_goes_to_its_function_as_the_stream_brings_it_and_is_removed(
    s3: Any, batches: FailedBatches, functions: FakeLambda
) -> None:
    batches.send(batches.read(put(s3, content("archiver"))))
    assert functions.calls == [("transaction-notifier-prod-archiver", {"Records": RECORDS})]
    assert list(batches.stored_keys()) == []


def test_a_batch_that_its_function_fails_over_again_is_kept(
    s3: Any, batches: FailedBatches, functions: FakeLambda
) -> None:
    functions.failing.add("transaction-notifier-prod-archiver")
    key = put(s3, content("archiver"))
    with pytest.raises(UnreadableBatch, match=r"archiver fails over .* again; its log says why: kept"):
        batches.send(batches.read(key))
    assert list(batches.stored_keys()) == [key]


@pytest.mark.parametrize(
    "broken",
    [b"", b"[]", b"{}", b"\xff", content(payload="{"), content(payload={"Records": 1}), content(requestContext={})],
)
def test_what_is_no_failed_batch_is_named_and_kept(s3: Any, batches: FailedBatches, broken: Any) -> None:
    key = put(s3, broken)
    with pytest.raises(UnreadableBatch, match=f"{key} can't be read"):
        batches.read(key)
    assert list(batches.stored_keys()) == [key]


def test_batches_of_a_function_are_sent_by_either_spelling_of_it_and_no_others(
    s3: Any, batches: FailedBatches, functions: FakeLambda, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, function in enumerate(("archiver", "transaction_stream", "transaction_stream")):
        put(s3, content(function), f"aws/lambda/uuid/shard/2026/01/10/{number}")
    noted: list[int] = []
    for spelling in ("TransactionStream", "archiver"):
        assert failed_batches.send(batches, None, spelling, lambda: noted.append(len(functions.calls))) == 0
    assert noted == [0, 1, 2]  # before each call
    assert capsys.readouterr().out == "2 sent again, 0 kept.\n1 sent again, 0 kept.\n"
    called = [name.removeprefix("transaction-notifier-prod-") for name, _ in functions.calls]
    assert called == ["transaction_stream", "transaction_stream", "archiver"]


def test_a_key_that_is_not_there_is_one_line(batches: FailedBatches) -> None:
    with pytest.raises(UnreadableBatch, match=r"there is no aws/lambda/x\."):
        batches.read("aws/lambda/x")


@pytest.mark.cloud
def test_on_the_local_cloud_a_batch_is_listed_shown_and_sent_and_its_holder_gets_the_e_mail(
    cloud: CloudUnderTest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.new_bank("failed").enrol("F1")
    cloud.use_by_commands(monkeypatch)
    s3, bucket = cloud.client("s3"), cloud.deployed.outputs["FailedBatchesBucketArn"].rpartition(":")[2]
    stored = transaction(bank="failed", account="F1", id="f-1")
    key = put(
        s3, content(stage="local", payload=json.dumps({"Records": [record(transaction_item(stored))]})), bucket=bucket
    )
    put(s3, b"{}", "aws/lambda/uuid/shard/2026/01/10/2", bucket)

    assert failed_batches.main(["list"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split("\t") == [
        "2026-01-10T14:00:05.517Z",
        "transaction_stream",
        "1",
        "RetryAttemptsExhausted",
        key,
    ]
    assert "2 can't be read as a failed batch" in err
    assert failed_batches.main(["show", key]) == 0
    assert json.loads(capsys.readouterr().out)["Records"][0]["eventName"] == "INSERT"

    assert failed_batches.main(["send", "--function", "archiver"]) == 1  # the broken one is of no function
    assert "--function can be 'transaction_stream'." in capsys.readouterr().err
    assert failed_batches.main(["send", "--key", key]) == 0
    assert capsys.readouterr().out == "1 sent again, 0 kept.\n"
    assert len(eventually(lambda: cloud.mails("f1.h@example.com"))) == 1
    assert failed_batches.main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    s3.delete_object(Bucket=bucket, Key="aws/lambda/uuid/shard/2026/01/10/2")


def test_a_stage_that_is_not_provisioned_is_one_line(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed_batches.main(["--stage", "dev", "--region", "us-east-2", "list"]) == 1
    assert capsys.readouterr().err == f"failed batches: There is no stack {stack_name('dev', 'data')}.\n"
