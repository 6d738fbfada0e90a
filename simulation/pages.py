"""Pages of a query or scan: in order, from a place on, and at times shorter than they could be."""

from typing import Any

from simulation.expressions import Item, comparable, condition
from simulation.faults import Caller
from simulation.scheduler import Scheduler
from simulation.tables import Index, Key, Table
from simulation.updates import projected


def page(
    scheduler: Scheduler,
    caller: Caller,
    table: Table,
    index: Index,
    found: list[tuple[Key, Item]],
    call: dict[str, Any],
) -> dict[str, Any]:
    """Return a page of what a query or scan finds, as the call limits, filters and projects it."""

    def place(entry: tuple[Key, Item]) -> tuple[Any, Key]:
        return (comparable(entry[1][index.range]) if index.range else b"", entry[0])

    is_backward = call.get("ScanIndexForward") is False
    ordered = sorted(found, key=place, reverse=is_backward)
    if start := call.get("ExclusiveStartKey"):
        behind = (comparable(start[index.range]) if index.range else b"", table.key_of(start))
        ordered = [one for one in ordered if (place(one) < behind if is_backward else place(one) > behind)]
    limit = call.get("Limit", len(ordered))
    if len(ordered) > 1 and caller.happens("partly"):
        limit = min(limit, scheduler.random.randint(1, len(ordered)))  # as a page of 1 MB ends
    page = ordered[:limit]
    answer: dict[str, Any] = {"Items": [item for _, item in page]}
    if len(ordered) > limit or (page and len(page) == call.get("Limit")):
        key, item = page[-1]
        last = table.key_item(table.get(key) or item)
        answer["LastEvaluatedKey"] = last | {name: item[name] for name in (index.hash, index.range) if name is not None}
    names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
    if "FilterExpression" in call:
        keep = condition(call["FilterExpression"])
        answer["Items"] = [item for item in answer["Items"] if keep(item, names, values)]
    if "ProjectionExpression" in call:
        answer["Items"] = [projected(item, call["ProjectionExpression"], names) for item in answer["Items"]]
    answer["Count"] = len(answer["Items"])
    return answer
