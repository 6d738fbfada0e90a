"""Pacing: how fast e-mails may go to SES, over all copies of the mailers together.

SES refuses what is over the account's send rate. All copies share one item that holds the time until which sending is
booked (the "generic cell rate algorithm"): whoever wants to send books a piece of time at its end, and waits for it.
How much a bank may book, `shares` says.
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
from chalicelib.mail.shares import Booked, Flow, Grant, Lane, book

# Other senders of the account, the clocks of several copies, and what SES counts otherwise, have the rest.
_SHARE = 0.9
_KEY = {"transaction_key": "pacing", "holder": "ses"}
# Copies that book at the same moment see one another's bookings after so many tries at the latest, or try again later.
_TRIES = 20


# Of an account about which SES can't be asked: the least that one outside of the sandbox has.
_UNKNOWN_RATE = 14.0
CACHE_FOR = timedelta(minutes=5)
# SES takes one question a second of an account, and some 15 copies ask.
ASKED_AGAIN_AFTER = timedelta(seconds=30)


class SesAccount:
    """The SES account, which is asked for its send rate every five minutes, unless a `fixed` rate is given.

    When it doesn't say, it is asked again after 30 seconds: until then e-mails may be sent too fast or too slowly.
    """

    def __init__(self, client: Any, clock: Callable[[], datetime], fixed: float | None = None) -> None:
        self._client = client
        self._fixed = fixed
        self._last_known = _UNKNOWN_RATE
        self._is_known = False
        self._rate = TimedCache[None, float](CACHE_FOR, clock)

    def send_rate(self) -> float:
        """Return how many e-mails a second the account may send; the last known number when SES doesn't say."""
        if self._fixed is not None:
            return self._fixed
        return self._rate.get(None, self._ask, CACHE_FOR if self._is_known else ASKED_AGAIN_AFTER)

    def _ask(self) -> float:
        try:
            self._last_known = float(call(self._client.get_account)["SendQuota"]["MaxSendRate"])
        except (ClientError, TemporarilyUnavailable) as error:
            self._is_known = False
            logger.warning("send_rate_unknown", extra={"error": type(error).__name__})
        else:
            self._is_known = True
        return self._last_known


class Pacer:
    """Books SES's time for one `lane`: alerts, or other e-mails."""

    def __init__(
        self,
        client: Any,
        table: str,
        account: SesAccount,
        clock: Callable[[], datetime],
        lane: Lane = Lane.ORDINARY,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._account = account
        self._clock = clock
        self._lane = lane
        self._sleep = sleep
        # What was booked last, as far as this copy knows. If it is out of date, the table refuses the next booking.
        self._booked = Booked()

    @property
    def at_once(self) -> int:
        """How many e-mails may go to SES in one moment: more than a second's worth would be refused."""
        return max(1, math.floor(self._rate()))

    def wait_for(self, bank: str, count: int, at_most_s: float) -> int:
        """Wait until e-mails of the bank may be sent, and return how many: at most `count`, as its share allows.

        Returns 0 if the bank has no time to book within `at_most_s`. Whoever waits here takes no more messages from the
        queue meanwhile. Raises TemporarilyUnavailable.
        """
        waited_s = 0.0
        while not (granted := self._book(bank, count)):
            wait_s = random.uniform(0.2, 1.0)
            if waited_s + wait_s > at_most_s:
                return 0
            self._sleep(wait_s)
            waited_s += wait_s
        return granted

    def _rate(self) -> float:
        # An account that is paused has a rate of 0: SES then refuses what is sent, and that waits for days.
        return max(0.1, self._account.send_rate() * _SHARE)

    def _book(self, bank: str, count: int) -> int:
        """Book what the bank may have now, and wait until it begins; return how many e-mails it is for."""
        for _ in range(_TRIES):
            now_ms = math.ceil(self._clock().timestamp() * 1000)
            grant = book(self._booked, bank, self._lane, count, self._rate(), now_ms)
            if self._store(grant):
                if grant.count:
                    self._sleep((grant.start_ms - now_ms) / 1000)
                return grant.count
        return 0

    def _store(self, grant: Grant) -> bool:
        """Store what is booked, if nothing was booked meanwhile; else learn what is, and return False."""
        before = self._booked.version
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        values: dict[str, Any] = {**_values(grant.booked)}
        if before:
            condition = {"ConditionExpression": "version = :before"}
            values[":before"] = before
        try:
            call(
                self._client.update_item,
                TableName=self._table,
                Key=to_item(_KEY),
                UpdateExpression="SET booked_until = :until, flows = :flows, version = :version",
                ExpressionAttributeValues=to_item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise
            self._booked = _booked(from_item(error.response.get("Item") or self._read()))
            return False
        self._booked = grant.booked
        return True

    def _read(self) -> Any:
        """Return the stored item, for an engine whose refusal doesn't come with it."""
        answer = call(self._client.get_item, TableName=self._table, Key=to_item(_KEY), ConsistentRead=True)
        return answer.get("Item", {})


def _values(booked: Booked) -> dict[str, Any]:
    flows = {f"{bank}#{lane}": [flow.until_ms, flow.asked_ms] for (bank, lane), flow in booked.flows.items()}
    return {":until": booked.until_ms, ":flows": flows, ":version": booked.version}


def _booked(values: dict[str, Any]) -> Booked:
    flows = {}
    for name, (until_ms, asked_ms) in values.get("flows", {}).items():
        bank, _, lane = name.partition("#")
        flows[bank, Lane(lane)] = Flow(int(until_ms), int(asked_ms))
    return Booked(int(values.get("booked_until", 0)), flows, int(values.get("version", 0)))
