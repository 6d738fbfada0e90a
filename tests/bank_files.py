"""Bank files made of plain entries, for tests that read them back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bank_simulator.files import reading
from bank_simulator.files.contents import format_of
from bank_simulator.files.file_report import FileReport
from chalicelib.ledger.times import parse_time

NOW = parse_time("2026-02-01T12:00:00Z")
INCOMING = ("C", "RD")


@dataclass(frozen=True)
class Booked:
    """What a test says about one entry; `mark` is C, D, RC or RD."""

    amount: Decimal
    mark: str = "C"
    day: date = date(2026, 1, 12)
    bank_reference: str = ""
    reference: str = ""
    text: str = ""

    @property
    def signed(self) -> Decimal:
        return self.amount if self.mark in INCOMING else -self.amount


def mt940(
    entries: Sequence[Booked], *, account: str = "DE89370400440532013000", currency: str = "EUR", opening: str = "100"
) -> str:
    """Return one MT940 message with the entries between right balances."""
    closing = Decimal(opening) + sum((entry.signed for entry in entries), Decimal(0))
    lines = [":20:STARTUMS", f":25:{account}", ":28C:1/1", f":60F:{_balance(Decimal(opening), currency)}"]
    for entry in entries:
        references = f"{entry.reference or 'NONREF'}{f'//{entry.bank_reference}' if entry.bank_reference else ''}"
        amount = _comma(entry.amount)
        lines.append(f":61:{entry.day:%y%m%d}{entry.day:%m%d}{entry.mark}{amount}NTRF{references}")
        if entry.text:
            lines.append(f":86:{entry.text}")
    return "\n".join([*lines, f":62F:{_balance(closing, currency)}", "-", ""])


def camt(
    entries: Sequence[Booked],
    *,
    account: str = "DE89370400440532013000",
    currency: str = "EUR",
    opening: str = "100",
    version: str = "053.001.08",
) -> str:
    """Return one CAMT.053 message of a version with the entries between right balances."""
    closing = Decimal(opening) + sum((entry.signed for entry in entries), Decimal(0))
    body = "".join(_entry(entry, currency, version) for entry in entries)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>1</Id><CreDtTm>2026-01-31T20:00:00Z</CreDtTm>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>{currency}</Ccy></Acct>"
        f"{_bal('OPBD', Decimal(opening), currency)}{_bal('CLBD', closing, currency)}{body}"
        "</Stmt></BkToCstmrStmt></Document>"
    )


def in_one_file(texts: Sequence[str]) -> str:
    """Return the statements or reports of several files of one format as one file."""
    if not texts[0].startswith("<"):
        return "".join(texts)
    parts = [re.findall(r"<(Stmt|Rpt)>(.*?)</\1>", text, re.DOTALL) for text in texts]
    ((name, first),) = parts[0]
    joined = "".join(f"<{name}>{content}</{name}>" for found in parts for _, content in found)
    return texts[0].replace(f"<{name}>{first}</{name}>", joined)


def ntry(content: str, version: str = "053.001.08", root: str = "BkToCstmrStmt", part: str = "Stmt") -> str:
    """Return a CAMT message with one entry of this content, without balances."""
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{version}"><{root}><{part}><Id>1</Id>'
        f"<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct><Ntry>{content}</Ntry></{part}></{root}></Document>"
    )


def read(folder: Path, content: str | bytes, notify: bool = False) -> tuple[list[dict[str, Any]], FileReport]:
    """Return what is read from a file of this content."""
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return reading.read(path, format_of(path), notify=notify, now=NOW, advance=lambda count: None)


def net(bodies: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    """Return by currency what analytics counts: credit − debit − reversed credit + reversed debit."""
    sums: dict[str, Decimal] = {}
    for body in bodies:
        is_reversal = "reversal_of" in body
        assert (body.get("status", "settled") == "reversed") is is_reversal
        sign = 1 if (body["type"] == "credit") is not is_reversal else -1
        sums[body["currency"]] = sums.get(body["currency"], Decimal(0)) + sign * Decimal(body["amount"])
    return sums


def _entry(entry: Booked, currency: str, version: str) -> str:
    status = "<Sts>BOOK</Sts>" if version < "053.001.08" else "<Sts><Cd>BOOK</Cd></Sts>"
    sign = "CRDT" if entry.mark in INCOMING else "DBIT"
    reversal = "<RvslInd>true</RvslInd>" if entry.mark in ("RC", "RD") else ""
    bank_reference = f"<AcctSvcrRef>{escape(entry.bank_reference)}</AcctSvcrRef>" if entry.bank_reference else ""
    reference = f"<Refs><EndToEndId>{escape(entry.reference)}</EndToEndId></Refs>" if entry.reference else ""
    text = f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf>" if entry.text else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{entry.amount:f}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{reversal}{status}'
        f"<BookgDt><Dt>{entry.day.isoformat()}</Dt></BookgDt>{bank_reference}"
        f"<NtryDtls><TxDtls>{reference}{text}</TxDtls></NtryDtls></Ntry>"
    )


def _bal(code: str, amount: Decimal, currency: str) -> str:
    sign = "CRDT" if amount >= 0 else "DBIT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{currency}">{abs(amount):f}</Amt><CdtDbtInd>{sign}</CdtDbtInd></Bal>'
    )


def _balance(amount: Decimal, currency: str) -> str:
    return f"{'C' if amount >= 0 else 'D'}260112{currency}{_comma(abs(amount))}"


def _comma(amount: Decimal) -> str:
    text = f"{amount:f}".replace(".", ",")
    return text if "," in text else f"{text},"
