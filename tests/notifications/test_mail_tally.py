"""The mailers' tally: each e-mail counts once, and its way to SES is measured from the recording on."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.notifications.notice import Notice, pack, to_payload
from tests.fakes import refusal
from tests.mail_world import NOW, World, many, messages, ses_event
from tests.quiet_night import END, QUIET, Night
from tests.samples import EVIDENCE

ALARMING = {"large_amount": EVIDENCE["large_amount"]}


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> World:
    return World(dynamodb, table_names)


def emails(world: World) -> dict[str, int]:
    return {state: number for state, number in world.hours()[-1].emails.items() if number}


def test_each_state_is_counted_once_in_one_write_for_a_batch(world: World) -> None:
    told = many(4)
    world.enrol("a0", "awa")
    world.enrol("a1", "awa", types=["credit"], min_amount={})
    world.enrol("a2", "awa", muted=True)
    world.enrol("a3", "awa")
    world.ses.statuses = {"a3.awa@example.com": "MESSAGE_REJECTED"}
    world.tell(messages(*told))
    noted = [world.states(one.id)["awa"] for one in told]
    assert emails(world) == {state: noted.count(state) for state in noted}
    world.tell(messages(*told))
    assert emails(world) == {state: noted.count(state) for state in noted}


def test_the_way_to_ses_begins_when_the_transaction_was_recorded(world: World) -> None:
    world.enrol("a0", "awa")
    world.now = NOW
    (one,) = many(1)
    world.tell(messages(replace(one, recorded_at=world.now - timedelta(seconds=4))))
    latency = world.hours()[-1].latency
    assert latency.count == 1
    assert Decimal(3) < (latency.quantile(Decimal(1)) or 0) <= Decimal(5)


def test_alerts_are_counted_among_the_e_mails(world: World) -> None:
    world.enrol("a0", "awa")
    (one,) = many(1)
    world.tell(list(pack([to_payload(Notice(one, flags=ALARMING))])))
    assert emails(world) == {"sent": 1}
    assert world.hours()[-1].alerts == 1


def test_what_waited_by_choice_is_counted_and_not_measured(dynamodb: Any, table_names: dict[str, str]) -> None:
    night = Night(dynamodb, table_names)
    night.enrol("a0", "awa", quiet_hours=QUIET)
    night.tell(messages(*many(1)))
    night.release(now=END + timedelta(minutes=1))
    night.deliver()
    assert emails(night) == {"sent": 1}
    assert night.hours()[-1].latency.count == 0


def test_a_dead_letter_that_is_sent_through_again_is_not_measured(world: World) -> None:
    world.enrol("a0", "awa")
    (one,) = many(1)
    world.tell(list(pack([to_payload(Notice(one, again=True))])))
    assert emails(world) == {"sent": 1}
    assert world.hours()[-1].latency.count == 0


def test_what_was_sent_before_an_error_is_counted(world: World) -> None:
    for one in (told := many(60)):
        world.enrol(one.account, "awa")

    class GoesDown:
        """A table that takes 50 claims."""

        claims = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(world.dynamodb, name)

        def put_item(self, **arguments: Any) -> Any:
            self.claims += 1
            if self.claims > 50:
                raise refusal("InternalServerError")
            return world.dynamodb.put_item(**arguments)

    with pytest.raises(TemporarilyUnavailable):
        world.tell(messages(*told), dynamodb=GoesDown())
    assert emails(world) == {"sent": 50}


def test_a_table_that_takes_no_activity_holds_up_no_e_mail(world: World) -> None:
    world.enrol("a0", "awa")

    class NoActivity:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.dynamodb, name)

        def update_item(self, **arguments: Any) -> Any:
            if "activity#" in json.dumps(arguments["Key"]):
                raise refusal("AccessDeniedException")
            return world.dynamodb.update_item(**arguments)

    world.tell(messages(*many(1)), dynamodb=NoActivity())
    assert world.states("t0") == {"awa": "sent"}
    assert emails(world) == {}


def test_what_ses_tells_back_is_counted_by_what_it_means(world: World) -> None:
    for one in (told := many(4)):
        world.enrol(one.account, "awa")
    world.tell(messages(*told))
    events = zip(("delivery", "bounce", "complaint", "delivery"), told, strict=True)
    bodies = [ses_event(name, f"{one.account}.awa@example.com", transaction=one.id) for name, one in events]
    world.hear(bodies)
    assert emails(world) == {"sent": 4, "delivered": 2, "bounced": 1, "complained": 1}


def test_the_e_mail_of_a_digest_counts_once_whatever_it_tells(world: World) -> None:
    world.digest_after = 2
    world.enrol("a0", "awa")
    told = [replace(one, account="a0") for one in many(6)]
    world.tell(messages(*told))
    before = emails(world)
    assert before == {"sent": 2}
