"""Changes that are told: which they are, who made them, and to which address they are told."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.holders.change import HolderChange, changes_of, from_json
from chalicelib.holders.choice import amended, choose, replaced
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.notifications.state import CHANGE_ID
from tests.change_world import holder
from tests.mail_world import NOW

LATER = NOW + timedelta(hours=1, microseconds=7)


def told(before: Holder | None, after: Holder) -> list[tuple[str, str, str]]:
    """Return the kind, who made the change, and the address that is told of it."""
    return [(one.kind, one.by, one.holder.email) for one in changes_of("eazycard", "A1", before, after)]


ENDED_BY_HOLDER = ("alerts_ended", "holder", "awa@example.com")
ENDED_BY_BANK = ("alerts_ended", "bank", "awa@example.com")
MOVED = ("address_changed", "bank", "awa@example.com")
OFF = choose(holder(), {"alerts": False}, LATER)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (holder(), choose(holder(), {"muted": True}, LATER), []),
        (holder(), amended(holder(), {"name": "Awa N.", "locale": "fr"}, LATER), []),
        (holder(), OFF, [ENDED_BY_HOLDER]),
        (holder(muted=True), choose(holder(muted=True), {"alerts": False}, LATER), [ENDED_BY_HOLDER]),
        (OFF, choose(OFF, {"muted": True}, LATER), []),
        (OFF, choose(OFF, {"alerts": True}, LATER), []),
        (OFF, replaced(OFF, holder(alerts=False)), []),
        (holder(), amended(holder(), {"preferences": {"alerts": False}}, LATER), [ENDED_BY_BANK]),
        (holder(), replaced(holder(), holder(alerts=False)), [ENDED_BY_BANK]),
        (None, holder(), []),
        (None, holder(alerts=False), [ENDED_BY_BANK]),  # erased and enrolled again, perhaps
        (holder(), holder(email="new@example.com"), [MOVED]),
        (holder(), holder(email="AWA@example.com"), []),
        (holder(), holder(email="new@example.com", alerts=False), [MOVED, ENDED_BY_BANK]),
        (OFF, replaced(OFF, holder(email="new@example.com")), [MOVED]),
    ],
)
def test_ended_alerts_and_changed_addresses_are_told_to_the_address_from_before(
    before: Holder | None, after: Holder, changes: list[tuple[str, str, str]]
) -> None:
    assert told(before, after) == changes


def test_a_record_of_an_earlier_release_that_is_written_anew_tells_nothing() -> None:
    old = Holder("awa", "Awa", "awa@example.com", "en", "UTC", {"muted": True}, NOW)
    assert told(old, amended(old, {"name": "Awa N."}, LATER)) == []
    assert told(old, choose(old, {"muted": True}, LATER)) == []


def test_each_change_has_an_id_that_no_transaction_has() -> None:
    (first,) = changes_of("eazycard", "A1", holder(), OFF)
    assert first.id == "alerts_ended@A1@20260110T150005000007Z"
    assert CHANGE_ID.fullmatch(first.id)
    assert len(dataclasses.replace(first, account="x" * 64, kind="address_changed").id) <= 256
    again = choose(choose(OFF, {"alerts": True}, LATER), {"alerts": False}, LATER + timedelta(microseconds=1))
    (second,) = changes_of("eazycard", "A1", holder(), again)
    assert second.id != first.id


@pytest.mark.parametrize("suppressed", [None, Suppressed("complaint", NOW)])
def test_a_change_comes_back_from_its_stored_form(suppressed: Suppressed | None) -> None:
    before = dataclasses.replace(holder(locale="fr"), suppressed=suppressed)
    (change,) = changes_of("eazycard", "A1", before, OFF)
    back = from_json(json.loads(json.dumps(change.to_json())))
    assert (back.id, back.by, back.at, back.bank) == (change.id, change.by, change.at, change.bank)
    names = ("id", "name", "email", "locale", "timezone")
    assert [getattr(back.holder, name) for name in names] == [getattr(before, name) for name in names]
    assert (back.holder.suppressed is None) == (suppressed is None)
    assert back.to_json() == change.to_json()


@pytest.mark.parametrize(
    "broken", [{"kind": "other"}, {"by": "nobody"}, {"at": "then"}, {"at": "2026-01-10T14:00:00"}, {"holder": {}}]
)
def test_what_is_no_change_is_refused(broken: dict[str, Any]) -> None:
    (change,) = changes_of("eazycard", "A1", holder(), OFF)
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json({**change.to_json(), **broken})
    assert isinstance(from_json(change.to_json()), HolderChange)
