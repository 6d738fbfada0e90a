"""The topic of operators' alerts: who is subscribed to what, and what becomes of SNS's refusals."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.banks.settings import NotSubscribable
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.alert_topic import OperatorTopic
from tests.fakes import Refusing, refusal

ADDRESS = "fraud@bank.example"


class Sns:
    """A real topic on moto, with a queue of each bank behind it to see what is let through."""

    def __init__(self) -> None:
        self.client = boto3.client("sns")
        self.sqs = boto3.client("sqs")
        self.arn: str = self.client.create_topic(Name="operator-alerts")["TopicArn"]
        self.topic = OperatorTopic(self.client, self.arn)

    def refusing(self, code: str, operation: str) -> OperatorTopic:
        return OperatorTopic(Refusing(self.client, refusal(code), operation), self.arn)

    def subscriptions(self) -> dict[str, dict[str, str]]:
        """Return the attributes of each subscription by its address."""
        found = self.client.list_subscriptions_by_topic(TopicArn=self.arn)["Subscriptions"]
        return {
            one["Endpoint"]: self.client.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])[
                "Attributes"
            ]
            for one in found
        }

    def listener(self, bank: str) -> str:
        """Subscribe a queue with the filter that a bank's operators have; return its URL."""
        url: str = self.sqs.create_queue(QueueName=bank)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.topic.subscribe(bank, f"{bank}@bank.example")
        policy = self.subscriptions()[f"{bank}@bank.example"]["FilterPolicy"]
        self.client.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": policy})
        return url

    def heard(self, url: str) -> list[dict[str, Any]]:
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def sns() -> Iterator[Sns]:
    with mock_aws():
        yield Sns()


def test_an_address_is_subscribed_to_its_banks_alerts_only(sns: Sns) -> None:
    subscription = sns.topic.subscribe("eazycard", ADDRESS)
    assert subscription.startswith(f"{sns.arn}:")
    attributes = sns.subscriptions()[ADDRESS]
    assert (attributes["Protocol"], attributes["SubscriptionArn"]) == ("email", subscription)
    assert json.loads(attributes["FilterPolicy"]) == {"bank": ["eazycard"]}


def test_what_is_published_for_a_bank_reaches_that_banks_operators_and_no_others(sns: Sns) -> None:
    mine, other = sns.listener("eazycard"), sns.listener("other-bank")
    sns.topic.publish("eazycard", "1 transaction flagged", "t1 large_amount")
    (message,) = sns.heard(mine)
    assert (message["Subject"], message["Message"]) == ("1 transaction flagged", "t1 large_amount")
    assert sns.heard(other) == []


def test_an_address_that_is_subscribed_already_keeps_its_subscription(sns: Sns) -> None:
    assert sns.topic.subscribe("eazycard", ADDRESS) == sns.topic.subscribe("eazycard", ADDRESS)
    assert len(sns.subscriptions()) == 1


def test_a_subscription_is_ended_and_that_it_is_none_is_as_good(sns: Sns) -> None:
    subscription = sns.topic.subscribe("eazycard", ADDRESS)
    assert sns.topic.unsubscribe(subscription)
    assert sns.subscriptions() == {}
    assert sns.refusing("NotFound", "unsubscribe").unsubscribe(subscription)


def test_one_that_waits_for_confirmation_is_not_ended(sns: Sns) -> None:
    assert not sns.refusing("InvalidParameter", "unsubscribe").unsubscribe("arn")


def test_an_address_that_sns_refuses_cannot_be_subscribed(sns: Sns) -> None:
    # As for an address that has a subscription with another filter.
    with pytest.raises(NotSubscribable):
        sns.refusing("InvalidParameter", "subscribe").subscribe("eazycard", ADDRESS)


@pytest.mark.parametrize("code", ["Throttled", "ThrottledException", "ThrottlingException", "ConcurrentAccess"])
def test_a_refusal_that_passes_is_told_from_one_that_stays(sns: Sns, code: str) -> None:
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "subscribe").subscribe("eazycard", ADDRESS)
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "unsubscribe").unsubscribe("arn")
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "publish").publish("eazycard", "subject", "text")


@pytest.mark.parametrize("code", ["FilterPolicyLimitExceeded", "SubscriptionLimitExceededException"])
def test_a_quota_that_all_banks_share_is_no_unexpected_error_and_says_nothing_of_them(
    sns: Sns, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(TemporarilyUnavailable) as refused:
        sns.refusing(code, "subscribe").subscribe("eazycard", ADDRESS)
    assert code not in str(refused.value)
    (line,) = [record for record in caplog.records if record.message == "alert_subscriptions_full"]
    assert line.code == code  # type: ignore[attr-defined]
    assert ADDRESS not in str(vars(line))


def test_a_missing_permission_is_our_fault_and_not_the_callers(sns: Sns) -> None:
    for operation in ("subscribe", "unsubscribe", "publish"):
        topic = sns.refusing("AuthorizationError", operation)
        arguments = {"subscribe": ("b", ADDRESS), "unsubscribe": ("arn",), "publish": ("b", "s", "t")}[operation]
        with pytest.raises(type(refusal("AuthorizationError"))):
            getattr(topic, operation)(*arguments)
