"""SES's mailbox simulator on the local cloud: events as SES publishes them, and a bounce from end to end."""

import json
from datetime import UTC, datetime

import pytest

from chalicelib.notifications.feedback import read_event
from local_cloud import bounces, mailbox_simulator
from local_cloud.messages import Message
from tests.cloud import CloudUnderTest, eventually

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
TAGS = {"bank": "eazycard", "transaction": "t0", "holder": "awa"}


def kinds(address: str) -> list[str]:
    """Return what the feedback function understands of what is told of an e-mail to this address."""
    message = Message("m-1", "alerts@example.com", address, "Subject", "text", "<p>", NOW, "fr", {}, {})
    found = [read_event(json.dumps(event)) for event in mailbox_simulator.events(message, TAGS, NOW)]
    assert all(event and event.address == address and event.feedback.message_id == "m-1" for event in found)
    return [event.feedback.kind.value for event in found if event]


@pytest.mark.parametrize(
    ("local_part", "expected"),
    [
        ("success", ["delivery"]),
        ("bounce", ["hard_bounce"]),
        ("complaint", ["delivery", "complaint"]),
        ("ooto", ["delivery", "soft_bounce"]),
        ("suppressionlist", ["hard_bounce"]),
        ("BOUNCE", ["hard_bounce"]),
        ("bounce+20260110", ["hard_bounce"]),
        ("nobody", []),
        ("not-bounce", []),
    ],
)
def test_each_simulator_address_makes_the_events_that_it_does_at_ses(local_part: str, expected: list[str]) -> None:
    assert kinds(f"{local_part}@simulator.amazonses.com") == expected


@pytest.mark.parametrize("address", ["bounce@example.com", "bounce@simulator.amazonses.com.example.com"])
def test_nothing_is_told_of_other_addresses(address: str) -> None:
    assert kinds(address) == []


@pytest.mark.cloud
def test_a_bounce_on_the_local_cloud_suppresses_the_address(cloud: CloudUnderTest) -> None:
    bank = cloud.new_bank("bouncing-bank")
    now = datetime.now(UTC)
    bounce = bounces.show(cloud.deployed, bank.api_key, now)
    assert bounce.is_as_expected, bounce
    assert len(cloud.mails(f"bounce+{now:%Y%m%d%H%M%S%f}@")) == 1
    assert mailbox_simulator.play(cloud.deployed.cloud) == {}  # all that was to be told is
    told = eventually(lambda: bank("GET", "/notifications").json()["notifications"][2:])  # five seconds behind
    assert {one["state"] for one in told} == {"suppressed"}
    assert cloud.dead_letters("FeedbackDeadLetterQueueUrl") == []
