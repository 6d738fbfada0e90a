"""DynamoDB's tables: their items and indexes, and how the template describes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulation.expressions import Item, comparable, looked_up

Key = tuple[Any, ...]


@dataclass(slots=True)
class Index:
    """A table or a global secondary index: where its items are, by partition and sort key."""

    hash: str
    range: str | None
    keeps: frozenset[str] | None = None  # the attributes that are projected; all if None
    partitions: dict[Any, dict[Key, Item]] = field(default_factory=dict)

    def has(self, item: Item) -> bool:
        """Return whether an item of the table is in the index."""
        return self.hash in item and (self.range is None or self.range in item)

    def place(self, item: Item, key: Key, image: Item | None) -> None:
        """Put the image of the item with this table key, or take it away."""
        partition = self.partitions.setdefault(comparable(item[self.hash]), {})
        if image is None:
            partition.pop(key, None)
        else:
            partition[key] = image


@dataclass(slots=True)
class Table:
    """A table; `stale` has the images that a read may still see, with the time until which."""

    name: str
    main: Index
    indexes: dict[str, Index]
    has_stream: bool
    ttl: str | None
    stale: dict[Key, tuple[Item | None, datetime]] = field(default_factory=dict)

    def key_of(self, item: Item) -> Key:
        names = (self.main.hash, self.main.range) if self.main.range else (self.main.hash,)
        return tuple(comparable(item[name]) for name in names)

    def key_item(self, item: Item) -> Item:
        names = (self.main.hash, self.main.range) if self.main.range else (self.main.hash,)
        return {name: item[name] for name in names}

    def get(self, key: Key) -> Item | None:
        return self.main.partitions.get(key[0], {}).get(key)

    def items(self) -> list[Item]:
        return [item for partition in self.main.partitions.values() for item in partition.values()]


def described(name: str, properties: Mapping[str, Any]) -> Table:
    """Return the empty table that a template's properties describe."""
    main = Index(*_keys(properties["KeySchema"]))
    key_names = {part["AttributeName"] for part in properties["KeySchema"]}
    indexes = {}
    for index in properties.get("GlobalSecondaryIndexes", ()):
        kept = None
        if index["Projection"]["ProjectionType"] != "ALL":
            own = {part["AttributeName"] for part in index["KeySchema"]}
            kept = frozenset(key_names | own | set(index["Projection"].get("NonKeyAttributes", ())))
        indexes[index["IndexName"]] = Index(*_keys(index["KeySchema"]), kept)
    ttl = properties.get("TimeToLiveSpecification", {}).get("AttributeName")
    return Table(name, main, indexes, "StreamSpecification" in properties, ttl)


def _keys(schema: Iterable[Mapping[str, str]]) -> tuple[str, str | None]:
    by_type = {part["KeyType"]: part["AttributeName"] for part in schema}
    return by_type["HASH"], by_type.get("RANGE")


def value_at(item: Item, *path: str) -> Any:
    """Return the plain text or number at a path of an item, None if there is none. For the run's own looks."""
    found = looked_up(item, path, {})
    return None if found is None else next(iter(found.values()))
