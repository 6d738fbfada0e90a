"""A signed-in member of a bank's staff, and the groups that say what a member may do. Pure."""

import dataclasses
from collections.abc import Iterable
from enum import StrEnum

from chalicelib.banks.bank import Bank


class Group(StrEnum):
    """What a member may do. Each group includes the groups before it."""

    VIEWER = "viewer"  # sees everything of the bank
    ANALYST = "analyst"  # works on cases
    ADMIN = "admin"  # changes settings, webhooks and suppressions


@dataclasses.dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of a bank's staff who is signed in.

    `subject` is the member's id in the user pool: it never changes, and no other member gets it. `name` and `email` are
    for people. `groups` has the groups that the member's groups include too; it is empty if the member has none.
    """

    subject: str
    name: str
    email: str
    bank: Bank
    groups: frozenset[Group]


def with_included(names: Iterable[str]) -> frozenset[Group]:
    """Return the groups of these names and all groups that they include; unknown names count for nothing."""
    known = list(Group)
    last = max((known.index(Group(name)) for name in names if name in known), default=-1)
    return frozenset(known[: last + 1])
