"""The groups of staff: each includes those before it."""

import pytest

from chalicelib.staff.member import Group, with_included


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        ([], set()),
        (["viewer"], {Group.VIEWER}),
        (["analyst"], {Group.VIEWER, Group.ANALYST}),
        (["admin"], {Group.VIEWER, Group.ANALYST, Group.ADMIN}),
        (["viewer", "admin"], {Group.VIEWER, Group.ANALYST, Group.ADMIN}),
        (["auditor", "Admin", "admin "], set()),
        (["auditor", "analyst"], {Group.VIEWER, Group.ANALYST}),
    ],
)
def test_a_group_includes_those_before_it_and_an_unknown_one_nothing(names: list[str], groups: set[Group]) -> None:
    assert with_included(names) == groups
