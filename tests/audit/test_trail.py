"""The audit trail: added to before a change, without a value, and under a hash that only the key's owner can make."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.audit.entry import API_KEY, Author, changed_fields
from chalicelib.audit.repository import AuditRepository
from chalicelib.audit.trail import Trail
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Refusing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
AUTHOR = Author(API_KEY, "1a2b3c4d", "192.0.2.7", "request-1")


@pytest.fixture
def entries(each_dynamodb: Any) -> AuditRepository:
    return AuditRepository(each_dynamodb, "AuditTable", 10)


@pytest.fixture
def trail(entries: AuditRepository) -> Trail:
    return Trail(entries, lambda: "a secret", lambda: NOW)


def test_an_entry_says_who_changes_what_and_when(trail: Trail, entries: AuditRepository) -> None:
    trail.by(AUTHOR, "eazycard").of_holder("holder.put", "A123", "awa", ["email", "preferences.muted"])
    (entry,) = entries.of_bank("eazycard", NOW, NOW)
    assert re.fullmatch(r"2026-01-10T14:00:00\.000000Z-[0-9a-f]{16}", entry.id)
    assert entry.to_json() == {
        "id": entry.id,
        "bank": "eazycard",
        "at": "2026-01-10T14:00:00Z",
        "author": {"kind": "api_key", "id": "1a2b3c4d"},
        "action": "holder.put",
        "subject": trail.holder("eazycard", "A123", "awa"),
        "fields": ["email", "preferences.muted"],
        "source_ip": "192.0.2.7",
        "request_id": "request-1",
    }
    assert entries.find("eazycard", entry.id) == entry
    assert not list(entries.of_bank("other-bank", NOW, NOW))


def test_a_change_that_is_tried_again_has_one_entry_and_another_change_another(
    trail: Trail, entries: AuditRepository
) -> None:
    changes = trail.by(AUTHOR, "eazycard")
    for fields in (["flags.velocity"], ["flags.velocity"], ["webhook_url"]):
        changes.of_bank("settings.put", fields)
    changes.of_address("suppression.lift", "0" * 64)
    trail.by(AUTHOR, "eazycard").of_bank("settings.put", ["webhook_url"])
    found = sorted(entry.fields for entry in entries.of_bank("eazycard", NOW, NOW))
    assert found == [(), ("flags.velocity",), ("webhook_url",), ("webhook_url",)]


def test_a_holder_s_hash_differs_by_bank_account_id_and_key(trail: Trail, entries: AuditRepository) -> None:
    other_key = Trail(entries, lambda: "another secret", lambda: NOW)
    hashes = {
        trail.holder("eazycard", "A123", "awa"),
        trail.holder("other-bank", "A123", "awa"),
        trail.holder("eazycard", "A1", "awa"),
        trail.holder("eazycard", "A123", "ben"),
        other_key.holder("eazycard", "A123", "awa"),
    }
    assert len(hashes) == 5
    assert trail.holder("eazycard", "A123", "awa") in hashes
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in hashes)


def test_a_trail_that_can_not_be_written_says_so_before_the_change(each_dynamodb: Any) -> None:
    refusing = Refusing(each_dynamodb, refusal("ThrottlingException"), "put_item")
    trail = Trail(AuditRepository(refusing, "AuditTable", 10), lambda: "a secret", lambda: NOW)
    with pytest.raises(TemporarilyUnavailable):
        trail.by(AUTHOR, "eazycard").of_bank("settings.put")


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({}, {"name": "Awa", "preferences": {"muted": True}}, ("name", "preferences.muted")),
        ({"name": "Awa", "preferences": {"muted": True}}, {"name": "Awa", "preferences": {}}, ("preferences.muted",)),
        ({"flags": {"velocity": {"count": 3}}}, {"flags": {"velocity": {"count": 4}}}, ("flags.velocity",)),
        ({"name": "Awa"}, {"name": "Awa"}, ()),
        ({"webhook_url": None}, {"webhook_url": "https://a.example"}, ("webhook_url",)),
    ],
)
def test_the_changed_fields_are_named(before: dict[str, Any], after: dict[str, Any], fields: tuple[str, ...]) -> None:
    assert changed_fields(before, after) == fields
