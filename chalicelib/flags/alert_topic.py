"""The SNS topics that banks' operators hear of flagged transactions by: one for each bank that has named an address.

On one topic, each subscription would need a filter, and all banks would share its 200 ("Amazon SNS endpoints and
quotas", AWS General Reference).
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.settings import NotSubscribable
from chalicelib.errors import TemporarilyUnavailable

# SNS's own names for refusals that pass.
_PASSING = frozenset({"Throttled", "ThrottledException", "Throttling", "ConcurrentAccess", "ConcurrentAccessException"})
_INVALID = frozenset({"InvalidParameter", "InvalidParameterException"})
# The account has all the topics that it may (100,000), or the topic all subscriptions (12,500,000).
_FULL = frozenset(f"{name}LimitExceeded{suffix}" for name in ("Topic", "Subscription") for suffix in ("", "Exception"))
_GONE = frozenset({"NotFound", "NotFoundException"})


class OperatorTopics:
    """`base_arn` is a topic of the stage: the banks' topics have its name, with the bank's id behind it."""

    def __init__(self, client: Any, base_arn: str, may_ask: Callable[[str], bool]) -> None:
        self._client = client
        self._base_arn = base_arn
        self._may_ask = may_ask

    def subscribe(self, bank: str, address: str, known: str = "") -> str:
        """Have the bank's alerts sent to an e-mail address, once its owner confirms; return the subscription.

        `known` is the subscription of this address from before, if any: it stays as it is while SNS has it, confirmed
        or not, so its owner isn't asked again. Raises NotSubscribable, when SNS takes no such address or the bank has
        had too many addresses asked today, and TemporarilyUnavailable.
        """
        if known and self._has(bank, known):
            return known
        if not self._may_ask(bank):
            raise NotSubscribable("Too many addresses were asked to confirm today: try again tomorrow.")
        try:
            answer = self._call(
                self._client.subscribe,
                TopicArn=self._topic(bank),
                Protocol="email",
                Endpoint=address,
                ReturnSubscriptionArn=True,
            )
        except ClientError as error:
            if error_code(error) in _INVALID:
                raise NotSubscribable("Can't be subscribed: use another address.") from error
            raise
        subscription: str = answer["SubscriptionArn"]
        return subscription

    def unsubscribe(self, subscription: str) -> bool:
        """End a subscription, whether or not it is there still; return whether there is none now.

        SNS ends none that waits for its owner's confirmation: it goes by itself after days, unless it is confirmed.
        Raises TemporarilyUnavailable.
        """
        try:
            self._call(self._client.unsubscribe, SubscriptionArn=subscription)
        except ClientError as error:
            if error_code(error) in _INVALID:
                return False
            if error_code(error) not in _GONE:
                raise
        return True

    def publish(self, bank: str, subject: str, text: str) -> None:
        """Send a message to the bank's operators, if it has named any; `subject` is ASCII, at most 100 characters.

        Raises TemporarilyUnavailable.
        """
        try:
            self._call(self._client.publish, TopicArn=self._arn(bank), Subject=subject, Message=text)
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise

    def _arn(self, bank: str) -> str:
        return f"{self._base_arn}-{bank}"

    def _topic(self, bank: str) -> str:
        """Return the ARN of the bank's topic, which SNS makes if there is none."""
        attributes = {"KmsMasterKeyId": "alias/aws/sns"}  # SNS's own key: it costs nothing and needs no permission
        name = self._arn(bank).rpartition(":")[2]
        arn: str = self._call(self._client.create_topic, Name=name, Attributes=attributes)["TopicArn"]
        return arn

    def _has(self, bank: str, subscription: str) -> bool:
        """Return whether SNS has this subscription, of the bank's own topic."""
        if not subscription.startswith(f"{self._arn(bank)}:"):
            return False
        try:
            self._call(self._client.get_subscription_attributes, SubscriptionArn=subscription)
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            return False
        return True

    def _call(self, operation: Any, **arguments: Any) -> Any:
        try:
            return call(operation, **arguments)
        except ClientError as error:
            if error_code(error) in _PASSING:
                raise TemporarilyUnavailable from error
            if error_code(error) in _FULL:
                # The bank can't know or mend that: its answer says no more than that it may try again.
                logger.error("alert_subscriptions_full", extra={"code": error_code(error)})
                count("AlertSubscriptionsFull")
                raise TemporarilyUnavailable from error
            raise
