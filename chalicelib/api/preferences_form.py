"""The form of a holder's preferences: filled from the preferences, read from a request, and applied to them."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from chalicelib.holders.conventions import number_marks
from chalicelib.ledger.money import CURRENCY_DECIMALS, MAX_INTEGER_DIGITS, excess_decimals, without_end_zeros
from chalicelib.ledger.transaction import TYPES

STATEMENTS = ("none", "weekly", "monthly")
# The preferences that the form shows, and that the holder chooses by saving it. Security alerts aren't among them.
IN_FORM = ("types", "min_amount", "quiet_hours", "statement", "muted")
DEFAULT_QUIET_HOURS = {"from": "22:00", "to": "07:00"}

Fields = Mapping[str, Sequence[str]]

_LEAST = "min_amount."
_CLOCK_TIME = re.compile(r"([01]?[0-9]|2[0-3])\s?[:hH]\s?([0-5][0-9])")
_SPACES = re.compile(r"[\s\u00a0\u202f'’]")
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")
# By the mark that the reader's language puts between groups. India groups lakhs by two digits.
_GROUPED = {
    ",": re.compile(r"[1-9][0-9]{0,2}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]+)?"),
    ".": re.compile(r"[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]+)?"),
}
# One mark before three digits: thousands or decimals. The same mark more than once: thousands in any language.
_ONE_MARK = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}")
_MARKS = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}(\1[0-9]{3})+")


@dataclasses.dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a field: the `key` of the page's message, and the values that the message names."""

    key: str
    currency: str = ""
    decimals: int = 0


class Mistaken(Exception):
    """The form has mistakes: `mistakes` are those of the fields, by name, in the order of the page."""

    def __init__(self, mistakes: dict[str, Mistake]) -> None:
        super().__init__(f"{len(mistakes)} fields")
        self.mistakes = mistakes


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """The form's fields, as they are shown or were typed. `least` are the minimum amounts by currency, as texts."""

    types: tuple[str, ...]
    least: Mapping[str, str]
    new_currency: str
    new_least: str
    is_quiet: bool
    quiet_from: str
    quiet_to: str
    statement: str
    is_muted: bool


def fill_form(preferences: Mapping[str, Any], currencies: Iterable[str], locale: str) -> Form:
    """Return the form that shows these preferences.

    It has a field for the minimum amount of each of these `currencies`, also where the preferences have none.
    """
    minimums = preferences.get("min_amount", {})
    hours = preferences.get("quiet_hours", DEFAULT_QUIET_HOURS)
    return Form(
        types=tuple(preferences.get("types", TYPES)),
        least={
            currency: _shown(minimums[currency], currency, locale) if currency in minimums else ""
            for currency in sorted({*minimums, *currencies})
        },
        new_currency="",
        new_least="",
        is_quiet="quiet_hours" in preferences,
        quiet_from=hours["from"],
        quiet_to=hours["to"],
        statement=preferences.get("statement", "none"),
        is_muted=bool(preferences.get("muted")),
    )


def read_form(fields: Fields, currencies: Iterable[str]) -> Form:
    """Return the form that was sent with a request, as it was typed. Unknown fields are ignored.

    It has a field for the minimum amount of each of these `currencies`, also where the request has none.
    """

    def text(name: str, default: str = "") -> str:
        return fields.get(name, [default])[-1].strip()

    sent = {name.removeprefix(_LEAST) for name in fields if name.startswith(_LEAST)}
    return Form(
        types=tuple(type_ for type_ in TYPES if type_ in fields.get("types", ())),
        least={
            currency: text(f"{_LEAST}{currency}")
            for currency in sorted({*currencies, *sent} & CURRENCY_DECIMALS.keys())
        },
        new_currency=text("new_currency"),
        new_least=text("new_least"),
        is_quiet="quiet" in fields,
        quiet_from=text("quiet_from"),
        quiet_to=text("quiet_to"),
        statement=text("statement", "none"),
        is_muted="muted" in fields,
    )


def apply_form(form: Form, preferences: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """Return the preferences with the form's values.

    A preference that means the same as before is kept in its present form, and so is one that the form doesn't have.
    Raises Mistaken.
    """
    mistakes: dict[str, Mistake] = {}
    changed = {
        "types": [type_ for type_ in TYPES if type_ in form.types],
        "min_amount": _minimums(form, preferences.get("min_amount", {}), locale, mistakes),
        "quiet_hours": _quiet_hours(form, mistakes),
        "statement": form.statement,
        "muted": form.is_muted,
    }
    if form.statement not in STATEMENTS:
        mistakes["statement"] = Mistake("choice")
    if mistakes:
        raise Mistaken(mistakes)
    applied = {**preferences}
    for name, value in changed.items():
        if _meaning(name, value) != _meaning(name, preferences.get(name)):
            applied[name] = value
            if _meaning(name, value) == _meaning(name, None):
                del applied[name]
    return applied


def version_of(preferences: Mapping[str, Any]) -> str:
    """Return a short hash of the preferences. The form sends it along, to say which preferences the holder has seen."""
    return hashlib.sha256(json.dumps(dict(preferences), sort_keys=True).encode()).hexdigest()[:16]


def confirmation_of(preferences: Mapping[str, Any]) -> str:
    """Return what the page that asks whether to end the security alerts sends along when the holder confirms it."""
    return version_of({"confirmed": version_of(preferences)})


def _meaning(name: str, value: Any) -> Any:
    """Return a preference's value in a form that is equal for all values with the same meaning; None is absent."""
    match name:
        case "types":
            return set(TYPES if value is None else value)
        case "min_amount":
            return {currency: Decimal(amount) for currency, amount in (value or {}).items()}
        case "statement":
            return value or "none"
        case "muted":
            return bool(value)
        case _:
            return value


def _minimums(form: Form, before: Mapping[str, str], locale: str, mistakes: dict[str, Mistake]) -> dict[str, str]:
    minimums = {}
    for currency, written in form.least.items():
        if written:
            minimums[currency] = _amount(written, currency, locale, f"{_LEAST}{currency}", mistakes)
    if form.new_least or form.new_currency:
        if form.new_currency not in CURRENCY_DECIMALS:
            mistakes["new_currency"] = Mistake("currency")
        elif form.new_currency in minimums:
            mistakes["new_currency"] = Mistake("repeated")
        elif not form.new_least:
            mistakes["new_least"] = Mistake("missing")
        else:
            minimums[form.new_currency] = _amount(form.new_least, form.new_currency, locale, "new_least", mistakes)
    # A minimum of 0 means none, and isn't stored; but one that the bank has enrolled stays.
    return {currency: amount for currency, amount in minimums.items() if Decimal(amount) or currency in before}


def _amount(written: str, currency: str, locale: str, field: str, mistakes: dict[str, Mistake]) -> str:
    """Return an amount, typed as people of this locale write it, as a decimal string. Adds its mistake, if any."""
    text = _SPACES.sub("", written)
    mark, group = number_marks(locale)
    decimals = CURRENCY_DECIMALS[currency]
    if group in _GROUPED and _GROUPED[group].fullmatch(text):
        text = text.replace(group, "")
    elif found := _MARKS.fullmatch(text) or _ONE_MARK.fullmatch(text):
        if found.re is _MARKS or not decimals:
            text = text.replace(found[1], "")
        elif found[1] != mark or decimals < 3:  # 5.000 of a currency with cents is 5 to some and 5000 to others
            mistakes[field] = Mistake("two_readings" if found[1] != mark else "decimals", currency, decimals)
            return "0"
    text = text.replace(",", ".")
    if not text.isascii() or not _DIGITS.fullmatch(text):
        mistakes[field] = Mistake("amount")
        return "0"
    amount = Decimal(text)
    if amount.adjusted() >= MAX_INTEGER_DIGITS:
        mistakes[field] = Mistake("too_large")
    elif excess_decimals(amount, currency):
        mistakes[field] = Mistake("decimals" if decimals else "no_decimals", currency, decimals)
    else:
        amount = without_end_zeros(amount, decimals)
    return f"{amount:f}"


def _quiet_hours(form: Form, mistakes: dict[str, Mistake]) -> dict[str, str] | None:
    if not form.is_quiet:
        return None
    hours = {}
    for bound, written in (("from", form.quiet_from), ("to", form.quiet_to)):
        found = _CLOCK_TIME.fullmatch(written)
        if found:
            hours[bound] = f"{int(found[1]):02}:{found[2]}"
        else:
            mistakes[f"quiet_{bound}"] = Mistake("time")
    if len(hours) == 2 and hours["from"] == hours["to"]:
        mistakes["quiet_to"] = Mistake("same_times")
    return hours


def _shown(amount: str, currency: str, locale: str) -> str:
    # Zeros that the currency doesn't have would look like thousands: 5.000.
    shortest = without_end_zeros(Decimal(amount), CURRENCY_DECIMALS[currency])
    return f"{shortest:f}".replace(".", number_marks(locale)[0])
