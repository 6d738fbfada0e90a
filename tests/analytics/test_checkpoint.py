"""The checkpoint: stored and read alike, and how far each bank is in it."""

from decimal import Decimal
from typing import Any

from chalicelib.analytics.checkpoint import Behind, Checkpoint, checkpoint_values, stored_checkpoint
from chalicelib.analytics.rollups import Day
from chalicelib.aws.dynamo import from_item, to_item
from tests.analytics_world import roll_ups_of

AT = Checkpoint(
    3,
    {"00": "2026#b", "01": "2026#c"},
    frozenset({Day("eazycard", "2026-01-10", "EUR")}),
    (Behind("flooding", {"00": "2026#a"}), Behind("other", {"00": "2026#b", "01": "2026#b"})),
)


def test_a_checkpoint_is_stored_and_read_as_it_was() -> None:
    assert stored_checkpoint(from_item(to_item(checkpoint_values(AT))), AT.shards) == AT


def test_a_checkpoint_of_an_earlier_release_has_nobody_behind() -> None:
    values = {name: value for name, value in checkpoint_values(AT).items() if name != "behind"}
    assert stored_checkpoint(values, 4).behind == ()


def test_before_the_first_step_there_is_nothing_but_the_number_of_shards() -> None:
    assert stored_checkpoint({"busy_until": "2026", "shards": Decimal(8)}, 4) == Checkpoint()
    assert stored_checkpoint({"shards": Decimal(8)}, 4).shards == 8
    assert stored_checkpoint({}, 6).shards == 6


def test_a_bank_that_is_behind_has_its_own_positions_and_all_others_the_same() -> None:
    assert AT.positions_of("flooding") == {"00": "2026#a"}
    assert AT.positions_of("quiet") == AT.positions


def test_a_repair_leaves_who_is_behind_as_it_is(dynamodb: Any, table_names: Any) -> None:
    roll_ups = roll_ups_of(dynamodb)
    first = roll_ups.commit(Checkpoint(), AT.positions, {}, AT.behind)
    assert roll_ups.checkpoint() == first
    assert first.behind == AT.behind
    second = roll_ups.commit(first, first.positions, {}, first.behind)
    assert roll_ups.checkpoint().behind == second.behind == AT.behind
