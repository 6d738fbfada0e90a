"""Reading a body: what JSON allows exactly as it was written, and a refusal of everything else."""

import contextlib
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.api.json_body import MAX_BYTES, parse_json, read_json, size_of
from chalicelib.api.transaction_body import read_transaction
from chalicelib.errors import BodyTooLarge, CardNumberRefused, DomainError, MalformedBody, UnsupportedMediaType
from chalicelib.ledger.card_numbers import holds_card_number

CARD = "4111111111111111"
AMEX = "378282246310005"  # 15 digits: as many as an amount may have


def luhn_valid(digits: str) -> str:
    """Return the digits with the check digit that makes them pass."""
    for check in "0123456789":
        total = sum(
            int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10))
            for place, digit in enumerate(reversed(digits + check))
        )
        if total % 10 == 0:
            return digits + check
    raise AssertionError


def read(text: str) -> dict[str, Any]:
    return read_json(text.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", "0.1"),
        ("250.50", "250.50"),
        ("2505e-1", "250.5"),
        ("2.5E+2", "2.5E+2"),
        ("-0", "-0"),
        ("0", "0"),
        ("123456789012345.6789", "123456789012345.6789"),
        ("1e400", "1E+400"),
        ("0.30000000000000000000000000000000000000000004", "0.30000000000000000000000000000000000000000004"),
    ],
)
def test_numbers_are_read_as_they_are_written(text: str, value: str) -> None:
    number = read(f'{{"n": {text}}}')["n"]
    assert isinstance(number, Decimal)
    assert str(number) == str(Decimal(value))


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_number_keeps_all_of_its_digits(number: Decimal) -> None:
    assume(not holds_card_number(f"{number:f}"))
    assert str(read(f'{{"n": {number}}}')["n"]) == str(number)


@pytest.mark.parametrize("text", ["01", "+1", "1.", ".5", "0x1", "1_000", "-", "--1", "1e", "١٢", "1 2", "True"])
def test_what_json_calls_no_number_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="not valid JSON"):
        read(f'{{"n": {text}}}')


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_are_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="NaN or Infinity"):
        read(f'{{"n": {text}}}')


@pytest.mark.parametrize("text", ["1e99999999999999999999", "-1e99999999999999999999", "1e-99999999999999999999"])
def test_an_exponent_that_no_decimal_can_hold_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="out of range"):
        read(f'{{"n": {text}}}')


@pytest.mark.parametrize("text", ["[]", "null", "1", '"text"', "true", "[{}]"])
def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="must be a JSON object"):
        read(text)


@pytest.mark.parametrize(
    ("raw", "content_type", "said"),
    [
        (b"", "application/json", "The body is empty: it must be a JSON object."),
        (b" \n", "application/json", "The body is empty: it must be a JSON object."),
        (b"\xef\xbb\xbf{}", "application/json", "The body begins with a byte order mark: send UTF-8 without one."),
        (b"\xff\xfe{\x00", "application/json", "The body begins with a byte order mark: send UTF-8 without one."),
        (b'{"a": "\xe9"}', "application/json", "The body must be UTF-8: byte 8 is none."),
        (b"{}", "application/json; charset=ISO-8859-1", "The charset of the body must be UTF-8, not ISO-8859-1."),
        (b"{}", "application/json; charset=<b>", "The charset of the body must be UTF-8."),
        (b"[]", "application/json", "The body must be a JSON object, not a list."),
        (b"null", "application/json", "The body must be a JSON object, not null."),
        (b"1e400", "application/json", "The body must be a JSON object, not a number."),
        (b'{"a" 1}', "application/json", "line 1, column 6: a colon is expected after the name."),
        (b'{"a": 1\n "b": 2}', "application/json", "line 2, column 2: a comma is expected, or the end of the object"),
        (b"{'a': 1}", "application/json", "line 1, column 2: a name in double quotes is expected."),
        (b'{"a": nul}', "application/json", "line 1, column 7: a value is expected: "),
        (b'{"a": "x}', "application/json", "line 1, column 7: the text that begins here has no end."),
        (b'{"a": "\t"}', "application/json", "line 1, column 8: a line end, tab or other control character"),
        (b'{"a": "\\x"}', "application/json", "line 1, column 8: JSON doesn't know this escape."),
        (b"{}{}", "application/json", "line 1, column 3: there is more after the end of the object."),
        (b'{"a": {"b": NaN}}', "application/json", "`a.b` is NaN or Infinity, which JSON doesn't have."),
        (b'{"a": [1e99999999999999999999]}', "application/json", "`a[0]` is a number that is out of range."),
        (b'{"a": {"b": 1, "b": 2}}', "application/json", "The body has the key `a.b` twice."),
        (b'{"a": "\\u0000"}', "application/json", "`a` has a control character, "),
        (b"[" * 9 + b"]" * 9, "application/json", "not a list"),
        (b'{"a": ' * 9 + b"1" + b"}" * 9, "application/json", "nested too deeply: at most 8 levels."),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place_and_the_cause(raw: bytes, content_type: str, said: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        read_json(raw, content_type)
    assert said in str(refused.value)


def problem_of(text: str) -> json.JSONDecodeError | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error
    return None


@given(st.text('{}[]",:\\tnu1 é', min_size=1))
def test_bad_json_is_told_in_words_of_our_own(text: str) -> None:
    theirs = problem_of(text)
    assume(theirs is not None and text.strip())
    with pytest.raises(MalformedBody) as refused:
        read_json(text.encode())
    assert "something else" not in str(refused.value)
    assert str(theirs).partition(":")[0] not in str(refused.value)


def test_the_name_of_a_repeated_key_that_is_a_card_number_is_not_told() -> None:
    with pytest.raises(CardNumberRefused):
        read_json(b'{"4111111111111111": 1, "4111111111111111": 2}')


@pytest.mark.parametrize("text", ["{", "{}{}", '{"a" 1}', "{'a': 1}", '{"a": 1,}', '{"a": "\t"}', "<a/>"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="not valid JSON"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": [{"b": 1, "c": 2, "b": 3}]}',
        '{"a": 1, "\\u0061": 1}',
    ],
)
def test_a_key_that_comes_twice_is_refused_at_any_level(text: str) -> None:
    with pytest.raises(MalformedBody, match=r"has the key `.*` twice"):
        read(text)


@pytest.mark.parametrize("opening", ['{"a":', "["])
@pytest.mark.parametrize("depth", [20, 900, 1_100, 10_000, 100_000])
def test_deep_nesting_is_refused(opening: str, depth: int) -> None:
    closing = {'{"a":': "}", "[": "]"}[opening]
    body = '{"a":' + opening * depth + "1" + closing * depth + "}"
    with pytest.raises((MalformedBody, BodyTooLarge)):
        read(body)


def test_nesting_is_allowed_as_deep_as_documents_need() -> None:
    assert read('{"a": {"b": {"c": [{"d": "e"}]}}}') == {"a": {"b": {"c": [{"d": "e"}]}}}


@pytest.mark.parametrize("raw", [b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32")])
def test_byte_order_marks_and_other_encodings_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_json(raw)


@pytest.mark.parametrize(
    "raw",
    [b'{"a": "\xff"}', b'{"a": "\xc3"}', b'{"a": "\xc0\xaf"}', b'{"a": "\xed\xa0\x80"}', b"\x80", b'{"a": "\xe9"}'],
)
def test_bytes_that_are_no_utf_8_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBody, match="UTF-8"):
        read_json(raw)


@pytest.mark.parametrize(
    "text",
    ["\\u0000", "\\n", "\\u001f", "\\u007f", "\\u0085", "\\u009f", "\u0085", "\\ud800", "\\udfff", "\\udc00\\ud800"],
)
@pytest.mark.parametrize("body", ['{{"a": "{}"}}', '{{"a": {{"b": ["x{}"]}}}}', '{{"{}": 1}}', '{{"a": {{"x{}": 1}}}}'])
def test_control_characters_and_lone_surrogates_are_refused_in_values_and_keys(body: str, text: str) -> None:
    with pytest.raises(MalformedBody, match="control character"):
        read(body.format(text))


@pytest.mark.parametrize("text", ["Café", "日本", "\\ud83d\\ude00", "😀", "\u202f", "a/b", '\\"', "مرحبا"])
def test_text_in_any_script_is_read_as_it_is(text: str) -> None:
    assert read(f'{{"a": "{text}"}}') == {"a": json.loads(f'"{text}"')}


def test_256_kb_are_read_and_one_byte_more_is_refused() -> None:
    body = b'{"a": "' + b"x" * (MAX_BYTES - 9) + b'"}'
    assert len(body) == 256 * 1024
    assert len(read_json(body)["a"]) == MAX_BYTES - 9
    with pytest.raises(BodyTooLarge, match="256 KB"):
        read_json(body + b" ")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json ; charset=utf8",
        "application/json; profile=x",
    ],
)
def test_json_in_utf_8_is_read_however_its_type_is_spelt(content_type: str) -> None:
    assert read_json(b'{"a": "\xc3\xa9"}', content_type) == {"a": "é"}


@pytest.mark.parametrize("charset", ["latin-1", "iso-8859-1", "utf-16", '"utf-16"', "utf-7", "", "utf-8x"])
def test_another_charset_is_refused(charset: str) -> None:
    with pytest.raises(MalformedBody, match="UTF-8"):
        read_json(b"{}", f"application/json; Charset={charset}")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "*/*", "text/plain; application/json", "application/json, text/plain", "json"]
)
def test_another_media_type_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_json(b"{}", content_type)


CARD_SPELLINGS = {
    "plain": CARD,
    "spaces": "4111 1111 1111 1111",
    "dashes": "4111-1111-1111-1111",
    "en dashes": "4111–1111–1111–1111",
    "minus signs": "4111−1111−1111−1111",
    "no-break spaces": "4111\u00a01111\u00a01111\u00a01111",
    "narrow no-break spaces": "4111\u202f1111\u202f1111\u202f1111",
    "zero-width spaces": "4111\u200b1111\u200b1111\u200b1111",
    "soft hyphens": "4111\u00ad1111\u00ad1111\u00ad1111",
    "mixed": "4111 1111-1111 1111",
    "two halves": "41111111 11111111",
    "digit by digit": " ".join(CARD),
    "Arabic-Indic digits": "".join(chr(0x660 + int(digit)) for digit in CARD),
    "full-width digits": "".join(chr(0xFF10 + int(digit)) for digit in CARD),
    "Devanagari digits in groups": "४१११ ११११ ११११ ११११",
    "in a sentence": f"paid with card {CARD}, thank you",
    "between letters": f"card{CARD}end",
    "with an expiry date": f"{CARD} 12/28",
    "with an expiry date in digits": "4111 1111 1111 1111 1228",
    "after a count": "1 4111 1111 1111 1111",
    "American Express": "3782 822463 10005",
    "13 digits": "4222222222222",
    "19 digits": "6304 0000 0000 0000 000",
}


@pytest.mark.parametrize("text", CARD_SPELLINGS.values(), ids=CARD_SPELLINGS.keys())
def test_a_card_number_is_refused_however_it_is_written(text: str) -> None:
    with pytest.raises(CardNumberRefused) as refusal:
        read(json.dumps({"description": text}))
    assert refusal.value.field == "description"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"metadata": {"note": CARD}}, "metadata.note"),
        ({"metadata": {"amount": AMEX}}, "metadata.amount"),
        ({"metadata": {"balance": int(AMEX)}}, "metadata.balance"),
        ({"merchant": {"name": CARD}}, "merchant.name"),
        ({"a": [{"b": ["x", CARD]}]}, "a[0].b[1]"),
        ({"amount": CARD}, "amount"),
        ({"amount": int(CARD)}, "amount"),
        ({"amount": [AMEX]}, "amount[0]"),
        ({"unknown": int(CARD)}, "unknown"),
        ({"unknown": -int(CARD)}, "unknown"),
        ({"id": CARD}, "id"),
        ({CARD: 1}, ""),
        ({"metadata": {f"card {CARD}": "x"}}, "metadata"),
        ({"metadata": {"4111 1111 1111 1111": {"x": 1}}}, "metadata"),
    ],
)
def test_a_card_number_is_refused_wherever_it_is_and_only_its_place_is_told(body: dict[str, Any], field: str) -> None:
    with pytest.raises(CardNumberRefused) as refusal:
        read(json.dumps(body))
    assert refusal.value.field == field
    assert not any(character.isdigit() for character in str(refusal.value))


def test_a_card_number_written_with_an_exponent_is_refused() -> None:
    for number in ("4.111111111111111e15", "4111111111111111.00", "41111111111111110e-1"):
        with pytest.raises(CardNumberRefused):
            read(f'{{"unknown": {number}}}')


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # fails the check digit
        "411111111111",  # 12 digits
        luhn_valid("4" * 19),  # 20 digits
        luhn_valid("7" * 15),  # no issuer's
        f"9{CARD}1234",  # in a longer run of digits
        "0000000000000000",
        "2026-01-10 14:00:00",
        "+237 699 00 11 22",
        "4111, 1111, 1111, 1111",
        "4111 and 1111 and 1111 and 1111",
        "",
    ],
)
def test_digits_that_number_no_card_are_accepted(text: str) -> None:
    assert read(json.dumps({"description": text})) == {"description": text}


@pytest.mark.parametrize("name", ["amount", "balance"])
@pytest.mark.parametrize("digits", ["4222222222222", AMEX, luhn_valid("3" * 13)])
def test_an_amount_whose_digits_happen_to_pass_the_check_is_an_amount(name: str, digits: str) -> None:
    for value in (digits, f"-{digits}", f"{digits}.00", f"{digits[:13]}.5"):
        assert read_transaction(f'{{"{name}": {value}}}'.encode()) == {name: Decimal(value)}
        assert read_transaction(f'{{"{name}": "{value}"}}'.encode()) == {name: value}
        if name == "amount":
            assert read_transaction(f'{{"original": {{"amount": "{value}"}}}}'.encode())


@pytest.mark.parametrize("text", ["1 " * 130_000, "4-" * 130_000, "4" * 260_000, "0 " * 130_000])
def test_digits_all_over_a_body_are_checked_in_no_time(text: str) -> None:
    before = time.process_time()
    assert not holds_card_number(text)
    assert time.process_time() - before < 2


SCALARS = st.none() | st.booleans() | st.text() | st.floats() | st.integers()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.binary() | VALUES.map(json.dumps).map(str.encode))
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(DomainError):
        assert isinstance(read_json(raw), dict)


@pytest.mark.parametrize("number", ["4111  1111  1111  1111", "4111 - 1111 - 1111 - 1111", "4111 1111-1111 1111"])
def test_a_card_number_with_several_separators_between_its_groups_is_refused(number: str) -> None:
    with pytest.raises(CardNumberRefused):
        read_json(json.dumps({"description": number}).encode())


def test_text_that_the_gateway_could_not_decode_is_refused() -> None:
    # API Gateway puts U+FFFD for bytes that are no UTF-8 before a function sees them.
    with pytest.raises(MalformedBody):
        read_json('{"description": "Caf\ufffd"}'.encode())


@pytest.mark.parametrize("text", ["\\u0000", "\\n", "\\u0085", "\\ud800", "\\ufffd"])
def test_control_characters_in_a_transactions_texts_are_left_to_the_rules_of_its_fields(text: str) -> None:
    body = f'{{"id": "a{text}", "metadata": {{"k{text}": ["x{text}"]}}, "original": {{"currency": "{text}"}}}}'
    assert read_transaction(body.encode()) == json.loads(body)
    for name in (f'{{"i{text}": 1}}', f'{{"original": {{"rate{text}": 1}}}}'):
        with pytest.raises(MalformedBody, match="control character"):
            read_transaction(name.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"merchant": {"name": "x", "name": "y"}}',
        '{"metadata": {"a": NaN}}',
        '{"metadata": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}',
        "[]",
    ],
)
def test_what_no_body_may_have_no_transaction_may_have(text: str) -> None:
    with pytest.raises(MalformedBody):
        read_transaction(text.encode())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"original": {"rate": CARD}}, "original.rate"),
        ({"original": {"amount": CARD}}, "original.amount"),
        ({"original": {CARD: 1}}, "original"),
        ({"merchant": {"x": {"y": CARD}}}, "merchant.x.y"),
        ({"reference": CARD}, "reference"),
        ({"description": [CARD]}, "description[0]"),
    ],
)
def test_a_card_number_is_refused_anywhere_in_a_transaction(body: dict[str, Any], field: str) -> None:
    with pytest.raises(CardNumberRefused) as refusal:
        read_transaction(json.dumps(body).encode())
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "-0.50",
        "100000",
        '"é"',
        '"\\""',
        "null",
        "true",
        "{}",
        '{"a":[1,2.5,"x",{"b":1}]}',
        f"[{','.join('1' * 999)}]",
    ],
)
def test_a_values_size_is_that_of_its_compact_json(text: str) -> None:
    value = parse_json(f'{{"value": {text}}}'.encode(), "application/json", MAX_BYTES)["value"]
    assert size_of(value) == len(text.encode())


def test_the_size_of_what_is_nested_too_deeply_is_not_told() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(MalformedBody):
        size_of(nested)
