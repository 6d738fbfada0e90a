"""Domain errors: they carry their data, and neither their text nor their data grows with the request."""

import pytest

from chalicelib.errors import (
    MAX_ERRORS,
    MAX_FIELD,
    BodyTooLarge,
    CardNumberRefused,
    DomainError,
    TemporarilyUnavailable,
    TooManyHolders,
    TransactionConflict,
    ValidationFailed,
)


def test_fields_that_break_a_rule_are_named_once_each_in_the_text_and_with_every_message() -> None:
    error = ValidationFailed([("id", "Required."), ("amount", "Must be over 0."), ("amount", "Too many decimals.")])
    assert str(error) == "Invalid: amount, id."
    assert error.errors == [("id", "Required."), ("amount", "Must be over 0."), ("amount", "Too many decimals.")]


def test_of_more_errors_than_an_answer_holds_the_text_names_the_first_and_says_that_there_are_more() -> None:
    error = ValidationFailed([(f"field-{number:03}", "Unknown field.") for number in range(MAX_ERRORS + 1)])
    assert str(error).endswith(f"field-{MAX_ERRORS - 1:03} and more.")
    assert not str(ValidationFailed([("field", "Unknown field.")] * MAX_ERRORS)).endswith(" and more.")


def test_a_field_s_name_is_cut() -> None:
    assert str(ValidationFailed([("x" * 10_000, "Unknown field.")])) == f"Invalid: {'x' * MAX_FIELD}."
    assert CardNumberRefused("x" * 10_000).field == "x" * MAX_FIELD


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BodyTooLarge(256 * 1024), "The body is larger than 256 KB."),
        (TooManyHolders(20), "An account has at most 20 holders. Delete one first."),
        (
            TransactionConflict("t1", ["amount", "type"]),
            "A transaction with this id is already recorded with another amount, type.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_s_text_names_its_data(error: DomainError, text: str) -> None:
    assert str(error) == text


def test_a_caller_who_may_try_again_is_told_when() -> None:
    assert TemporarilyUnavailable().retry_after_s == 2
    assert TemporarilyUnavailable(30).retry_after_s == 30
