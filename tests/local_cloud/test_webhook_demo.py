"""What `make run` makes of the webhooks that its demo bank received."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bank_simulator.counted import Counted
from local_cloud.bounces import Bounce
from local_cloud.run_result import MailTimes, RunResult
from local_cloud.webhook_demo import ReceivedWebhook, received
from tests.webhook_endpoint import BOUNCED, OTHER_SECRET, Endpoint

EXPECTED = {"t-1": "notification.bounced", "t-2": "notification.delivered"}
DELIVERED = {"type": "notification.delivered", "data": {"transaction": "t-2", "holder": "awa", "state": "delivered"}}
BOTH = [
    ReceivedWebhook("notification.bounced", 0.4, True),
    ReceivedWebhook("notification.delivered", 0.3, True),
]


def heard_at(endpoint: Endpoint) -> list[tuple[str, bool]]:
    found = received(f"{endpoint.url}/", EXPECTED, datetime.now(UTC) - timedelta(minutes=1), timeout_s=0.3)
    assert all(30 < one.after_s <= 60 for one in found)
    return [(one.type, one.is_signature_valid) for one in found]


def test_each_expected_webhook_is_heard_in_the_expected_order_and_no_other(endpoint: Endpoint) -> None:
    endpoint.receive(DELIVERED)
    endpoint.receive({**DELIVERED, "type": "notification.failed"})
    endpoint.receive({**BOUNCED, "data": {"transaction": "t-3"}})
    endpoint.receive(BOUNCED)

    assert heard_at(endpoint) == [("notification.bounced", True), ("notification.delivered", True)]


def test_one_that_does_not_come_is_left_out(endpoint: Endpoint) -> None:
    assert heard_at(endpoint) == []
    endpoint.receive(DELIVERED)
    assert heard_at(endpoint) == [("notification.delivered", True)]


def test_one_without_a_valid_signature_counts_only_while_there_is_no_other(endpoint: Endpoint) -> None:
    endpoint.receive(DELIVERED, secret=OTHER_SECRET)
    assert heard_at(endpoint) == [("notification.delivered", False)]
    endpoint.receive(DELIVERED)
    endpoint.receive(DELIVERED, secret=OTHER_SECRET)
    assert heard_at(endpoint) == [("notification.delivered", True)]


def test_of_one_that_came_twice_the_first_counts(endpoint: Endpoint) -> None:
    endpoint.receive(DELIVERED)
    between = datetime.now(UTC)
    endpoint.receive(DELIVERED)

    (one,) = received(f"{endpoint.url}/", {"t-2": "notification.delivered"}, between, timeout_s=0.3)
    assert one.after_s < 0


@pytest.mark.parametrize(
    ("came", "is_right"),
    [
        (BOTH, True),
        (BOTH[:1], False),
        ([], False),
        ([BOTH[0], dataclasses.replace(BOTH[1], is_signature_valid=False)], False),
    ],
)
def test_run_is_right_only_if_both_webhooks_came_signed(came: list[ReceivedWebhook], is_right: bool) -> None:
    times = MailTimes(accepted=1, seconds=[0.1], missing=0)
    totals = {"EUR": Counted(1, Decimal(0), Decimal(1))}
    bounced = "suppressed (hard_bounce)"
    bounce = Bounce("bounced (hard: General)", bounced, bounced, datetime.now(UTC), EXPECTED)

    result = RunResult(2, times, times, times, ["large_amount"], totals, totals, bounce, came)

    assert result.is_right is is_right
