"""Why an alert: flags' evidence put into the reader's words. A rule's threshold is the bank's affair and not told."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from chalicelib.holders.conventions import country, decimal, elapsed, money
from chalicelib.ledger.money import COUNTRIES
from chalicelib.mail.story import Flags

Words = dict[str, str]


def reasons(flags: Flags, phrases: Mapping[str, str], locale: str) -> list[str]:
    """Return a sentence for each flag, from the phrases by its name.

    For a flag that has no phrase, or whose evidence can't be read, there is the phrase `unknown`, once: an alert is
    never lost for its wording.
    """
    found = []
    for name, evidence in flags.items():
        try:
            found.append(phrases[name].format_map(_WORDS[name](evidence, locale)))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            found.append(phrases["unknown"])
    return list(dict.fromkeys(found))


def _amount(evidence: Mapping[str, Any], locale: str) -> Words:
    return {"amount": money(_number(evidence["amount"]), evidence["currency"], locale)}


def _velocity(evidence: Mapping[str, Any], locale: str) -> Words:
    within = elapsed(_number(evidence["minutes"]) * 60, locale)
    return {"count": decimal(_number(evidence["count"]), locale), "within": within}


def _unusual_amount(evidence: Mapping[str, Any], locale: str) -> Words:
    usual = money(_number(evidence["usual"]), evidence["currency"], locale)
    return {"times": decimal(_number(evidence["times"]), locale), "usual": usual}


def _duplicate_suspect(evidence: Mapping[str, Any], locale: str) -> Words:
    return {**_amount(evidence, locale), "apart": elapsed(abs(_number(evidence["seconds"])), locale)}


def _new_country(evidence: Mapping[str, Any], locale: str) -> Words:
    if evidence["country"] not in COUNTRIES:
        raise ValueError("is no country")
    return {"country": country(evidence["country"], locale)}


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError("a truth value is no number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("is no number")
    return number


_WORDS: dict[str, Callable[[Mapping[str, Any], str], Words]] = {
    "large_amount": _amount,
    "velocity": _velocity,
    "unusual_amount": _unusual_amount,
    "duplicate_suspect": _duplicate_suspect,
    "new_country": _new_country,
}
