"""A bank's file as transactions of the API, with a report of what came of each of its entries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bank_simulator.files import camt, mt940
from bank_simulator.files.balances import check, follows, read_reversals_as_the_balances_say
from bank_simulator.files.contents import Format, UnreadableFile, opened
from bank_simulator.files.entries import OPPOSITE, Entry, NotMapped, NotSent, Remark, Statement
from bank_simulator.files.file_report import FileReport
from bank_simulator.files.identity import TransactionIds, account_id
from bank_simulator.files.mapping import body_of
from bank_simulator.files.reversals import NoOriginal, Originals

_SENT_BEFORE = "an earlier statement of this file has it, with the same bank's reference"
_LIKE_BEFORE = (
    "an earlier statement of this file has an entry like it, without a bank's reference: both are sent. If the "
    "statements overlap, replay each as a file of its own"
)


@dataclass(frozen=True, slots=True)
class _Booked:
    """An entry with the ids of its account and its transaction."""

    account: str
    id: str
    entry: Entry
    has_checked_balances: bool


def read(
    path: Path, file_format: Format, *, notify: bool, now: datetime, advance: Callable[[int], object]
) -> tuple[list[dict[str, Any]], FileReport]:
    """Return the bodies of the file's transactions, in its order, and the report.

    `notify` says whether holders get e-mails about them. What is booked after `now` is not sent. `advance` is called
    with 1 for each entry. Raises UnreadableFile where the file as a whole can't be read.
    """
    statements = _statements(path, file_format, advance)
    if not statements:
        raise UnreadableFile(f"{path} has no statement in it.")
    report = FileReport(file_format, len(statements), sum(statement.read for statement in statements))
    booked = list(_booked(statements, report))
    originals = Originals((each.account, each.entry, each.id) for each in booked)
    return list(_bodies(booked, originals, report, notify, now)), report


def _statements(path: Path, file_format: Format, advance: Callable[[int], object]) -> list[Statement]:
    with opened(path) as file:
        if file_format is Format.CAMT:
            return camt.statements(file, str(path), advance)
        return mt940.statements(file.read(), advance)


def _booked(statements: list[Statement], report: FileReport) -> Iterator[_Booked]:
    """Yield the statements' entries with their ids, and report what else the statements say."""
    ids, last, seen = TransactionIds(), dict[str, Statement](), set[tuple[object, ...]]()
    for statement in statements:
        report.not_sent += statement.not_sent
        report.not_mapped += statement.not_mapped
        content = _content(statement)
        if statement.entries and content in seen:
            why = "its statement comes twice in this file"
            report.not_sent += [Remark(entry.place, why) for entry in statement.entries]
            continue
        seen.add(content)
        try:
            account = _account(statement)
        except NotMapped as reason:
            report.not_mapped += [Remark(entry.place, str(reason)) for entry in statement.entries]
            continue
        if account != "".join(statement.account.split()) and account not in last:
            report.notes.append(Remark(f"account {statement.account}", f"is {account} in the API"))
        if account in last and not follows(statement, last[account]):
            ids.begin(account)
        last[account] = statement
        # Ids are made of the marks in the file, before they are read in any other way.
        made = [ids.of(account, entry) for entry in statement.entries]
        read_reversals_as_the_balances_say(statement)
        found = check(statement, account)
        report.balances.append(found)
        report.notes += statement.notes
        for given, entry in zip(made, statement.entries, strict=True):
            if given.is_in_both and entry.bank_reference:
                report.not_sent.append(Remark(entry.place, _SENT_BEFORE))
                continue
            noted = replace(entry, notes=(*entry.notes, _LIKE_BEFORE)) if given.is_in_both else entry
            yield _Booked(account, given.id, noted, not found.unchecked)


def _account(statement: Statement) -> str:
    if not statement.account:
        raise NotMapped("its statement names no account")
    return account_id(statement.account)


def _content(statement: Statement) -> tuple[object, ...]:
    """What two statements have in common only if they are the same one, sent twice."""
    entries = ((e.day, e.amount, e.mark, e.bank_reference, e.fingerprint, e.part) for e in statement.entries)
    has_balances = statement.opening is not None and statement.closing is not None
    # Of reports without balances, two of a day may have like entries. With them, it is the same one in a new message.
    issued = "" if has_balances else statement.issued
    return statement.account, statement.name, issued, statement.opening, statement.closing, *entries


def _bodies(
    booked: list[_Booked], originals: Originals, report: FileReport, notify: bool, now: datetime
) -> Iterator[dict[str, Any]]:
    for each in booked:
        entry, reversal_of, notes = _with_original(each, originals)
        try:
            body, left_out = body_of(
                entry,
                account=each.account,
                transaction_id=each.id,
                reversal_of=reversal_of,
                notify=notify,
                now=now,
            )
        except NotSent as reason:
            report.not_sent.append(Remark(entry.place, str(reason)))
        except NotMapped as reason:
            report.not_mapped.append(Remark(entry.place, str(reason)))
        else:
            report.mapped += 1
            report.notes += [Remark(entry.place, note) for note in [*notes, *left_out]]
            yield body


def _with_original(booked: _Booked, originals: Originals) -> tuple[Entry, str | None, list[str]]:
    """The entry, the id of what it reverses if the file names that, and what to note."""
    entry = booked.entry
    if not entry.is_reversal:
        return entry, None, []
    try:
        return entry, originals.id_of(booked.account, entry), []
    except NoOriginal as reason:
        why = str(reason)
    if not booked.has_checked_balances:
        # No balance tells how this bank marks reversals. One that repeats its original's mark goes the other way.
        turned = replace(entry, mark=OPPOSITE[entry.mark])
        try:
            original = originals.id_of(booked.account, turned)
        except NoOriginal:
            pass
        else:
            return turned, original, ["this reversal is read the other way round: it has the mark of what it reverses"]
    kind = "credit" if entry.signed > 0 else "debit"
    return entry, None, [f"this reversal is sent as a settled {kind}, so that its money counts: {why}"]
