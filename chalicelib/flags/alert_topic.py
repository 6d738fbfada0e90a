"""The SNS topic that a bank's operators hear of flagged transactions by: each subscription lets one bank's through."""

import json
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.settings import NotSubscribable
from chalicelib.errors import TemporarilyUnavailable

# SNS's own names for refusals that pass.
_PASSING = frozenset({"Throttled", "ThrottledException", "Throttling", "ConcurrentAccess", "ConcurrentAccessException"})
_INVALID = frozenset({"InvalidParameter", "InvalidParameterException"})
# The topic has 200 filter policies, or the account all of them or of subscriptions that it may. All banks share these.
_FULL = frozenset(
    f"{name}LimitExceeded{suffix}" for name in ("FilterPolicy", "Subscription") for suffix in ("", "Exception")
)
_GONE = frozenset({"NotFound", "NotFoundException"})


class OperatorTopic:
    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def subscribe(self, bank: str, address: str) -> str:
        """Have the bank's alerts sent to an e-mail address, once its owner confirms; return the subscription.

        A subscription that there is already stays as it is. Raises NotSubscribable when SNS takes no such address, or
        has it for another bank: it keeps one subscription, with one filter, for an address. And TemporarilyUnavailable.
        """
        try:
            answer = self._call(
                self._client.subscribe,
                TopicArn=self._arn,
                Protocol="email",
                Endpoint=address,
                Attributes={"FilterPolicy": json.dumps({"bank": [bank]})},
                ReturnSubscriptionArn=True,
            )
        except ClientError as error:
            if error_code(error) in _INVALID:
                raise NotSubscribable from error
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
        """Send a message to the bank's operators; `subject` is ASCII, at most 100 characters.

        Raises TemporarilyUnavailable.
        """
        self._call(
            self._client.publish,
            TopicArn=self._arn,
            Subject=subject,
            Message=text,
            MessageAttributes={"bank": {"DataType": "String", "StringValue": bank}},
        )

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
