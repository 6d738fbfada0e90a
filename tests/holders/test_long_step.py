"""Steps of long work on an address: each is tried for a day from its first try, and again when it was set aside."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.late_suppression import LateSuppression
from chalicelib.holders.long_step import TRIED_FOR, LongStep
from chalicelib.holders.sweep import Sweep

NOW = datetime(2026, 1, 10, 14, 0, 3, 114_000, UTC)
ADDRESS = Address.of("eazycard", "awa@example.com")
STEPS = [
    LateSuppression(ADDRESS, Suppressed("complaint", NOW - timedelta(days=30))),
    Sweep(ADDRESS, 1, "holder#A1#awa"),
]


def test_it_is_tried_for_a_day() -> None:
    """As docs/operations.md says."""
    assert timedelta(days=1) == TRIED_FOR


@pytest.mark.parametrize("step", STEPS)
def test_its_time_begins_with_its_first_try_and_again_when_it_was_set_aside(step: LongStep) -> None:
    assert not step.is_too_old(NOW)
    begun = step.begun(NOW)
    assert begun.began_at == NOW
    assert begun.begun(NOW + TRIED_FOR) == begun
    assert not begun.is_too_old(NOW + TRIED_FOR)
    assert begun.is_too_old(NOW + TRIED_FOR + timedelta(microseconds=1))
    assert begun.set_aside() == step
