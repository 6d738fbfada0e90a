"""What is said of wrong fields: of every field of every schema, whatever is wrong, in our own words."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate

from chalicelib.banks.schemas import BankSettingsSchema
from chalicelib.holders.holder import HolderSchema
from chalicelib.ledger.fields import field_errors
from chalicelib.ledger.messages import unknown
from chalicelib.ledger.posted import TransactionSchema

SCHEMAS: list[Schema] = [TransactionSchema(), HolderSchema(), BankSettingsSchema()]
WRONG = [None, True, 1, -1.5, "", "x", "é" * 2_000, [], [None], ["x", 1], {}, {"x": 1}, {"": None}, {"xaf": "x"}]
# What begins like this says what must be; "Not a valid string." does not.
OURS = re.compile(r"(Must|Is|Has|Unknown|Longer|Can't) ?[^{}]*\.|Unknown field.*\?")


def paths(schema: Schema, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where each field of a schema stands in a body."""
    for name, field in schema.fields.items():
        path = (*above, field.data_key or name)
        yield path
        if isinstance(field, fields.Nested):
            yield from paths(field.schema, path)


def library_words() -> set[str]:
    """Return every text that marshmallow has for an error."""
    found = {str(text) for text in Schema().error_messages.values()}
    for module in (fields, validate):
        for kind in vars(module).values():
            found |= {str(text) for text in getattr(kind, "default_error_messages", {}).values()}
            found |= (
                {text for name, text in vars(kind).items() if "message" in name and isinstance(text, str)}
                if (isinstance(kind, type))
                else set()
            )
    return found - {"Must be one of: {choices}.", "Unknown field."}


def errors_of(schema: Schema, path: tuple[str, ...], value: Any) -> list[tuple[str, str]]:
    body: Any = value
    for name in reversed(path):
        body = {name: body}
    try:
        schema.load(body)
    except ValidationError as error:
        return field_errors(error, schema)
    return []


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: type(schema).__name__)
def test_no_field_is_refused_in_a_library_s_words_whatever_is_wrong(schema: Schema) -> None:
    theirs = [re.compile(re.sub(r"\\\{\w+\\\}", ".*", re.escape(text))) for text in library_words()]
    said = {message for path in paths(schema) for value in WRONG for _, message in errors_of(schema, path, value)}
    assert len(said) >= 8
    assert not [message for message in said if any(text.fullmatch(message) for text in theirs)]
    assert not [message for message in said if not OURS.fullmatch(message)]


def test_the_test_knows_the_library_s_words() -> None:
    assert {"Not a valid string.", "Field may not be null.", "Longer than maximum length {max}."} <= library_words()


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"timestmp": "x"}, "timestmp", "Unknown field: did you mean `timestamp`?"),
        ({"Amount": 1}, "Amount", "Unknown field: did you mean `amount`?"),
        ({"authorizationId": "a"}, "authorizationId", "Unknown field: did you mean `authorization_id`?"),
        ({"merchant": {"terminal": "x"}}, "merchant.terminal", "Unknown field: did you mean `terminal_id`?"),
        ({"original": {"amont": "1"}}, "original.amont", "Unknown field: did you mean `amount`?"),
        ({"fee": 1}, "fee", "Unknown field."),
        ({"x" * 3_000: 1}, "x" * 3_000, "Unknown field."),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(body: Any, field: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SCHEMAS[0].load(body)
    assert dict(field_errors(refused.value, SCHEMAS[0]))[field] == message


def test_an_unknown_name_in_a_list_or_deep_in_settings_is_compared_with_the_names_of_its_own_object() -> None:
    settings = SCHEMAS[2]
    assert errors_of(settings, ("flags", "velocity", "minute"), 1) == [
        ("flags.velocity.minute", "Unknown field: did you mean `minutes`?")
    ]
    assert errors_of(settings, ("webhook_uri",), "x") == [("webhook_uri", "Unknown field: did you mean `webhook_url`?")]


@pytest.mark.parametrize("name", ["", " ", "é", "__", "4111111111111111"])
def test_a_name_that_is_near_to_none_gets_no_suggestion(name: str) -> None:
    assert unknown("field", name, ["amount", "id"]) == "Unknown field."
