"""The local cloud's queues are received from in turns of message groups, as SQS does."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local_cloud.gate.fair_queues import in_turns

NOW = 1_000.0
GROUPS = st.sampled_from(["flood", "quiet", "other", None])


def message(group: str | None, number: int = 0, in_flight: bool = False) -> dict[str, Any]:
    return {
        "group_id": group,
        "id": number,
        "receive_count": int(in_flight),
        "visible_at": NOW + 30 if in_flight else NOW,
    }


def test_a_quiet_group_does_not_wait_for_a_flood() -> None:
    flood = [message("flood", number) for number in range(100)]
    ordered = in_turns([*flood, message("quiet")], NOW)
    assert [one["group_id"] for one in ordered[:3]] == ["flood", "quiet", "flood"]


def test_a_group_that_has_many_in_flight_waits_for_one_that_has_none() -> None:
    in_flight = [message("flood", number, in_flight=True) for number in range(10)]
    waiting = [message("flood", number) for number in range(10, 20)]
    ordered = in_turns([*in_flight, *waiting, message("quiet", 1), message("quiet", 2)], NOW)
    visible = [one["group_id"] for one in ordered if one["visible_at"] <= NOW]
    assert visible[:3] == ["quiet", "quiet", "flood"]


@given(st.lists(st.tuples(GROUPS, st.booleans()), max_size=60))
def test_nothing_is_lost_and_each_group_keeps_its_order(rows: list[tuple[str | None, bool]]) -> None:
    messages = [message(group, number, in_flight) for number, (group, in_flight) in enumerate(rows)]
    ordered = in_turns(messages, NOW)
    assert sorted(one["id"] for one in ordered) == [one["id"] for one in messages]
    for group in {group for group, _ in rows}:
        of_group = [one["id"] for one in ordered if one["group_id"] == group and one["visible_at"] <= NOW]
        assert of_group == sorted(of_group)


@given(st.lists(GROUPS, max_size=60))
def test_of_two_groups_with_something_to_receive_none_is_two_messages_ahead(groups: list[str | None]) -> None:
    ordered = in_turns([message(group, number) for number, group in enumerate(groups)], NOW)
    left = {group: groups.count(group) for group in set(groups)}
    taken = dict.fromkeys(left, 0)
    for one in ordered:
        taken[one["group_id"]] += 1
        waiting = [group for group in left if taken[group] < left[group]]
        assert all(taken[one["group_id"]] <= taken[group] + 1 for group in waiting)
