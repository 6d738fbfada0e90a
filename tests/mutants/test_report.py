"""The report's figures."""

from collections import Counter

import pytest

from mutants.report import per_cent
from mutants.run import EQUIVALENT, KILLED, NOT_NOTICED


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({KILLED: 3, NOT_NOTICED: 1}, 75.0),
        ({KILLED: 3, NOT_NOTICED: 1, EQUIVALENT: 4}, 75.0),
        ({NOT_NOTICED: 2}, 0.0),
        ({EQUIVALENT: 2}, 100.0),
        ({}, 0.0),  # a run that examined nothing has shown nothing
    ],
)
def test_the_share_is_of_those_that_are_not_equivalent(counts: dict[str, int], expected: float) -> None:
    assert per_cent(Counter(counts)) == expected
