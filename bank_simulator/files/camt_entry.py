"""One entry of a CAMT file (`Ntry`), and the parts of a batch that is booked in one sum."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from bank_simulator.files.camt_amounts import amount_of, charges_of, currency_of, day_of, is_true, original_of
from bank_simulator.files.camt_details import details_of
from bank_simulator.files.entries import (
    CREDIT,
    DEBIT,
    OPPOSITE,
    REVERSED_CREDIT,
    REVERSED_DEBIT,
    Entry,
    NotMapped,
    NotSent,
    Original,
    real_reference,
)

_NOT_BOOKED = {
    "PDNG": "is pending: its money has not moved; once it is booked, a later file has it",
    "FUTR": "is of the future: its money has not moved; once it is booked, a later file has it",
    "INFO": "is for information only: its money does not move",
}
_SIGNS = {"CRDT": CREDIT, "DBIT": DEBIT}
# CdtDbtInd says which way the money goes now. A credit that reverses gives a debit back.
_REVERSED = {CREDIT: REVERSED_DEBIT, DEBIT: REVERSED_CREDIT}
_PART_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt", "AmtDtls/InstdAmt/Amt")


def entries_of(element: Element, account: str, place: str, created: Element | None) -> list[Entry]:
    """Return the entry, or the parts of a batch when their amounts add up to it.

    `created` says when the file was made: that is the day of an entry without any date. Raises NotSent for what is not
    booked, and NotMapped where amount, mark, currency or date can't be read.
    """
    status = (element.findtext("Sts/Cd") or element.findtext("Sts/Prtry") or element.findtext("Sts") or "").strip()
    if status in _NOT_BOOKED:
        raise NotSent(_NOT_BOOKED[status])
    whole = _whole(element, place, created)
    details = element.findall("NtryDtls/TxDtls")
    if len(details) < 2:
        return [_described(whole, element, details[0] if details else None, account)]
    parts = [_part(whole, detail, number) for number, detail in enumerate(details, start=1)]
    if None in parts or sum((part.signed for part in parts if part), Decimal(0)) != whole.signed:
        note = f"the amounts of its {len(details)} details don't add up to it: it is one transaction"
        entry = _described(whole, element, None, account)
        named = frozenset().union(*(details_of(element, detail, account, whole.mark).references for detail in details))
        return [replace(entry, references=entry.references | named, notes=(*entry.notes, note))]
    found = zip(parts, details, strict=True)
    return [_described(part, element, detail, account, is_part=True) for part, detail in found if part]


def _whole(element: Element, place: str, created: Element | None) -> Entry:
    """The entry's money and days, without what only informs."""
    amount = element.find("Amt")
    sign = _SIGNS.get((element.findtext("CdtDbtInd") or "").strip())
    if sign is None:
        raise NotMapped("it is marked neither as a credit nor as a debit (CdtDbtInd)")
    if not currency_of(amount):
        raise NotMapped("its amount has no currency")
    booking_date, booked_at = day_of(element.find("BookgDt"))
    value_date, _ = day_of(element.find("ValDt"))
    day = booking_date or value_date or _related_day(element)
    notes: tuple[str, ...] = ()
    if day is None:
        day, _ = day_of(created)
        notes = ("it has no date: it is taken to be of the day on which the file was made",)
    if day is None:
        raise NotMapped("it has no booking date, no value date and no other date")
    return Entry(
        place=place,
        amount=amount_of(amount),
        currency=currency_of(amount),
        mark=_REVERSED[sign] if is_true(element.findtext("RvslInd")) else sign,
        day=day,
        booking_date=booking_date,
        value_date=value_date,
        booked_at=booked_at,
        bank_reference=real_reference(element.findtext("AcctSvcrRef")),
        notes=notes,
    )


def _related_day(element: Element) -> date | None:
    for name in ("IntrBkSttlmDt", "TxDtTm", "AccptncDtTm"):
        for found in element.iterfind(f"NtryDtls/TxDtls/RltdDts/{name}"):
            day, _ = day_of(found)
            if day is not None:
                return day
    return None


def _part(whole: Entry, detail: Element, number: int) -> Entry | None:
    """One part of a batch with its own amount, or None where it has none in the entry's currency."""
    elements = (detail.find(path) for path in _PART_AMOUNTS)
    element = next((found for found in elements if currency_of(found) == whole.currency), None)
    try:
        amount = amount_of(element)
    except NotMapped:
        return None
    sign = _SIGNS.get((detail.findtext("CdtDbtInd") or "").strip())
    mark = whole.mark
    if sign is not None and mark not in (sign, _REVERSED[sign]):
        mark = OPPOSITE[mark]
    return replace(whole, amount=amount, mark=mark, place=f"{whole.place}, part {number}")


def _described(whole: Entry, element: Element, detail: Element | None, account: str, is_part: bool = False) -> Entry:
    """The entry, or this part of it, with all that informs about it."""
    details = details_of(element, detail, account, whole.mark)
    bank_reference = whole.bank_reference or ("" if is_part else details.bank_reference)
    original, amounts, notes = _amounts(whole, [detail] if is_part else [detail, element])
    return replace(
        whole,
        bank_reference=bank_reference,
        fingerprint=details.fingerprint,
        part=details.part if is_part else "",
        references=details.references | ({bank_reference} if bank_reference else set()),
        reference=details.reference,
        text=details.text,
        counterparty=details.counterparty,
        original=original,
        merchant=details.merchant,
        card_last4=details.card_last4,
        metadata=details.metadata | amounts,
        notes=(*whole.notes, *notes),
    )


def _amounts(whole: Entry, sources: list[Element | None]) -> tuple[Original | None, dict[str, str], tuple[str, ...]]:
    """The amount before conversion, charges and other amounts from the first element that has each, and a note."""
    found = [source for source in sources if source is not None]
    details = next((part for source in found if (part := source.find("AmtDtls")) is not None), None)
    try:
        original, others = original_of(details, whole.amount, whole.currency)
        charges = next(filter(None, map(charges_of, found)), {})
    except NotMapped as reason:
        return None, {}, (f"amounts before conversion and charges are left out: {reason}",)
    return original, others | charges, ()
