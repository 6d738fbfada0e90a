"""The number of shards of the index by_recorded, raised while a stage runs.

First readers, then writers: provisioning writes the number beside the analytics job's checkpoint, which every reader of
the index reads first, and records it as a setting. Only the release after it gives the setting to the functions that
write, and it tells readers first, should provisioning have failed to. What is stored stays in its shard, and the job
keeps a place in each.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.analytics.shards_repository import raise_shards
from chalicelib.ledger.stored_form import SHARDS
from infra.stacks import StackFailed

OUTPUT = "RecordedShards"


def refuse_lower(wanted: Mapping[str, str], existing: Mapping[str, str]) -> None:
    """Raise StackFailed if the wanted parameters have fewer shards than the existing stack's outputs.

    What is in the shards that nobody would read any more could not be counted again.
    """
    if OUTPUT in wanted and OUTPUT in existing and int(wanted[OUTPUT]) < int(existing[OUTPUT]):
        raise StackFailed(
            f"the index by_recorded has {existing[OUTPUT]} shards, and their number is never lowered: what is in them"
            " has to be read. Nothing was changed."
        )


def tell_readers(dynamodb: Any, outputs: Mapping[str, str]) -> None:
    """Make all readers of the index read as many shards as the stack says. Raises TemporarilyUnavailable."""
    number = int(outputs.get(OUTPUT, SHARDS))  # a data stack of an earlier release doesn't say it
    if number > SHARDS:
        raise_shards(dynamodb, outputs["AnalyticsTable"], number)
