"""What options select by name: a name that fits nothing is an error, which names what there is."""

import pytest

from operations.selecting import (
    NothingSelected,
    Option,
    Selection,
    begins_with,
    check_named,
    is_same_function,
)

LETTERS = (("3f2c", "refused: MESSAGE_REJECTED"), ("77aa", "no_link"), ("9b00", "no_link"))


def selected(letter_id: str | None, reason: str | None) -> list[str]:
    selection = Selection("letter", Option("--id", letter_id, begins_with), Option("--reason", reason, begins_with))
    found = [one for one, its_reason in LETTERS if selection.takes(one, its_reason)]
    selection.check()
    return found


def test_what_fits_every_option_is_selected() -> None:
    assert selected(None, None) == ["3f2c", "77aa", "9b00"]
    assert selected(None, "no") == ["77aa", "9b00"]
    assert selected("77", "no_link") == ["77aa"]


def test_a_name_that_fits_nothing_is_an_error_that_names_what_there_is_once() -> None:
    with pytest.raises(NothingSelected) as failed:
        selected(None, "refuse: MESSAGE_REJECTED")
    assert str(failed.value) == (
        "no letter is selected by --reason 'refuse: MESSAGE_REJECTED': --reason can be 'no_link', "
        "'refused: MESSAGE_REJECTED'."
    )
    with pytest.raises(NothingSelected, match=r"--id '3f' --reason 'no_link': --id can be '3f2c', .* --reason can be"):
        selected("3f", "no_link")  # each fits something, but not the same letter


def test_without_names_nothing_is_no_error_and_with_one_it_is() -> None:
    Selection("letter", Option("--id", None)).check()
    with pytest.raises(NothingSelected, match=r"by --id '3f': there is none\."):
        Selection("letter", Option("--id", "3f")).check()


def test_many_names_are_cut_short() -> None:
    selection = Selection("letter", Option("--id", "x"))
    for number in range(40):
        assert not selection.takes(f"{number:02}")
    with pytest.raises(NothingSelected, match=r"'11' and 28 more\.$"):
        selection.check()


@pytest.mark.parametrize("typed", ["transaction_stream", "TransactionStream", "transactionstream"])
def test_a_function_is_named_as_in_app_py_or_as_by_its_alarms(typed: str) -> None:
    assert is_same_function("transaction_stream", typed)
    assert not is_same_function("transaction_streams", typed)


def test_what_is_named_must_be_among_what_there_is_which_is_read_only_then() -> None:
    check_named("bank in the archive", None, (1 // 0 for _ in [1]))  # type: ignore[misc]
    check_named("bank in the archive", "one", ["one", "two"])
    with pytest.raises(NothingSelected, match=r"^there is no bank in the archive x: there are 'one', 'two'\.$"):
        check_named("bank in the archive", "x", ["two", "one"])
    with pytest.raises(NothingSelected, match=r"x: there is none at all\.$"):
        check_named("bank in the archive", "x", [])
