"""The amounts, dates and indicators of CAMT files."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from xml.etree.ElementTree import Element

from bank_simulator.files.entries import NotMapped, Original
from chalicelib.ledger.times import parse_time

_AMOUNT = re.compile(r"\+?\d+(\.\d*)?|\+?\.\d+")
_CONVERTED = ("InstdAmt", "TxAmt", "CntrValAmt")


def amount_of(element: Element | None) -> Decimal:
    """Return the amount in an `Amt` element; raises NotMapped."""
    text = (element.text or "").strip() if element is not None else ""
    if not _AMOUNT.fullmatch(text):
        raise NotMapped("its amount is no number without a sign" if text else "it has no amount")
    return Decimal(text)


def currency_of(element: Element | None) -> str:
    """Return the currency of an `Amt` element, "" where it names none."""
    return (element.get("Ccy") or "").strip() if element is not None else ""


def is_true(text: str | None) -> bool:
    """Return what an XML Schema boolean says; absent is false."""
    return (text or "").strip() in ("true", "1")


def day_of(element: Element | None) -> tuple[date | None, datetime | None]:
    """Return the date in an element with `Dt` or `DtTm`, and the moment in UTC where the file has it.

    A time without an offset could be of any zone, and some banks write a date as midnight: both give the date alone.
    Raises NotMapped for what is no date of the calendar.
    """
    if element is None:
        return None, None
    text = (element.findtext("Dt") or element.findtext("DtTm") or element.text or "").strip()
    if not text:
        return None, None
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        raise NotMapped("its date is no date of the calendar") from None
    try:
        moment = parse_time(text)
    except ValueError:
        return day, None
    is_midnight = text[10:19].upper() == f"T{time.min.isoformat()}"
    return day, None if is_midnight else moment.astimezone(UTC)


def original_of(details: Element | None, amount: Decimal, currency: str) -> tuple[Original | None, dict[str, str]]:
    """Return the amount in another currency from an `AmtDtls` element with its rate, and its other amounts as metadata.

    `amount` and `currency` are the entry's. Raises NotMapped where an amount or a rate is no number.
    """
    if details is None:
        return None, {}
    rates = (text for part in details for text in (part.findtext("CcyXchg/XchgRate"),) if text)
    rate_text = next(rates, "").strip()
    if rate_text and not _AMOUNT.fullmatch(rate_text):
        raise NotMapped("an exchange rate is no number")
    rate = Decimal(rate_text) if rate_text else None
    for name in _CONVERTED:
        converted = details.find(f"{name}/Amt")
        if converted is not None and currency_of(converted) not in ("", currency):
            return Original(amount_of(converted), currency_of(converted), rate), {}
    others = {"exchange_rate": f"{rate:f}"} if rate is not None else {}
    instructed = details.find("InstdAmt/Amt")
    if instructed is not None and amount_of(instructed) != amount:
        others["instructed_amount"] = f"{amount_of(instructed):f} {currency}"
    return None, others


def charges_of(element: Element) -> dict[str, str]:
    """Return the charges of an entry or of its details, like `1.50 EUR`, as metadata."""
    total = element.find("Chrgs/TtlChrgsAndTaxAmt")
    if total is not None:
        return {"charges": f"{amount_of(total):f} {currency_of(total)}"}
    sums: dict[str, Decimal] = {}
    # One Chrgs for each charge in old versions, one with records in newer ones.
    for charge in [*element.findall("Chrgs"), *element.findall("Chrgs/Rcrd")]:
        amount = charge.find("Amt")
        if amount is not None:
            sign = -1 if (charge.findtext("CdtDbtInd") or "").strip() == "CRDT" else 1
            sums[currency_of(amount)] = sums.get(currency_of(amount), Decimal(0)) + sign * amount_of(amount)
    return {"charges": ", ".join(f"{amount:f} {currency}" for currency, amount in sums.items())} if sums else {}
