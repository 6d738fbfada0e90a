"""Roll-ups in DynamoDB, and the checkpoint that says what they hold: both change together or not at all.

DynamoDB makes all of a transaction's writes or none, but a reader of several items can meet some of them before the
others. So each roll-up has the version of the step that wrote it, and the checkpoint names what its step has changed:
from both a reader knows whether what it has read fits together.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.analytics.checkpoint import Behind, Checkpoint, Positions, checkpoint_values, stored_checkpoint
from chalicelib.analytics.rollups import Day, Sums, from_values, to_values
from chalicelib.aws.calls import call, error_code
from chalicelib.aws.conditional import was_cancelled_in_passing
from chalicelib.aws.dynamo import CONDITION_FAILED, batch_get, from_item, queried, to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.stored_form import SHARDS
from chalicelib.ledger.times import sortable

# What is recorded later than this before now may still be on its way into the index: the writer's longest run
# (30 s), clock skew between writers and the index's lag fit inside.
SAFETY_MARGIN = timedelta(seconds=60)

# TransactWriteItems takes 100 actions, one of which moves the checkpoint.
MAX_ROLL_UPS_A_STEP = 99
CHECKPOINT = {"owner": "job", "entry": "checkpoint"}
_MOVED = {"ConditionalCheckFailed", "TransactionConflict"}
_HELD = {CONDITION_FAILED, "TransactionConflictException"}
# No function runs for longer than 15 minutes: what goes beyond is of a clock that was wrong.
_LONGEST_LEASE = timedelta(minutes=20)


class RollUpsMoved(Exception):
    """Another step has been made since the checkpoint was read, or another run is making steps: read it again."""


class RollUpBroken(Exception):
    """The `day` has not the roll-up that the checkpoint's step has written.

    For a moment it may be on its way. What stays so was changed by other hands, and is for reconciliation to repair.
    """

    def __init__(self, day: Day) -> None:
        super().__init__(f"{day.bank} {day.date} {day.currency}")
        self.day = day


class AnalyticsRepository:
    """Roll-ups in a table. `shards` is the number that this function would write to the index by_recorded; the stored
    checkpoint has it too, raised before any function gets it: nobody writes to a shard that somebody doesn't read."""

    def __init__(self, client: Any, table: str, shards: int = SHARDS) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    def checkpoint(self) -> Checkpoint:
        """Return the checkpoint, read consistently."""
        answer = call(self._client.get_item, TableName=self._table, Key=to_item(CHECKPOINT), ConsistentRead=True)
        return stored_checkpoint(from_item(answer.get("Item", {})), self._shards)

    def hold(self, at: Checkpoint, now: datetime, until: datetime) -> Checkpoint:
        """Return the checkpoint with a lease of it, which keeps other runs from holding it `until` then.

        The last `commit` gives it up, or `give_up`. Raises RollUpsMoved when the checkpoint has moved or is held.
        """
        times = {":now": sortable(now), ":until": sortable(until), ":latest": sortable(now + _LONGEST_LEASE)}
        is_free = f"{_version_is(at)} AND NOT (busy_until BETWEEN :now AND :latest)"
        try:
            self._update_lease("SET busy_until = :until", is_free, {**_version(at), **times})
        except (ClientError, TemporarilyUnavailable) as error:
            refusal = error.__cause__ if isinstance(error, TemporarilyUnavailable) else error
            if isinstance(refusal, ClientError) and error_code(refusal) in _HELD:
                raise RollUpsMoved from error
            raise
        return dataclasses.replace(at, lease=times[":until"])

    def give_up(self, at: Checkpoint) -> None:
        """Let other runs hold the checkpoint, if this one holds it. What can't be given up runs out."""
        if at.lease is not None:
            with contextlib.suppress(ClientError, TemporarilyUnavailable):
                self._update_lease("REMOVE busy_until", "busy_until = :lease", {":lease": at.lease})

    def _update_lease(self, update: str, condition: str, values: dict[str, Any]) -> None:
        call(
            self._client.update_item,
            TableName=self._table,
            Key=to_item(CHECKPOINT),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
        )

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

    def commit(
        self,
        at: Checkpoint,
        positions: Positions,
        days: Mapping[Day, Sums],
        behind: Iterable[Behind] = (),
        *,
        is_last: bool = False,
    ) -> Checkpoint:
        """Replace the roll-ups of at most 99 days and move the checkpoint, all or nothing; return the new one.

        What is held stays so until the last commit. A repair commits without a lease, and leaves a run's as it is.
        Raises RollUpsMoved, and nothing is changed, when the checkpoint has moved, is just being moved, or is no more
        held as it was; and TemporarilyUnavailable, when the next look at the checkpoint tells whether it was changed.
        """
        lease = None if is_last else at.lease
        to = Checkpoint(at.version + 1, dict(positions), frozenset(days), tuple(behind), lease, at.shards)
        moved = checkpoint_values(to)
        values = {**{f":{name}": value for name, value in moved.items()}, ":lease": at.lease}
        move = {
            "TableName": self._table,
            "Key": to_item(CHECKPOINT),
            "UpdateExpression": f"SET {', '.join(f'{name} = :{name}' for name in moved)}"
            + " REMOVE busy_until" * (to.lease != at.lease),
            "ConditionExpression": _version_is(at) + " AND busy_until = :lease" * (at.lease is not None),
            "ExpressionAttributeValues": to_item({**_version(at), **values}),
        }
        puts = [
            {"TableName": self._table, "Item": to_item({**_key(day), **to_values(sums), "version": to.version})}
            for day, sums in days.items()
        ]
        try:
            call(self._client.transact_write_items, TransactItems=[{"Update": move}, *({"Put": put} for put in puts)])
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
        return queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="#owner = :owner AND entry BETWEEN :first AND :last",
            ExpressionAttributeNames={"#owner": "owner"},
            # "~" sorts behind every currency.
            ExpressionAttributeValues=to_item(
                {":owner": f"bank#{bank}", ":first": f"day#{first}", ":last": f"day#{last}~"}
            ),
            ConsistentRead=True,
        )


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
    # An empty one is what a repair has left of a day that had nothing.
    return {day: sums for day, sums in found.items() if not sums.is_empty}, later, broken


def _version_is(at: Checkpoint) -> str:
    return "version = :from" if at.version else "attribute_not_exists(version)"


def _version(at: Checkpoint) -> dict[str, int]:
    return {":from": at.version} if at.version else {}


def _key(day: Day) -> dict[str, str]:
    return {"owner": f"bank#{day.bank}", "entry": f"day#{day.date}#{day.currency}"}


def _day(values: Mapping[str, Any]) -> Day:
    date, _, currency = values["entry"].removeprefix("day#").partition("#")
    return Day(values["owner"].removeprefix("bank#"), date, currency)
