"""Flags' evidence in words."""

from decimal import Decimal
from typing import Any

import pytest

from chalicelib.mail.parts import phrases_of
from chalicelib.mail.reasons import reasons

EVIDENCE: dict[str, dict[str, Any]] = {
    "large_amount": {"amount": "1500000", "currency": "XAF", "threshold": "987000"},
    "velocity": {"count": 12, "limit": 87, "minutes": 10},
    "unusual_amount": {"amount": "250500", "currency": "XAF", "usual": "78000", "times": "3.2", "count": 987},
    "duplicate_suspect": {"amount": "49.90", "currency": "EUR", "seconds": 95, "minutes": 87},
    "new_country": {"country": "NG", "known": ["CM", "GA"], "count": 987},
}
FRENCH = {
    "large_amount": "Le montant, 1\u202f500\u202f000\xa0FCFA, est inhabituellement élevé.",
    "velocity": "Votre compte a enregistré 12 opérations en 10\xa0minutes.",
    "unusual_amount": ("Le montant représente 3,2 fois votre montant habituel, qui est d’environ 78\u202f000\xa0FCFA."),
    "duplicate_suspect": (
        "Le même montant, 49,90\xa0€, a été débité deux fois par le même commerçant, à 2\xa0minutes d’intervalle\xa0: "
        "il s’agit peut-être d’un doublon."
    ),
    "new_country": "Le commerçant se trouve dans un pays où ce compte n’avait pas encore été utilisé\xa0: Nigeria.",
}
ENGLISH = {
    "large_amount": "The amount, FCFA\xa01,500,000, is unusually large.",
    "velocity": "There were 12 transactions on your account within 10\xa0minutes.",
    "unusual_amount": "The amount is 3.2 times your usual amount, which is about FCFA\xa078,000.",
    "duplicate_suspect": (
        "The same amount, €49.90, was charged twice by the same merchant, 2\xa0minutes apart: it may be a duplicate."
    ),
    "new_country": "The merchant is in a country where this account had not been used: Nigeria.",
}


def told(flags: Any, locale: str = "en") -> list[str]:
    return reasons(flags, phrases_of(locale)["reasons"], locale)


@pytest.mark.parametrize(("locale", "sentences"), [("fr", FRENCH), ("en", ENGLISH)])
@pytest.mark.parametrize("flag", EVIDENCE)
def test_each_flag_is_explained_by_its_evidence(flag: str, locale: str, sentences: dict[str, str]) -> None:
    assert told({flag: EVIDENCE[flag]}, locale) == [sentences[flag]]


def test_several_flags_are_explained_in_their_order() -> None:
    assert told(EVIDENCE) == list(ENGLISH.values())


@pytest.mark.parametrize("locale", ["fr", "en"])
def test_a_threshold_is_not_told(locale: str) -> None:
    said = " ".join(told(EVIDENCE, locale))
    for digits in ("987", "87"):
        assert digits not in said


def test_numbers_are_read_whatever_json_or_the_table_made_of_them() -> None:
    for times in ("3.2", 3.2, Decimal("3.2")):
        evidence = {**EVIDENCE["unusual_amount"], "times": times}
        assert told({"unusual_amount": evidence}) == [ENGLISH["unusual_amount"]]


UNKNOWN = "This transaction is unlike the others on your account."


@pytest.mark.parametrize("flag", EVIDENCE)
@pytest.mark.parametrize("spoilt", ["missing", "of another kind", "nonsense", "no object"])
def test_evidence_that_cannot_be_read_leaves_a_reason(flag: str, spoilt: str) -> None:
    needed = {"large_amount": "amount", "velocity": "minutes", "new_country": "country"}.get(flag, "currency")
    evidence: Any = dict(EVIDENCE[flag])
    match spoilt:
        case "missing":
            del evidence[needed]
        case "of another kind":
            evidence[needed] = [True]
        case "nonsense":
            evidence[needed] = "NaN"
        case "no object":
            evidence = None
    assert told({flag: evidence}) == [UNKNOWN]


@pytest.mark.parametrize("value", [True, "Infinity", "1e999999999", None, "-", "<b>"])
def test_a_number_that_is_none_is_not_told(value: Any) -> None:
    assert told({"velocity": {"count": 3, "minutes": value}}) == [UNKNOWN]


def test_several_unknown_flags_are_one_reason() -> None:
    assert told({"of_a_later_release": {}, "unknown": {}, "velocity": {}}) == [UNKNOWN]
