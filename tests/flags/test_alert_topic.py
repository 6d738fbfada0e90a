"""The topic of operators' alerts: who is subscribed to what, and what becomes of SNS's refusals."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.banks.settings import NotSubscribable
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.alert_topic import OperatorTopics
from tests.fakes import Refusing, refusal

ADDRESS = "fraud@bank.example"


class Sns:
    """Real topics on moto, with a queue of each bank behind its own to see what is let through."""

    def __init__(self) -> None:
        self.client = boto3.client("sns")
        self.sqs = boto3.client("sqs")
        self.arn: str = self.client.create_topic(Name="operator-alerts")["TopicArn"]
        self.asked: list[str] = []
        self.may_ask = True
        self.topics = OperatorTopics(self.client, self.arn, self._ask)

    def _ask(self, bank: str) -> bool:
        self.asked.append(bank)
        return self.may_ask

    def refusing(self, code: str, operation: str) -> OperatorTopics:
        return OperatorTopics(Refusing(self.client, refusal(code), operation), self.arn, self._ask)

    def subscriptions(self, bank: str) -> dict[str, dict[str, str]]:
        """Return the attributes of each subscription of the bank's topic by its address."""
        found = self.client.list_subscriptions_by_topic(TopicArn=f"{self.arn}-{bank}")["Subscriptions"]
        return {
            one["Endpoint"]: self.client.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])[
                "Attributes"
            ]
            for one in found
        }

    def listener(self, bank: str) -> str:
        """Subscribe a queue to the bank's topic; return its URL."""
        url: str = self.sqs.create_queue(QueueName=bank)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.topics.subscribe(bank, f"{bank}@bank.example")
        self.client.subscribe(TopicArn=f"{self.arn}-{bank}", Protocol="sqs", Endpoint=arn)
        return url

    def heard(self, url: str) -> list[dict[str, Any]]:
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def sns() -> Iterator[Sns]:
    with mock_aws():
        yield Sns()


def test_an_address_is_subscribed_to_its_banks_topic_which_is_encrypted(sns: Sns) -> None:
    subscription = sns.topics.subscribe("eazycard", ADDRESS)
    assert subscription.startswith(f"{sns.arn}-eazycard:")
    attributes = sns.subscriptions("eazycard")[ADDRESS]
    assert (attributes["Protocol"], attributes["SubscriptionArn"]) == ("email", subscription)
    assert "FilterPolicy" not in attributes
    topic = sns.client.get_topic_attributes(TopicArn=f"{sns.arn}-eazycard")["Attributes"]
    assert topic["KmsMasterKeyId"] == "alias/aws/sns"


def test_a_bank_that_has_named_no_address_has_no_topic_and_nothing_is_sent(sns: Sns) -> None:
    sns.topics.publish("eazycard", "1 transaction flagged", "t1 large_amount")
    assert [one["TopicArn"] for one in sns.client.list_topics()["Topics"]] == [sns.arn]


def test_what_is_published_for_a_bank_reaches_that_banks_operators_and_no_others(sns: Sns) -> None:
    mine, other = sns.listener("eazycard"), sns.listener("other-bank")
    sns.topics.publish("eazycard", "1 transaction flagged", "t1 large_amount")
    (message,) = sns.heard(mine)
    assert (message["Subject"], message["Message"]) == ("1 transaction flagged", "t1 large_amount")
    assert sns.heard(other) == []


def test_an_address_that_is_subscribed_or_asked_already_is_not_asked_again(sns: Sns) -> None:
    known = sns.topics.subscribe("eazycard", ADDRESS)
    assert [sns.topics.subscribe("eazycard", ADDRESS, known) for _ in range(3)] == [known] * 3
    assert len(sns.subscriptions("eazycard")) == len(sns.asked) == 1


def test_a_subscription_that_its_owner_has_ended_is_renewed(sns: Sns) -> None:
    known = sns.topics.subscribe("eazycard", ADDRESS)
    sns.client.unsubscribe(SubscriptionArn=known)
    renewed = sns.topics.subscribe("eazycard", ADDRESS, known)
    assert [*sns.subscriptions("eazycard")] == [ADDRESS]
    assert renewed != known
    assert len(sns.asked) == 2


def test_a_subscription_of_the_topic_that_banks_shared_is_made_anew(sns: Sns) -> None:
    before = sns.client.subscribe(TopicArn=sns.arn, Protocol="email", Endpoint=ADDRESS, ReturnSubscriptionArn=True)
    assert sns.topics.subscribe("eazycard", ADDRESS, before["SubscriptionArn"]).startswith(f"{sns.arn}-eazycard:")


def test_a_bank_that_has_had_too_many_asked_is_told_so_and_nobody_is_asked(sns: Sns) -> None:
    known = sns.topics.subscribe("eazycard", "known@bank.example")
    sns.may_ask = False
    with pytest.raises(NotSubscribable, match="tomorrow"):
        sns.topics.subscribe("eazycard", ADDRESS)
    assert [*sns.subscriptions("eazycard")] == ["known@bank.example"]
    assert sns.topics.subscribe("eazycard", "known@bank.example", known) == known


def test_a_subscription_is_ended_and_that_it_is_none_is_as_good(sns: Sns) -> None:
    subscription = sns.topics.subscribe("eazycard", ADDRESS)
    assert sns.topics.unsubscribe(subscription)
    assert sns.subscriptions("eazycard") == {}
    assert sns.refusing("NotFound", "unsubscribe").unsubscribe(subscription)


def test_one_that_waits_for_confirmation_is_not_ended(sns: Sns) -> None:
    assert not sns.refusing("InvalidParameter", "unsubscribe").unsubscribe("arn")


def test_an_address_that_sns_refuses_cannot_be_subscribed(sns: Sns) -> None:
    with pytest.raises(NotSubscribable):
        sns.refusing("InvalidParameter", "subscribe").subscribe("eazycard", ADDRESS)


@pytest.mark.parametrize("code", ["Throttled", "ThrottledException", "ThrottlingException", "ConcurrentAccess"])
def test_a_refusal_that_passes_is_told_from_one_that_stays(sns: Sns, code: str) -> None:
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "subscribe").subscribe("eazycard", ADDRESS)
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "create_topic").subscribe("eazycard", ADDRESS)
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "get_subscription_attributes").subscribe("eazycard", ADDRESS, f"{sns.arn}-eazycard:1")
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "unsubscribe").unsubscribe("arn")
    with pytest.raises(TemporarilyUnavailable):
        sns.refusing(code, "publish").publish("eazycard", "subject", "text")


@pytest.mark.parametrize("code", ["TopicLimitExceededException", "SubscriptionLimitExceededException"])
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
        topics = sns.refusing("AuthorizationError", operation)
        arguments = {"subscribe": ("b", ADDRESS), "unsubscribe": ("arn",), "publish": ("b", "s", "t")}[operation]
        with pytest.raises(type(refusal("AuthorizationError"))):
            getattr(topics, operation)(*arguments)
