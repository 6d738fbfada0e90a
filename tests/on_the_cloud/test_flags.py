"""Flags on the local cloud, IAM enforced: from a bank's settings to the holder's alert, the event and the operators."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cloud import BankClient, CloudUnderTest, eventually

pytestmark = pytest.mark.cloud
BANK, OTHER_BANK = "flag-bank", "other-flag-bank"


class Operators:
    """A bank's operators, who listen to the topic through a queue instead of a mailbox."""

    def __init__(self, cloud: CloudUnderTest, bank: str) -> None:
        self._sqs = cloud.client("sqs")
        self._url = self._sqs.create_queue(QueueName=f"operators-of-{bank}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        name = f"{cloud.deployed.environment['OPERATOR_ALERTS_TOPIC_ARN'].rpartition(':')[2]}-{bank}"
        attributes = {"KmsMasterKeyId": "alias/aws/sns"}
        topic = cloud.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def heard(self) -> list[str]:
        """Return and remove the messages that came."""
        messages = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", ())
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"])["Message"] for message in messages]


def test_from_a_changed_threshold_to_alert_event_operators_and_analytics(cloud: CloudUnderTest) -> None:
    bank, other = cloud.new_bank(BANK, "XAF"), cloud.new_bank(OTHER_BANK, "XAF")
    operators, others = Operators(cloud, BANK), Operators(cloud, OTHER_BANK)
    large = {"mode": "on", "thresholds": {"XAF": "50000"}}
    settings = {"flags": {"large_amount": large, "new_country": {"mode": "off"}}}
    settings["alert_addresses"] = ["fraud@flag-bank.example"]
    assert bank("PUT", "/settings", settings).status == 200

    for one in (bank, other):
        one.enrol("FLAG1", locale="fr")
        assert post(one, "large", 60_000).status == 201
    assert post(bank, "small", 40_000).status == 201

    assert eventually(lambda: flags(bank, "large")) == {
        "large_amount": {"amount": "60000", "currency": "XAF", "threshold": "50000"}
    }
    assert flags(bank, "small") == flags(other, "large") == {}
    eventually(lambda: len(cloud.mails("flag1.h@")) == 3)
    (heard,) = eventually(operators.heard)
    assert "1 transaction flagged, bank flag-bank" in heard
    assert "large" in heard
    assert "60000" not in heard
    assert others.heard() == []

    counted = bank("GET", "/analytics").json()
    assert counted["flags"]["large_amount"] == 1
    assert sum(counted["flags"].values()) == 1
    assert bank("GET", "/accounts/FLAG1/analytics").json()["flags"] == counted["flags"]
    assert sum(other("GET", "/analytics").json()["flags"].values()) == 0
    assert cloud.dead_letters("StreamDeadLetterQueueUrl") == []
    assert cloud.dead_letters("OperatorAlertsDeadLetterQueueUrl") == []


def test_attempts_a_second_apart_are_flagged_as_they_come(cloud: CloudUnderTest) -> None:
    bank = cloud.new_bank("velocity-bank", "XAF")
    settings: dict[str, Any] = {"flags": {"velocity": {"count": 3, "minutes": 10}}}
    assert bank("PUT", "/settings", settings).status == 200
    for number in range(5):
        assert post(bank, f"v{number}", 1_000 + number).status == 201
    assert eventually(lambda: flags(bank, "v4")) == {"velocity": {"count": 5, "limit": 3, "minutes": 10}}
    assert flags(bank, "v3") == {"velocity": {"count": 4, "limit": 3, "minutes": 10}}
    assert flags(bank, "v2") == {}


def post(bank: BankClient, transaction_id: str, amount: int) -> Any:
    now = datetime.now(UTC).isoformat()
    merchant = {"name": f"Shop {transaction_id}", "country": "CM"}
    body = {"id": transaction_id, "account": "FLAG1", "amount": amount, "type": "debit", "timestamp": now}
    return bank("POST", "/transactions", {**body, "merchant": merchant})


def flags(bank: BankClient, transaction_id: str) -> dict[str, Any]:
    found: dict[str, Any] = bank("GET", f"/transactions/{transaction_id}").json()["flags"]
    return found
