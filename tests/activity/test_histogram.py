"""Histograms of durations: counted in fixed buckets, added up, and asked for quantiles."""

from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.activity.histogram import BOUNDS_S, BUCKETS, Histogram

DURATIONS = st.lists(st.floats(min_value=0, max_value=3600), min_size=1, max_size=200)
HALF, MOST = Decimal("0.5"), Decimal("0.95")


@pytest.mark.parametrize(
    ("duration_s", "bucket"),
    [(-3.0, 0), (0.0, 0), (0.05, 0), (0.0501, 1), (1.0, 8), (1.001, 9), (3600.0, 21), (3600.1, 22), (1e9, 22)],
)
def test_a_duration_is_in_the_bucket_whose_bound_it_does_not_exceed(duration_s: float, bucket: int) -> None:
    counts = Histogram.of([duration_s]).counts
    assert len(counts) == BUCKETS == len(BOUNDS_S) + 1
    assert [number for number, count in enumerate(counts) if count] == [bucket]


def test_nothing_has_no_quantile() -> None:
    assert Histogram().quantile(HALF) is None
    assert Histogram().count == 0


def test_within_a_bucket_durations_are_taken_as_spread_evenly() -> None:
    histogram = Histogram.of([0.12] * 50 + [1.2] * 50)  # the buckets end at 0.15 and at 1.5
    assert histogram.quantile(HALF) == Decimal("0.15")
    assert histogram.quantile(Decimal("0.25")) == Decimal("0.12")
    assert histogram.quantile(Decimal("0.75")) == Decimal("1.25")
    assert histogram.quantile(Decimal(1)) == Decimal("1.50")


def test_of_what_is_longer_than_the_last_bound_that_bound_is_known() -> None:
    assert Histogram.of([1.0, 90_000.0]).quantile(MOST) == Decimal("3600.00")


@given(DURATIONS, DURATIONS)
def test_sums_are_the_histogram_of_all(some: list[float], others: list[float]) -> None:
    assert Histogram.of(some) + Histogram.of(others) == Histogram.of([*some, *others])
    assert (Histogram.of(some) + Histogram.of(others)).count == len(some) + len(others)


@given(DURATIONS, st.sampled_from([Decimal("0.01"), HALF, MOST, Decimal("0.99")]))
def test_a_quantile_is_in_the_bucket_of_the_true_one(durations: list[float], of: Decimal) -> None:
    found = Histogram.of(durations).quantile(of)
    assert found is not None
    true = sorted(durations)[ceil(of * len(durations)) - 1]
    bounds = [Decimal(0), *BOUNDS_S]
    upper = next(bound for bound in BOUNDS_S if true <= float(bound))
    lower = bounds[bounds.index(upper) - 1]
    assert lower <= found <= upper
