"""Suppressions that were put off: as messages they keep all that they are, and nothing of the address."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.aws.queues import GroupedBody
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.late_suppression import LateSuppression, pack, unpack
from chalicelib.holders.sweep import Sweep
from chalicelib.holders.sweep import pack as pack_sweep

NOW = datetime(2026, 1, 10, 14, 0, 3, 114_000, UTC)
ADDRESS = Address.of("eazycard", "awa@example.com")


@pytest.mark.parametrize("until", [None, NOW + timedelta(days=14)])
@pytest.mark.parametrize("began_at", [None, NOW + timedelta(microseconds=1)])
def test_a_message_keeps_all_of_it_in_its_bank_s_group(until: datetime | None, began_at: datetime | None) -> None:
    late = LateSuppression(ADDRESS, Suppressed("hard_bounce", NOW, until), began_at=began_at)
    body = pack(late)
    assert unpack(body) == late
    assert GroupedBody.group_of(body) == {"MessageGroupId": "eazycard"}
    assert "awa@example.com" not in body


@pytest.mark.parametrize(
    "body", ['{"eventType": "Bounce"}', "hello", pack_sweep(Sweep(ADDRESS, 0)), ' {"suppression":']
)
def test_a_message_of_another_kind_is_none(body: str) -> None:
    assert unpack(body) is None


def test_a_broken_one_raises() -> None:
    with pytest.raises(KeyError):
        unpack(json.dumps({"suppression": {"bank": "eazycard"}}))
