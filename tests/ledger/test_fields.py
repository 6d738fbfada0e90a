"""The short ways through marshmallow: they end where its own way ends."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validate

from chalicelib.ledger.fields import QuickSchema, Text

_IDENTIFIER = validate.Regexp(r"[a-z]{1,3}\Z", error="Must be letters.")


class QuickPartSchema(QuickSchema):
    name = Text(required=True, validate=validate.Length(1, 3))
    kind = Text(validate=validate.OneOf(("a", "b")))


class QuickWholeSchema(QuickSchema):
    id = Text(required=True, validate=_IDENTIFIER)
    count = fields.Integer(required=True, strict=True)
    note = Text()
    part = fields.Nested(QuickPartSchema)
    pairs = fields.Dict(keys=Text(validate=_IDENTIFIER), values=Text(validate=validate.Length(max=3)))


class PartSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 3))
    kind = fields.String(validate=validate.OneOf(("a", "b")))


class WholeSchema(Schema):
    id = fields.String(required=True, validate=_IDENTIFIER)
    count = fields.Integer(required=True, strict=True)
    note = fields.String()
    part = fields.Nested(PartSchema)
    pairs = fields.Dict(keys=fields.String(validate=_IDENTIFIER), values=fields.String(validate=validate.Length(max=3)))


def outcome(schema: Schema, body: Any) -> tuple[Any, Any]:
    """Return the values that passed, and what is said of the others, in its order but for unknown fields."""
    try:
        return schema.load(body), None
    except ValidationError as error:
        return error.valid_data, error.normalized_messages()


_values = st.one_of(
    st.sampled_from(["a", "abc", "abcd", "", "1", "é", None, True, 1, 1.5, b"a", [], ["a"], {}]),
    st.fixed_dictionaries({"name": st.sampled_from(["a", "", "abcd", None])}, optional={"kind": st.sampled_from("ac")}),
    st.dictionaries(st.sampled_from(["a", "ab", "1", "name"]), st.sampled_from(["x", "long", None, 1]), max_size=3),
)
_names = st.sampled_from(["id", "count", "note", "part", "pairs", "unknown"])


@given(body=st.dictionaries(_names, _values, max_size=6), is_complete=st.booleans())
def test_the_short_way_ends_where_marshmallows_own_way_ends(body: dict[str, Any], is_complete: bool) -> None:
    if is_complete:
        body = {**body, "id": "abc", "count": 1}
    before = copy.deepcopy(body)
    assert outcome(QuickWholeSchema(), body) == outcome(WholeSchema(), body)
    assert body == before


@pytest.mark.parametrize("body", [None, [], "text", 1, [{"id": "a", "count": 1}]])
def test_what_is_no_object_is_refused(body: Any) -> None:
    found = outcome(QuickWholeSchema(), body)
    assert found[1] is not None
    assert found == outcome(WholeSchema(), body)


def test_what_is_valid_is_loaded_to_the_last_part() -> None:
    body = {
        "id": "abc",
        "count": 2,
        "note": "",
        "part": {"name": "é", "kind": "b"},
        "pairs": {"a": "", "abc": "xyz"},
    }
    assert QuickWholeSchema().load(body) == body


def test_a_subclass_of_str_is_text_too() -> None:
    class Marked(str):
        pass

    assert outcome(QuickWholeSchema(), {"id": Marked("abc"), "count": 1}) == ({"id": "abc", "count": 1}, None)
    assert outcome(QuickWholeSchema(), {"id": Marked("ABC"), "count": 1})[1] == {"id": ["Must be letters."]}
