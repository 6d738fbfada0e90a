"""The analytics job's checkpoint: the place up to which each bank's transactions are in roll-ups, by shard."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from chalicelib.analytics.rollups import Day
from chalicelib.ledger.stored_form import SHARDS

Positions = Mapping[str, str]  # the last place that is in the roll-ups, by shard


@dataclasses.dataclass(frozen=True, slots=True)
class Behind:
    """A bank whose transactions are not as far in the roll-ups as the other banks', and its own positions."""

    bank: str
    positions: Positions


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the roll-ups have come: `positions` for all banks but those in `behind`, which come to turn in order.

    The index has so many `shards`. Each step makes a new version; `changed` are the days whose roll-ups the step to
    this one has written. `lease` is of a run that holds the checkpoint, and keeps other runs, but no repair, from
    moving it.
    """

    version: int = 0
    positions: Positions = dataclasses.field(default_factory=dict)
    changed: frozenset[Day] = frozenset()
    behind: tuple[Behind, ...] = ()
    lease: str | None = dataclasses.field(default=None, compare=False)
    shards: int = dataclasses.field(default=SHARDS, compare=False)

    def positions_of(self, bank: str) -> Positions:
        """Return the positions up to which a bank's transactions are in the roll-ups."""
        return next((one.positions for one in self.behind if one.bank == bank), self.positions)


def stored_checkpoint(values: Mapping[str, Any], shards: int) -> Checkpoint:
    """Return the checkpoint that is stored in these values; it has at least so many shards."""
    shards = max(shards, int(values.get("shards", 0)))
    if "version" not in values:
        return Checkpoint(shards=shards)  # at most a lease, of the run that makes the first step
    return Checkpoint(
        int(values["version"]),
        values["positions"],
        frozenset(Day(*names.split("#")) for names in values["changed"]),
        tuple(Behind(one["bank"], one["positions"]) for one in values.get("behind", ())),
        shards=shards,
    )


def checkpoint_values(at: Checkpoint) -> dict[str, Any]:
    """Return the attributes that a step to this checkpoint stores."""
    return {
        "version": at.version,
        "positions": at.positions,
        "changed": sorted("#".join(dataclasses.astuple(day)) for day in at.changed),
        "behind": [dataclasses.asdict(one) for one in at.behind],
    }
