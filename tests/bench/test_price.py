"""A function's time and price by its memory: by hand, from figures that are easy to follow."""

import pytest

from bench.price import MEMORIES_MB, USD_A_CALL, USD_A_GB_SECOND, WHOLE_PROCESSOR_MB, Measured, cheapest, rows

MB = 2**20


def test_less_memory_takes_longer_in_proportion_and_waits_the_same() -> None:
    found = {row.memory_mb: row for row in rows(Measured(0.1, 0.001, 60 * MB), 0.005)}
    assert tuple(found) == MEMORIES_MB
    whole, half_a_gigabyte = found[WHOLE_PROCESSOR_MB], found[512]
    assert whole.cold_s == pytest.approx(0.105)
    assert whole.warm_s == pytest.approx(0.006)
    assert half_a_gigabyte.warm_s == pytest.approx(0.001 * 1769 / 512 + 0.005)


def test_begun_milliseconds_and_calls_are_billed() -> None:
    (row,) = [row for row in rows(Measured(0.1, 0.0011, 60 * MB), 0.005) if row.memory_mb == WHOLE_PROCESSOR_MB]
    assert row.usd_a_million == pytest.approx(1e6 * (0.007 * 1769 / 1024 * USD_A_GB_SECOND + USD_A_CALL))


def test_the_cheapest_has_twice_the_peak() -> None:
    found = list(rows(Measured(0.1, 0.001, 0), 0.005))
    assert cheapest(found, 60 * MB).memory_mb == 256
    assert cheapest(found, 200 * MB).memory_mb == 512
    assert cheapest(found, 2_000 * MB).memory_mb == WHOLE_PROCESSOR_MB, "none has enough: the largest comes nearest"
