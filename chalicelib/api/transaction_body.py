"""Reading the body of a transaction: what no transaction may hold is refused, in a bounded number of steps.

What moves money is checked first, and each field that only informs has steps of its own. So a field that is made to
take more of them costs the field, and not the news of the money.
"""

import re
from decimal import Decimal
from typing import Any

from chalicelib.api.json_body import MAX_BYTES, check_part, check_text, is_object, parse_json
from chalicelib.errors import CardNumberRefused, MalformedBody, ValidationFailed
from chalicelib.ledger.card_numbers import MAX_CARD_DIGITS, holds_card_number
from chalicelib.ledger.informing import UNSEARCHED
from chalicelib.ledger.messages import unknown
from chalicelib.ledger.posted import FIELDS, INFORMING
from chalicelib.ledger.search_steps import Steps, TooMuchToSearch

# Steps for all that is not only for information, and for each field that is. All texts of the largest fields in words
# take a tenth of it; texts of nothing but digits take it all.
STEPS = 150
STEPS_OF_FIELD = {**dict.fromkeys(INFORMING, 80), "metadata": 400}
_TOO_MUCH = "Holds more values, or more digits, than can be checked."
# What can be an amount. An amount of 13 to 15 digits may pass the check of a card number by chance.
_SHORT_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
# What can be a rate of exchange: more digits behind the point than any card number has groups for.
_RATE = re.compile(r"[0-9]{1,6}\.[0-9]+")


def read_transaction(raw: bytes, content_type: str = "application/json") -> dict[str, Any]:
    """Return the JSON object in `raw`, which is to be a transaction: as `read_json`, but for `check_transaction`."""
    value = parse_json(raw, content_type, MAX_BYTES)
    check_transaction(value)
    return value


def check_transaction(value: Any) -> None:
    """Refuse what no part of a transaction may hold; raises MalformedBody, CardNumberRefused and ValidationFailed.

    Control characters in its texts are left to the rules of the fields: some fields refuse them, others do without. A
    field that only informs and takes too many steps is put aside: UNSEARCHED takes its place.
    """
    steps = Steps(STEPS)
    if not is_object(value):
        _check_no_transaction(value, steps)
        return
    for key, item in value.items():
        if key not in INFORMING:
            _check_field(key, item, steps)
    for key, item in value.items():
        if key in INFORMING:
            try:
                check_part(item, (key,), Steps(STEPS_OF_FIELD[key]), is_free=True)
            except TooMuchToSearch:
                value[key] = UNSEARCHED


def _check_no_transaction(value: Any, steps: Steps) -> None:
    try:
        check_part(value, (), steps)
    except TooMuchToSearch:
        raise MalformedBody("A transaction must be a JSON object that names each field once.") from None


def _check_field(key: str, item: Any, steps: Steps) -> None:
    """Check a field of which nothing is left out."""
    is_named = False
    try:
        check_text(key, (), steps)
        is_named = True
        if type(item) is str:
            if holds_card_number(item, steps) and not _is_number_of(key, item):
                raise CardNumberRefused(key)
        elif key == "original" and is_object(item):
            _check_original(item, steps)
        elif not _is_number_of(key, item):
            check_part(item, (key,), steps, is_free=True)
    except TooMuchToSearch:
        what = _TOO_MUCH if key in FIELDS else unknown("field", key, FIELDS)
        raise ValidationFailed([(key if is_named else "", what)]) from None


def _check_original(original: dict[str, Any], steps: Steps) -> None:
    for name, item in original.items():
        check_text(name, ("original",), steps)
        is_rate = name == "rate" and isinstance(item, str) and _RATE.fullmatch(item)
        if not is_rate and not _is_number_of(name, item):
            check_part(item, ("original", name), steps, is_free=True)


def _is_number_of(name: str, value: Any) -> bool:
    """Whether the value of a field that is an amount can be an amount."""
    if name not in ("amount", "balance"):
        return False
    text = f"{value:f}" if isinstance(value, Decimal) and abs(value.adjusted()) < MAX_CARD_DIGITS else value
    return isinstance(text, str) and _SHORT_NUMBER.fullmatch(text) is not None
