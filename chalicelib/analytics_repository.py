"""Roll-ups in DynamoDB, and the checkpoint that says what they hold: both change together or not at all.

DynamoDB makes all of a transaction's writes or none, but a reader of several items can meet some of them before the
others. So each roll-up has the version of the step that wrote it, and the checkpoint names what its step has changed:
from both a reader knows whether what it has read fits together.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.dynamo import batch_get, call, from_item, to_item, was_cancelled_in_passing
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.rollups import Day, Sums, from_values, to_values

# TransactWriteItems takes 100 actions, one of which moves the checkpoint.
MAX_ROLL_UPS_A_STEP = 99
_CHECKPOINT = {"owner": "job", "entry": "checkpoint"}
_MOVED = {"ConditionalCheckFailed", "TransactionConflict"}


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the roll-ups have come: the last place that is in them, by shard.

    Each step makes a new version; `changed` are the days whose roll-ups the step to this one has written.
    """

    version: int = 0
    positions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    changed: frozenset[Day] = frozenset()


class RollUpsMoved(Exception):
    """Another step has been made since the checkpoint was read: read it again."""


class RollUpBroken(Exception):
    """The `day` has not the roll-up that the checkpoint's step has written.

    For a moment it may be on its way. What stays so was changed by other hands, and is for reconciliation to repair.
    """

    def __init__(self, day: Day) -> None:
        super().__init__(f"{day.bank} {day.date} {day.currency}")
        self.day = day


class AnalyticsRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint, read consistently."""
        answer = call(self._client.get_item, TableName=self._table, Key=to_item(_CHECKPOINT), ConsistentRead=True)
        if "Item" not in answer:
            return Checkpoint()
        values = from_item(answer["Item"])
        changed = frozenset(Day(*names.split("#")) for names in values["changed"])
        return Checkpoint(int(values["version"]), values["positions"], changed)

    def days(self, bank: str, first: str, last: str, at: Checkpoint) -> dict[Day, Sums]:
        """Return the bank's roll-ups of the days from `first` to `last` as they were at the checkpoint.

        Raises RollUpsMoved, RollUpBroken.
        """
        return _as_at(at, self._changed(at, bank, first, last), self._items(bank, first, last))

    def days_as_they_are(self, bank: str, first: str, last: str, at: Checkpoint) -> tuple[dict[Day, Sums], set[Day]]:
        """Return the bank's roll-ups from `first` to `last`, whoever wrote them, and which are not the checkpoint's.

        One that can't be read is empty.
        """
        found, later, broken = _examined(at, self._changed(at, bank, first, last), self._items(bank, first, last))
        return found, later | broken

    def read(self, days: Iterable[Day], at: Checkpoint) -> dict[Day, Sums]:
        """Return the roll-ups of these days, as far as there are any, as they were at the checkpoint.

        Raises RollUpsMoved, and RollUpBroken for any day that the step to the checkpoint has changed: a step that is
        made on top of one that is not all to be seen yet would hide that from whoever reads then.
        """
        wanted = set(days)
        found = _as_at(at, at.changed, self._of(wanted | at.changed))
        return {day: sums for day, sums in found.items() if day in wanted}

    def broken(self, at: Checkpoint) -> set[Day]:
        """Return the days that the step to the checkpoint has changed and whose roll-ups are broken."""
        return _examined(at, at.changed, self._of(at.changed))[2]

    def commit(self, at: Checkpoint, positions: Mapping[str, str], days: Mapping[Day, Sums]) -> Checkpoint:
        """Replace the roll-ups of at most 99 days and move the checkpoint, all or nothing; return the new one.

        Raises RollUpsMoved, and nothing is changed, when the checkpoint has moved or is just being moved; and
        TemporarilyUnavailable, when the next look at the checkpoint tells whether it was changed.
        """
        to = Checkpoint(at.version + 1, dict(positions), frozenset(days))
        changed = sorted("#".join(dataclasses.astuple(day)) for day in to.changed)
        move: dict[str, Any] = {
            "TableName": self._table,
            "Item": to_item({**_CHECKPOINT, "version": to.version, "positions": to.positions, "changed": changed}),
            "ConditionExpression": "version = :from" if at.version else "attribute_not_exists(version)",
        }
        if at.version:
            move["ExpressionAttributeValues"] = to_item({":from": at.version})
        puts = [
            {"TableName": self._table, "Item": to_item({**_key(day), **to_values(sums), "version": to.version})}
            for day, sums in days.items()
        ]
        try:
            call(self._client.transact_write_items, TransactItems=[{"Put": put} for put in (move, *puts)])
        except ClientError as error:
            if not was_cancelled_in_passing(error):
                raise
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
            raise (RollUpsMoved if _MOVED & reasons else TemporarilyUnavailable) from error
        return to

    def _changed(self, at: Checkpoint, bank: str, first: str, last: str) -> set[Day]:
        return {day for day in at.changed if day.bank == bank and first <= day.date <= last}

    def _of(self, days: Set[Day]) -> Iterator[dict[str, Any]]:
        return batch_get(self._client, self._table, [to_item(_key(day)) for day in sorted(days)])

    def _items(self, bank: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#owner = :owner AND entry BETWEEN :first AND :last",
            "ExpressionAttributeNames": {"#owner": "owner"},
            # "~" sorts behind every currency.
            "ExpressionAttributeValues": to_item(
                {":owner": f"bank#{bank}", ":first": f"day#{first}", ":last": f"day#{last}~"}
            ),
            "ConsistentRead": True,
        }
        while True:
            answer = call(self._client.query, **arguments)
            yield from map(from_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _as_at(at: Checkpoint, changed: Set[Day], items: Iterable[Mapping[str, Any]]) -> dict[Day, Sums]:
    found, later, broken = _examined(at, changed, items)
    if later:
        raise RollUpsMoved
    if broken:
        raise RollUpBroken(min(broken))
    return found


def _examined(
    at: Checkpoint, changed: Set[Day], items: Iterable[Mapping[str, Any]]
) -> tuple[dict[Day, Sums], set[Day], set[Day]]:
    """Return stored roll-ups, the days that are later than the checkpoint, and those that are broken.

    Of what is read, `changed` are the days that the checkpoint's own step has written.
    """
    found: dict[Day, Sums] = {}
    later: set[Day] = set()
    broken = set(changed)
    for values in items:
        day = _day(values)
        try:
            found[day], version = from_values(values), int(values["version"])
        except (ArithmeticError, KeyError, TypeError, ValueError):
            broken.add(day)
            continue
        if version > at.version:
            later.add(day)
        if version >= at.version:
            broken.discard(day)
    # One without a transaction is what a repair has left of a day that had none.
    return {day: sums for day, sums in found.items() if sums.count}, later, broken


def _key(day: Day) -> dict[str, str]:
    return {"owner": f"bank#{day.bank}", "entry": f"day#{day.date}#{day.currency}"}


def _day(values: Mapping[str, Any]) -> Day:
    date, _, currency = values["entry"].removeprefix("day#").partition("#")
    return Day(values["owner"].removeprefix("bank#"), date, currency)
