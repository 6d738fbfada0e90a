"""Pacing: how fast e-mails may go to SES, over all copies of the mailers together.

SES refuses what is over the account's send rate. All copies share one item that holds the time until which sending is
booked (the "generic cell rate algorithm"): whoever wants to send books a piece of time at its end, and waits for it.
"""

import math
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.caching import TimedCache
from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, from_item, to_item
from chalicelib.aws.telemetry import logger
from chalicelib.errors import TemporarilyUnavailable

# What is booked ahead of now, at most. Alerts may book behind everything that ordinary mail could have booked, so that
# they wait for a second at the very most, and ordinary mail waits for them.
AHEAD = timedelta(seconds=1)
ALERTS_AHEAD = timedelta(seconds=5)
# Other senders of the account, the clocks of several copies, and what SES counts otherwise, have the rest.
_SHARE = 0.9
_KEY = {"transaction_key": "pacing", "holder": "ses"}


# Of an account about which SES can't be asked: the least that one outside of the sandbox has.
_UNKNOWN_RATE = 14.0
CACHE_FOR = timedelta(minutes=5)


class SesAccount:
    """The SES account, which is asked for its send rate every five minutes, unless a `fixed` rate is given."""

    def __init__(self, client: Any, clock: Callable[[], datetime], fixed: float | None = None) -> None:
        self._client = client
        self._fixed = fixed
        self._last_known = _UNKNOWN_RATE
        self._rate = TimedCache[None, float](CACHE_FOR, clock)

    def send_rate(self) -> float:
        """Return how many e-mails a second the account may send; the last known number when SES doesn't say."""
        return self._rate.get(None, self._ask) if self._fixed is None else self._fixed

    def _ask(self) -> float:
        try:
            self._last_known = float(call(self._client.get_account)["SendQuota"]["MaxSendRate"])
        except (ClientError, TemporarilyUnavailable) as error:
            logger.warning("send_rate_unknown", extra={"error": type(error).__name__})
        return self._last_known


class Pacer:
    def __init__(
        self,
        client: Any,
        table: str,
        account: SesAccount,
        clock: Callable[[], datetime],
        ahead: timedelta = AHEAD,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._account = account
        self._clock = clock
        self._ahead = ahead
        self._sleep = sleep

    @property
    def at_once(self) -> int:
        """How many e-mails may go to SES in one moment: more than a second's worth would be refused."""
        return max(1, math.floor(self._rate()))

    def wait_for(self, count: int, at_most_s: float) -> bool:
        """Wait until `count` e-mails may be sent, at most `at_once`; False when that takes longer than `at_most_s`.

        Whoever waits here takes no more messages from the queue meanwhile. Raises TemporarilyUnavailable.
        """
        waited_s = 0.0
        while not self._book(count):
            wait_s = random.uniform(0.2, 1.0)
            if waited_s + wait_s > at_most_s:
                return False
            self._sleep(wait_s)
            waited_s += wait_s
        return True

    def _book(self, count: int) -> bool:
        takes_ms = math.ceil(count * 1000 / self._rate())
        now_ms = math.ceil(self._clock().timestamp() * 1000)
        return self._book_from_now(now_ms, takes_ms) or self._queue_up(now_ms, takes_ms)

    def _rate(self) -> float:
        # An account that is paused has a rate of 0: SES then refuses what is sent, and that waits for days.
        return max(0.1, self._account.send_rate() * _SHARE)

    def _book_from_now(self, now_ms: int, takes_ms: int) -> bool:
        return (
            self._booked(
                UpdateExpression="SET booked_until = :until",
                ConditionExpression="attribute_not_exists(booked_until) OR booked_until < :now",
                ExpressionAttributeValues=to_item({":until": now_ms + takes_ms, ":now": now_ms}),
            )
            is not None
        )

    def _queue_up(self, now_ms: int, takes_ms: int) -> bool:
        """Book at the end of what is booked, if that is near enough, and wait until then."""
        latest = now_ms + int(self._ahead.total_seconds() * 1000)
        before = self._booked(
            UpdateExpression="SET booked_until = booked_until + :takes",
            ConditionExpression="booked_until <= :latest",
            ExpressionAttributeValues=to_item({":takes": takes_ms, ":latest": latest}),
        )
        if before is None:
            return False
        self._sleep(max(0, int(before["booked_until"]) - now_ms) / 1000)
        return True

    def _booked(self, **update: Any) -> dict[str, Any] | None:
        """Change what is booked; return what was before, None if the condition isn't met."""
        try:
            answer = call(
                self._client.update_item,
                TableName=self._table,
                Key=to_item(_KEY),
                ReturnValues="UPDATED_OLD",
                **update,
            )
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise
            return None
        return from_item(answer.get("Attributes", {}))
