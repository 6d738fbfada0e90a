"""moto, answering faster.

For each value of each item of DynamoDB, moto looks for each of ten types, by all names that a value of Python's might
have it under: that was half of the time of a call. A value has one type, and says which. For each call it lists all
members of the class that answers. And for each action of a transaction it keeps a copy of the action's whole table.
"""

import copy
import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.core import responses
from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS, JSONSerializer
from moto.dynamodb.models import DynamoDBBackend
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


class _Copies(threading.local):
    """The copies of tables that a transaction has made, by the table's identity; None outside of one."""

    made: dict[int, Any] | None = None


_COPIES = _Copies()


def _copy_of_table(table: Any, memo: dict[int, Any]) -> Any:
    """Return a deep copy. All of a transaction's are made before it writes, so a second one would be equal."""
    if _COPIES.made is not None and id(table) in _COPIES.made:
        return _COPIES.made[id(table)]
    copied = memo[id(table)] = type(table).__new__(type(table))
    vars(copied).update(copy.deepcopy(vars(table), memo))
    if _COPIES.made is not None:
        _COPIES.made[id(table)] = copied
    return copied


def _with_a_copy_a_table(transact: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(transact)
    def transact_write_items(backend: Any, actions: Any) -> None:
        _COPIES.made = {}
        try:
            transact(backend, actions)
        finally:
            _COPIES.made = None

    return transact_write_items


def install() -> None:
    """Let moto answer so from now on."""
    SERVICE_SPECIFIC_SERIALIZERS["dynamodb"] = {"json": ItemSerializer}
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    Table.__deepcopy__ = _copy_of_table
    DynamoDBBackend.transact_write_items = _with_a_copy_a_table(DynamoDBBackend.transact_write_items)
