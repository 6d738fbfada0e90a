"""A bank's entry as a transaction of the API: the body of a POST."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from bank_simulator.files.entries import INCOMING, REVERSED_DEBIT, Entry, NotMapped, NotSent, Original
from chalicelib.ledger.account_numbers import MAX_ACCOUNT, as_account_number
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.money import COUNTRIES, CURRENCY_DECIMALS, MAX_INTEGER_DIGITS, format_amount
from chalicelib.ledger.times import format_time

_FIRST_YEAR = 1970
# The contract's limits of texts.
_MAX_LENGTH = {
    "description": 280,
    "reference": 140,
    "counterparty.name": 140,
    "counterparty.account": MAX_ACCOUNT,
    "merchant.name": 140,
    "merchant.city": 100,
    "merchant.id": 64,
    "merchant.terminal_id": 64,
}
_MAX_METADATA = 256
_MAX_RATE_ZEROS = 10
# What no text of the API can have: control characters, halves of surrogate pairs, and what stands for lost bytes.
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")


def body_of(
    entry: Entry, *, account: str, transaction_id: str, reversal_of: str | None, notify: bool, now: datetime
) -> tuple[dict[str, Any], list[str]]:
    """Return the transaction for the entry, and what is left out of it or cut.

    A reversal whose original is known is `reversed`, with the type of what it reverses. One whose original is not known
    (`reversal_of` is None) is settled, the way the money goes: otherwise nothing would count it.
    Raises NotSent for an amount of 0 and for what is booked after `now`, and NotMapped where the API takes no such
    amount, currency or date.
    """
    amount = _money(entry.amount, entry.currency)
    if amount == 0:
        raise NotSent("its amount is 0: no money moves")
    texts = _Texts()
    body: dict[str, Any] = {
        "id": transaction_id,
        "account": account,
        "amount": format_amount(amount, entry.currency),
        "type": _type(entry, reversal_of is not None),
        "timestamp": _timestamp(entry, now),
        "currency": entry.currency,
    }
    if reversal_of is not None:
        body |= {"status": "reversed", "reversal_of": reversal_of}
    body |= _dates(entry, texts)
    counterparty = {"name": entry.counterparty.name, "account": entry.counterparty.account}
    informing = {
        "merchant": texts.object("merchant", _known_country(entry.merchant, texts)),
        "counterparty": texts.object("counterparty", counterparty),
        "original": _original(entry.original, texts),
        "reference": texts.text("reference", entry.reference),
        "description": texts.text("description", entry.text),
        "card_last4": entry.card_last4,
    }
    body |= {name: value for name, value in informing.items() if value}
    if not notify:
        body["notify"] = False
    metadata = dict(entry.metadata)
    if entry.bank_reference:
        metadata["bank_reference"] = entry.bank_reference
    if entry.is_reversal and reversal_of is None:
        metadata["reversal"] = "of a debit" if entry.mark == REVERSED_DEBIT else "of a credit"
    metadata = texts.object("metadata", metadata)
    if metadata:
        body["metadata"] = metadata
    return body, [*entry.notes, *texts.notes]


def _type(entry: Entry, names_original: bool) -> str:
    if names_original:
        return "debit" if entry.mark == REVERSED_DEBIT else "credit"
    return "credit" if entry.mark in INCOMING else "debit"


def _money(amount: Decimal, currency: str) -> Decimal:
    if currency not in CURRENCY_DECIMALS:
        raise NotMapped(f"{currency[:3]} is no active currency of ISO 4217")
    if amount < 0:
        raise NotMapped("its amount is negative")
    if amount.adjusted() >= MAX_INTEGER_DIGITS:
        raise NotMapped(f"its amount has more than {MAX_INTEGER_DIGITS} digits before the decimal point")
    # Banks fill up with zeros: 250.50000.
    decimals = CURRENCY_DECIMALS[currency]
    if amount != round(amount, decimals):
        raise NotMapped(f"its amount has more decimals than {currency} has ({decimals})")
    return round(amount, decimals)


def _timestamp(entry: Entry, now: datetime) -> str:
    """The moment of booking; where only the day is known, its beginning in UTC, so that today is never ahead of now."""
    moment = entry.booked_at or datetime.combine(entry.day, time(), UTC)
    if moment.year < _FIRST_YEAR:
        raise NotMapped(f"its date {entry.day.isoformat()} is before {_FIRST_YEAR}")
    if moment > now:
        raise NotSent(f"is booked ahead of now ({format_time(moment)}): replay the file after that")
    return format_time(moment)


def _dates(entry: Entry, texts: "_Texts") -> dict[str, str]:
    dates = {}
    for name, day in (("booking_date", entry.booking_date), ("value_date", entry.value_date)):
        if day is not None and day.year < _FIRST_YEAR:
            texts.notes.append(f"{name} is left out: it is before {_FIRST_YEAR}")
        elif day is not None:
            dates[name] = day.isoformat()
    return dates


def _original(original: Original | None, texts: "_Texts") -> dict[str, str]:
    if original is None:
        return {}
    try:
        amount = _money(original.amount, original.currency)
    except NotMapped as reason:
        texts.notes.append(f"original is left out: {reason}")
        return {}
    if amount == 0:
        return {}
    made = {"amount": format_amount(amount, original.currency), "currency": original.currency}
    if original.rate is None:
        return made
    rate = original.rate.normalize()
    if (
        rate != original.rate
        or rate <= 0
        or rate.adjusted() >= MAX_INTEGER_DIGITS
        or rate.adjusted() < -_MAX_RATE_ZEROS
    ):
        texts.notes.append("original.rate is left out: it is 0 or has too many digits")
        return made
    return made | {"rate": f"{rate:f}"}


def _known_country(merchant: Mapping[str, str], texts: "_Texts") -> dict[str, str]:
    country = merchant.get("country", "").upper()
    if country and country not in COUNTRIES:
        texts.notes.append("merchant.country is left out: it is no country of ISO 3166-1")
        country = ""
    return {**merchant, "country": country}


class _Texts:
    """Makes texts that the API takes, and notes what had to be left out or cut."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def text(self, field: str, text: str) -> str:
        """Return the text in the form that the API takes, cut to the field's length; "" if there is none to give."""
        plain = " ".join(_NO_TEXT.sub(" ", unicodedata.normalize("NFC", text)).split())
        if field == "counterparty.account":
            plain = as_account_number(plain)
        length = _MAX_LENGTH.get(field, _MAX_METADATA)
        kept = plain[:length].strip()
        # The beginning of another number can look like a card's.
        if holds_card_number(plain) or holds_card_number(kept):
            self.notes.append(f"{field} is left out: it could hold a card number")
            return ""
        if len(plain) > length:
            self.notes.append(f"{field} is cut: it has more than {length} characters")
        return kept

    def object(self, name: str, texts: Mapping[str, str]) -> dict[str, str]:
        """Return an object's texts, without those that are empty."""
        made = {key: self.text(f"{name}.{key}", text) for key, text in texts.items() if text}
        return {key: text for key, text in made.items() if text}
