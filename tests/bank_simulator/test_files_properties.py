"""Bank files by property: whatever valid entries a file has, its money and its ids come through."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_simulator.files import file_report, mt940_fields
from bank_simulator.files.contents import UnreadableFile
from bank_simulator.files.entries import NotMapped
from bank_simulator.files.identity import account_id
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS
from tests.bank_files import Booked, camt, in_one_file, mt940, net, read
from tests.samples import PROJECT_DIR

Written = Callable[..., str]
both_formats = pytest.mark.parametrize("written", [mt940, camt], ids=["mt940", "camt"])

# SWIFT's characters without the colon, which could begin a field, and letters of the banks' languages.
TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?().,'+ éèçàÜß", max_size=60)
REFERENCE = st.text("ABCDEFGHIJ0123456789-", max_size=16)
# Few of each, so that entries are equal in some, and in all.
FEW_REFERENCES = st.sampled_from(["", "", "NONREF", "RENT-2026", "B-77341"])


@st.composite
def entries(draw: st.DrawFn, currency: str) -> list[Booked]:
    decimals = CURRENCY_DECIMALS[currency]
    minor = st.integers(1, 10**9) | st.sampled_from([1, 100, 280])
    made = st.builds(
        Booked,
        amount=minor.map(lambda amount: Decimal(amount).scaleb(-decimals)),
        mark=st.sampled_from(["C", "D", "C", "D", "RC", "RD"]),
        day=st.dates(date(2025, 12, 29), date(2026, 1, 4)),
        bank_reference=REFERENCE | FEW_REFERENCES,
        reference=REFERENCE | FEW_REFERENCES,
        text=TEXT,
    )
    found = draw(st.lists(made, max_size=12))
    repeated = draw(st.lists(st.sampled_from(found), max_size=4)) if found else []
    return found + repeated


CURRENCY_AND_ENTRIES = st.sampled_from(["EUR", "XAF", "TND"]).flatmap(
    lambda currency: st.tuples(st.just(currency), entries(currency))
)


@both_formats
@given(made=CURRENCY_AND_ENTRIES, opening=st.integers(-(10**9), 10**9))
def test_the_money_of_a_file_is_that_of_its_entries(
    tmp_path: Path, written: Written, made: tuple[str, list[Booked]], opening: int
) -> None:
    currency, booked = made
    text = written(booked, currency=currency, opening=str(opening))
    bodies, report = read(tmp_path, text)
    assert len(bodies) == report.entries == report.mapped == len(booked)
    assert net(bodies).get(currency, Decimal(0)) == sum((entry.signed for entry in booked), Decimal(0))
    assert sorted(Decimal(body["amount"]) for body in bodies) == sorted(entry.amount for entry in booked)
    assert report.ok, file_report.as_text(report)
    assert [found.unchecked for found in report.balances] == [""]


@both_formats
@given(made=CURRENCY_AND_ENTRIES)
def test_every_entry_has_an_id_of_its_own_that_is_no_card_number_and_stays(
    tmp_path: Path, written: Written, made: tuple[str, list[Booked]]
) -> None:
    currency, booked = made
    text = written(booked, currency=currency)
    ids = [body["id"] for body in read(tmp_path, text)[0]]
    assert len(set(ids)) == len(booked)
    assert ids == [body["id"] for body in read(tmp_path, text)[0]]
    assert all(IDENTIFIER.fullmatch(found) and not holds_card_number(found) for found in ids)


@both_formats
@given(made=CURRENCY_AND_ENTRIES, cuts=st.tuples(st.dates(date(2025, 12, 29), date(2026, 1, 4)), st.integers(0, 3)))
def test_two_files_that_overlap_by_days_give_each_entry_one_id(
    tmp_path: Path, written: Written, made: tuple[str, list[Booked]], cuts: tuple[date, int]
) -> None:
    currency, booked = made
    cut, days = cuts
    ordered = sorted(booked, key=lambda entry: entry.day)
    whole = [body["id"] for body in read(tmp_path, written(ordered, currency=currency))[0]]
    early = [entry for entry in ordered if entry.day <= cut]
    late = [entry for entry in ordered if (cut - entry.day).days <= days]
    of_both = [body["id"] for part in (early, late) for body in read(tmp_path, written(part, currency=currency))[0]]
    assert set(of_both) == set(whole)


def _in_parts(written: Written, parts: list[list[Booked]]) -> list[str]:
    """Return a statement for each part, each of which begins with the balance that the one before ends with."""
    texts, opening = [], Decimal(100)
    for part in parts:
        texts.append(written(part, opening=str(opening)))
        opening += sum((entry.signed for entry in part), Decimal(0))
    return texts


# Credits only: no balance comes back, so that it is plain which statement follows which.
CREDITS = entries("EUR").map(
    lambda found: sorted((replace(entry, mark="C") for entry in found), key=lambda entry: entry.day)
)


@both_formats
@given(made=CREDITS, order=st.randoms(use_true_random=False))
def test_of_days_and_their_week_in_one_file_what_has_a_banks_reference_is_sent_once(
    tmp_path: Path, written: Written, made: list[Booked], order: Random
) -> None:
    days = [[entry for entry in made if entry.day == day] for day in sorted({entry.day for entry in made})]
    texts = [*_in_parts(written, days), written(made)]
    order.shuffle(texts)
    bodies, report = read(tmp_path, in_one_file(texts))
    of_week = read(tmp_path, written(made))[0]
    with_reference = sorted(body["id"] for body in bodies if "bank_reference" in body.get("metadata", {}))
    assert with_reference == sorted(body["id"] for body in of_week if "bank_reference" in body.get("metadata", {}))
    assert {body["id"] for body in of_week} <= {body["id"] for body in bodies}
    assert len({body["id"] for body in bodies}) == len(bodies) == report.mapped
    assert report.entries == 2 * len(made) == report.mapped + len(report.not_sent)


@both_formats
@given(made=CREDITS, places=st.lists(st.integers(0, 16), max_size=4))
def test_statements_that_follow_each_other_in_a_file_have_the_ids_of_one(
    tmp_path: Path, written: Written, made: list[Booked], places: list[int]
) -> None:
    cuts = sorted({0, len(made), *(place for place in places if place < len(made))})
    parts = [made[first:end] for first, end in itertools.pairwise(cuts)] or [[]]
    bodies, report = read(tmp_path, in_one_file(_in_parts(written, parts)))
    assert [body["id"] for body in bodies] == [body["id"] for body in read(tmp_path, written(made))[0]]
    assert report.not_sent == []
    assert [note for note in report.notes if "both are sent" in note.message] == []


@both_formats
@given(made=CURRENCY_AND_ENTRIES)
def test_a_reversal_names_an_entry_of_the_file_that_went_the_other_way(
    tmp_path: Path, written: Written, made: tuple[str, list[Booked]]
) -> None:
    currency, booked = made
    bodies, _ = read(tmp_path, written(booked, currency=currency))
    by_id = {body["id"]: body for body in bodies}
    for body in bodies:
        if "reversal_of" in body:
            original = by_id[body["reversal_of"]]
            assert original.get("status", "settled") == "settled"
            assert (original["type"], original["account"]) == (body["type"], body["account"])
            assert original["timestamp"] <= body["timestamp"]


@given(entry=st.builds(Booked, amount=st.just(Decimal(7)), bank_reference=st.just("B-4411"), text=TEXT), other=TEXT)
def test_a_text_never_changes_the_id_of_an_entry_with_a_bank_reference(
    tmp_path: Path, entry: Booked, other: str
) -> None:
    bodies = [read(tmp_path, camt([each]))[0][0] for each in (entry, replace(entry, text=other))]
    assert bodies[0]["id"] == bodies[1]["id"]


@given(junk=st.binary(max_size=400) | st.text(":6128F0CDEUR,/\n-?{}", max_size=400).map(str.encode))
def test_no_content_of_mt940_breaks_the_reading(tmp_path: Path, junk: bytes) -> None:
    data = b":20:X\n:25:1\n:60F:C260101EUR0,\n:61:2601120112C5,00NTRFNONREF\n" + junk
    _, report = read(tmp_path, data)
    assert report.entries == report.mapped + len(report.not_sent) + len(report.not_mapped)


@given(
    sample=st.sampled_from(["camt053-v02.xml", "camt053-v08.xml", "camt054-v08.xml"]),
    places=st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    text=st.none() | st.text(max_size=30) | st.sampled_from(["-1", "2026-13-40", "1e9", "9" * 50, "true", "CRDT"]),
)
def test_no_damage_to_a_camt_file_breaks_the_reading(
    tmp_path: Path, sample: str, places: list[int], text: str | None
) -> None:
    tree = ElementTree.fromstring((PROJECT_DIR / "tests" / "data" / sample).read_bytes())
    for place in places:
        parents = {child: parent for parent in tree.iter() for child in parent}
        element = list(tree.iter())[place % len(list(tree.iter()))]
        if text is not None:
            element.text = "".join(char for char in text if char.isprintable())
        elif element in parents:
            parents[element].remove(element)
    try:
        bodies, report = read(tmp_path, ElementTree.tostring(tree))
    except UnreadableFile:
        return
    assert report.entries == report.mapped + len(report.not_sent) + len(report.not_mapped)
    assert len({body["id"] for body in bodies}) == len(bodies) == report.mapped
    assert file_report.as_text(report)
    for body in bodies:
        assert IDENTIFIER.fullmatch(body["account"])
        assert Decimal(body["amount"]) > 0


@given(line=st.text("0123456789CDR,.NTRF/ \n", max_size=40))
def test_an_amount_is_read_whole_or_not_at_all(line: str) -> None:
    try:
        parts = mt940_fields.statement_line(f"260112C{line}")
    except mt940_fields.NotMapped:
        return
    digits = re.search(r"[\d,]+", line)
    assert digits is not None
    assert parts["amount"].amount == Decimal(digits[0].replace(",", "."))


@given(account=st.text(max_size=80))
def test_every_account_has_an_id_or_could_be_a_card_number(account: str) -> None:
    try:
        made = account_id(account)
    except NotMapped:
        assert sum(map(str.isdecimal, account)) >= 13
        return
    assert IDENTIFIER.fullmatch(made)
    assert any(map(str.isalnum, made))
