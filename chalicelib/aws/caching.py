"""Remembering what was read, for a time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TimedCache(Generic[K, V]):
    """Values by key, each remembered for `keep_for` after it was read. What raises is not remembered.

    Where strangers choose the keys, `max_size` bounds it: one value more empties it, which costs a few reads and needs
    no bookkeeping.
    """

    def __init__(self, keep_for: timedelta, clock: Callable[[], datetime], max_size: int | None = None) -> None:
        self._keep_for = keep_for
        self._clock = clock
        self._max_size = max_size
        self._values: dict[K, tuple[datetime, V]] = {}

    def get(self, key: K, read: Callable[[], V], max_age: timedelta | None = None) -> V:
        """Return the value of `key`, read anew if it was read `max_age` ago or longer (`keep_for` if None)."""
        now = self._clock()
        found = self._values.get(key)
        if found is None or found[0] + (self._keep_for if max_age is None else max_age) <= now:
            found = (now, read())
            if self._max_size is not None and len(self._values) >= self._max_size:
                self._values.clear()
            self._values[key] = found
        return found[1]

    def forget(self, key: K) -> None:
        """Read the value of `key` anew the next time."""
        self._values.pop(key, None)
