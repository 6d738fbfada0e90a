"""What holds for any input at all: nothing but what is answered with 201 is stored, nothing breaks, nothing is
bent on its way in and out, and no card number passes, whatever it is written in."""

import itertools
import json
import re
import sys
import unicodedata
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from chalice.test import HTTPResponse
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from chalicelib.api.batch import MAX_ITEM_ERRORS, MAX_NAME
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.wording import cut, normalised
from tests.app_bench import SMALLEST, Bench, fields, problem
from tests.cards import group_sizes, grouped, issued_numbers, with_luhn
from tests.hostile import ENROLMENT, TRANSACTION, batch_of, written
from tests.sizes import size
from tests.strategies import json_texts

BATCH = "/transactions/batch"
REFUSALS = {"malformed_body", "validation_failed", "card_number_refused"}
NUMBERS = itertools.count()

# Any JSON text: also numbers that no float holds, and what Python's own parser takes for JSON.
LITERALS = st.sampled_from(
    ["1e400", "-1e-400", "0e999999999999", "1e99999999999999999999", "NaN", "-Infinity", "-0", "1.0", "9" * 40]
)
SCALARS = (
    LITERALS
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | (st.none() | st.booleans() | st.integers() | st.text(max_size=20)).map(json.dumps)
    | st.text(max_size=20).map(lambda text: json.dumps(text, ensure_ascii=False))
)
KEYS = st.sampled_from([*TRANSACTION, *ENROLMENT, "merchant", "metadata", "transactions", "_schema", ""]) | st.text()
JSON_TEXTS = json_texts(SCALARS, KEYS).map(lambda text: text.encode("utf-8", "surrogatepass"))
OPTIONAL = ("currency", "status", "authorization_id", "merchant", "description", "balance", "card_last4", "metadata")


def base() -> dict[str, str]:
    """Return the smallest transaction's literals, under an id that is new."""
    return {**TRANSACTION, "id": f'"p-{next(NUMBERS)}"'}


def with_field(field: str, text: str | bytes) -> bytes:
    """Return the smallest transaction with this JSON text for the field."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return written({**base(), field: "\0"}).replace(b"\0", raw)


def refused_or(response: HTTPResponse, *statuses: int) -> bool:
    """Return whether the request was refused, which must be a whole problem, or else had one of these statuses."""
    if response.status_code in statuses:
        return False
    assert problem(response, 400, response.json_body["code"])["code"] in REFUSALS
    return True


@settings(max_examples=size(75, 1500))
@given(JSON_TEXTS)
def test_any_json_for_a_body_is_answered_and_stored_only_with_201(bench: Bench, body: bytes) -> None:
    before = bench.stored()
    assert refused_or(bench.post(body), 201) == (bench.stored() == before)
    refused_or(bench.put_holder(body=body), 200, 201)
    refused_or(bench.request("POST", BATCH, body), 200)


@settings(max_examples=size(150, 3000))
@given(st.sampled_from([*TRANSACTION, *OPTIONAL, "unknown"]), JSON_TEXTS)
def test_any_json_for_a_field_is_answered_and_stored_only_with_201(bench: Bench, field: str, text: bytes) -> None:
    before = bench.stored()
    response = bench.post(with_field(field, text))
    if refused_or(response, 201):
        assert bench.stored() == before
    elif field != "id":  # an id may have been there already, with the same content
        assert bench.stored() == before + 1


@settings(max_examples=size(50, 1000))
@given(st.lists(JSON_TEXTS | JSON_TEXTS.map(lambda text: with_field("metadata", text)), min_size=1, max_size=4))
def test_any_json_for_an_item_is_judged_as_it_would_be_alone(bench: Bench, items: list[bytes]) -> None:
    alone = [bench.request("POST", "/transactions?dry_run=true", item) for item in items]
    before = bench.stored()
    response = bench.request("POST", BATCH, batch_of(*items, json.dumps({**SMALLEST, "id": "last"}).encode()))
    if refused_or(response, 200):
        # What Python's parser can't read in a batch it can't read alone.
        assert any(one.status_code == 400 and one.json_body["code"] == "malformed_body" for one in alone)
        assert bench.stored() == before
        return
    *results, last = response.json_body["results"]
    assert last["status"] == "created"
    for item, one, result in zip(items, alone, results, strict=True):
        assert result["status"] == ("invalid" if one.status_code == 400 else one.json_body["status"])
        # What is no object is looked at no further alone, but for card numbers as an item.
        if result["status"] == "invalid" and item.startswith(b"{"):
            assert result["code"] == one.json_body["code"]
            named = [name[:MAX_NAME] for name in fields(one.json_body)]
            if len(named) > MAX_ITEM_ERRORS:
                named[MAX_ITEM_ERRORS - 1 :] = [""]  # and so many more
            assert fields(result) == (named or [""])


@settings(max_examples=size(75, 1500))
@given(st.binary(max_size=200), st.sampled_from(["/transactions", BATCH, "/accounts/A123/holders/h1"]))
def test_bytes_at_random_are_a_problem_of_theirs(bench: Bench, body: bytes, path: str) -> None:
    assert refused_or(bench.request("PUT" if "holders" in path else "POST", path, body))
    assert bench.stored() == 0


@settings(max_examples=size(100, 2000))
@given(st.data())
def test_a_body_with_some_bytes_changed_is_refused_or_stored_as_it_says(bench: Bench, data: st.DataObject) -> None:
    body = bytearray(written({**base(), "merchant": '{"name": "Mokolo"}', "metadata": '{"k": "v"}'}))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    before = bench.stored()
    response = bench.post(bytes(body))
    if refused_or(response, 201, 409):
        assert bench.stored() == before
    elif response.status_code == 201:
        sent, stored = json.loads(body, parse_float=Decimal, parse_int=Decimal), response.json_body
        for name in ("id", "account", "type"):
            assert stored[name] == sent[name]
        assert Decimal(stored["amount"]) == Decimal(sent["amount"])


TEXT_FIELDS = [
    ("id", "{}"),
    ("account", "{}"),
    ("authorization_id", "{}"),
    ("description", "{}"),
    ("merchant", '{{"name": {}}}'),
    ("merchant", '{{"city": {}}}'),
    ("metadata", '{{"k": {}}}'),
    ("metadata", '{{{}: "v"}}'),
]
# What SQS takes in a message; anything else makes it refuse the message, and the others sent with it.
TAKEN_BY_SQS = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
# What is in no card number and refused by no rule but that of length.
HARMLESS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Nd", "Nl", "No"], exclude_characters="\ufffd\ufffe\uffff"),
    min_size=1,
    max_size=60,  # 300 times as much, all of it escaped, is still a body that is taken
)


# How much of each is kept, by the form of its field. The first three are ids, which are kept as they are or refused.
LONGEST = {'{{"name": {}}}': 140, '{{"city": {}}}': 100, "{}": 280}


def kept(form: str, text: str) -> Any:
    """Return what is answered of a field of this form that only informs, None if it is absent then."""
    text = cut(normalised(text), LONGEST.get(form, 256))
    if form == '{{{}: "v"}}':
        return {text: "v"} if text else None
    return json.loads(form.format(json.dumps(text))) if text or "k" in form else None


@settings(max_examples=size(150, 3000))
@given(st.sampled_from(TEXT_FIELDS), st.text(st.characters(exclude_categories=[]), max_size=300), st.booleans())
@example(("description", "{}"), "\ufeff\u202e\u2028", False)
@example(("metadata", '{{{}: "v"}}'), "__proto__", True)
@example(("description", "{}"), "\uffff", True)
@example(("metadata", '{{"k": {}}}'), "\ufffe", False)
def test_any_text_is_kept_in_its_one_form_where_it_only_informs_and_as_it_was_elsewhere(
    bench: Bench, place: tuple[str, str], text: str, is_escaped: bool
) -> None:
    field, form = place
    has_half_pair = any("\ud800" <= character <= "\udfff" for character in text)  # only an escape can send it
    literal = form.format(json.dumps(text, ensure_ascii=is_escaped or has_half_pair))
    response = bench.post(with_field(field, literal.encode("utf-8", "replace")))
    if refused_or(response, 201):
        assert place in TEXT_FIELDS[:3] or response.json_body["code"] in ("card_number_refused", "malformed_body")
        return
    answered = response.json_body
    if place in TEXT_FIELDS[:3]:
        assert answered.get(field, "") == json.loads(literal)
    elif "?" not in literal:
        found = json.loads(literal)  # in JSON, two halves are a pair
        sent = next(iter(found if form == '{{{}: "v"}}' else found.values())) if isinstance(found, dict) else found
        assert answered.get(field) == kept(form, sent)
    warnings = answered.pop("warnings", [])
    assert all(TAKEN_BY_SQS.fullmatch(one["field"]) for one in warnings)
    assert TAKEN_BY_SQS.fullmatch(json.dumps(answered, ensure_ascii=False))
    found = bench.get(f"/transactions/{quote(answered['id'])}").json_body
    assert found == {**answered, "flags": {}, "related": found["related"]}
    # In its one form the content is a replay, and gives no warnings.
    again = bench.post({name: value for name, value in answered.items() if name != "recorded_at"})
    assert again.json_body == answered


@settings(max_examples=size(75, 1500))
@given(st.sampled_from(TEXT_FIELDS[3:]), HARMLESS)
def test_any_text_without_digits_or_controls_is_taken_and_cut_to_its_length(
    bench: Bench, place: tuple[str, str], text: str
) -> None:
    field, form = place
    for longer in (text, text * 300):
        response = bench.post(with_field(field, form.format(json.dumps(longer))))
        assert response.status_code == 201
        assert response.json_body.get(field) == kept(form, longer)
        is_cut = len(normalised(longer)) > LONGEST.get(form, 256)
        assert ("warnings" in response.json_body) == is_cut or form == '{{{}: "v"}}'


@st.composite
def amounts(draw: st.DrawFn) -> tuple[str, Decimal, str]:
    """A currency, an amount that the contract allows in it, and a spelling of that amount as a JSON number."""
    currency = draw(st.sampled_from(sorted(CURRENCY_DECIMALS)))
    places = draw(st.integers(0, CURRENCY_DECIMALS[currency]))
    units = draw(st.integers(1, 10 ** (15 + places) - 1))
    amount = Decimal(units).scaleb(-places)
    spellings = [f"{amount:f}", f"{units}e-{places}", f"{units}E-0{places}"]
    if places == 0:
        spellings += [f"{units}e0", f"{units}E+0"]
    return currency, amount, draw(st.sampled_from(spellings))


@settings(max_examples=size(100, 2000))
@given(amounts(), st.sampled_from(["amount", "balance"]), st.booleans())
def test_any_allowed_amount_comes_back_exactly(
    bench: Bench, drawn: tuple[str, Decimal, str], field: str, is_string: bool
) -> None:
    currency, amount, spelling = drawn
    literal = f'"{amount:f}"' if is_string else spelling
    response = bench.post(written({**base(), "amount": "1", "currency": f'"{currency}"', field: literal}))
    assert response.status_code == 201
    stored = bench.get(f"/transactions/{response.json_body['id']}").json_body[field]
    assert Decimal(stored) == amount
    assert len(stored.partition(".")[2]) == CURRENCY_DECIMALS[currency]


@settings(max_examples=size(100, 2000))
@given(st.sampled_from(sorted(CURRENCY_DECIMALS)), st.data(), st.booleans())
def test_any_other_amount_is_refused(bench: Bench, currency: str, data: st.DataObject, is_string: bool) -> None:
    decimals = CURRENCY_DECIMALS[currency]
    too_large = st.builds(lambda units, zeros: f"{units}e{zeros}", st.integers(10**15, 10**30), st.integers(0, 400))
    too_fine = st.builds(
        lambda units, more: f"{units}1e-{decimals + more}", st.integers(1, 10**13), st.integers(1, 400)
    )
    too_little = st.integers(-(10**15) + 1, 0).map(str)
    literal = data.draw(too_large | too_fine | too_little)
    before = bench.stored()
    body = written({**base(), "currency": f'"{currency}"', "amount": f'"{literal}"' if is_string else literal})
    assert refused_or(bench.post(body))
    assert bench.stored() == before


ZEROS = [code for code in range(sys.maxunicode + 1) if unicodedata.decimal(chr(code), None) == 0]
CARD_FIELDS = [
    *TEXT_FIELDS,
    ("type", "{}"),
    ("timestamp", "{}"),
    ("currency", "{}"),
    ("status", "{}"),
    ("card_last4", "{}"),
    ("merchant", '{{"mcc": {}}}'),
    ("merchant", "{}"),
    ("unknown", "{}"),
    ("unknown", "[[{}]]"),
]


_DATE = re.compile(
    r"(?<![0-9])(?:[0-9]{1,2}[-./][0-9]{1,2}[-./][0-9]{4}|[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2})(?![0-9])"
)


@st.composite
def card_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A card number's digits, and a spelling of it: in digits of some scripts, grouped as cards are."""
    digits = draw(issued_numbers())
    scripts = draw(st.lists(st.sampled_from(ZEROS), min_size=1, max_size=3))
    sizes = draw(group_sizes(len(digits)))
    separator = draw(st.sampled_from(" -./_\u00a0\u2009\u2011\u2013\u2212\uff0d"))
    # Groups such as 6-8-2000 are a date, by their form: what stands around it is no card number then.
    assume(not any(_DATE.search(grouped(digits, *sizes).replace(" ", joint)) for joint in "-./"))
    return digits, "".join(
        chr(draw(st.sampled_from(scripts)) + int(character)) if character.isdigit() else separator
        for character in grouped(digits, *sizes)
    )


@settings(max_examples=size(200, 4000))
@given(card_numbers(), st.sampled_from(CARD_FIELDS), st.sampled_from(["", "card ", "<b>", "№"]), st.booleans())
def test_a_card_number_passes_nowhere_in_no_script_and_no_grouping(
    bench: Bench, logged: Any, number: tuple[str, str], place: tuple[str, str], around: str, is_escaped: bool
) -> None:
    digits, spelling = number
    field, form = place
    body = with_field(field, form.format(json.dumps(around + spelling + around[::-1], ensure_ascii=is_escaped)))
    alone = bench.post(body)
    problem(alone, 400, "card_number_refused")
    batch = bench.request("POST", BATCH, batch_of(body))
    assert [result["code"] for result in batch.json_body["results"]] == ["card_number_refused"]
    assert bench.stored() == 0
    told = json.dumps([alone.json_body, batch.json_body], ensure_ascii=False) + logged()
    assert not any(secret in told for secret in (digits, spelling, json.dumps(spelling)[1:-1]))


@settings(max_examples=size(50, 1000))
@given(issued_numbers().filter(lambda digits: len(digits) > 15), st.sampled_from(["amount", "balance"]), st.booleans())
def test_a_card_number_that_is_longer_than_any_amount_is_no_amount(
    bench: Bench, digits: str, field: str, is_string: bool
) -> None:
    problem(bench.post(with_field(field, f'"{digits}"' if is_string else digits)), 400, "card_number_refused")
    assert bench.stored() == 0


@pytest.mark.parametrize("length", [12, 20, 21])
def test_digits_of_another_length_are_taken_whether_they_pass_the_check_or_not(bench: Bench, length: int) -> None:
    for start in range(20):
        digits = f"{start + 40}".ljust(length - 1, "7")
        body = with_field("description", json.dumps(with_luhn(digits)))
        assert bench.post(body).status_code == 201
