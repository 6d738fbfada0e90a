"""What was read is remembered for a time, and no longer."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.aws.caching import TimedCache

MINUTE = timedelta(minutes=1)


class Source:
    """Counts how often it is read, on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 10, tzinfo=UTC)
        self.reads = 0

    def read(self) -> int:
        self.reads += 1
        return self.reads


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_value_is_read_once_until_its_time_is_over(source: Source) -> None:
    cache = TimedCache[str, int](MINUTE, lambda: source.now)
    assert [cache.get("a", source.read) for _ in range(3)] == [1, 1, 1]
    source.now += MINUTE - timedelta(microseconds=1)
    assert cache.get("a", source.read) == 1
    source.now += timedelta(microseconds=1)
    assert cache.get("a", source.read) == 2


def test_a_caller_may_ask_for_a_fresher_value(source: Source) -> None:
    cache = TimedCache[str, int](MINUTE, lambda: source.now)
    cache.get("a", source.read)
    source.now += timedelta(seconds=10)
    assert cache.get("a", source.read, timedelta(seconds=11)) == 1
    assert cache.get("a", source.read, timedelta(seconds=10)) == 2


def test_none_is_a_value_too(source: Source) -> None:
    cache = TimedCache[str, None](MINUTE, lambda: source.now)
    for _ in range(2):
        cache.get("a", lambda: source.read() and None)
    assert source.reads == 1


def test_a_read_that_raises_is_not_cached(source: Source) -> None:
    cache = TimedCache[str, int](MINUTE, lambda: source.now)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", source.read) == 1


def test_a_forgotten_value_is_read_anew_and_the_others_are_not(source: Source) -> None:
    cache = TimedCache[str, int](MINUTE, lambda: source.now)
    cache.get("a", source.read)
    cache.get("b", source.read)
    cache.forget("a")
    cache.forget("never read")
    assert (cache.get("a", source.read), cache.get("b", source.read)) == (3, 2)


def test_a_bounded_cache_holds_no_more_than_its_bound(source: Source) -> None:
    cache = TimedCache[int, int](MINUTE, lambda: source.now, max_size=3)
    for key in range(3):
        cache.get(key, source.read)
    assert [cache.get(key, source.read) for key in range(3)] == [1, 2, 3]
    cache.get(3, source.read)
    assert cache.get(0, source.read) == 5
