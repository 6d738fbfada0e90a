"""MT940 and MT942 files (SWIFT customer statements and interim reports) as statements."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from bank_simulator.files import mt940_fields
from bank_simulator.files.entries import (
    OPPOSITE,
    Balance,
    Entry,
    NotMapped,
    NotSent,
    Original,
    Party,
    Remark,
    Statement,
    real_reference,
)
from bank_simulator.files.mt940_fields import Field
from bank_simulator.files.mt940_information import Information, information

_ACCOUNTS = ("25", "25P")
_ISSUED = ("20", "13", "13D")
_OPENINGS, _CLOSINGS = ("60", "60F", "60M"), ("62", "62F", "62M")
_EXPECTED = {"EC": "credit", "ED": "debit"}
# Supplementary details that are a reference, and not words.
_REFERENCE = re.compile(r"(?=\S*\d)\S{6,}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
_ORIGINAL = re.compile(r"/OCMT/([A-Z]{3})([\d,]+)")
_RATE = re.compile(r"/EXCH/([\d,]+)")
_CHARGES = re.compile(r"/CHGS/([A-Z]{3})([\d,]+)")
_CODED_AMOUNTS = re.compile(r"/(?:(?:OCMT|CHGS)/[A-Z]{3}|EXCH/)[\d,]+/?")


def statements(data: bytes, advance: Callable[[int], object]) -> list[Statement]:
    """Return the file's statements in its order; `advance` is called with 1 for each entry that is read.

    Each message is a statement; of a statement that is sent in several messages, each is one with its own balances.
    What can't be read is in the statement's remarks.
    """
    text, is_utf_8 = mt940_fields.decoded(data)
    reader = _Reader()
    for field in mt940_fields.fields(text):
        reader.take(field)
        if field.tag == "61":
            advance(1)
    reader.finish()
    if reader.statements and not is_utf_8:
        reader.statements[0].notes.append(Remark("the file", "is no UTF-8: it is read as Windows-1252"))
    return reader.statements


class _Reader:
    """Takes a file's fields one by one."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self._is_closed = False
        self._line: Field | None = None
        self._information: list[str] = []
        self._has_more = False

    def take(self, field: Field) -> None:
        """Take the next field of the file."""
        if field.tag == "86":
            # After the closing balance, it is about the statement.
            if self._line is not None:
                self._information.append(field.value)
            return
        if field.tag == "NS":
            self._has_more = True
            return
        self._end_entry()
        if self._begins(field):
            self._begin(field)
        current = self.statements[-1]
        if field.tag in _ACCOUNTS:
            current.account = field.value.split("\n")[0].strip()
        elif field.tag in _ISSUED:
            current.issued = f"{current.issued} {field.value}".strip()
        elif field.tag in ("28", "28C"):
            current.name = field.value.strip()
        elif field.tag == "34F" and not current.currency:
            current.currency = field.value[:3].upper()
        elif field.tag == "61":
            self._line, self._has_more = field, False
        elif field.tag in (*_OPENINGS, *_CLOSINGS):
            self._take_balance(current, field)

    def finish(self) -> None:
        """Take what is still open."""
        self._end_entry()

    def _begins(self, field: Field) -> bool:
        """Whether the field is the first of a statement, which need not have a reference of its own."""
        if field.tag == "20" or not self.statements:
            return True
        if field.tag in _ACCOUNTS:
            # MT942 has no closing balance: a second account begins a second report.
            return self._is_closed or bool(self.statements[-1].account)
        return self._is_closed and field.tag in _OPENINGS

    def _begin(self, field: Field) -> None:
        # Without a reference of its own, it is one more statement of the same account.
        account = self.statements[-1].account if self.statements and field.tag in _OPENINGS else ""
        self.statements.append(Statement(account=account))
        self._is_closed = False

    def _take_balance(self, current: Statement, field: Field) -> None:
        self._is_closed = field.tag in _CLOSINGS
        try:
            found: Balance | None = mt940_fields.balance(field.value)
        except NotMapped as reason:
            found, current.unchecked = None, f"line {field.line}: {reason}"
        if found is not None:
            current.currency = current.currency or found.currency
        if self._is_closed:
            current.closing = found
        else:
            current.opening = found

    def _end_entry(self) -> None:
        if self._line is None:
            return
        field, purpose, has_more = self._line, "\n".join(self._information), self._has_more
        self._line, self._information = None, []
        current, place = self.statements[-1], f"line {field.line}"
        try:
            current.entries.append(_entry(place, field.value, purpose, current.currency))
            if has_more:
                current.notes.append(Remark(place, "its :NS: field, which each bank fills in its own way, is left out"))
        except NotSent as reason:
            current.not_sent.append(Remark(place, str(reason)))
        except NotMapped as reason:
            current.not_mapped.append(Remark(place, str(reason)))


def _entry(place: str, line: str, purpose: str, currency: str) -> Entry:
    parts = mt940_fields.statement_line(line)
    mark = parts["status"].upper()
    if mark in _EXPECTED:
        raise NotSent(f"is an expected {_EXPECTED[mark]}: its money has not moved")
    if mark not in OPPOSITE:
        raise NotMapped(f"its mark {mark!r} is none of C, D, RC, RD")
    if not currency:
        raise NotMapped("no balance before it names the currency")
    found = information(purpose)
    details = " ".join((parts.get("extra_details") or "").split())
    bank_reference = real_reference(parts.get("bank_reference"))
    customer_reference = real_reference(parts.get("customer_reference")) or real_reference(found.customer_reference)
    if _IBAN.fullmatch(customer_reference):
        # Some banks put the other account there.
        found.account, customer_reference = found.account or customer_reference, ""
    end_to_end = real_reference(found.end_to_end)
    references = (bank_reference, customer_reference, end_to_end, details if _REFERENCE.fullmatch(details) else "")
    original, instructed, notes = _original(f"{details} {purpose}".replace("\n", ""), currency)
    value_date, booking_date = parts["date"], parts["entry_date"]
    return Entry(
        place=place,
        amount=abs(parts["amount"].amount),
        currency=currency,
        mark=mark,
        day=booking_date or value_date,
        booking_date=booking_date,
        value_date=value_date,
        bank_reference=bank_reference,
        fingerprint="".join(f"{line}{purpose}".split()),
        references=frozenset(filter(None, references)),
        reference=end_to_end or customer_reference,
        text=found.text or details,
        counterparty=Party(found.name, found.account),
        original=original,
        metadata=_metadata(found, parts.get("id") or "", details) | instructed,
        notes=notes,
    )


def _metadata(found: Information, type_code: str, details: str) -> dict[str, str]:
    metadata = {
        **found.metadata,
        "swift_type": type_code.strip(),
        "supplementary": _CODED_AMOUNTS.sub("", details) if details != found.text and found.text else "",
    }
    return {name: value for name, value in metadata.items() if value}


def _original(coded: str, currency: str) -> tuple[Original | None, dict[str, str], tuple[str, ...]]:
    """The amount before conversion, what else is said of amounts, and what can't be read."""
    amount, rate, charges = _ORIGINAL.search(coded), _RATE.search(coded), _CHARGES.search(coded)
    try:
        others = {"charges": f"{_decimal(charges[2]):f} {charges[1]}"} if charges else {}
        if amount is None:
            return None, others, ()
        original = Original(_decimal(amount[2]), amount[1], _decimal(rate[1]) if rate else None)
    except InvalidOperation:
        return None, {}, ("original: an amount or a rate in it is no number; it is left out",)
    if original.currency == currency:
        return None, {**others, "instructed_amount": f"{original.amount:f} {currency}"}, ()
    return original, others, ()


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))
