"""DynamoDB: the template's tables with their indexes and streams, for one client operation after the other.

As on AWS, a read that isn't consistent may be a moment old, an index lags behind its table, a page of a query may end
early, a batch may be done in part, and a change makes a stream record only if it changes something.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from simulation.expressions import Item, comparable, condition
from simulation.faults import Caller, refused
from simulation.pages import page
from simulation.scheduler import Scheduler
from simulation.tables import Index, Key, Table, described
from simulation.updates import projected, updated

Changed = Callable[[str, Item, Item | None, Item | None], None]
_STALE_FOR = timedelta(seconds=1)
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoDB:
    """All tables. `changed` is called with the table's name, the key, and the images before and after a change."""

    def __init__(self, resources: Mapping[str, Any], scheduler: Scheduler, caller: Caller, changed: Changed) -> None:
        self.tables = {
            name: described(name, resource["Properties"])
            for name, resource in resources.items()
            if resource["Type"] == "AWS::DynamoDB::Table"
        }
        self.conditions: set[tuple[str, str, str]] = set()
        # Says of a condition (operation, table and text) whether it is taken out; how often that made a difference.
        self.is_out: Callable[[tuple[str, str, str]], bool] = lambda _: False
        self.passed_over = 0
        self.expired: Counter[str] = Counter()  # rows that were deleted after their time to live, by table
        self._scheduler = scheduler
        self._caller = caller
        self._changed = changed
        self._watching: list[Callable[[str, Item | None, Item | None], None]] = []

    def items(self, table: str) -> list[Item]:
        """Return all items of a table."""
        return self.tables[table].items()

    def item(self, table: str, *key: str) -> Item | None:
        """Return the item with a key of texts, None if there is none."""
        return self.tables[table].get(tuple(part.encode() for part in key))

    def key_names(self, table: str) -> list[str]:
        """Return the names of a table's partition key and sort key."""
        main = self.tables[table].main
        return [name for name in (main.hash, main.range) if name is not None]

    def watch(self, changed: Callable[[str, Item | None, Item | None], None]) -> None:
        """Call this with the table's name and the images before and after each change."""
        self._watching.append(changed)

    # Operations

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False, **more: Any) -> dict[str, Any]:  # noqa: N803
        found = self._read(self.tables[TableName], Key, ConsistentRead)
        if found is not None and "ProjectionExpression" in more:
            found = projected(found, more["ProjectionExpression"], more.get("ExpressionAttributeNames", {}))
        return {} if found is None else {"Item": found}

    def put_item(self, **call: Any) -> dict[str, Any]:
        return self._write("put_item", call, call["Item"], call["Item"])

    def delete_item(self, **call: Any) -> dict[str, Any]:
        return self._write("delete_item", call, call["Key"], None)

    def update_item(self, **call: Any) -> dict[str, Any]:
        after = self._updated(call)
        answer = self._write("update_item", call, call["Key"], after)
        wanted = call.get("ReturnValues", "NONE")
        if wanted == "ALL_NEW":
            answer["Attributes"] = after
        return answer

    def query(self, **call: Any) -> dict[str, Any]:
        table = self.tables[call["TableName"]]
        index = table.indexes[call["IndexName"]] if "IndexName" in call else table.main
        names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
        text = call["KeyConditionExpression"]
        wanted = values[_hash_operand(text, index.hash, names)]
        is_wanted = condition(text)
        found = [
            (key, item)
            for key, item in index.partitions.get(comparable(wanted), {}).items()
            if is_wanted(item, names, values)
        ]
        return page(self._scheduler, self._caller, table, index, found, call)

    def scan(self, **call: Any) -> dict[str, Any]:
        table = self.tables[call["TableName"]]
        found = [(table.key_of(item), item) for item in table.items()]
        return page(self._scheduler, self._caller, table, table.main, found, call)

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        responses: dict[str, list[Item]] = {}
        left: dict[str, Any] = {}
        for name, request in RequestItems.items():
            if not 1 <= len(request["Keys"]) <= 100:
                raise refused("ValidationException", "BatchGetItem")
            for key in request["Keys"]:
                if self._caller.happens("partly"):
                    left.setdefault(name, {**request, "Keys": []})["Keys"].append(key)
                elif (found := self._read(self.tables[name], key, request.get("ConsistentRead", False))) is not None:
                    responses.setdefault(name, []).append(found)
        self._scheduler.random.shuffle(responses.setdefault(next(iter(RequestItems)), []))
        return {"Responses": responses, "UnprocessedKeys": left}

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        left: dict[str, list[Any]] = {}
        for name, requests in RequestItems.items():
            if not 1 <= len(requests) <= 25:
                raise refused("ValidationException", "BatchWriteItem")
            for request in requests:
                if self._caller.happens("partly"):
                    left.setdefault(name, []).append(request)
                elif "PutRequest" in request:
                    self._store(self.tables[name], request["PutRequest"]["Item"], request["PutRequest"]["Item"])
                else:
                    self._store(self.tables[name], request["DeleteRequest"]["Key"], None)
        return {"UnprocessedItems": left}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]], **_: Any) -> dict[str, Any]:  # noqa: N803
        actions = [(kind, call) for action in TransactItems for kind, call in action.items()]
        places = [(call["TableName"], self._key(kind, call)) for kind, call in actions]
        if not 1 <= len(actions) <= 100 or len(set(places)) < len(places):
            raise refused("ValidationException", "TransactWriteItems")
        reasons: list[dict[str, Any]] = [{"Code": "None"} for _ in actions]
        if self._caller.happens("contended"):
            reasons[self._scheduler.random.randrange(len(actions))] = {"Code": "TransactionConflict"}
        for number, (kind, call) in enumerate(actions):
            before = self.tables[call["TableName"]].get(places[number][1])
            if not self._holds(f"transact_{kind.lower()}", call, before):
                reasons[number] = {"Code": "ConditionalCheckFailed"}
                if call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and before is not None:
                    reasons[number]["Item"] = before
        if any(reason["Code"] != "None" for reason in reasons):
            raise refused("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
        for kind, call in actions:
            table = self.tables[call["TableName"]]
            if kind == "Put":
                self._store(table, call["Item"], call["Item"])
            elif kind == "Delete":
                self._store(table, call["Key"], None)
            elif kind == "Update":
                self._store(table, call["Key"], self._updated(call))
        return {}

    def expire(self, now: datetime) -> None:
        """Remove some of the items whose time to live is over, as DynamoDB does at any time after it."""
        for table in self.tables.values():
            if table.ttl is not None:
                for item in table.items():
                    is_over = table.ttl in item and int(item[table.ttl]["N"]) < now.timestamp()
                    if is_over and self._scheduler.random.random() < 0.5:
                        self.expired[table.name] += 1
                        self._store(table, item, None)

    # Reading

    def _read(self, table: Table, key_item: Item, is_consistent: bool) -> Item | None:
        key = table.key_of(key_item)
        if not is_consistent and key in table.stale:
            before, until = table.stale[key]
            if self._scheduler.now < until and self._caller.happens("stale"):
                return before
        return table.get(key)

    # Writing

    def _write(self, operation: str, call: dict[str, Any], key_item: Item, after: Item | None) -> dict[str, Any]:
        table = self.tables[call["TableName"]]
        before = table.get(table.key_of(key_item))
        if not self._holds(operation, call, before):
            returned = call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and before is not None
            raise refused(_CONDITION_FAILED, operation, **({"Item": before} if returned else {}))
        self._store(table, key_item, after)
        return {"Attributes": before} if call.get("ReturnValues") == "ALL_OLD" and before is not None else {}

    def _holds(self, operation: str, call: dict[str, Any], before: Item | None) -> bool:
        text = call.get("ConditionExpression")
        if text is None:
            return True
        guard = (operation, call["TableName"], text)
        self.conditions.add(guard)
        names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
        holds = condition(text)(before or {}, names, values)
        if not holds and self.is_out(guard):
            self.passed_over += 1
            return True
        return holds

    def _updated(self, call: dict[str, Any]) -> Item:
        table = self.tables[call["TableName"]]
        before = table.get(table.key_of(call["Key"])) or dict(call["Key"])
        names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})
        try:
            return updated(before, call["UpdateExpression"], names, values) if "UpdateExpression" in call else before
        except KeyError:
            if not self._holds("update_item", call, table.get(table.key_of(call["Key"]))):
                return before  # the condition is looked at first: it refuses the call
            raise refused("ValidationException", "UpdateItem") from None

    def _key(self, kind: str, call: dict[str, Any]) -> Key:
        return self.tables[call["TableName"]].key_of(call["Item"] if kind == "Put" else call["Key"])

    def _store(self, table: Table, key_item: Item, after: Item | None) -> None:
        key = table.key_of(key_item)
        before = table.get(key)
        if before == after:
            return
        for watching in self._watching:
            watching(table.name, before, after)
        table.stale[key] = (before, self._scheduler.now + _STALE_FOR)
        table.main.place(key_item, key, after)
        for index in table.indexes.values():
            self._reindex(index, key, before, after)
        if table.has_stream:
            self._changed(table.name, table.key_item(key_item), before, after)

    def _reindex(self, index: Index, key: Key, before: Item | None, after: Item | None) -> None:
        """Let an index follow its table, after a moment. Changes of one item come in their order."""

        def follow() -> None:
            if before is not None and index.has(before):
                index.place(before, key, None)
            if after is not None and index.has(after):
                image = after if index.keeps is None else {n: v for n, v in after.items() if n in index.keeps}
                index.place(after, key, image)

        chance = self._scheduler.random
        lag_s = 0.2 if not self._caller.happens("stale") else chance.uniform(0.2, 20)
        # What is written while the item's change before is under way must not overtake it.
        self._scheduler.after(lag_s if before is None else 20.5, follow)


def _hash_operand(text: str, name: str, names: Mapping[str, str]) -> str:
    """Return the name of the value to which a key condition sets the partition key."""
    words = text.replace("(", " ").replace(")", " ").split()
    for position, word in enumerate(words[:-2]):
        if names.get(word, word) == name and words[position + 1] == "=":
            return words[position + 2]
    raise refused("ValidationException", "Query")
