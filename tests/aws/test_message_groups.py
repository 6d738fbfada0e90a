"""Message groups: every message that the banks' shared queues get says for which bank it is."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.queues import GroupedBody, Queue
from chalicelib.changes import change_notice
from chalicelib.holders.change import ADDRESS_CHANGED, HolderChange
from chalicelib.ledger import ingest_queue
from chalicelib.notifications import digest, notice
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks import webhook
from operations.queued_letter import grouped
from tests.change_world import holder
from tests.fakes import FakeSqs
from tests.samples import transaction

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


def sent(bodies: Any) -> FakeSqs:
    sqs = FakeSqs()
    Queue(sqs, "url", sleep=lambda _: None).send(bodies)
    return sqs


def of_banks() -> list[Any]:
    return [transaction(id=f"t{number}", bank=("a-bank", "b-bank")[number % 2]) for number in range(30)]


def digest_notice(bank: str) -> dict[str, Any]:
    return digest.to_payload(DigestNotice(Digest(DigestKind.ORDINARY, bank, "a1", "h1", NOW)))


def a_webhook() -> webhook.Webhook:
    key = NotificationKey("a-bank", "t1", "h1")
    return webhook.Webhook(id="w1", key=key, type=next(iter(webhook.TYPES)), body="{}", first_at=NOW)


def a_change() -> change_notice.ChangeNotice:
    return change_notice.ChangeNotice(HolderChange("a-bank", "a1", ADDRESS_CHANGED, "bank", NOW, holder()))


def test_a_message_of_notices_is_of_one_bank_and_in_its_group() -> None:
    sqs = sent(notice.pack(notice.to_payload(notice.Notice(one)) for one in of_banks()))
    assert sqs.groups == ["a-bank"] * 2 + ["b-bank"] * 2
    for body, group in zip(sqs.bodies, sqs.groups, strict=True):
        assert {one["bank"] for one in json.loads(body)["notices"]} == {group}
    assert sum(len(json.loads(body)["notices"]) for body in sqs.bodies) == 30


def test_a_digest_s_notice_is_in_its_bank_s_group() -> None:
    assert sent(notice.pack(map(digest_notice, ["a-bank", "b-bank", "a-bank"]))).groups == ["a-bank", "b-bank"]


def test_a_message_of_queued_transactions_is_of_one_bank_and_in_its_group() -> None:
    sqs = sent(ingest_queue.pack(of_banks()))
    assert sqs.groups == ["a-bank", "b-bank"]
    for body, group in zip(sqs.bodies, sqs.groups, strict=True):
        assert {one.bank for _, one in ingest_queue.unpack(body, [])} == {group}


def test_webhooks_and_changes_are_in_their_banks_groups() -> None:
    assert sent([webhook.pack(a_webhook()), change_notice.pack(a_change())]).groups == ["a-bank", "a-bank"]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"notices": [notice.to_payload(notice.Notice(transaction(bank="a-bank")))]}),
        json.dumps({"notices": [digest_notice("a-bank")]}),
        json.dumps({"transactions": [{"bank": "a-bank", "transaction": {}}]}),
        str(webhook.pack(a_webhook())),
        str(change_notice.pack(a_change())),
        json.dumps({"mail": {"tags": {"bank": ["a-bank"]}}}),
        json.dumps({"detail": {"bank": "a-bank"}}),
    ],
)
def test_a_dead_letter_goes_through_again_in_its_bank_s_group(body: str) -> None:
    assert GroupedBody.group_of(grouped(body)) == {"MessageGroupId": "a-bank"}
    assert grouped(body) == body


@pytest.mark.parametrize("body", ["{", "[]", '{"bank": 1}', '{"bank": []}', '{"bank": ""}', '{"bank": "a b"}'])
def test_what_names_no_bank_has_no_group(body: str) -> None:
    assert GroupedBody.group_of(grouped(body)) == {}


@mock_aws
def test_a_standard_queue_takes_and_keeps_the_group() -> None:
    sqs = boto3.client("sqs", region_name="us-east-2")
    url = sqs.create_queue(QueueName="shared")["QueueUrl"]
    Queue(sqs, url).send([GroupedBody.of("one", "a-bank"), "two"])
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"])
    groups = {one["Body"]: one.get("Attributes", {}).get("MessageGroupId") for one in answer["Messages"]}
    assert groups == {"one": "a-bank", "two": None}
