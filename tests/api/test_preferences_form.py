"""The form: what it shows, what a holder may type, and that nothing changes which the holder has not changed."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.preferences_form import (
    Form,
    Mistake,
    Mistaken,
    apply_form,
    confirmation_of,
    fill_form,
    read_form,
    version_of,
)
from chalicelib.holders.holder import PreferencesSchema
from chalicelib.ledger.money import CURRENCY_DECIMALS

EVERYTHING: dict[str, Any] = {
    "types": ["debit"],
    "min_amount": {"XAF": "5000", "EUR": "9.5"},
    "quiet_hours": {"from": "21:30", "to": "06:15"},
    "statement": "weekly",
    "muted": True,
}
UNTOUCHED = fill_form({}, ["XAF"], "fr")


def sent(form: Form) -> dict[str, list[str]]:
    """Return the fields as a browser sends them: what isn't checked is absent."""
    fields = {
        "types": list(form.types),
        **{f"min_amount.{currency}": [amount] for currency, amount in form.least.items()},
        "new_currency": [form.new_currency],
        "new_least": [form.new_least],
        "quiet": ["on"] if form.is_quiet else [],
        "quiet_from": [form.quiet_from],
        "quiet_to": [form.quiet_to],
        "statement": [form.statement],
        "muted": ["on"] if form.is_muted else [],
    }
    return {name: values for name, values in fields.items() if values}


def mistakes(locale: str = "fr", **changes: Any) -> dict[str, Mistake]:
    with pytest.raises(Mistaken) as refusal:
        apply_form(dataclasses.replace(UNTOUCHED, **changes), {}, locale)
    return refusal.value.mistakes


def changed(before: dict[str, Any] | None = None, locale: str = "fr", **changes: Any) -> dict[str, Any]:
    preferences = before or {}
    return apply_form(dataclasses.replace(fill_form(preferences, ["XAF"], locale), **changes), preferences, locale)


def test_the_form_of_no_preferences_shows_what_they_mean() -> None:
    shown = fill_form({}, ["XAF"], "fr")
    assert shown == Form(("credit", "debit"), {"XAF": ""}, "", "", False, "22:00", "07:00", "none", False)


def test_the_form_shows_each_preference() -> None:
    assert fill_form(EVERYTHING, ["XAF", "USD"], "fr") == Form(
        ("debit",), {"EUR": "9,5", "USD": "", "XAF": "5000"}, "", "", True, "21:30", "06:15", "weekly", True
    )
    assert fill_form(EVERYTHING, [], "en").least == {"EUR": "9.5", "XAF": "5000"}


_AMOUNTS = st.integers(0, 10**9).map(str)
_CLOCK = st.builds(lambda hour, minute: f"{hour:02}:{minute:02}", st.integers(0, 23), st.integers(0, 59))
PREFERENCES = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(st.sampled_from(["credit", "debit"]), max_size=2),
        "min_amount": st.dictionaries(st.sampled_from(sorted(CURRENCY_DECIMALS)), _AMOUNTS, max_size=4),
        "quiet_hours": st.builds(lambda start, end: {"from": start, "to": end}, _CLOCK, _CLOCK).filter(
            lambda hours: hours["from"] != hours["to"]
        ),
        "statement": st.sampled_from(["none", "weekly", "monthly"]),
        "muted": st.booleans(),
        "of_a_later_release": st.just("kept"),
    },
)


@given(PREFERENCES, st.sampled_from(["fr", "en"]), st.lists(st.sampled_from(["XAF", "EUR", "KWD"])))
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(
    preferences: dict[str, Any], locale: str, currencies: list[str]
) -> None:
    shown = fill_form(preferences, currencies, locale)
    assert read_form(sent(shown), currencies) == dataclasses.replace(
        shown, types=tuple(one for one in ("credit", "debit") if one in shown.types)
    )
    assert apply_form(read_form(sent(shown), currencies), preferences, locale) == preferences


@given(PREFERENCES, PREFERENCES, st.sampled_from(["fr", "en"]))
def test_any_preferences_can_be_made_of_any_others(before: dict[str, Any], after: dict[str, Any], locale: str) -> None:
    form = read_form(sent(fill_form(after, [], locale)), [])
    made = apply_form(form, before, locale)
    assert set(fill_form(made, [], locale).types) == set(form.types)
    schema = PreferencesSchema()
    # A holder may want neither type; a bank can't say so.
    without_types = {name: value for name, value in made.items() if name in schema.fields and value != []}
    errors = schema.validate(without_types)
    assert errors == {}
    for name in ("quiet_hours", "statement", "muted"):
        plain = {"statement": "none", "muted": False}.get(name)
        assert made.get(name, plain) == after.get(name, plain)
    # A minimum of 0 is none.
    meant = {one: amount for one, amount in after.get("min_amount", {}).items() if amount != "0"}
    assert {one: amount for one, amount in made.get("min_amount", {}).items() if amount != "0"} == meant


def test_each_preference_is_set_and_taken_back() -> None:
    assert changed(types=("debit",)) == {"types": ["debit"]}
    assert changed(types=()) == {"types": []}
    assert changed({"types": []}, types=("credit", "debit")) == {}
    assert changed(least={"XAF": "5000"}) == {"min_amount": {"XAF": "5000"}}
    assert changed({"min_amount": {"XAF": "5000"}}, least={"XAF": ""}) == {}
    assert changed({"min_amount": {"XAF": "5000"}}, least={"XAF": "0"}) == {"min_amount": {"XAF": "0"}}
    assert changed(is_quiet=True) == {"quiet_hours": {"from": "22:00", "to": "07:00"}}
    assert changed({"quiet_hours": {"from": "22:00", "to": "07:00"}}, is_quiet=False) == {}
    assert changed(statement="monthly") == {"statement": "monthly"}
    assert changed({"statement": "weekly"}, statement="none") == {}
    assert changed(is_muted=True) == {"muted": True}
    assert changed({"muted": True}, is_muted=False) == {}


def test_what_the_form_doesn_t_know_of_is_kept() -> None:
    assert changed({"push": "yes"}, is_muted=True) == {"push": "yes", "muted": True}


def test_a_minimum_in_another_currency_is_added_to_the_others() -> None:
    assert changed({"min_amount": {"XAF": "5000"}}, new_currency="EUR", new_least="10,5") == {
        "min_amount": {"XAF": "5000", "EUR": "10.5"}
    }


@pytest.mark.parametrize(
    ("locale", "currency", "written", "amount"),
    [
        ("fr", "XAF", "5000", "5000"),
        ("fr", "XAF", "5 000", "5000"),
        ("fr", "XAF", "1\u202f250\u00a0000", "1250000"),
        ("fr", "XAF", "05000", "5000"),
        ("fr", "EUR", "12,5", "12.5"),
        ("fr", "EUR", "12.50", "12.50"),
        ("fr", "EUR", "1 234,56", "1234.56"),
        ("en", "XAF", "5,000", "5000"),
        ("en", "EUR", "1,234.56", "1234.56"),
        ("en", "EUR", "12,5", "12.5"),
        ("en", "EUR", "12.5", "12.5"),
        ("en", "KWD", "1.250", "1.250"),
        ("fr", "KWD", "1,250", "1.250"),
        ("en", "XAF", "999999999999999", "999999999999999"),
    ],
)
def test_an_amount_is_read_as_its_reader_writes_it(locale: str, currency: str, written: str, amount: str) -> None:
    assert changed(locale=locale, least={currency: written}) == {"min_amount": {currency: amount}}


# By how many decimals the currency has.
CURRENCIES = {0: "XAF", 2: "EUR", 3: "KWD"}
# What is written, and what it is for each number of decimals: an amount or a mistake. A mark before exactly three
# digits may stand between thousands or before decimals.
MARKED: dict[str, dict[str, tuple[str, str, str]]] = {
    "fr": {
        "5,000": ("5000", "decimals", "5.000"),
        "5.000": ("5000", "two_readings", "two_readings"),
        "1.000.000": ("1000000", "1000000", "1000000"),
        "1,000,000": ("1000000", "1000000", "1000000"),
        "999.999": ("999999", "two_readings", "two_readings"),
        "5,00": ("5", "5.00", "5.00"),
        "5.25": ("no_decimals", "5.25", "5.25"),
        "0,500": ("no_decimals", "0.50", "0.500"),
        "1234,500": ("no_decimals", "1234.50", "1234.500"),
        "1.000,000": ("amount", "amount", "amount"),
        "1.00.000": ("amount", "amount", "amount"),
    },
    "en": {
        "5,000": ("5000", "5000", "5000"),
        "5.000": ("5000", "decimals", "5.000"),
        "1.000.000": ("1000000", "1000000", "1000000"),
        "1,000,000": ("1000000", "1000000", "1000000"),
        "999.999": ("999999", "decimals", "999.999"),
        "5.00": ("5", "5.00", "5.00"),
        "5,25": ("no_decimals", "5.25", "5.25"),
        "0.500": ("no_decimals", "0.50", "0.500"),
        "0,500": ("no_decimals", "0.50", "0.500"),
        "1,234.500": ("no_decimals", "1234.50", "1234.500"),
        "1.000,000": ("amount", "amount", "amount"),
    },
}


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize(("locale", "written"), [(locale, written) for locale in MARKED for written in MARKED[locale]])
def test_a_mark_before_three_digits_is_never_decimals_that_the_currency_has_not(
    locale: str, written: str, at: int
) -> None:
    decimals, currency = list(CURRENCIES.items())[at]
    meant = MARKED[locale][written][at]
    if meant[0].isdigit():
        assert changed(locale=locale, least={currency: written}) == {"min_amount": {currency: meant}}
    else:
        named = ("", 0) if meant == "amount" else (currency, decimals)
        assert mistakes(locale, least={currency: written}) == {f"min_amount.{currency}": Mistake(meant, *named)}


@given(st.integers(1000, 10**15 - 1), st.sampled_from([".", ","]), st.sampled_from(["fr", "fr-MA", "en", "en-ZA"]))
def test_an_amount_without_decimals_may_be_grouped_with_either_mark(amount: int, mark: str, locale: str) -> None:
    for currency in ("XAF", "XOF", "JPY"):
        written = f"{amount:,}".replace(",", mark)
        assert changed(locale=locale, least={currency: written}) == {"min_amount": {currency: str(amount)}}


@given(
    st.integers(1, 10**6), st.sampled_from(sorted(CURRENCY_DECIMALS)), st.sampled_from(["fr", "fr-MA", "en", "en-ZA"])
)
def test_what_the_form_shows_of_an_amount_is_read_as_that_amount(units: int, currency: str, locale: str) -> None:
    for zeros in ("", "000"):  # as an earlier release may have stored it
        stored = f"{Decimal(units).scaleb(-CURRENCY_DECIMALS[currency]):f}"
        before = {"min_amount": {currency: stored + zeros if "." in stored else stored}}
        form = fill_form(before, [], locale)
        assert apply_form(form, before, locale) == before


@pytest.mark.parametrize(
    ("currency", "written", "mistake"),
    [
        ("XAF", "a lot", Mistake("amount")),
        ("XAF", "-1", Mistake("amount")),
        ("XAF", "1e3", Mistake("amount")),
        ("XAF", "NaN", Mistake("amount")),
        ("XAF", "५०००", Mistake("amount")),
        ("XAF", "5000 XAF", Mistake("amount")),
        ("XAF", "<script>", Mistake("amount")),
        ("XAF", "1,2,3", Mistake("amount")),
        ("XAF", "5000,", Mistake("amount")),
        ("XAF", "1000000000000000", Mistake("too_large")),
        ("XAF", "5000,5", Mistake("no_decimals", "XAF", 0)),
        ("EUR", "9,999", Mistake("decimals", "EUR", 2)),
        ("KWD", "0,0001", Mistake("decimals", "KWD", 3)),
    ],
)
def test_another_amount_is_a_mistake_of_its_field(currency: str, written: str, mistake: Mistake) -> None:
    assert mistakes(least={currency: written}) == {f"min_amount.{currency}": mistake}
    if currency != "XAF":
        assert mistakes(new_currency=currency, new_least=written) == {"new_least": mistake}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"new_currency": "EUR"}, {"new_least": Mistake("missing")}),
        ({"new_least": "5"}, {"new_currency": Mistake("currency")}),
        ({"new_currency": "ZZZ", "new_least": "5"}, {"new_currency": Mistake("currency")}),
        ({"new_currency": "EUR", "new_least": "5", "least": {"EUR": "1"}}, {"new_currency": Mistake("repeated")}),
        ({"is_quiet": True, "quiet_from": ""}, {"quiet_from": Mistake("time")}),
        ({"is_quiet": True, "quiet_to": "24:00"}, {"quiet_to": Mistake("time")}),
        (
            {"is_quiet": True, "quiet_from": "x", "quiet_to": "7"},
            dict.fromkeys(("quiet_from", "quiet_to"), Mistake("time")),
        ),
        ({"is_quiet": True, "quiet_from": "07:00", "quiet_to": "7:00"}, {"quiet_to": Mistake("same_times")}),
        ({"statement": "daily"}, {"statement": Mistake("choice")}),
        ({"statement": ""}, {"statement": Mistake("choice")}),
    ],
)
def test_what_can_t_be_is_a_mistake_of_its_field(changes: dict[str, Any], found: dict[str, Mistake]) -> None:
    assert mistakes(**changes) == found


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes(least={"XAF": "x"}, new_least="5", is_quiet=True, quiet_from="", statement="daily")
    assert list(found) == ["min_amount.XAF", "new_currency", "quiet_from", "statement"]


@pytest.mark.parametrize(
    ("written", "hour"), [("7:05", "07:05"), ("07h05", "07:05"), ("23 H 59", "23:59"), ("0:00", "00:00")]
)
def test_times_may_be_written_as_people_write_them(written: str, hour: str) -> None:
    made = changed(is_quiet=True, quiet_from="12:34", quiet_to=written)
    assert made == {"quiet_hours": {"from": "12:34", "to": hour}}


def test_times_that_don_t_count_are_not_judged() -> None:
    assert changed(is_quiet=False, quiet_from="nonsense", quiet_to="") == {}


def test_fields_that_are_none_of_the_form_s_are_passed_over() -> None:
    fields = {
        **sent(UNTOUCHED),
        "name": ["Eve"],
        "email": ["eve@example.com"],
        "min_amount.ZZZ": ["1"],
        "types": ["credit", "x"],
    }
    assert read_form(fields, ["XAF"]) == dataclasses.replace(UNTOUCHED, types=("credit",))


def test_a_minimum_that_the_form_didn_t_show_is_kept_out_of_nothing_but_its_own_field() -> None:
    fields = {**sent(UNTOUCHED), "min_amount.EUR": ["5"]}
    assert apply_form(read_form(fields, ["XAF"]), {}, "fr") == {"min_amount": {"EUR": "5"}}


def test_a_version_tells_preferences_apart_whatever_the_order_of_their_keys() -> None:
    assert version_of({"muted": True, "types": []}) == version_of({"types": [], "muted": True})
    assert len({version_of(one) for one in ({}, {"muted": True}, {"muted": False}, EVERYTHING)}) == 4


def test_a_confirmation_is_of_the_preferences_that_were_shown_and_not_what_the_form_sends() -> None:
    found = {confirmation_of({}), confirmation_of({"muted": True}), version_of({}), version_of({"muted": True})}
    assert len(found) == 4
    assert confirmation_of({"types": ["debit"], "muted": True}) == confirmation_of({"muted": True, "types": ["debit"]})


@pytest.mark.parametrize(
    ("locale", "typed", "amount"),
    [
        ("en", "5,000", "5000"),
        ("en-GB", "1,234,567.50", "1234567.50"),
        ("en-IN", "2,50,500", "250500"),
        ("en-ZA", "5 000,50", "5000.50"),
        ("en-ZA", "5,50", "5.50"),
        ("en-DE", "1.234,50", "1234.50"),
        ("en-DE", "5.000", "5000"),
        ("en-CH", "5’000.50", "5000.50"),
        ("fr-LU", "5.000", "5000"),
        ("fr-CM", "5\u202f000,50", "5000.50"),
        ("fr-CA", "5.50", "5.50"),
    ],
)
def test_an_amount_is_read_as_the_region_writes_it(locale: str, typed: str, amount: str) -> None:
    kept = changed(locale=locale, new_currency="EUR", new_least=typed)
    assert kept["min_amount"]["EUR"] == amount


@pytest.mark.parametrize("locale", ["fr-LU", "fr-MA", "en-DE", "en-ZA", "en-CH", "en-IN", "en-US", "fr-JP"])
def test_a_form_in_a_region_that_is_sent_as_it_was_shown_changes_nothing(locale: str) -> None:
    preferences = {"min_amount": {"EUR": "1234567.50", "KWD": "5.000", "XAF": "5000"}}
    assert changed(preferences, locale) == preferences
