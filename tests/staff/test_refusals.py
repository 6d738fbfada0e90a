"""Why staff are refused: the text says what to do, and the code stays."""

from chalicelib.staff.member import Group
from chalicelib.staff.refusals import GroupRequired, NotSignedIn


def test_who_is_not_signed_in_is_told_what_to_send() -> None:
    assert NotSignedIn.code == "not_signed_in"
    assert "the header Authorization, as Bearer" in str(NotSignedIn())


def test_who_lacks_a_group_is_told_which() -> None:
    error = GroupRequired(Group.ANALYST)
    assert (error.code, error.group) == ("group_required", "analyst")
    assert "the group analyst." in str(error)
