"""Cutting work into parts that fit a service's limits."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batches(
    values: Iterable[T], max_count: int, max_bytes: int | None = None, size_of: Callable[[T], int] = lambda _: 0
) -> Iterator[list[T]]:
    """Yield the values in order, in parts of at most `max_count` whose `size_of` adds up to at most `max_bytes`.

    A single value over `max_bytes` gets a part of its own: whether it is refused is the service's to say.
    """
    part: list[T] = []
    part_bytes = 0
    for value in values:
        size = size_of(value)
        if part and (len(part) == max_count or (max_bytes is not None and part_bytes + size > max_bytes)):
            yield part
            part, part_bytes = [], 0
        part.append(value)
        part_bytes += size
    if part:
        yield part
