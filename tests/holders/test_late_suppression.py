"""Suppressions that were put off: as messages they keep all that they are, for a day, and nothing of the address."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.aws.queues import GroupedBody
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.late_suppression import TRIED_FOR, LateSuppression, pack, unpack
from chalicelib.holders.sweep import Sweep
from chalicelib.holders.sweep import pack as pack_sweep

NOW = datetime(2026, 1, 10, 14, 0, 3, 114_000, UTC)
ADDRESS = Address.of("eazycard", "awa@example.com")


@pytest.mark.parametrize("until", [None, NOW + timedelta(days=14)])
@pytest.mark.parametrize("began_at", [None, NOW + timedelta(microseconds=1)])
def test_a_message_keeps_all_of_it_in_its_bank_s_group(until: datetime | None, began_at: datetime | None) -> None:
    late = LateSuppression(ADDRESS, Suppressed("hard_bounce", NOW, until), began_at)
    body = pack(late)
    assert unpack(body) == late
    assert GroupedBody.group_of(body) == {"MessageGroupId": "eazycard"}
    assert "awa@example.com" not in body


@pytest.mark.parametrize(
    "body", ['{"eventType": "Bounce"}', "hello", pack_sweep(Sweep(ADDRESS, 0, NOW)), ' {"suppression":']
)
def test_a_message_of_another_kind_is_none(body: str) -> None:
    assert unpack(body) is None


def test_a_broken_one_raises() -> None:
    with pytest.raises(KeyError):
        unpack(json.dumps({"suppression": {"bank": "eazycard"}}))


def test_it_is_tried_for_a_day_from_its_first_try_and_again_when_it_was_set_aside() -> None:
    late = LateSuppression(ADDRESS, Suppressed("complaint", NOW - timedelta(days=30)))
    assert not late.is_too_old(NOW)
    begun = late.begun(NOW)
    assert begun.begun(NOW + TRIED_FOR) == begun
    assert not begun.is_too_old(NOW + TRIED_FOR)
    assert begun.is_too_old(NOW + TRIED_FOR + timedelta(microseconds=1))
    assert begun.set_aside() == late


def test_it_is_tried_for_a_day() -> None:
    """As docs/operations.md says."""
    assert timedelta(days=1) == TRIED_FOR
