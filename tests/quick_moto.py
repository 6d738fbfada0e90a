"""moto, answering faster.

For each value of each item of DynamoDB, moto looks for each of ten types, by all names that a value of Python's might
have it under: that was half of the time of a call. A value has one type, and says which. And for each call it lists all
members of the class that answers.
"""

import functools
from typing import Any

from moto.core import responses
from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS, JSONSerializer

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


def install() -> None:
    """Let moto answer so from now on."""
    SERVICE_SPECIFIC_SERIALIZERS["dynamodb"] = {"json": ItemSerializer}
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
