"""Changed records in the stream: each change is told to the holder, on EventBridge, and to the bank's endpoint."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from chalicelib.aws.dynamo import to_item
from chalicelib.changes.change_notice import unpack
from chalicelib.changes.change_teller import HOLDER_CHANGED
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.events import SOURCE
from chalicelib.holders.choice import choose
from chalicelib.holders.holder import Suppressed
from infra.package import PROJECT_DIR
from openapi.__main__ import HOLDER_EVENT
from tests.change_world import Changes, holder, record
from tests.fakes import FakeSqs
from tests.mail_world import NOW

SCHEMA = Draft202012Validator(json.loads((PROJECT_DIR / HOLDER_EVENT).read_text()), format_checker=FormatChecker())
LATER = NOW + timedelta(hours=1)
OFF = choose(holder(), {"alerts": False}, LATER)
MOVED = dataclasses.replace(holder(email="new@example.com"), updated_at=LATER)


@pytest.fixture
def changes(dynamodb: Any, table_names: dict[str, str]) -> Changes:
    found = Changes(dynamodb, table_names)
    found.name_endpoint()
    return found


def queued(changes: Changes) -> list[tuple[str, str]]:
    return [(notice.told.kind, notice.told.holder.email) for notice in map(unpack, changes.queue.bodies)]


def test_each_change_makes_one_mail_one_event_and_one_webhook(changes: Changes) -> None:
    changes.teller().handle(changes.put(holder(), OFF))
    moved = dataclasses.replace(OFF, email="new@example.com", updated_at=LATER + timedelta(hours=1))
    changes.teller().handle(changes.put(moved))
    assert queued(changes) == [("alerts_ended", "awa@example.com"), ("address_changed", "awa@example.com")]
    detail = {
        "version": "1",
        "bank": "eazycard",
        "account": "A1",
        "holder": "awa",
        "change": "alerts_ended",
        "changed_by": "holder",
        "changed_at": "2026-01-10T15:00:05Z",
    }
    second = {**detail, "change": "address_changed", "changed_by": "bank", "changed_at": "2026-01-10T16:00:05Z"}
    assert changes.events.details == [detail, second]
    assert [(one["Source"], one["DetailType"]) for one in changes.events.accepted] == [(SOURCE, HOLDER_CHANGED)] * 2
    bodies = changes.webhook_bodies()
    assert [body["type"] for body in bodies] == ["holder.changed"] * 2
    told = ("account", "holder", "change", "changed_by", "changed_at")
    assert [body["data"] for body in bodies] == [{name: one[name] for name in told} for one in (detail, second)]
    assert [body["timestamp"] for body in bodies] == [detail["changed_at"], second["changed_at"]]


def test_the_event_is_what_its_schema_says(changes: Changes) -> None:
    changes.teller().handle(changes.put(holder(), OFF, MOVED))
    envelope = {"version": "0", "id": "6a7e8feb", "source": SOURCE, "detail-type": HOLDER_CHANGED}
    for detail in changes.events.details:
        SCHEMA.validate({**envelope, "detail": detail})
        assert not SCHEMA.is_valid({**envelope, "detail": {**detail, "email": "awa@example.com"}})
        assert not SCHEMA.is_valid({**envelope, "detail": {**detail, "change": "other"}})


def test_no_name_and_no_address_is_in_events_webhooks_and_logs(changes: Changes, logged: Any) -> None:
    changes.teller().handle(changes.put(holder(), OFF, MOVED))
    shown = json.dumps([changes.events.details, changes.webhook_bodies()]) + logged()
    assert "example.com" not in shown
    assert "Awa" not in shown
    assert "holders_changed" in shown


def test_a_batch_that_comes_again_has_the_same_ids(changes: Changes) -> None:
    records = changes.put(holder(), OFF)
    for _ in range(2):
        changes.teller().handle(records)
    assert len({unpack(body).key for body in changes.queue.bodies}) == 1
    assert changes.events.details[0] == changes.events.details[1]
    assert len({json.loads(body)["id"] for body in changes.webhooks.bodies}) == 1


@pytest.mark.parametrize("fails", ["mails", "events", "webhooks"])
def test_what_can_not_be_told_now_fails_the_batch_and_is_told_when_it_comes_again(changes: Changes, fails: str) -> None:
    records = changes.put(holder(), OFF)
    changes.events.refuses = 99 if fails == "events" else 0
    broken = {} if fails == "events" else {fails: FakeSqs(fails_first=99)}
    with pytest.raises(TemporarilyUnavailable):
        changes.teller(**broken).handle(records)
    changes.events.refuses = 0
    changes.teller().handle(records)
    assert len({unpack(body).key for body in changes.queue.bodies}) == 1
    assert changes.events.details
    assert changes.webhook_bodies()


def test_a_bank_without_an_endpoint_gets_the_event_alone(dynamodb: Any, table_names: dict[str, str]) -> None:
    changes = Changes(dynamodb, table_names)
    changes.teller().handle(changes.put(holder(), OFF))
    assert len(changes.events.details) == 1
    assert changes.webhooks.bodies == []


def test_what_is_no_such_change_tells_nothing(changes: Changes) -> None:
    muted = choose(holder(), {"muted": True}, LATER)
    bounced = dataclasses.replace(muted, suppressed=Suppressed("hard_bounce", LATER))
    records = changes.put(holder(), muted, bounced, holder("ben", "ben@example.com"))
    emptied = record(changes.image(), {**to_item({"account_key": "eazycard#A1", "holder_count": 0})})
    changes.teller().handle([*records, emptied, {"eventName": "REMOVE", "dynamodb": {"OldImage": changes.image()}}])
    assert (changes.queue.bodies, changes.events.accepted, changes.webhooks.bodies) == ([], [], [])


def test_one_holder_s_change_is_not_told_to_the_account_s_others(changes: Changes) -> None:
    ben = choose(holder("ben", "ben@example.com"), {"alerts": False}, LATER)
    changes.teller().handle(changes.put(holder(), holder("ben", "ben@example.com"), ben))
    assert queued(changes) == [("alerts_ended", "ben@example.com")]


def test_a_record_that_can_t_be_read_is_set_aside_and_holds_nothing_up(changes: Changes) -> None:
    broken = {"eventName": "MODIFY", "dynamodb": {"NewImage": to_item({"holder_count": 1})}}
    changes.teller().handle([broken, {"eventName": "MODIFY"}, *changes.put(holder(), OFF)])
    assert queued(changes) == [("alerts_ended", "awa@example.com")]
    assert [letter["reason"] for letter in changes.letters()] == ["malformed_record: KeyError"] * 2
    assert changes.letters()[0]["payload"] == broken
