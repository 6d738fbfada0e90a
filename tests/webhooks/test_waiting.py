"""How long a bank's endpoints are waited for: the sum of a minute, each bank's for itself."""

from datetime import timedelta

import pytest

from chalicelib.webhooks.waiting import AT_MOST, QUICK, WITHIN, Waiting
from tests.mail_world import NOW

ONE_MOMENT = timedelta(microseconds=1)


def test_a_bank_that_was_waited_for_long_enough_rests_until_enough_of_it_is_a_minute_ago() -> None:
    waiting = Waiting()
    for number in range(5):
        assert not waiting.is_too_long("slow", NOW)
        waiting.add("slow", AT_MOST / 5, NOW + number * timedelta(seconds=3))
    now = NOW + timedelta(seconds=12)
    assert waiting.is_too_long("slow", now)
    assert not waiting.is_too_long("other", now)
    assert waiting.is_too_long("slow", NOW + WITHIN - ONE_MOMENT)
    assert not waiting.is_too_long("slow", NOW + WITHIN)


@pytest.mark.parametrize(("took", "counts"), [(QUICK, False), (QUICK + ONE_MOMENT, True)])
def test_what_is_quick_is_not_counted(took: timedelta, counts: bool) -> None:
    waiting = Waiting()
    for _ in range(1 + AT_MOST // QUICK):
        waiting.add("bank", took, NOW)
    assert waiting.is_too_long("bank", NOW) is counts
