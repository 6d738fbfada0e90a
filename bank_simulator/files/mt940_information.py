"""The `:86:` field of MT940, which says what an entry is for: coded in the German or the Dutch way, or free text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# German banks: a transaction code, then a separator (`?` by the rule) and two digits before each part.
_GERMAN = re.compile(r"(?:\d{3} )?(?P<code>\d{3})(?P<separator>[?@~^<>|&*'§])(?=\d\d)")
_PURPOSE_PARTS = frozenset({*(str(number) for number in range(20, 30)), "60", "61", "62", "63"})
_PART_LENGTH = 27
# SEPA's keywords inside the purpose, and the bank's own message.
_SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|PURP|OAMT|COAM|IBAN|BIC)\+|(MTLG):")
# Dutch banks: /CODE/value, one after the other.
_DUTCH_CODES = (
    "ADDR|BENM|BIC|CNTP|CSID|CUR|EREF|IBAN|ID|ISDT|MARF|NAME|ORDP|PREF|PURP|REMI|RTRN|STRD|SVCL|TRCD|TRTP|ULTB|ULTC|"
    "ULTD|USTD"
)
_DUTCH = re.compile(rf"/({_DUTCH_CODES})(?=/)")
_LINE_LENGTH = 65
_FIRST_LINE_LENGTH = _LINE_LENGTH - len(":86:")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")


@dataclass(slots=True)
class Information:
    """What is said about an entry. `metadata` has what no field of a transaction is made for."""

    text: str = ""
    end_to_end: str = ""
    customer_reference: str = ""
    name: str = ""
    account: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


def information(value: str) -> Information:
    """Return what the field says, whichever way it is coded."""
    lines = value.split("\n")
    german = _GERMAN.match(" ".join(lines))
    if german:
        # Banks break the lines in the middle of a word; some count the tag as a part of the first line.
        first = lines[0] if len(lines[0]) < _FIRST_LINE_LENGTH else lines[0].ljust(_LINE_LENGTH, "\0")
        coded = joined([first, *lines[1:]], _LINE_LENGTH).replace("\0", "")
        return _german(german["code"], _german_parts(coded[german.end("code") :], german["separator"]))
    text = joined(lines, _LINE_LENGTH)
    if text.startswith("/") and _DUTCH.search(text):
        return _dutch(text)
    return Information(text=text)


def joined(parts: list[str], length: int) -> str:
    """Return the parts as one text: a part that fills its `length` goes on in the next one, without a space."""
    return "".join(part if len(part) >= length else f"{part} " for part in parts).strip()


def _german_parts(text: str, separator: str) -> dict[str, str]:
    pieces = re.split(rf"\s*{re.escape(separator)}(\d\d)", text)
    parts: dict[str, str] = {}
    for number, content in zip(pieces[1::2], pieces[2::2], strict=True):
        parts[number] = parts.get(number, "") + content
    return parts


def _german(code: str, parts: dict[str, str]) -> Information:
    purpose = joined([content for number, content in parts.items() if number in _PURPOSE_PARTS], _PART_LENGTH)
    sepa = dict(_sections(_SEPA, purpose))
    account = "".join((parts.get("38") or parts.get("31") or sepa.get("IBAN", "")).split())
    bank = parts.get("30", "").strip()
    posting_text = parts.get("00", "").strip()
    found = Information(
        text=sepa.get("SVWZ") or sepa.get("", "") or sepa.get("MTLG", "") or posting_text,
        end_to_end=sepa.get("EREF", ""),
        customer_reference=sepa.get("KREF", ""),
        name=" ".join(joined([parts.get("32", ""), parts.get("33", "")], _PART_LENGTH).split()),
        account=account if not bank or not account or _IBAN.fullmatch(account) else f"{bank}/{account}",
    )
    found.metadata = _filled(
        transaction_code=code,
        posting_text=posting_text if posting_text != found.text else "",
        mandate_id=sepa.get("MREF", ""),
        creditor_id=sepa.get("CRED", ""),
        ultimate_party=sepa.get("ABWA", "") or sepa.get("ABWE", ""),
        purpose=sepa.get("PURP", ""),
        bank_message=sepa.get("MTLG", "") if sepa.get("MTLG", "") != found.text else "",
        text_key_addition=parts.get("34", "").strip(),
    )
    return found


def _dutch(text: str) -> Information:
    sections = {code: content.strip("/ ") for code, content in _sections(_DUTCH, text)}
    counterparty = sections.get("CNTP", "").split("/")  # account, BIC, name, city
    counterparty += [""] * (3 - len(counterparty))
    # The remittance (REMI) of some banks is coded once more: USTD is free text, STRD a reference.
    found = Information(
        text=sections.get("REMI", "") or sections.get("USTD", "") or sections.get("STRD", ""),
        end_to_end=sections.get("EREF", ""),
        customer_reference=sections.get("PREF", ""),
        name=sections.get("NAME", "") or counterparty[2],
        account=sections.get("IBAN", "") or counterparty[0],
    )
    found.text = found.text or sections.get("TRTP", "")
    found.metadata = _filled(
        posting_text=sections.get("TRTP", "") if sections.get("TRTP", "") != found.text else "",
        mandate_id=sections.get("MARF", ""),
        creditor_id=sections.get("CSID", ""),
        ultimate_party=sections.get("ULTC", "") or sections.get("ULTD", "") or sections.get("ULTB", ""),
        purpose=sections.get("PURP", ""),
        return_reason=sections.get("RTRN", ""),
    )
    return found


def _sections(keywords: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """Yield each keyword with what follows it; what stands before the first one has the keyword ""."""
    keyword, start = "", 0
    for match in keywords.finditer(text):
        yield keyword, text[start : match.start()].strip()
        keyword, start = match[match.lastindex or 0], match.end()
    yield keyword, text[start:].strip()


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
