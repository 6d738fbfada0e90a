"""A cache whose values expire."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TimedCache(Generic[K, V]):
    """Keeps values by key, each for `keep_for` after it was read. A read that raises is not kept.

    Set `max_size` where clients choose the keys: when the cache is full, the next new key empties it. That costs a few
    more reads, and needs no order of use to be kept.
    """

    def __init__(self, keep_for: timedelta, clock: Callable[[], datetime], max_size: int | None = None) -> None:
        self._keep_for = keep_for
        self._clock = clock
        self._max_size = max_size
        self._values: dict[K, tuple[datetime, V]] = {}

    def get(self, key: K, read: Callable[[], V], max_age: timedelta | None = None) -> V:
        """Return the value of `key`; call `read` if the kept value is `max_age` old or older (default: `keep_for`)."""
        now = self._clock()
        found = self._values.get(key)
        if found is None or found[0] + (self._keep_for if max_age is None else max_age) <= now:
            found = (now, read())
            if self._max_size is not None and len(self._values) >= self._max_size:
                self._values.clear()
            self._values[key] = found
        return found[1]

    def forget(self, key: K) -> None:
        """Drop the value of `key`, so that the next `get` reads it again."""
        self._values.pop(key, None)
