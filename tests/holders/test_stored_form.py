"""The stored form of holders: what is written is read, and what can't be read is no holder."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.stored_form import holder_values, holders_in, readable

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
LEAST = Holder("awa", "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", {}, NOW)
FULL = dataclasses.replace(
    LEAST,
    preferences={"types": ["debit"]},
    suppressed=Suppressed("hard_bounce", NOW, NOW + timedelta(days=14)),
    bank_preferences={"types": ["debit"]},
    choices={"muted": None},
    preferences_chosen_at=NOW,
    created_at=NOW,
    updated_at=NOW + timedelta(seconds=1),
    confirmation_asked_at=NOW,
    address_confirmed_at=NOW + timedelta(hours=1),
    alias="5f0c1d",
    told_from=NOW - timedelta(days=1),
)


@pytest.mark.parametrize("holder", [LEAST, FULL], ids=["least", "full"])
def test_what_is_written_is_read(holder: Holder) -> None:
    assert readable("awa", holder_values(holder)) == holder


def test_every_field_of_a_holder_is_written() -> None:
    written = set(holder_values(FULL)) | {"id"}
    assert written == {field.name for field in dataclasses.fields(Holder)}


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "text",
        {},
        {"enrolled_at": "yesterday"},
        {"suppressed": {}},
        {"suppressed": "hard_bounce"},
        {"told_from": "then"},
        {"created_at": 5},
    ],
    ids=str,
)
def test_what_can_t_be_read_is_left_out_and_hides_nobody(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    values = {**holder_values(LEAST), **broken} if isinstance(broken, dict) and broken else broken
    item = {"account_key": "eazycard#A1", "holder:a": values, "holder:b": holder_values(LEAST), "erased_at": "x"}
    assert [holder.id for holder in holders_in(item)] == ["b"]
    assert "malformed_holder" in caplog.text
