"""Holders: every rule of an enrolment, and how a holder is answered."""

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chalicelib.api.json_body import read_json
from chalicelib.errors import ValidationFailed
from chalicelib.holders.holder import TIMEZONES, Holder, load_holder, load_patch, to_json
from chalicelib.holders.locales import ACCEPTED
from chalicelib.ledger.email_address import IP_ADDRESS, LONG_LOCAL_PART, NO_ADDRESS, NO_ASCII, NO_DOMAIN

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
SMALLEST = {"name": "Awa Ndiaye", "email": "awa@example.com"}
STRING = "Must be a text: a JSON string."
CURRENCY = "Must be an active ISO 4217 code, like XAF or EUR."
CLOCK = "Must be a time of day, like 22:00."
ZONE = "Must be an IANA time zone, like Africa/Douala."


def read(body: str) -> Holder:
    return load_holder(read_json(body.encode()), "h1", NOW)


def load(**changes: Any) -> Holder:
    return read(json.dumps({**SMALLEST, **changes}))


def errors(body: str) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refusal:
        read(body)
    return refusal.value.errors


def errors_of(**changes: Any) -> list[tuple[str, str]]:
    return errors(json.dumps({**SMALLEST, **changes}))


def with_minimum(currency: str, literal: str) -> str:
    return f'{json.dumps(SMALLEST)[:-1]}, "preferences": {{"min_amount": {{"{currency}": {literal}}}}}}}'


def test_a_name_and_an_address_are_enough() -> None:
    enrolled = Holder("h1", "Awa Ndiaye", "awa@example.com", "fr", "UTC", {}, NOW)
    times = {"preferences_chosen_at": NOW, "created_at": NOW, "updated_at": NOW}
    assert load() == dataclasses.replace(enrolled, bank_preferences={}, choices={}, **times)


@pytest.mark.parametrize("field", SMALLEST)
def test_name_and_email_are_required(field: str) -> None:
    body = {name: value for name, value in SMALLEST.items() if name != field}
    assert errors(json.dumps(body)) == [(field, "Is required.")]


@pytest.mark.parametrize("name", ["A", "x" * 140, "日" * 140, "O'Brien-Ndiaye", "😀"])
def test_a_name_has_1_to_140_characters(name: str) -> None:
    assert load(name=name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Must not be blank."),
        ("   ", "Must not be blank."),
        ("\u00a0", "Must not be blank."),
        ("\u200b", "Must not be blank."),
        ("\u3164\u2060", "Must not be blank."),
        ("x" * 141, "Must have at most 140 characters."),
        (1, STRING),
        (None, "Must not be null."),
    ],
)
def test_another_name_is_refused(name: Any, message: str) -> None:
    assert errors_of(name=name) == [("name", message)]


@pytest.mark.parametrize(
    "email", ["a@b.co", "first.last+tag@sub.example.com", "o'brien@example.org", "x" * 64 + "@" + "y" * 60 + ".com"]
)
def test_an_address_is_taken_as_it_is(email: str) -> None:
    assert load(email=email).email == email


@pytest.mark.parametrize(
    ("email", "messages"),
    [
        ("", [NO_ADDRESS]),
        ("user@123.123.123.123", [IP_ADDRESS]),
        ("awa@localhost", [NO_DOMAIN]),
        ("ñ@example.com", [NO_ASCII]),
        ("x" * 250 + "@b.co", ["Must have at most 254 characters.", LONG_LOCAL_PART]),
        (1, [STRING]),
    ],
)
def test_another_address_is_refused(email: Any, messages: list[str]) -> None:
    assert errors_of(email=email) == [("email", message) for message in messages]


def test_a_locale_is_a_language_that_there_are_words_in_with_a_region_or_without_one() -> None:
    for given, stored in (("fr", "fr"), ("EN", "en"), ("fr-CM", "fr-CM"), ("En-gb", "en-GB"), ("en-001", "en-001")):
        assert load(locale=given).locale == stored
    assert load().locale == "fr"


@pytest.mark.parametrize("locale", ["", "de", "fr-", "fr-XX", "en-UK", "fr_CM", "fr-CM-x", "fr-Latn-CM", "fr CM", "fı"])
def test_another_locale_is_refused_with_what_is_accepted(locale: str) -> None:
    assert errors_of(locale=locale) == [("locale", ACCEPTED)]


def test_a_locale_that_is_no_text_is_refused_as_such() -> None:
    assert errors_of(locale=1) == [("locale", STRING)]


@pytest.mark.parametrize(
    "name", ["Africa/Douala", "Europe/Paris", "UTC", "GMT", "America/Argentina/Ushuaia", "Etc/GMT-14"]
)
def test_a_time_zone_is_one_of_the_iana_database(name: str) -> None:
    assert load(timezone=name).timezone == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Africa/Yaounde",
        "africa/douala",
        "Africa/",
        "/etc/passwd",
        "../UTC",
        "UTC+1",
        "posix/UTC",
        "localtime",
        "x" * 999,
    ],
)
def test_another_time_zone_is_refused(name: str) -> None:
    assert errors_of(timezone=name) == [("timezone", ZONE)]


def test_every_time_zone_that_is_accepted_can_be_loaded() -> None:
    assert {ZoneInfo(name).key for name in TIMEZONES} == TIMEZONES
    assert len(TIMEZONES) > 400


@pytest.mark.parametrize(
    "preferences",
    [
        {},
        {"types": ["credit"]},
        {"types": ["debit", "credit"]},
        {"quiet_hours": {"from": "22:00", "to": "07:00"}},
        {"quiet_hours": {"from": "00:00", "to": "23:59"}},
        {"statement": "none"},
        {"statement": "weekly"},
        {"statement": "monthly"},
        {"muted": True},
        {"muted": False},
        {"alerts": True},
        {"alerts": False},
        {"min_amount": {}},
    ],
)
def test_each_preference_is_optional_and_kept_as_it_is(preferences: dict[str, Any]) -> None:
    assert load(preferences=preferences).preferences == preferences


@pytest.mark.parametrize(
    ("currency", "literal", "minimum"),
    [
        ("XAF", "5000", "5000"),
        ("XAF", '"5000"', "5000"),
        ("XAF", "5e3", "5000"),
        ("EUR", "9.5", "9.5"),
        ("KWD", "0.001", "0.001"),
        ("EUR", "0", "0"),
        ("EUR", "-0", "0"),
    ],
)
def test_a_minimum_is_kept_as_an_exact_decimal_string(currency: str, literal: str, minimum: str) -> None:
    assert read(with_minimum(currency, literal)).preferences == {"min_amount": {currency: minimum}}


@pytest.mark.parametrize(
    ("currency", "literal", "message"),
    [
        ("XAF", "-1", "Must be 0 or more."),
        ("XAF", "1e15", "Must have at most 15 digits before the decimal point."),
        ("XAF", '"x"', "Must be a number like 250.50, or a string that holds one."),
        ("XAF", "true", "Must be a number like 250.50, or a string that holds one."),
        ("XAF", "0.5", "XAF has 0 decimals: must have no more."),
        ("EUR", "0.001", "EUR has 2 decimals: must have no more."),
        ("EUR", "1e-999999999", "EUR has 2 decimals: must have no more."),
        ("eur", "1", "Must be in capital letters: EUR."),
        ("ZZZ", "1", CURRENCY),
    ],
)
def test_another_minimum_is_refused_naming_its_currency(currency: str, literal: str, message: str) -> None:
    assert errors(with_minimum(currency, literal)) == [(f"preferences.min_amount.{currency}", message)]


@pytest.mark.parametrize(
    ("preferences", "field", "message"),
    [
        ([], "preferences", "Must be an object."),
        (None, "preferences", "Must not be null."),
        ({"x": 1}, "preferences.x", "Unknown field."),
        ({"types": "credit"}, "preferences.types", "Must be a list."),
        ({"types": ["refund"]}, "preferences.types.0", "Must be one of: credit, debit."),
        ({"types": ["credit", 1]}, "preferences.types.1", STRING),
        ({"types": []}, "preferences.types", "Must not be empty: leave it out for both types."),
        ({"types": ["credit"] * 3}, "preferences.types", "Must have at most 2 items."),
        ({"min_amount": []}, "preferences.min_amount", "Must be an object."),
        ({"quiet_hours": {"from": "22:00"}}, "preferences.quiet_hours.to", "Is required."),
        ({"quiet_hours": {"to": "22:00"}}, "preferences.quiet_hours.from", "Is required."),
        ({"quiet_hours": {"from": "24:00", "to": "07:00"}}, "preferences.quiet_hours.from", CLOCK),
        ({"quiet_hours": {"from": "22:60", "to": "07:00"}}, "preferences.quiet_hours.from", CLOCK),
        ({"quiet_hours": {"from": "22:00", "to": "7:00"}}, "preferences.quiet_hours.to", CLOCK),
        ({"quiet_hours": {"from": "22:00", "to": "07:00:00"}}, "preferences.quiet_hours.to", CLOCK),
        ({"quiet_hours": {"from": "22:00", "to": "07:00", "x": 1}}, "preferences.quiet_hours.x", "Unknown field."),
        ({"statement": "daily"}, "preferences.statement", "Must be one of: none, weekly, monthly."),
        ({"muted": 1}, "preferences.muted", "Must be true or false."),
        ({"muted": 0}, "preferences.muted", "Must be true or false."),
        ({"muted": "true"}, "preferences.muted", "Must be true or false."),
        ({"muted": None}, "preferences.muted", "Must not be null."),
        ({"muted": [True]}, "preferences.muted", "Must be true or false."),
        ({"alerts": 0}, "preferences.alerts", "Must be true or false."),
    ],
)
def test_another_preference_is_refused(preferences: Any, field: str, message: str) -> None:
    assert errors_of(preferences=preferences) == [(field, message)]


@pytest.mark.parametrize("field", ["id", "enrolled_at", "phone", "salary"])
def test_an_unknown_field_is_named(field: str) -> None:
    assert errors_of(**{field: "x"}) == [(field, "Unknown field.")]


def test_a_holder_is_answered_as_it_was_enrolled() -> None:
    preferences = {
        "types": ["debit"],
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "statement": "weekly",
        "muted": False,
    }
    holder = load(locale="en", timezone="Africa/Douala", preferences=preferences)
    assert to_json(holder) == {
        "id": "h1",
        "name": "Awa Ndiaye",
        "email": "awa@example.com",
        "locale": "en",
        "timezone": "Africa/Douala",
        "preferences": preferences,
        "preferences_chosen_by": "bank",
        "preferences_chosen_at": "2026-01-10T14:00:00Z",
        "created_at": "2026-01-10T14:00:00Z",
        "enrolled_at": "2026-01-10T14:00:00Z",
        "updated_at": "2026-01-10T14:00:00Z",
    }


BEFORE: dict[str, Any] = {
    "name": "Awa",
    "email": "not an address, as an earlier release took it",
    "locale": "en",
    "timezone": "Africa/Douala",
    "preferences": {"types": ["debit"], "min_amount": {"XAF": "5000", "EUR": "9.5"}, "muted": True},
}


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        ({}, {}),
        ({"name": "Awa Ndiaye"}, {"name": "Awa Ndiaye"}),
        ({"locale": None, "timezone": None}, {"locale": "fr", "timezone": "UTC"}),
        ({"preferences": None}, {"preferences": {}}),
        ({"preferences": {}}, {"preferences": BEFORE["preferences"]}),
        (
            {
                "preferences": {
                    "muted": None,
                    "min_amount": {"EUR": None, "KWD": Decimal("0.500")},
                    "statement": "weekly",
                }
            },
            {"preferences": {"types": ["debit"], "min_amount": {"XAF": "5000", "KWD": "0.500"}, "statement": "weekly"}},
        ),
        (
            {"preferences": {"types": ["credit"]}},
            {"preferences": {**BEFORE["preferences"], "types": ["credit"]}},
        ),
    ],
)
def test_a_patch_changes_what_it_names_and_judges_nothing_else(patch: dict[str, Any], after: dict[str, Any]) -> None:
    assert load_patch(patch, BEFORE) == after


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"name": None}, "name"),
        ({"email": None}, "email"),
        ({"email": "nobody"}, "email"),
        ({"locale": "xx"}, "locale"),
        ({"preferences": {"min_amount": {"XAF": "0.5"}}}, "preferences.min_amount.XAF"),
        ({"preferences": {"types": []}}, "preferences.types"),
        ({"preferences": "none"}, "preferences"),
        ({"id": "h2"}, "id"),
        ({"preferences_chosen_by": "holder"}, "preferences_chosen_by"),
        ({"phone": None, "name": ""}, "name"),
    ],
)
def test_a_patch_that_breaks_a_rule_is_refused_naming_the_field(patch: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        load_patch(patch, BEFORE)
    assert field in [name for name, _ in refusal.value.errors]


@pytest.mark.parametrize(
    ("preferences", "chosen", "by"),
    [
        ({"muted": True, "types": ["debit"]}, {"muted": True}, "holder"),
        ({"muted": False}, {}, "bank"),
        ({}, {}, "bank"),
    ],
)
def test_who_was_muted_in_a_record_of_an_earlier_release_has_chosen_it_and_has_alerts(
    preferences: dict[str, Any], chosen: dict[str, Any], by: str
) -> None:
    holder = Holder("h1", "Awa", "awa@example.com", "fr", "UTC", preferences, NOW)
    answer = to_json(holder)
    assert (holder.chosen, holder.asked, holder.has_alerts) == (chosen, preferences, True)
    assert (answer["preferences_chosen_by"], answer["preferences_chosen_at"]) == (by, "2026-01-10T14:00:00Z")
    assert answer["created_at"] == answer["updated_at"] == answer["enrolled_at"] == "2026-01-10T14:00:00Z"
