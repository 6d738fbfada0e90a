"""Queries of the emulator that look at what they return, not at the whole partition.

MiniStack sorts a partition anew for each query, and puts each of its items to the key condition: a page of a partition
of 100,000 items takes it seconds. Here it is handed the part of the partition that the condition, the cursor and the
limit leave, and does with it what it always does. A condition that isn't understood here gets the whole partition.
"""

import re
import types
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

_EQUAL = re.compile(r"(?P<name>[#\w]+) ?= ?(?P<value>:\w+)")
_RANGES = (
    re.compile(r"(?P<name>[#\w]+) BETWEEN (?P<lower>:\w+) AND (?P<upper>:\w+)", re.IGNORECASE),
    re.compile(r"begins_with ?\((?P<name>[#\w]+), ?(?P<prefix>:\w+)\)"),
    re.compile(r"(?P<name>[#\w]+) ?<= ?(?P<upper>:\w+)"),
    re.compile(r"(?P<name>[#\w]+) ?>= ?(?P<lower>:\w+)"),
    re.compile(r"(?P<name>[#\w]+) ?< ?(?P<under>:\w+)"),
    re.compile(r"(?P<name>[#\w]+) ?> ?(?P<over>:\w+)"),
)

_Item = dict[str, Any]
_Table = dict[str, Any]
_Place = tuple[str, str]  # the values of the table's own keys
# What a partition is sorted by, each with its item's place: the sort key, and in an index the table's own keys.
_Sorted = list[tuple[tuple[str, ...], _Place]]


def stand(dynamodb: Any) -> None:
    """Put the narrower queries into the emulator's module of DynamoDB, which answers one request at a time."""
    orders = Orders(dynamodb)
    index_item, items_replaced = dynamodb._index_item, dynamodb._items_replaced

    # Called for an item as it was and as it is, whatever writes it.
    def index_and_forget(table: _Table, partition: Any, sort: Any, item: _Item, add: bool) -> None:
        index_item(table, partition, sort, item, add)
        orders.forget(table, partition, item)

    def replace_and_forget(table: _Table) -> None:
        items_replaced(table)
        orders.forget_all(table)

    dynamodb._index_item, dynamodb._items_replaced = index_and_forget, replace_and_forget
    query = dynamodb._query

    def narrower(request: dict[str, Any]) -> Any:
        narrowed = orders.narrowed(request)
        if narrowed is None:
            return query(request)
        # The same code, which finds the smaller table by the name.
        names = {**vars(dynamodb), "_tables": {narrowed["TableName"]: narrowed}}
        return types.FunctionType(query.__code__, names, query.__name__, query.__defaults__)(request)

    dynamodb._query = narrower


class Orders:
    """The partitions that were queried since their last change, in order."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        # By the table's identity: the table, so that no other one gets its identity, and its partitions by their index.
        self._known: dict[int, tuple[_Table, dict[tuple[str, Any], _Sorted]]] = {}

    def forget(self, table: _Table, partition: Any, item: _Item) -> None:
        """Forget the order of an item's partitions, in the table and in its indexes."""
        partitions = self._partitions(table)
        partitions.pop(("", partition), None)
        for index, hashes, ranges in self._dynamodb._index_key_schemas(table):
            partitions.pop((index, self._dynamodb._index_partition(item, hashes, ranges)), None)

    def forget_all(self, table: _Table) -> None:
        """Forget the order of all partitions of a table."""
        self._known.pop(id(table), None)

    def narrowed(self, request: Mapping[str, Any]) -> _Table | None:
        """Return the table of a query with nothing in the queried partition but what the query can need.

        None if that can't be said: the table is unknown, or a key isn't a text, or the condition has another form.
        """
        table = self._dynamodb._tables.get(self._dynamodb._normalize_table_name(request.get("TableName")))
        index = request.get("IndexName") or ""
        if table is None or any(one["AttributeType"] != "S" for one in table["AttributeDefinitions"]):
            return None
        names = self._key_names(table, index)
        condition = _condition(request, names)
        if condition is None:
            return None
        partition, bounds = condition
        try:
            chosen = _chosen(self._sorted(table, index, partition, names), request, names, bounds)
        except (KeyError, TypeError, ValueError):  # of a cursor or limit that the emulator itself refuses
            return None
        items: dict[Any, dict[Any, _Item]] = {}
        for key, sort in chosen:
            item = table["items"].get(key, {}).get(sort)
            if item is not None:  # else it has just expired, in another thread
                items.setdefault(key, {})[sort] = item
        members = {index: {partition: dict.fromkeys(chosen)}} if index else {}
        return {**table, "items": items, self._dynamodb._INDEX_MEMBERS: members}

    def _key_names(self, table: _Table, index: str) -> tuple[str, ...]:
        """Return the partition key's name, and by what the partition is sorted; nothing for an unknown index."""
        own = (table["pk_name"], *((table["sk_name"],) if table.get("sk_name") else ()))
        if not index:
            return own
        hashes, ranges = self._dynamodb._index_key_lists(self._dynamodb._index_def(table, index) or {})
        return (*hashes, *ranges, *own) if len(hashes) == 1 and len(ranges) <= 1 else ()

    def _sorted(self, table: _Table, index: str, partition: Any, names: tuple[str, ...]) -> _Sorted:
        partitions = self._partitions(table)
        if (index, partition) not in partitions:
            items = table["items"]
            if index:
                members = self._dynamodb._index_members(table).get(index, {}).get(partition, ())
                places = [(key, sort) for key, sort in members if sort in items.get(key, ())]
            else:
                places = [(partition, sort) for sort in items.get(partition, ())]
            partitions[index, partition] = sorted(
                (tuple(items[key][sort][name]["S"] for name in names[1:]), (key, sort)) for key, sort in places
            )
        return partitions[index, partition]

    def _partitions(self, table: _Table) -> dict[tuple[str, Any], _Sorted]:
        return self._known.setdefault(id(table), (table, {}))[1]


def _condition(request: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, dict[str, str]] | None:
    """Return the partition of a query and the bounds of its sort key, by their kind; None: not understood."""
    aliases, values = request.get("ExpressionAttributeNames") or {}, request.get("ExpressionAttributeValues") or {}
    first, _, rest = str(request.get("KeyConditionExpression") or "").strip().partition(" AND ")
    equal = _EQUAL.fullmatch(first)
    if equal is None or not names or aliases.get(equal["name"], equal["name"]) != names[0]:
        return None
    try:
        partition = values[equal["value"]]["S"]
        if not rest:
            return partition, {}
        for form in _RANGES:
            found = form.fullmatch(rest.strip())
            if found is not None and len(names) > 1 and aliases.get(found["name"], found["name"]) == names[1]:
                return partition, {
                    kind: values[value]["S"] for kind, value in found.groupdict().items() if kind != "name"
                }
    except (KeyError, TypeError):
        return None
    return None


def _chosen(
    order: _Sorted, request: Mapping[str, Any], names: tuple[str, ...], bounds: Mapping[str, str]
) -> list[_Place]:
    """Return the places that a query reads, and that of its cursor."""
    begin, end = 0, len(order)
    for kind, bound in bounds.items():
        if kind in ("lower", "prefix"):
            begin = bisect_left(order, bound, key=_sort_key)
        if kind == "prefix":
            end = bisect_right(order, bound, key=lambda one: one[0][0][: len(bound)])
        if kind == "over":
            begin = bisect_right(order, bound, key=_sort_key)
        if kind == "upper":
            end = bisect_right(order, bound, key=_sort_key)
        if kind == "under":
            end = bisect_left(order, bound, key=_sort_key)
    forward = request.get("ScanIndexForward", True)
    if cursor := request.get("ExclusiveStartKey"):
        place = tuple(cursor[name]["S"] for name in names[1:])
        if forward:
            begin = max(begin, bisect_left(order, place, key=_whole_key))
        else:
            end = min(end, bisect_right(order, place, key=_whole_key))
    if (limit := request.get("Limit")) is not None:
        most = int(limit) + 1  # The cursor's own item is among them, and is left out.
        begin, end = (begin, min(end, begin + most)) if forward else (max(begin, end - most), end)
    return [place for _, place in order[begin:end]]


def _sort_key(one: tuple[tuple[str, ...], _Place]) -> str:
    return one[0][0]


def _whole_key(one: tuple[tuple[str, ...], _Place]) -> tuple[str, ...]:
    return one[0]
