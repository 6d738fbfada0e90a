"""What informs about a CAMT entry, in it and in its details (`TxDtls`): references, parties, text, card, codes."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from bank_simulator.files.entries import CREDIT, REVERSED_CREDIT, Party, real_reference

# References by which another entry can name this one; a mandate or a message has many entries.
_REFERENCES = (
    "EndToEndId",
    "AcctSvcrRef",
    "TxId",
    "InstrId",
    "UETR",
    "ClrSysRef",
    "ChqNb",
    "AcctOwnrTxId",
    "AcctSvcrTxId",
    "PrcgId",
    "Prtry/Ref",
)
# The number of the entry in its file: another file gives the same entry another number.
_RUNNING_NUMBER = re.compile(r"\d{1,6}")
_CARD_FAMILY = "CCRD"
_MCC = re.compile(r"\d{4}")
_LAST4 = re.compile(r"\d{4}\Z")


@dataclass(frozen=True, slots=True)
class Details:
    """What informs about an entry, in the terms of `Entry`."""

    bank_reference: str
    fingerprint: str
    part: str
    references: frozenset[str]
    reference: str
    text: str
    counterparty: Party
    merchant: dict[str, str]
    card_last4: str
    metadata: dict[str, str]


def details_of(entry: Element, detail: Element | None, account: str, mark: str) -> Details:
    """Return what informs about the entry, with its only detail, or with the detail that is this part of a batch."""
    found = Element("TxDtls") if detail is None else detail
    references = _references(found)
    end_to_end = real_reference(found.findtext("Refs/EndToEndId"))
    creditor_reference = real_reference(found.findtext("RmtInf/Strd/CdtrRefInf/Ref"))
    code = _bank_code(found) or _bank_code(entry)
    party, is_card = _party(found, account, mark), _is_card(entry, found, code)
    text = _text(found) or _line(entry.findtext("AddtlNtryInf"))
    entry_reference = real_reference(entry.findtext("NtryRef"))
    if _RUNNING_NUMBER.fullmatch(entry_reference):
        entry_reference = ""
    fingerprint = "|".join((*sorted(references), entry_reference, party.name, party.account, text))
    return Details(
        bank_reference=real_reference(found.findtext("Refs/AcctSvcrRef")),
        fingerprint=fingerprint,
        part="|".join(sorted(references)) or fingerprint,
        references=frozenset(references),
        reference=end_to_end or creditor_reference or real_reference(found.findtext("Refs/InstrId")),
        text=text,
        counterparty=Party() if is_card else Party(party.name, party.account),
        merchant=_merchant(entry, found, party) if is_card else {},
        card_last4=_card_last4(entry, found),
        metadata=_metadata(entry, found, code, creditor_reference if end_to_end else ""),
    )


def _references(found: Element) -> set[str]:
    texts = (element.text for name in _REFERENCES for element in found.iterfind(f"Refs/{name}"))
    return {reference for text in texts if (reference := real_reference(text))}


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    account: str
    city: str
    country: str
    id: str


def _party(found: Element, account: str, mark: str) -> _Person:
    # The debtor of a credit, the creditor of a debit; a reversal keeps the sides of what it reverses.
    own = "".join(account.split())
    accounts = {side: _account_of(found, side) for side in ("Dbtr", "Cdtr")}
    other = "Dbtr" if mark in (CREDIT, REVERSED_CREDIT) else "Cdtr"
    if own and accounts["Dbtr"] != accounts["Cdtr"] and own in accounts.values():
        other = "Cdtr" if accounts["Dbtr"] == own else "Dbtr"
    # Newer versions have one level more.
    party = found.find(f"RltdPties/{other}/Pty")
    if party is None:
        party = found.find(f"RltdPties/{other}")
    if party is None:
        party = Element(other)
    name = _line(party.findtext("Nm")) or _line(found.findtext(f"RltdPties/{other}/Agt/FinInstnId/Nm"))
    return _Person(
        name=name,
        account=accounts[other],
        city=_line(party.findtext("PstlAdr/TwnNm")),
        country=_line(party.findtext("PstlAdr/Ctry")),
        id=_line(party.findtext("Id/OrgId/Othr/Id") or party.findtext("Id/PrvtId/Othr/Id")),
    )


def _account_of(found: Element, side: str) -> str:
    place = f"RltdPties/{side}Acct/Id"
    return "".join((found.findtext(f"{place}/IBAN") or found.findtext(f"{place}/Othr/Id") or "").split())


def _text(found: Element) -> str:
    lines = [element.text for element in found.iterfind("RmtInf/Ustrd")]
    lines = lines or [element.text for element in found.iterfind("RmtInf/Strd/AddtlRmtInf")]
    return _line(" ".join(filter(None, lines))) or _line(found.findtext("AddtlTxInf"))


def _bank_code(element: Element) -> str:
    domain = element.findtext("BkTxCd/Domn/Cd")
    parts = (domain, element.findtext("BkTxCd/Domn/Fmly/Cd"), element.findtext("BkTxCd/Domn/Fmly/SubFmlyCd"))
    return "/".join(_line(part) for part in parts if part) or _line(element.findtext("BkTxCd/Prtry/Cd"))


def _is_card(entry: Element, found: Element, code: str) -> bool:
    has_card = found.find("CardTx") is not None or entry.find("CardTx") is not None
    return has_card or _CARD_FAMILY in code.split("/")


def _merchant(entry: Element, found: Element, party: _Person) -> dict[str, str]:
    category = _of_card(entry, found, "Tx/Indv/TxCtgy")
    merchant = {
        "name": party.name or _of_card(entry, found, "POI/Id/ShrtNm") or _of_card(entry, found, "POI/SysNm"),
        "mcc": category if _MCC.fullmatch(category) else "",
        "city": party.city,
        "country": party.country,
        "id": party.id,
        "terminal_id": _of_card(entry, found, "POI/Id/Id"),
    }
    return {name: value for name, value in merchant.items() if value}


def _card_last4(entry: Element, found: Element) -> str:
    last4 = _LAST4.search(_of_card(entry, found, "Card/PlainCardData/PAN"))
    return last4[0] if last4 else ""


def _of_card(entry: Element, found: Element, path: str) -> str:
    return _line(found.findtext(f"CardTx/{path}") or entry.findtext(f"CardTx/{path}"))


def _metadata(entry: Element, found: Element, code: str, creditor_reference: str) -> dict[str, str]:
    creditor_id = "RltdPties/Cdtr/Pty/Id/PrvtId/Othr/Id", "RltdPties/Cdtr/Id/PrvtId/Othr/Id"
    texts = {
        "bank_transaction_code": code,
        "creditor_reference": creditor_reference,
        "mandate_id": found.findtext("Refs/MndtId"),
        "creditor_id": found.findtext(creditor_id[0]) or found.findtext(creditor_id[1]),
        "ultimate_debtor": found.findtext("RltdPties/UltmtDbtr/Pty/Nm") or found.findtext("RltdPties/UltmtDbtr/Nm"),
        "ultimate_creditor": found.findtext("RltdPties/UltmtCdtr/Pty/Nm") or found.findtext("RltdPties/UltmtCdtr/Nm"),
        "purpose": found.findtext("Purp/Cd") or found.findtext("Purp/Prtry"),
        "return_reason": found.findtext("RtrInf/Rsn/Cd") or found.findtext("RtrInf/Rsn/Prtry"),
        "batch": entry.findtext("NtryDtls/Btch/PmtInfId") or entry.findtext("NtryDtls/Btch/MsgId"),
    }
    return {name: line for name, text in texts.items() if (line := _line(text))}


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
