"""The intake on the local cloud, under enforced IAM: batches, the queue behind them, late conflicts, signatures."""

import base64
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from chalicelib.ledger.ingest_queue import pack
from chalicelib.ledger.posted import load_transaction
from local_cloud.deploy import STAGE
from operations.banks import main as banks_command
from operations.dead_letters import main as dead_letters_command
from operations.signing import SigningSecrets
from tests.cloud import BankClient, CloudUnderTest, eventually

pytestmark = pytest.mark.cloud
ASYNC = {"prefer": "respond-async"}


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    bank = cloud.new_bank("intake-bank")
    bank.tell_each_alone()
    return bank


def items(prefix: str, count: int) -> list[dict[str, Any]]:
    one = {"account": f"{prefix}-account", "amount": "12.50", "type": "debit", "timestamp": "2026-01-10T14:00:00Z"}
    return [{**one, "id": f"{prefix}-{number}"} for number in range(count)]


def send(bank: BankClient, transactions: list[dict[str, Any]], **headers: str) -> dict[str, Any]:
    answer = bank("POST", "/transactions/batch", {"transactions": transactions}, headers=headers)
    assert answer.status in (200, 202), answer.data
    found: dict[str, Any] = answer.json()
    return found


def test_a_batch_is_recorded_and_its_holder_told_of_each(cloud: CloudUnderTest, bank: BankClient) -> None:
    bank.enrol("sync-account")
    counts = send(bank, items("sync", 60))["counts"]
    assert counts == {"created": 60, "replayed": 0, "conflict": 0, "invalid": 0, "retry": 0}
    assert send(bank, items("sync", 60))["counts"]["replayed"] == 60
    eventually(lambda: len(cloud.mails("sync-account")) == 60)


def test_a_batch_of_500_is_taken(bank: BankClient) -> None:
    assert send(bank, items("many", 500))["counts"]["created"] == 500


def test_a_queued_batch_is_recorded_soon_and_its_holder_told_of_each(cloud: CloudUnderTest, bank: BankClient) -> None:
    bank.enrol("async-account")
    assert send(bank, items("async", 60), **ASYNC)["counts"] == {"queued": 60, "invalid": 0}
    eventually(lambda: bank("GET", "/transactions/async-59").status == 200)
    eventually(lambda: len(cloud.mails("async-account")) == 60)


@pytest.fixture
def dead(cloud: CloudUnderTest) -> Iterator[CloudUnderTest]:
    """The cloud, with an ingest dead-letter queue that is empty before and after."""
    cloud.dead_letters("IngestDeadLetterQueueUrl")
    yield cloud
    cloud.dead_letters("IngestDeadLetterQueueUrl")


def test_a_conflict_found_late_is_dead_lettered_and_harms_no_other(dead: CloudUnderTest, bank: BankClient) -> None:
    assert bank.post(**items("late", 1)[0]).status == 201
    conflicting = {**items("late", 1)[0], "amount": "99.99"}
    assert send(bank, [conflicting, *items("late-good", 3)], **ASYNC)["counts"]["queued"] == 4
    (letter,) = eventually(lambda: dead.dead_letters("IngestDeadLetterQueueUrl"))
    assert letter["reason"].startswith("transaction_conflict: amount")
    assert letter["payload"]["transaction"]["amount"] == "99.99"
    eventually(lambda: bank("GET", "/transactions/late-good-2").status == 200)
    assert bank("GET", "/transactions/late-0").json()["amount"] == "12.50"


def test_a_dead_letter_of_the_ingest_queue_is_sent_through_again(
    dead: CloudUnderTest, bank: BankClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a table that was out of reach for so long that SQS moved the message."""
    now = datetime.now(UTC)
    transaction = load_transaction(items("redriven", 1)[0], "intake-bank", "EUR", now)
    (body,) = pack([transaction])
    dead.client("sqs").send_message(QueueUrl=dead.deployed.outputs["IngestDeadLetterQueueUrl"], MessageBody=body)
    dead.use_by_commands(monkeypatch)
    assert dead_letters_command(["--stage", STAGE, "redrive"]) == 0
    assert "1 sent through again" in capsys.readouterr().out
    eventually(lambda: bank("GET", "/transactions/redriven-0").status == 200)


def signed(secret: str, body: bytes) -> dict[str, str]:
    message_id, now = f"msg_{secrets.token_hex(8)}", datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }


def test_a_bank_that_signs_is_held_to_it_and_rotates_without_a_gap(
    cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = cloud.new_bank("signing-bank")
    signing = SigningSecrets(cloud.client("secretsmanager"), cloud.banks.store, STAGE)
    # Before the first request: the functions remember a bank for a minute.
    first = signing.issue(cloud.banks.bank("signing-bank"), timedelta(0), datetime.now(UTC))
    body = json.dumps(items("signed", 1)[0]).encode()

    def post(*headers: dict[str, str]) -> int:
        return bank("POST", "/transactions", body, headers=headers[0] if headers else None).status

    assert post() == 401
    forged = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    assert post(signed(forged, body)) == 401
    assert post(signed(first, body)) == 201
    cloud.use_by_commands(monkeypatch)
    assert banks_command(["--stage", STAGE, "sign", "signing-bank"]) == 0
    second = capsys.readouterr().out.splitlines()[0].rpartition(" ")[2]
    assert post(signed(first, body)) == 200
    # The function looks for a newer secret at most every ten seconds.
    eventually(lambda: post(signed(second, body)) == 200, timeout_s=30)
    assert post(signed(first, body)) == 200
