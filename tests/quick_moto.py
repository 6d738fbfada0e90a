"""moto, answering faster.

For each value of each item of DynamoDB, moto looks for each of ten types, by all names that a value of Python's might
have it under: that was half of the time of a call. A value has one type, and says which. For each call it lists all
members of the class that answers. And for each action of a transaction it copies the action's whole table, to have it
back if an action is refused.
"""

import copy
import functools
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.core import responses
from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS, JSONSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_AS_THEY_ARE = {"S": str, "N": str, "BOOL": bool, "NULL": bool}


class ItemSerializer(JSONSerializer):
    def _serialize_type_structure(self, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or type(value) is not dict or len(value) != 1:
            super()._serialize_type_structure(serialized, value, shape, key)
            return
        ((kind, content),) = value.items()
        if type(content) is _AS_THEY_ARE.get(kind):
            serialized[key] = value
        else:
            serialized[key] = {}
            self._serialize(serialized[key], content, shape.members[kind], kind)


class _Transaction(threading.local):
    """The keys that the transaction under way writes, by the table's name; None outside of one."""

    keys: dict[str, list[dict[str, Any]]] | None = None


_TRANSACTION = _Transaction()


def _copy_of_table(table: Table, memo: dict[int, Any]) -> Table:
    """Return a deep copy; within a transaction, one that shares what the transaction doesn't change."""
    copied = memo[id(table)] = type(table).__new__(type(table))
    keys = _TRANSACTION.keys
    if keys is None:
        vars(copied).update(copy.deepcopy(vars(table), memo))
        return copied
    vars(copied).update(vars(table))
    has_ranges = table.range_key_attr is not None
    copied.items = defaultdict(dict, {hash_: dict(of) if has_ranges else of for hash_, of in table.items.items()})
    for key in keys[table.name]:
        hash_ = DynamoType(key[table.hash_key_attr])
        if hash_ not in copied.items:
            continue
        if not has_ranges:
            copied.items[hash_] = copy.deepcopy(copied.items[hash_])
        elif (range_ := DynamoType(key[table.range_key_attr])) in copied.items[hash_]:
            copied.items[hash_][range_] = copy.deepcopy(copied.items[hash_][range_])
    if table.stream_shard is not None:
        copied.stream_shard = copy.copy(table.stream_shard)
        copied.stream_shard.table, copied.stream_shard.items = copied, list(table.stream_shard.items)
    return copied


def _knowing_its_keys(transact: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(transact)
    def transact_write_items(backend: DynamoDBBackend, actions: list[dict[str, Any]]) -> None:
        _TRANSACTION.keys = defaultdict(list)
        for action in actions:
            for operation in action.values():
                _TRANSACTION.keys[operation["TableName"]].append(operation.get("Key") or operation["Item"])
        try:
            transact(backend, actions)
        finally:
            _TRANSACTION.keys = None

    return transact_write_items


def install() -> None:
    """Let moto answer so from now on."""
    SERVICE_SPECIFIC_SERIALIZERS["dynamodb"] = {"json": ItemSerializer}
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    Table.__deepcopy__ = _copy_of_table
    DynamoDBBackend.transact_write_items = _knowing_its_keys(DynamoDBBackend.transact_write_items)
