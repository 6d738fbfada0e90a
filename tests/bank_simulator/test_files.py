"""Bank files as transactions of the API: ids, reversals, balances, and what came of each entry."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bank_simulator.files import file_report
from bank_simulator.files.contents import Format, UnreadableFile, format_of
from bank_simulator.files.identity import account_id, is_iban
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.posted import TransactionSchema, load_transaction
from tests.bank_files import NOW, Booked, camt, in_one_file, mt940, net, ntry, read
from tests.samples import PROJECT_DIR

DATA = PROJECT_DIR / "tests" / "data"
SAMPLES = ["two-accounts.sta", "camt053-v02.xml", "camt053-v08.xml", "camt054-v08.xml"]
CARD = "4111 1111 1111 1111"

DEBIT = Booked(Decimal("50.00"), "D", bank_reference="B-1001", reference="RENT-01", text="Rent")
GIVEN_BACK = Booked(Decimal("50.00"), "RD", bank_reference="B-1002", reference="RENT-01", text="Rent, back")

Written = Callable[..., str]
both_formats = pytest.mark.parametrize("written", [mt940, camt], ids=["mt940", "camt"])


# Samples


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_mapped_as_written_down(tmp_path: Path, sample: str) -> None:
    # Written by: python -m bank_simulator --replay tests/data/SAMPLE --dry-run > tests/data/SAMPLE.jsonl
    expected = [json.loads(line) for line in (DATA / f"{sample}.jsonl").read_text(encoding="utf-8").splitlines()]
    bodies, report = read(tmp_path, (DATA / sample).read_bytes())
    assert bodies == expected
    assert report.ok
    assert report.entries == report.mapped + len(report.not_sent)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_money_of_a_sample_is_that_of_its_balances(tmp_path: Path, sample: str) -> None:
    bodies, report = read(tmp_path, (DATA / sample).read_bytes())
    booked: dict[str, Decimal] = {}
    for found in report.balances:
        booked[found.currency] = booked.get(found.currency, Decimal(0)) + found.entries
    assert net(bodies) == booked


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_api_takes_what_a_sample_becomes(tmp_path: Path, sample: str) -> None:
    known, merchant = TransactionSchema().fields, TransactionSchema().fields["merchant"]
    for body in read(tmp_path, (DATA / sample).read_bytes())[0]:
        # Without the fields of the contract's second edition, where the schema doesn't have them yet.
        posted = {name: value for name, value in body.items() if name in known}
        if "merchant" in posted and hasattr(merchant, "schema"):
            posted["merchant"] = {
                name: value for name, value in body["merchant"].items() if name in merchant.schema.fields
            }
        assert load_transaction(posted, "bank", "EUR", NOW).amount == Decimal(body["amount"])


# Which format


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (mt940([DEBIT]), Format.MT940),
        ("{1:F01BANK}{4:\n" + mt940([DEBIT]), Format.MT940),
        ("ABNANL2A\n940\n" + mt940([DEBIT]).replace("\n", "\r\n"), Format.MT940),
        ("\n\n:25:1\n:60F:C260112EUR1,\n", Format.MT940),
        (camt([DEBIT]), Format.CAMT),
        ("\ufeff\n " + camt([DEBIT]), Format.CAMT),
        ("id,account,amount,type,timestamp\n", Format.CSV),
        ("", Format.CSV),
    ],
)
def test_the_content_says_what_a_file_is_whatever_its_name(tmp_path: Path, content: str, expected: Format) -> None:
    path = tmp_path / "statement.csv"
    path.write_bytes(content.encode())
    assert format_of(path) is expected
    path.write_bytes(gzip.compress(content.encode()))
    assert format_of(path) is expected


def test_utf_16_is_read(tmp_path: Path) -> None:
    assert len(read(tmp_path, mt940([DEBIT]).encode("utf-16"))[0]) == 1
    xml = camt([DEBIT]).replace("UTF-8", "UTF-16").encode("utf-16")
    assert len(read(tmp_path, xml)[0]) == 1


@both_formats
def test_a_gzip_file_is_read(tmp_path: Path, written: Written) -> None:
    assert read(tmp_path, gzip.compress(written([DEBIT]).encode())) == read(tmp_path, written([DEBIT]))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04rest", "ZIP archive: unpack it"),
        (gzip.compress(mt940([DEBIT]).encode())[:-9], "ended before"),
        (b"<Document><BkToCstmrStmt></BkToCstmrStmt></Document>", "no statement"),
    ],
)
def test_a_file_that_can_t_be_read_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(UnreadableFile, match=says):
        read(tmp_path, content)


# Ids


@both_formats
def test_a_file_gives_the_same_ids_each_time_and_one_for_each_entry(tmp_path: Path, written: Written) -> None:
    made = [
        DEBIT,
        replace(DEBIT, amount=Decimal("50.01")),
        replace(DEBIT, mark="C"),
        replace(DEBIT, day=date(2026, 1, 13)),
        replace(DEBIT, bank_reference="B-1003"),
        replace(DEBIT, bank_reference=""),
        replace(DEBIT, bank_reference="", text="Rent of May"),
        replace(DEBIT, bank_reference="", reference="RENT-02"),
    ]
    ids = [body["id"] for body in read(tmp_path, written(made))[0]]
    assert len(set(ids)) == len(made)
    assert ids == [body["id"] for body in read(tmp_path, written(made))[0]]
    assert all(IDENTIFIER.fullmatch(transaction_id) for transaction_id in ids)
    other = [body["id"] for body in read(tmp_path, written(made, account="FR7630006000011234567890189"))[0]]
    assert not set(ids) & set(other)


@both_formats
def test_equal_entries_have_ids_of_their_own_that_stay(tmp_path: Path, written: Written) -> None:
    coffee = Booked(Decimal("2.80"), "D", text="Coffee")
    ids = [body["id"] for body in read(tmp_path, written([coffee, DEBIT, coffee, coffee]))[0]]
    assert [ids[2], ids[3]] == [f"{ids[0]}.2", f"{ids[0]}.3"]
    assert [body["id"] for body in read(tmp_path, written([coffee, coffee]))[0]] == ids[0:3:2]


@both_formats
def test_an_entry_has_the_same_id_in_a_file_that_overlaps(tmp_path: Path, written: Written) -> None:
    monday = [replace(DEBIT, day=date(2026, 1, 12), bank_reference=f"M-{number}") for number in range(3)]
    tuesday = [Booked(Decimal(number), "C", date(2026, 1, 13), text="Pay") for number in (1, 2, 2)]
    wednesday = [replace(DEBIT, day=date(2026, 1, 14), bank_reference="W-1")]
    first = {body["id"]: body for body in read(tmp_path, written(monday + tuesday))[0]}
    second = {body["id"]: body for body in read(tmp_path, written(tuesday + wednesday, opening="-7"))[0]}
    common = first.keys() & second.keys()
    assert len(common) == len(tuesday)
    assert all(first[each] == second[each] for each in common)


def test_a_text_that_another_message_words_differently_makes_no_other_id(tmp_path: Path) -> None:
    reworded = replace(DEBIT, text="Rent, standing order", reference="")
    assert read(tmp_path, camt([DEBIT]))[0][0]["id"] == read(tmp_path, camt([reworded]))[0][0]["id"]
    # MT940 names the same things.
    assert read(tmp_path, camt([DEBIT]))[0][0]["id"] == read(tmp_path, mt940([DEBIT]))[0][0]["id"]


def test_a_statement_that_comes_twice_in_a_file_is_sent_once(tmp_path: Path) -> None:
    bodies, report = read(tmp_path, mt940([DEBIT, GIVEN_BACK]) * 2)
    assert len(bodies) == 2
    assert [remark.message for remark in report.not_sent] == ["its statement comes twice in this file"] * 2
    assert report.ok


@both_formats
def test_a_statement_with_balances_is_sent_once_whatever_message_brings_it(tmp_path: Path, written: Written) -> None:
    text = written([DEBIT, replace(DEBIT, bank_reference="")])
    again = text.replace("STARTUMS", "ANOTHER").replace("2026-01-31T20:00:00Z", "2026-02-01T08:00:00Z")
    assert text != again
    bodies, report = read(tmp_path, in_one_file([text, again]))
    assert len(bodies) == 2
    assert [remark.message for remark in report.not_sent] == ["its statement comes twice in this file"] * 2


def _mt942(reference: str, time: str, line: str) -> str:
    head = f":20:{reference}\n:25:1\n:28C:12/1\n:34F:EUR0\n:13D:{time}+0100\n"
    return f"{head}:61:2601120112D2,80NMSC{line}\n:86:Coffee\n-\n"


def _camt_052(identity: str, time: str, line: str) -> str:
    reference = f"<AcctSvcrRef>{line[2:]}</AcctSvcrRef>" if line.startswith("//") else ""
    entry = f'<Amt Ccy="EUR">2.80</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-01-12</Dt></BookgDt>{reference}'
    text = ntry(entry, "052.001.08", "BkToCstmrAcctRpt", "Rpt")
    return text.replace("<Id>1</Id>", f"<Id>{identity}</Id><CreDtTm>{time}</CreDtTm>", 1)


def _reports(written: Callable[[str, str, str], str], *each: tuple[str, str, str]) -> str:
    texts = [written(*one) for one in each]
    return in_one_file(texts)


reports_of_a_day = pytest.mark.parametrize("written", [_mt942, _camt_052], ids=["MT942", "camt.052"])


@reports_of_a_day
@pytest.mark.parametrize(
    ("second", "sent"),
    [(("A", "2601121000"), 1), (("B", "2601121000"), 2), (("A", "2601121400"), 2), (("B", "2601121400"), 2)],
)
def test_two_reports_of_a_day_are_two_if_their_reference_or_their_time_differs(
    tmp_path: Path, written: Callable[[str, str, str], str], second: tuple[str, str], sent: int
) -> None:
    bodies, report = read(tmp_path, _reports(written, ("A", "2601121000", "NONREF"), (*second, "NONREF")))
    ids = [body["id"] for body in bodies]
    assert ids == [ids[0], f"{ids[0]}.2"][:sent]
    assert [remark.message for remark in report.not_sent] == ["its statement comes twice in this file"][sent - 1 :]
    assert ["both are sent" in note.message for note in report.notes] == [True][: sent - 1]
    assert report.ok


@reports_of_a_day
def test_what_has_a_bank_s_reference_is_sent_once_in_reports_that_overlap(
    tmp_path: Path, written: Callable[[str, str, str], str]
) -> None:
    first, other = ("A", "2601121000", "//B-1"), ("C", "2601121800", "//B-2")
    bodies, report = read(tmp_path, _reports(written, first, ("B", "2601121400", "//B-1"), other))
    assert [body["metadata"]["bank_reference"] for body in bodies] == ["B-1", "B-2"]
    assert [body["id"] for body in bodies] == [
        read(tmp_path, _reports(written, one))[0][0]["id"] for one in (first, other)
    ]
    (remark,) = report.not_sent
    assert remark.message == "an earlier statement of this file has it, with the same bank's reference"
    assert (report.entries, report.mapped, report.ok, report.notes) == (3, 2, True, [])


@both_formats
def test_a_reversal_names_an_entry_that_two_statements_of_the_file_have(tmp_path: Path, written: Written) -> None:
    bodies, report = read(tmp_path, in_one_file([written([DEBIT]), written([DEBIT, GIVEN_BACK])]))
    original, back = bodies
    assert back["reversal_of"] == original["id"]
    assert len(report.not_sent) == 1


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("DE89370400440532013000EUR", "DE89370400440532013000"),
        ("DE88370400440532013000EUR", "DE88370400440532013000EUR"),  # no IBAN: the check digits are wrong
        ("10020030/1234567", "10020030-1234567"),
        ("/PL12345678912345678912345678", "PL12345678912345678912345678"),
        ("1291.99.348EUR", "1291.99.348EUR"),
        ("BE68539007547034", "BE68539007547034"),
    ],
)
def test_an_account_keeps_its_number_in_the_form_of_an_id(written: str, made: str) -> None:
    assert account_id(written) == made


@pytest.mark.parametrize("written", ["x" * 65, "///", "é"])
def test_an_account_that_can_be_no_id_is_a_hash(written: str) -> None:
    made = account_id(written)
    assert made.startswith("account-")
    assert IDENTIFIER.fullmatch(made)
    assert made == account_id(written)


@pytest.mark.parametrize(
    "text", ["GB29NWBK60161331926819", "CM2110002000300277976315008", "SN08SN0100152000048500003035"]
)
def test_an_iban_is_known_by_its_check_digits(text: str) -> None:
    assert is_iban(text)
    assert not is_iban(text[:-1] + str((int(text[-1]) + 1) % 10))
    assert not is_iban(text[:14])


# Money and time


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [("450000.00", "XAF", "450000"), ("250.5", "EUR", "250.50"), ("1.250", "TND", "1.250"), ("1000", "JPY", "1000")],
)
@both_formats
def test_an_amount_has_the_currency_s_decimals(
    tmp_path: Path, written: Written, amount: str, currency: str, expected: str
) -> None:
    (body,), report = read(tmp_path, written([Booked(Decimal(amount))], currency=currency))
    assert (body["amount"], body["currency"], body["type"]) == (expected, currency, "credit")
    assert report.ok


@pytest.mark.parametrize(
    ("amount", "currency", "why"),
    [
        ("0.50", "XAF", "more decimals than XAF has (0)"),
        ("1.005", "EUR", "more decimals than EUR has (2)"),
        ("1.00", "DEM", "DEM is no active currency"),
        ("1" + "0" * 15, "EUR", "more than 15 digits"),
    ],
)
def test_an_amount_that_the_api_does_not_take_is_named(tmp_path: Path, amount: str, currency: str, why: str) -> None:
    bodies, report = read(tmp_path, camt([Booked(Decimal(amount)), DEBIT], currency=currency))
    assert not report.ok
    assert report.not_mapped[0].place == "entry 1"
    assert why in report.not_mapped[0].message
    assert len(bodies) == (0 if currency == "DEM" else 1)


@both_formats
def test_an_amount_of_nothing_is_not_sent(tmp_path: Path, written: Written) -> None:
    bodies, report = read(tmp_path, written([Booked(Decimal("0.00"))]))
    assert (bodies, report.ok) == ([], True)
    assert "no money moves" in report.not_sent[0].message


@both_formats
def test_a_day_begins_at_midnight_utc(tmp_path: Path, written: Written) -> None:
    (body,), _ = read(tmp_path, written([DEBIT]))
    assert (body["timestamp"], body["booking_date"]) == ("2026-01-12T00:00:00Z", "2026-01-12")


def test_a_known_moment_of_booking_is_kept(tmp_path: Path) -> None:
    text = camt([DEBIT]).replace("<Dt>2026-01-12</Dt>", "<DtTm>2026-01-12T23:30:00.5-05:00</DtTm>")
    (body,), _ = read(tmp_path, text)
    assert (body["timestamp"], body["booking_date"]) == ("2026-01-13T04:30:00.500000Z", "2026-01-12")


@both_formats
def test_what_is_booked_today_is_sent_and_what_is_booked_tomorrow_is_not(tmp_path: Path, written: Written) -> None:
    today, tomorrow = NOW.date(), date(2026, 2, 2)
    bodies, report = read(tmp_path, written([replace(DEBIT, day=today), replace(GIVEN_BACK, day=tomorrow)]))
    assert [body["timestamp"] for body in bodies] == ["2026-02-01T00:00:00Z"]
    assert "2026-02-02T00:00:00Z" in report.not_sent[0].message
    assert report.ok


def test_a_value_date_before_1970_is_left_out_and_noted(tmp_path: Path) -> None:
    text = camt([DEBIT]).replace("</BookgDt>", "</BookgDt><ValDt><Dt>1969-12-31</Dt></ValDt>")
    (body,), report = read(tmp_path, text)
    assert "value_date" not in body
    assert report.notes[0].message == "value_date is left out: it is before 1970"


@pytest.mark.parametrize("amount", ["9" * 45, "9" * 30 + ".99", "0." + "0" * 40 + "1"])
def test_an_amount_beyond_all_sense_is_not_mapped_and_reported(tmp_path: Path, amount: str) -> None:
    bodies, report = read(tmp_path, camt([Booked(Decimal(amount)), DEBIT]).replace("CLBD", "CLAV"))
    assert len(bodies) == len(report.not_mapped) == 1
    assert file_report.as_text(report)
    wrong = camt([DEBIT]).replace('<Amt Ccy="EUR">100<', f'<Amt Ccy="EUR">{amount}<')
    assert "is missing" in file_report.as_text(read(tmp_path, wrong)[1])


def test_what_was_booked_before_1970_is_not_mapped(tmp_path: Path) -> None:
    _, report = read(tmp_path, camt([replace(DEBIT, day=date(1969, 12, 31))]))
    assert "before 1970" in report.not_mapped[0].message


@both_formats
def test_holders_are_notified_only_when_asked_for(tmp_path: Path, written: Written) -> None:
    assert read(tmp_path, written([DEBIT]))[0][0]["notify"] is False
    assert "notify" not in read(tmp_path, written([DEBIT]), notify=True)[0][0]


# Reversals


@both_formats
@pytest.mark.parametrize(("mark", "reversal", "kind"), [("D", "RD", "debit"), ("C", "RC", "credit")])
def test_a_reversal_names_what_it_reverses_and_has_its_type(
    tmp_path: Path, written: Written, mark: str, reversal: str, kind: str
) -> None:
    made = [replace(DEBIT, mark=mark), replace(GIVEN_BACK, mark=reversal)]
    (original, back), report = read(tmp_path, written(made))
    assert (original["type"], original.get("status")) == (kind, None)
    assert (back["type"], back["status"], back["reversal_of"]) == (kind, "reversed", original["id"])
    assert net([original, back]) == {"EUR": Decimal(0)}
    assert report.notes == []


@both_formats
def test_a_reversal_may_name_the_bank_s_reference_in_its_text(tmp_path: Path, written: Written) -> None:
    back = replace(GIVEN_BACK, reference="", text="STORNO B-1001, sorry")
    original, reversed_ = read(tmp_path, written([DEBIT, back]))[0]
    assert reversed_["reversal_of"] == original["id"]


@both_formats
@pytest.mark.parametrize(
    "change",
    [
        {"reference": "", "text": "Storno"},
        {"reference": "RENT-99", "text": "Storno"},
        {"day": date(2026, 1, 11)},
        {"mark": "RC"},
    ],
    ids=["no reference", "another reference", "before it", "of a credit"],
)
def test_a_reversal_of_something_unnamed_is_settled_so_that_its_money_counts(
    tmp_path: Path, written: Written, change: dict[str, Any]
) -> None:
    made = replace(GIVEN_BACK, **change)
    bodies, report = read(tmp_path, written([DEBIT, made]))
    assert "status" not in bodies[1]
    assert bodies[1]["type"] == ("credit" if made.mark == "RD" else "debit")
    assert bodies[1]["metadata"]["reversal"] == ("of a debit" if made.mark == "RD" else "of a credit")
    assert net(bodies) == {"EUR": DEBIT.signed + made.signed}
    (note,) = report.notes
    assert "so that its money counts" in note.message
    assert report.ok


@both_formats
def test_of_several_with_the_reference_the_one_with_the_amount_is_reversed(tmp_path: Path, written: Written) -> None:
    other = replace(DEBIT, amount=Decimal("20.00"), bank_reference="B-1000")
    bodies, _ = read(tmp_path, written([other, DEBIT, GIVEN_BACK]))
    assert bodies[2]["reversal_of"] == bodies[1]["id"]


@both_formats
def test_of_two_that_could_be_meant_none_is_named(tmp_path: Path, written: Written) -> None:
    bodies, report = read(tmp_path, written([DEBIT, replace(DEBIT, bank_reference="B-1000"), GIVEN_BACK]))
    assert "reversal_of" not in bodies[2]
    assert "several entries" in report.notes[0].message


@both_formats
def test_a_part_can_be_given_back(tmp_path: Path, written: Written) -> None:
    original, back = read(tmp_path, written([DEBIT, replace(GIVEN_BACK, amount=Decimal("10.00"))]))[0]
    assert (back["reversal_of"], back["amount"]) == (original["id"], "10.00")


def test_an_entry_of_another_account_is_never_reversed(tmp_path: Path) -> None:
    text = mt940([DEBIT], account="1") + mt940([GIVEN_BACK], account="2")
    assert "reversal_of" not in read(tmp_path, text)[0][1]


def test_an_original_after_its_reversal_in_the_file_is_found(tmp_path: Path) -> None:
    back, original = read(tmp_path, camt([GIVEN_BACK, DEBIT]))[0]
    assert back["reversal_of"] == original["id"]


def test_the_balances_show_that_a_bank_marks_reversals_the_other_way(tmp_path: Path) -> None:
    text = camt([DEBIT, GIVEN_BACK])
    turned = text.replace("<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>", "<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>")
    bodies, report = read(tmp_path, turned)
    assert (bodies[1]["type"], bodies[1]["reversal_of"]) == ("debit", bodies[0]["id"])
    assert net(bodies) == {"EUR": Decimal(0)}
    assert report.ok
    assert "the other way round" in report.notes[0].message


def test_without_balances_a_reversal_with_the_mark_of_its_original_goes_the_other_way(tmp_path: Path) -> None:
    text = camt([DEBIT, GIVEN_BACK]).replace("OPBD", "XXXX")
    turned = text.replace("<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>", "<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>")
    (original, back), report = read(tmp_path, turned)
    assert (back["type"], back["reversal_of"]) == ("debit", original["id"])
    assert "the other way round" in report.notes[0].message


def test_how_a_reversal_is_read_changes_no_id(tmp_path: Path) -> None:
    text = camt([DEBIT, GIVEN_BACK]).replace(
        "<CdtDbtInd>CRDT</CdtDbtInd><RvslInd>", "<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>"
    )
    alone = text.replace(text[text.index("<Ntry>") : text.index("</Ntry>") + len("</Ntry>")], "").replace(
        "OPBD", "XXXX"
    )
    assert read(tmp_path, text)[0][1]["id"] == read(tmp_path, alone)[0][0]["id"]


# What informs


def test_a_card_number_is_in_no_transaction_and_no_report(tmp_path: Path) -> None:
    made = replace(DEBIT, bank_reference=CARD.replace(" ", ""), reference=CARD, text=f"Card {CARD}, coffee")
    (body,), report = read(tmp_path, camt([made]))
    assert (body["amount"], "description" in body, "reference" in body) == ("50.00", False, False)
    assert len([note for note in report.notes if "card number" in note.message]) == 3
    assert "1111" not in json.dumps(body) + json.dumps(file_report.as_json(report))


def test_a_text_that_is_too_long_is_cut_and_noted(tmp_path: Path) -> None:
    (body,), report = read(tmp_path, camt([replace(DEBIT, text="é" * 300)]))
    assert body["description"] == "é" * 280
    assert report.notes[0].message == "description is cut: it has more than 280 characters"


def test_an_iban_that_is_printed_in_groups_is_given_in_one_piece(tmp_path: Path) -> None:
    # Cut at 34 characters, it would be no IBAN.
    text = "/NAME/ANA/IBAN/MT84 MALT 0110 0001 2345 MTLC AST0 01S/REMI/RENT"
    (body,), report = read(tmp_path, mt940([replace(DEBIT, text=text)]))
    assert body["counterparty"] == {"name": "ANA", "account": "MT84MALT011000012345MTLCAST001S"}
    assert report.notes == []


def test_a_text_that_is_a_card_number_once_it_is_cut_is_left_out(tmp_path: Path) -> None:
    text = f"/NAME/ANA/CNTP/{'X' * 17} 41111111111111112222/REMI/RENT"
    (body,), report = read(tmp_path, mt940([replace(DEBIT, text=text)]))
    assert body["counterparty"] == {"name": "ANA"}
    assert "card number" in report.notes[0].message


def test_a_text_has_one_form_of_each_letter_and_no_control_characters(tmp_path: Path) -> None:
    (body,), _ = read(tmp_path, mt940([replace(DEBIT, text="Cafe\u0301\t \x07Ndole\x85")]))
    assert body["description"] == "Café Ndole"


def test_a_country_that_is_none_is_left_out_and_noted(tmp_path: Path) -> None:
    content = (
        '<Amt Ccy="EUR">5</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-01-12</Dt></BookgDt><NtryDtls><TxDtls>'
        "<RltdPties><Cdtr><Nm>Bar</Nm><PstlAdr><Ctry>CH1</Ctry></PstlAdr></Cdtr></RltdPties><CardTx/></TxDtls></NtryDtls>"
    )
    (body,), report = read(tmp_path, ntry(content))
    assert body["merchant"] == {"name": "Bar"}
    assert "country" in report.notes[0].message


@pytest.mark.parametrize(
    ("amount", "rate", "expected", "why"),
    [
        ('<Amt Ccy="USD">5.43</Amt>', "1.0852000000", {"amount": "5.43", "currency": "USD", "rate": "1.0852"}, ""),
        ('<Amt Ccy="JPY">700.50</Amt>', "1.08", None, "more decimals"),
        ('<Amt Ccy="DEM">7.00</Amt>', "1.08", None, "no active currency"),
        ('<Amt Ccy="USD">0.00</Amt>', "1.08", None, ""),
        ('<Amt Ccy="USD">5.43</Amt>', "0", {"amount": "5.43", "currency": "USD"}, "rate"),
        ('<Amt Ccy="USD">5.43</Amt>', "1." + "1" * 40, {"amount": "5.43", "currency": "USD"}, "rate"),
    ],
)
def test_an_original_is_given_as_the_api_takes_it(
    tmp_path: Path, amount: str, rate: str, expected: dict[str, str] | None, why: str
) -> None:
    content = (
        '<Amt Ccy="EUR">5</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2026-01-12</Dt></BookgDt><AmtDtls><InstdAmt>'
        f"{amount}<CcyXchg><XchgRate>{rate}</XchgRate></CcyXchg></InstdAmt></AmtDtls>"
    )
    (body,), report = read(tmp_path, ntry(content))
    assert body.get("original") == expected
    assert [why in note.message for note in report.notes] == ([True] if why else [])


# The report


@both_formats
def test_balances_that_the_entries_do_not_lead_to_are_reported(tmp_path: Path, written: Written) -> None:
    opening_is_wrong = written([DEBIT, GIVEN_BACK]).replace("100", "99", 1)
    bodies, report = read(tmp_path, opening_is_wrong)
    assert len(bodies) == 2
    assert not report.ok
    assert "99.00 and its entries, 0.00, are not 100.00 EUR: 1.00 is missing" in file_report.as_text(report)
    (balance,) = file_report.as_json(report)["balances"]
    assert (balance["ok"], balance["opening"], balance["closing"]) == (False, "99", "100.00")


def test_what_is_not_compared_says_why(tmp_path: Path) -> None:
    _, report = read(tmp_path, camt([DEBIT]).replace("CLBD", "CLAV"))
    assert "not checked: it has no opening and closing balance" in file_report.as_text(report)
    (balance,) = file_report.as_json(report)["balances"]
    assert (balance["ok"], balance["not_checked"]) == (None, "it has no opening and closing balance")


def test_a_statement_without_an_account_is_not_mapped(tmp_path: Path) -> None:
    bodies, report = read(tmp_path, mt940([DEBIT]).replace(":25:DE89370400440532013000\n", ""))
    assert bodies == []
    assert "no account" in report.not_mapped[0].message


def test_of_many_remarks_the_text_has_twenty_and_the_json_all(tmp_path: Path) -> None:
    _, report = read(tmp_path, mt940([Booked(Decimal("0.00"))] * 30))
    text = file_report.as_text(report)
    assert text.count("no money moves") == 20
    assert "and 10 more" in text
    assert len(file_report.as_json(report)["not_sent"]) == 30
