"""MT940 files: what each field becomes, in the ways in which banks write it."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_simulator.files import mt940
from bank_simulator.files.entries import Entry, Original, Party, Statement
from tests.bank_files import Booked, read
from tests.bank_files import mt940 as written


def statements(text: str | bytes) -> list[Statement]:
    return mt940.statements(text if isinstance(text, bytes) else text.encode(), lambda count: None)


def entry(line: str, information: str = "", currency: str = "EUR") -> Entry:
    """Return the one entry of a statement with this :61: line and :86: text."""
    told = f":86:{information}\n" if information else ""
    (statement,) = statements(f":20:X\n:25:1\n:28C:1\n:60F:C260101{currency}0,\n:61:{line}\n{told}")
    assert not statement.not_mapped
    (found,) = statement.entries
    return found


# The statement line


@pytest.mark.parametrize(
    ("written_as", "amount"),
    [("9,", "9"), ("9,5", "9.5"), ("0,12", "0.12"), ("001,12", "1.12"), ("1500", "1500"), ("000000000025,00", "25.00")],
)
def test_an_amount_with_a_comma_is_read_exactly(written_as: str, amount: str) -> None:
    assert entry(f"2601120112C{written_as}NTRFNONREF").amount == Decimal(amount)


@pytest.mark.parametrize(
    ("mark", "found", "signed"),
    [
        ("C", "C", 5),
        ("D", "D", -5),
        ("RC", "RC", -5),
        ("RD", "RD", 5),
        ("rd", "RD", 5),
        ("CR", "C", 5),
        ("DR", "D", -5),
    ],
)
def test_a_mark_says_which_way_the_money_goes_even_with_a_currency_letter(mark: str, found: str, signed: int) -> None:
    read_entry = entry(f"2601120112{mark}5,00NTRFNONREF")
    assert (read_entry.mark, read_entry.signed) == (found, signed)


def test_a_reversal_with_a_currency_letter_is_a_reversal() -> None:
    assert entry("2601120112RDR800,00N068NONREF").mark == "RD"


@pytest.mark.parametrize(
    ("dates", "booking_date", "value_date"),
    [
        ("2601120113", date(2026, 1, 13), date(2026, 1, 12)),
        ("2512310102", date(2026, 1, 2), date(2025, 12, 31)),
        ("2601021231", date(2025, 12, 31), date(2026, 1, 2)),
        ("260112", None, date(2026, 1, 12)),
        ("260112    ", None, date(2026, 1, 12)),
        ("2602300301", date(2026, 3, 1), date(2026, 2, 28)),  # February has 30 days for interest
        ("2402300301", date(2024, 3, 1), date(2024, 2, 29)),
        ("2511300105", date(2026, 1, 5), date(2025, 11, 30)),
        ("2312310229", date(2024, 2, 29), date(2023, 12, 31)),
        ("2501020229", date(2024, 2, 29), date(2025, 1, 2)),
        ("7912310101", date(2080, 1, 1), date(2079, 12, 31)),
        ("8001011231", date(1979, 12, 31), date(1980, 1, 1)),
        ("9912310103", date(2000, 1, 3), date(1999, 12, 31)),
        ("0001011231", date(1999, 12, 31), date(2000, 1, 1)),
    ],
)
def test_the_booking_date_is_near_the_value_date(dates: str, booking_date: date | None, value_date: date) -> None:
    found = entry(f"{dates}D1,00NMSCNONREF")
    assert (found.booking_date, found.value_date) == (booking_date, value_date)
    assert found.day == (booking_date or value_date)


@given(st.dates(date(1980, 1, 1), date(2079, 12, 31)), st.integers(-182, 182))
def test_a_booking_within_half_a_year_of_the_value_date_is_dated_right(value_date: date, days: int) -> None:
    booked = value_date + timedelta(days)
    found = entry(f"{value_date:%y%m%d}{booked:%m%d}D1,00NMSCNONREF")
    assert (found.value_date, found.booking_date) == (value_date, booked)


def test_references_are_read_behind_the_type_and_behind_two_slashes() -> None:
    found = entry("2601120112D20,00NTRFBIPI-dvT1FzfMqvzF5HaU4oetlH7SGRkonU//2022070616391534")
    assert found.reference == "BIPI-dvT1FzfMqvzF5HaU4oetlH7SGRkonU"
    assert found.bank_reference == "2022070616391534"
    assert found.references == {found.reference, found.bank_reference}


@pytest.mark.parametrize("nothing", ["NONREF", "NONREF//NONREF", "", "KREF+", "EREF", "NOTPROVIDED", "//"])
def test_what_says_that_there_is_no_reference_is_none(nothing: str) -> None:
    found = entry(f"2601120112D20,00NTRF{nothing}")
    assert (found.reference, found.bank_reference, found.references) == ("", "", frozenset())


def test_an_iban_in_the_place_of_the_reference_is_the_other_account() -> None:
    found = entry("2601120112D20,00NOVBNL47INGB9999999999\nhr paulissen")
    assert (found.counterparty.account, found.reference) == ("NL47INGB9999999999", "")


def test_a_reference_in_the_supplementary_details_is_one_by_which_the_entry_is_known() -> None:
    found = entry("1312091209C79,7FMSC01916//NONREF\n20131209007602198765432000000012", "GIRO")
    assert found.references == {"01916", "20131209007602198765432000000012"}


def test_an_entry_without_a_type_is_an_entry_of_its_own() -> None:
    (statement,) = statements(
        ":20:X\n:25:1\n:60F:C260101EUR0,\n:61:260112D1,00\n:61:260112D2,00\n:62F:D260112EUR3,00\n"
    )
    assert [found.amount for found in statement.entries] == [Decimal("1.00"), Decimal("2.00")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("garbage", "form"),
        ("260112X5,00NTRFNONREF", "form"),
        ("260112D-5,00NTRFNONREF", "form"),
        ("260112D5.50NTRFNONREF", "form"),
        ("260112D0000000000000005,00NTRFNONREF", "form"),
        ("260112D1,2,3NTRFNONREF", "no number"),
        ("261312D5,00NTRFNONREF", "calendar"),
        ("2601120230D5,00NTRFNONREF", "calendar"),
        ("2601120229D5,00NTRFNONREF", "calendar"),  # none of 2025 to 2027 is a leap year
        ("2601120013D5,00NTRFNONREF", "calendar"),
    ],
)
def test_a_line_that_can_t_be_read_costs_itself_alone_and_is_named(line: str, why: str) -> None:
    text = f":20:X\n:25:1\n:28C:1\n:60F:C260101EUR0,\n:61:{line}\n:86:text\n:61:260113C1,00NTRFNONREF\n:86:other\n"
    (statement,) = statements(text)
    (remark,) = statement.not_mapped
    assert remark.place == "line 5"
    assert why in remark.message
    assert [(found.amount, found.text) for found in statement.entries] == [(Decimal("1.00"), "other")]


@pytest.mark.parametrize("mark", ["EC", "ED"])
def test_an_expected_entry_is_not_sent(mark: str) -> None:
    (statement,) = statements(f":20:X\n:25:1\n:60F:C260101EUR0,\n:61:2601120112{mark}5,00NTRFNONREF\n")
    assert "expected" in statement.not_sent[0].message


def test_a_line_broken_by_the_bank_is_read() -> None:
    (statement,) = statements(
        ":20:X\n:25:1\n:60F:C260101EUR0,\n:61:1811261126CR\n30,00N062NONREF\n:\n86:166?00GUTSCHR?20Test\n"
    )
    assert [(found.amount, found.text) for found in statement.entries] == [(Decimal("30.00"), "Test")]


def test_an_amount_before_conversion_has_its_rate() -> None:
    found = entry("2601140113DR108,70NTRFX\n/OCMT/USD117,96//EXCH/1,0852/", "HOTEL")
    assert found.original == Original(Decimal("117.96"), "USD", Decimal("1.0852"))
    assert "supplementary" not in found.metadata


def test_an_amount_before_charges_is_none_before_conversion() -> None:
    found = entry("0408040804DR5,NTRFREF 111\n/OCMT/EUR4,5//CHGS/EUR0,5/")
    assert found.original is None
    assert (found.metadata["instructed_amount"], found.metadata["charges"]) == ("4.5 EUR", "0.5 EUR")


def test_an_amount_before_conversion_that_is_no_number_is_left_out_and_noted() -> None:
    found = entry("2601140113DR108,70NTRFX\n/OCMT/USD1,1,1/")
    assert found.original is None
    assert "original" in found.notes[0]


# What an entry is for


def test_german_details_are_taken_apart() -> None:
    information = (
        "166?00GUTSCHRIFT?109310?20EREF+RE-2026-0042?21SVWZ+Rechnung 2026-\n0042, Repa?22ratur der Kühlanlage"
        "?23MREF+M-1?24CRED+DE98ZZZ09999999999?30MARKDEF1100?31DE021203000000002\n02051"
        "?32MÜLLER KÄLTETECHNIK GMBH &?33 CO. KG"
    )
    found = entry("2601120112CR5,00N166NONREF", information)
    assert (found.reference, found.text) == ("RE-2026-0042", "Rechnung 2026-0042, Reparatur der Kühlanlage")
    assert found.counterparty == Party("MÜLLER KÄLTETECHNIK GMBH & CO. KG", "DE02120300000000202051")
    assert found.metadata == {
        "transaction_code": "166",
        "posting_text": "GUTSCHRIFT",
        "mandate_id": "M-1",
        "creditor_id": "DE98ZZZ09999999999",
        "swift_type": "N166",
    }


def test_german_details_may_have_another_separator_and_a_local_account() -> None:
    found = entry("2601120112D5,00NSTONONREF", "008~00DAUERAUFTRAG~20Miete Nov~21ember~3010020030~31234567~32MUELLER")
    assert (found.text, found.counterparty) == ("Miete Nov ember", Party("MUELLER", "10020030/234567"))


def test_a_line_break_inside_a_german_word_is_none_of_the_word() -> None:
    first = "166?00GUTSCHRIFT?100399?20EREF+TFNR 0300300004?21SVWZ+Strukturier"
    found = entry("2601120112C5,00NTRFNONREF", f"{first}\nter Verwend?22ungszweck 30030004")
    assert (found.reference, found.text) == ("TFNR 0300300004", "Strukturierter Verwendungszweck 30030004")


@pytest.mark.parametrize(
    ("information", "reference", "text", "party"),
    [
        (
            "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J. JANSSEN/REMI/Factuur 12/EREF/NONREF",
            "",
            "Factuur 12",
            Party("J. JANSSEN", "NL91ABNA0417164300"),
        ),
        (
            "/EREF/E2E-77//BENM//NAME/CONTRA HOLDER/REMI/USTD//Rent for May/ISDT/2026-01-02",
            "E2E-77",
            "Rent for May",
            Party("CONTRA HOLDER"),
        ),
        (
            "/CNTP/NL91ABNA0417164300/ABNANL2A/DE GROOT B.V./ZWOLLE//REMI/USTD//Order 9/",
            "",
            "Order 9",
            Party("DE GROOT B.V.", "NL91ABNA0417164300"),
        ),
    ],
)
def test_dutch_details_are_taken_apart(information: str, reference: str, text: str, party: Party) -> None:
    found = entry("2601120112C5,00NTRFNONREF", information)
    assert (found.reference, found.text, found.counterparty) == (reference, text, party)


def test_free_text_goes_on_in_the_next_line() -> None:
    full = "x" * 65
    assert entry("2601120112C5,00NTRFNONREF", f"{full}\nyz").text == f"{full}yz"
    assert entry("2601120112C5,00NTRFNONREF", "VIREMENT REÇU\nSALAIRE").text == "VIREMENT REÇU SALAIRE"


def test_without_details_the_supplementary_text_is_the_description() -> None:
    assert entry("2601120112D228,75NTRFNONREF//1FT381679WS1G\nOutward Telex Payment").text == "Outward Telex Payment"


# The file


LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r", "CRCRLF": "\r\r\n"}


@pytest.mark.parametrize("first_ends", LINE_ENDS.values(), ids=LINE_ENDS.keys())
@pytest.mark.parametrize("second_ends", LINE_ENDS.values(), ids=LINE_ENDS.keys())
def test_lines_end_in_any_way_and_headers_and_footers_belong_to_no_field(first_ends: str, second_ends: str) -> None:
    made = [Booked(Decimal("5.00"), text="COFFEE"), Booked(Decimal("6.00"), text="TEA")]
    text = "{1:F01BANKFRPPXXXX0000000000}{2:O940BANKN}{4:\n" + written(made).replace("-\n", "-}{5:}\n")
    text = text.replace(":86:COFFEE", ":86:COFFEE\nAND CAKE")
    other = text.replace(":28C:1", ":28C:2")
    first, second = statements(text.replace("\n", first_ends) + other.replace("\n", second_ends))
    for found in (first, second):
        assert [(entry.amount, entry.text) for entry in found.entries] == [(5, "COFFEE AND CAKE"), (6, "TEA")]
    assert (first.name, second.name) == ("1/1", "2/1")
    assert [first, second] == statements(text + other)


@given(st.lists(st.sampled_from([*LINE_ENDS.values()]), min_size=12, max_size=12))
def test_every_line_may_end_in_a_way_of_its_own(ends: list[str]) -> None:
    text = written([Booked(Decimal("5.00"), text="COFFEE"), Booked(Decimal("6.00"), text="TEA")])
    lines = text.rstrip("\n").split("\n")
    assert statements("".join(map(str.__add__, lines, ends))) == statements(text)


def test_a_file_in_windows_1252_keeps_its_accents_and_is_noted() -> None:
    (statement,) = statements(written([Booked(Decimal(5), text="PRÉLÈVEMENT À DÉBIT, REÇU")]).encode("cp1252"))
    assert statement.entries[0].text == "PRÉLÈVEMENT À DÉBIT, REÇU"
    assert "Windows-1252" in statement.notes[0].message


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    (statement,) = statements(written([Booked(Decimal(5))]).encode("utf-8-sig"))
    assert statement.account == "DE89370400440532013000"


def test_no_byte_order_mark_in_a_file_of_joined_messages_hides_a_field() -> None:
    text = written([Booked(Decimal(5), text="COFFEE")])
    for mark in ("\ufeff", "\n\ufeff"):
        first, second = statements(mark + text + mark + text.replace("DE89370400440532013000", "2"))
        assert (first.account, second.account) == ("DE89370400440532013000", "2")
        assert [[found.text for found in each.entries] for each in (first, second)] == [["COFFEE"], ["COFFEE"]]
    marked = "\n".join(f"\ufeff{line}" for line in text.split("\n"))
    assert statements(marked) == statements(text)


def test_information_about_the_statement_is_not_put_to_its_last_entry() -> None:
    text = written([Booked(Decimal(5), text="COFFEE")]).replace("-\n", ":86:ACCOUNT OVERDRAWN\n-\n")
    assert statements(text)[0].entries[0].text == "COFFEE"


def test_each_page_of_a_statement_has_its_own_balances() -> None:
    text = (
        ":20:X\n:25:1\n:28C:5/1\n:60F:C260112EUR10,00\n:61:260112C5,00NTRFNONREF\n:62M:C260112EUR15,00\n-\n"
        ":20:X\n:25:1\n:28C:5/2\n:60M:C260112EUR15,00\n:61:260112D1,00NTRFNONREF\n:62F:C260112EUR14,00\n-\n"
    )
    balances = [
        (page.opening and page.opening.amount, page.closing and page.closing.amount) for page in statements(text)
    ]
    assert balances == [(Decimal("10.00"), Decimal("15.00")), (Decimal("15.00"), Decimal("14.00"))]


def test_a_statement_without_a_reference_of_its_own_begins_with_its_account() -> None:
    first_text = ":25:1\n:60F:C260112EUR1,\n:62F:C260112EUR1,\n"
    second_text = ":25:2\n:60F:D260112EUR2,\n:61:260112C5,00NTRFNONREF\n:62F:C260112EUR3,\n"
    first, second = statements(first_text + second_text)
    assert (first.account, second.account, len(second.entries)) == ("1", "2", 1)


_ENDS = {"a closing balance": ":62F:C260112EUR15,00\n", "no balance": "", "the end of the message": "-\n"}
_BEGINS = {"its reference": ":20:Y\n", "its account": ""}


@pytest.mark.parametrize("tag", ["25", "25P"])
@pytest.mark.parametrize("opening", [":60F:C260112EUR10,00\n", ":34F:EUR0\n"], ids=["MT940", "MT942"])
@pytest.mark.parametrize("end", _ENDS.values(), ids=_ENDS.keys())
@pytest.mark.parametrize("begin", _BEGINS.values(), ids=_BEGINS.keys())
def test_a_second_account_never_takes_the_entries_of_the_first(tag: str, opening: str, end: str, begin: str) -> None:
    texts = [
        f":{tag}:{account}\n:28C:{account}/1\n{opening}:61:2601120112C{account},00NTRFNONREF\n{end}"
        for account in ("1", "2", "3")
    ]
    found = statements(":20:X\n" + begin.join(texts))
    assert [each.account for each in found] == ["1", "2", "3"]
    assert [each.name for each in found] == ["1/1", "2/1", "3/1"]
    assert [[entry.amount for entry in each.entries] for each in found] == [[Decimal(n)] for n in (1, 2, 3)]


def test_a_balance_without_a_currency_is_not_compared() -> None:
    (statement,) = statements(":20:X\n:25:1\n:60F:C020315EUR1,00\n:61:020322CM2,00NCHG\n:62M:C020315105000,00\n")
    assert "names no currency" in statement.unchecked
    assert len(statement.entries) == 1


def test_an_interim_report_has_the_currency_of_its_floor_limit() -> None:
    (statement,) = statements(
        ":20:X\n:25:1\n:28C:1/1\n:34F:PLN0\n:13D:2601121815+0100\n:61:2601120112CN0,01NTRFNONREF\n:90C:1PLN0,01\n"
    )
    assert [(found.amount, found.currency) for found in statement.entries] == [(Decimal("0.01"), "PLN")]


def test_an_entry_without_a_currency_is_not_mapped() -> None:
    (statement,) = statements(":20:X\n:25:1\n:61:260112C5,00NTRFNONREF\n")
    assert "currency" in statement.not_mapped[0].message


def test_a_field_of_the_bank_s_own_is_left_out_and_noted(tmp_path: Path) -> None:
    text = written([Booked(Decimal(5))]).replace(":62F:", ":NS:01Verwendungszweck\n02mehr\n:62F:")
    bodies, report = read(tmp_path, text)
    assert len(bodies) == 1
    assert [":NS:" in note.message for note in report.notes] == [True]
