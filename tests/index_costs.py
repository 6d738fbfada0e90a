"""What a write of an item costs in its table's indexes, by the template and by AWS's published rules."""

from typing import Any

from tests.fakes import item_bytes
from tests.tables import template


def index_writes(table: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """Return the write units that a write of an item costs in each of the table's indexes, as far as it costs any.

    An index is written where what it projects of the item changes (Amazon DynamoDB Developer Guide, "Using Global
    Secondary Indexes", on write capacity units). An item whose key in the index changes isn't looked at.
    """
    properties = template()["Resources"][table]["Properties"]
    found = {}
    for index in properties["GlobalSecondaryIndexes"]:
        keys = [part["AttributeName"] for part in (*properties["KeySchema"], *index["KeySchema"])]
        names = {*keys, *index["Projection"].get("NonKeyAttributes", ())}
        if index["Projection"]["ProjectionType"] == "ALL":
            names |= after.keys()
        now = {name: after[name] for name in names if name in after}
        is_same = now == {name: before[name] for name in names if name in before}
        if all(name in after for name in keys) and not is_same:
            found[index["IndexName"]] = -(-item_bytes(now) // 1024)
    return found
