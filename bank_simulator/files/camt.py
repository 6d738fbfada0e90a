"""CAMT files (ISO 20022: camt.053 statements, camt.054 notifications, camt.052 reports) as statements.

All versions have the parts that are read here in the same places, so a part is found by its name, whatever the
namespace of its version is.
"""

from collections.abc import Callable
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from bank_simulator.files.camt_amounts import amount_of, currency_of, is_true
from bank_simulator.files.camt_entry import entries_of
from bank_simulator.files.contents import UnreadableFile
from bank_simulator.files.entries import Balance, NotMapped, NotSent, Remark, Statement

# Each message with what it has for each account.
_STATEMENTS = {"BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn", "BkToCstmrAcctRpt": "Rpt"}
_OPENINGS, _CLOSINGS = ("OPBD", "PRCD"), ("CLBD",)


def statements(file: BinaryIO, name: str, advance: Callable[[int], object]) -> list[Statement]:
    """Return the file's statements in its order; `advance` is called with 1 for each entry that is read.

    The XML is read piece by piece, and is never in memory as a whole. What can't be read of an entry is in the
    statement's remarks. Raises UnreadableFile, with this name of the file, for what is no XML, for another message, and
    for a file with a DTD or an entity: no bank's file needs them, and they are how XML does harm.
    """
    reader = _Reader(advance)
    try:
        for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
            reader.take(event, element)
    except DefusedXmlException:
        raise UnreadableFile(f"{name} has a DTD or an entity, which is refused: no bank's file needs one.") from None
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableFile(f"{name} is no well-formed XML: {error}.") from None
    if not reader.is_camt:
        found = ", ".join(reader.top) or "nothing"
        raise UnreadableFile(f"{name} is XML, but no camt.052, camt.053 or camt.054 message; it begins with {found}.")
    return reader.statements


class _Reader:
    """Takes the beginnings and ends of a file's elements one by one."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self.statements: list[Statement] = []
        self.is_camt = False
        self.top: list[str] = []
        self._advance = advance
        self._path: list[Element] = []
        self._pages = ""
        self._count = 0

    def take(self, event: str, element: Element) -> None:
        """Take the beginning (`start`) or the end of an element."""
        if event == "start":
            element.tag = element.tag.rpartition("}")[2]
            self._begin(element)
            return
        self._path.pop()
        parent = self._path[-1] if self._path else None
        if parent is None:
            return
        if element.tag == "GrpHdr":
            self._pages = _paged(element.find("MsgPgntn"))
        elif element.tag == "Ntry" and self._is_statement(parent):
            self._end_entry(parent, element)
            parent.remove(element)
        elif self._is_statement(element):
            self._end_statement(element)
            parent.remove(element)

    def _begin(self, element: Element) -> None:
        self._path.append(element)
        if len(self._path) <= 2:
            self.top.append(element.tag)
        if element.tag in _STATEMENTS:
            self.is_camt = True
        if len(self._path) > 1 and element.tag == _STATEMENTS.get(self._path[-2].tag):
            self.statements.append(Statement())

    def _is_statement(self, element: Element) -> bool:
        return element.tag in _STATEMENTS.values() and bool(self.statements)

    def _end_entry(self, parent: Element, element: Element) -> None:
        self._count += 1
        self._advance(1)
        current, place = self.statements[-1], f"entry {self._count}"
        try:
            current.entries += entries_of(element, _account(parent), place, parent.find("CreDtTm"))
        except NotSent as reason:
            current.not_sent.append(Remark(place, str(reason)))
        except NotMapped as reason:
            current.not_mapped.append(Remark(place, str(reason)))

    def _end_statement(self, element: Element) -> None:
        current = self.statements[-1]
        current.name = (element.findtext("Id") or "").strip()
        current.account = _account(element)
        current.issued = (element.findtext("CreDtTm") or "").strip()
        current.currency = (element.findtext("Acct/Ccy") or "").strip()
        for found in element.findall("Bal"):
            code = (found.findtext("Tp/CdOrPrtry/Cd") or "").strip()
            if code in _OPENINGS and (current.opening is None or code == "OPBD"):
                current.opening = _balance(found, current)
            elif code in _CLOSINGS:
                current.closing = _balance(found, current)
        current.unchecked = current.unchecked or self._pages or _paged(element.find("StmtPgntn"))


def _account(statement: Element) -> str:
    found = statement.findtext("Acct/Id/IBAN") or statement.findtext("Acct/Id/Othr/Id") or ""
    return found.strip()


def _balance(element: Element, current: Statement) -> Balance | None:
    try:
        amount = amount_of(element.find("Amt"))
    except NotMapped as reason:
        current.unchecked = f"a balance can't be read: {reason}"
        return None
    is_debit = (element.findtext("CdtDbtInd") or "").strip() == "DBIT"
    return Balance(-amount if is_debit else amount, currency_of(element.find("Amt")))


def _paged(pagination: Element | None) -> str:
    """Why the entries of this file are not all that are between the balances, if so."""
    if pagination is None:
        return ""
    page = (pagination.findtext("PgNb") or "1").strip().lstrip("0")
    if page == "1" and is_true(pagination.findtext("LastPgInd") or "true"):
        return ""
    return f"this file has page {page} of the statement, not all of it"
