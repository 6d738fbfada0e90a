"""Batches: values cut into parts that fit an AWS service's limits, or that belong together."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import zip_longest
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def batches(
    values: Iterable[T], max_count: int, max_bytes: int | None = None, size_of: Callable[[T], int] = lambda _: 0
) -> Iterator[list[T]]:
    """Yield the values in order, in lists of at most `max_count` values and at most `max_bytes` by `size_of`.

    A value that is larger than `max_bytes` gets a list of its own; the service then accepts or refuses it.
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


def grouped(values: Iterable[T], key_of: Callable[[T], K]) -> dict[K, list[T]]:
    """Return the values by key, in order; the keys are in the order in which they come first."""
    groups: dict[K, list[T]] = {}
    for value in values:
        groups.setdefault(key_of(value), []).append(value)
    return groups


def in_turns(values: Iterable[T], key_of: Callable[[T], Hashable]) -> list[T]:
    """Return the values in turns of keys: the first of each key, then the second of each that has more, and so on."""
    nothing = object()
    turns = zip_longest(*grouped(values, key_of).values(), fillvalue=nothing)
    return [value for turn in turns for value in turn if value is not nothing]  # type: ignore[misc]
