"""Mistakes of banks: bodies that the API must refuse, each with the right refusal."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bank_simulator.postings import Answer, to_bytes

Mistake = Callable[[Mapping[str, Any], datetime], bytes]

INVALID = Answer(400, "validation_failed")
MALFORMED = Answer(400, "malformed_body")
CARD_NUMBER = Answer(400, "card_number_refused")

# A test number that the payment networks publish. No card has it.
_TEST_CARD = "4111 1111 1111 1111"


def _with(**changes: Any) -> Mistake:
    return lambda body, _now: to_bytes({**body, **changes})


def _without(name: str) -> Mistake:
    return lambda body, _now: to_bytes({field: value for field, value in body.items() if field != name})


def _far_ahead(body: Mapping[str, Any], now: datetime) -> bytes:
    return to_bytes({**body, "timestamp": (now + timedelta(hours=2)).isoformat()})


def _without_offset(body: Mapping[str, Any], now: datetime) -> bytes:
    return to_bytes({**body, "timestamp": now.replace(tzinfo=None).isoformat()})


def _not_a_number(body: Mapping[str, Any], _now: datetime) -> bytes:
    return to_bytes(_but_amount(body)).removesuffix(b"}") + b', "amount": NaN}'


def _amount_twice(body: Mapping[str, Any], _now: datetime) -> bytes:
    return to_bytes(_but_amount(body)).removesuffix(b"}") + b', "amount": 10, "amount": 20}'


def _cut_short(body: Mapping[str, Any], _now: datetime) -> bytes:
    return to_bytes(body)[:-2]


def _in_a_list(body: Mapping[str, Any], _now: datetime) -> bytes:
    return b"[" + to_bytes(body) + b"]"


def _but_amount(body: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in body.items() if field != "amount"}


MISTAKES: tuple[tuple[Mistake, Answer], ...] = (
    (_with(amount="0"), INVALID),
    (_with(amount="-12"), INVALID),
    (_with(amount="10.12345"), INVALID),
    (_with(amount="1e400"), INVALID),
    (_with(type="transfer"), INVALID),
    (_with(currency="XXX"), INVALID),
    (_with(account="A 123"), INVALID),
    (_with(card_last4="12345"), INVALID),
    (_with(merchant={"name": "Kiosque", "country": "ZZ"}), INVALID),
    (_with(iban="unknown field"), INVALID),
    (_without("timestamp"), INVALID),
    (_without("id"), INVALID),
    (_far_ahead, INVALID),
    (_without_offset, INVALID),
    (_not_a_number, MALFORMED),
    (_amount_twice, MALFORMED),
    (_cut_short, MALFORMED),
    (_in_a_list, MALFORMED),
    (_with(description="tab\there"), MALFORMED),
    (_with(description=f"card {_TEST_CARD}"), CARD_NUMBER),
)
