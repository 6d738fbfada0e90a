"""CAMT files: what each part becomes, in all versions, and what is refused."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bank_simulator.files import camt
from bank_simulator.files.contents import UnreadableFile
from bank_simulator.files.entries import Entry, Original, Party, Statement
from tests.bank_files import Booked, ntry
from tests.bank_files import camt as written

AMOUNT = '<Amt Ccy="EUR">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>'
BOOKED = "<BookgDt><Dt>2026-01-12</Dt></BookgDt>"
RECEIVED = AMOUNT.replace("DBIT", "CRDT")


def statements(text: str | bytes) -> list[Statement]:
    return camt.statements(
        io.BytesIO(text if isinstance(text, bytes) else text.encode()), "file.xml", lambda count: None
    )


def entries(content: str) -> list[Entry]:
    (statement,) = statements(ntry(content))
    assert not statement.not_mapped
    assert not statement.not_sent
    return statement.entries


def entry(content: str) -> Entry:
    (found,) = entries(content)
    return found


def with_details(*details: str, head: str = AMOUNT) -> str:
    return f"{head}{BOOKED}<NtryDtls>{''.join(f'<TxDtls>{detail}</TxDtls>' for detail in details)}</NtryDtls>"


# Versions and messages


@pytest.mark.parametrize("version", ["053.001.02", "053.001.04", "053.001.08", "053.001.10", "053.001.13"])
def test_every_version_is_read(version: str) -> None:
    made = [Booked(Decimal("1.50"), "C", reference="A-1", text="one"), Booked(Decimal("2.25"), "D", bank_reference="B")]
    (statement,) = statements(written(made, version=version))
    assert [(found.signed, found.reference, found.bank_reference) for found in statement.entries] == [
        (Decimal("1.50"), "A-1", ""),
        (Decimal("-2.25"), "", "B"),
    ]
    assert statement.opening is not None
    assert statement.closing is not None
    assert (statement.opening.amount, statement.closing.amount) == (Decimal(100), Decimal("99.25"))


@pytest.mark.parametrize(
    ("root", "part"),
    [("BkToCstmrStmt", "Stmt"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn"), ("BkToCstmrAcctRpt", "Rpt")],
)
def test_statements_notifications_and_reports_are_read(root: str, part: str) -> None:
    (statement,) = statements(ntry(AMOUNT + BOOKED, root=root, part=part))
    assert len(statement.entries) == 1


def test_a_namespace_of_another_publisher_or_a_prefix_makes_no_difference() -> None:
    text = ntry(AMOUNT + BOOKED)
    swiss = text.replace(
        "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", "http://www.six-interbank-clearing.com/de/camt"
    )
    prefixed = text.replace("<", "<n:").replace("<n:/", "</n:").replace("xmlns=", "xmlns:n=")
    for variant in (swiss, prefixed, f"<Envelope><AppHdr/>{text}</Envelope>"):
        assert len(statements(variant)[0].entries) == 1


def test_an_encoding_that_the_file_declares_is_used() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + ntry(
        with_details("<RmtInf><Ustrd>Prélèvement</Ustrd></RmtInf>")
    )
    assert statements(text.encode("latin-1"))[0].entries[0].text == "Prélèvement"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<Document><BkToCstmrStmt>", "no well-formed XML"),
        ("<Document/>", "no camt.052, camt.053 or camt.054 message; it begins with Document"),
        ("<Document><CstmrCdtTrfInitn/></Document>", "it begins with Document, CstmrCdtTrfInitn"),
        ("<!DOCTYPE a><Document/>", "DTD or an entity"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Document><BkToCstmrStmt>&b;</BkToCstmrStmt></Document>', "DTD or an entity"),
        ('<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><Document/>', "DTD or an entity"),
        ("<Document>&undefined;</Document>", "no well-formed XML"),
    ],
)
def test_what_is_no_bank_s_file_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(UnreadableFile, match=says):
        statements(text)


# The money


def test_a_mark_says_which_way_the_money_goes_and_a_reversal_what_was_before() -> None:
    marks = {}
    for sign in ("CRDT", "DBIT"):
        for reversal in ("", "<RvslInd>false</RvslInd>", "<RvslInd>true</RvslInd>", "<RvslInd>1</RvslInd>"):
            head = AMOUNT.replace("<CdtDbtInd>DBIT</CdtDbtInd>", f"<CdtDbtInd>{sign}</CdtDbtInd>{reversal}")
            marks[sign, reversal[9:-10]] = entry(head + BOOKED).mark
    assert marks == {
        ("CRDT", ""): "C",
        ("CRDT", "false"): "C",
        ("CRDT", "true"): "RD",
        ("CRDT", "1"): "RD",
        ("DBIT", ""): "D",
        ("DBIT", "false"): "D",
        ("DBIT", "true"): "RC",
        ("DBIT", "1"): "RC",
    }


@pytest.mark.parametrize(("text", "amount"), [("000000000149.87", "149.87"), ("250.50000", "250.50000"), (".5", "0.5")])
def test_an_amount_is_read_exactly(text: str, amount: str) -> None:
    assert entry(AMOUNT.replace("5.00", text) + BOOKED).amount == Decimal(amount)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (AMOUNT.replace("5.00", "-5.00") + BOOKED, "no number without a sign"),
        (AMOUNT.replace("5.00", "5,00") + BOOKED, "no number"),
        (AMOUNT.replace("5.00", "1e3") + BOOKED, "no number"),
        (AMOUNT.replace("5.00", "") + BOOKED, "no amount"),
        (AMOUNT.replace(' Ccy="EUR"', "") + BOOKED, "no currency"),
        (AMOUNT.replace("DBIT", "debit") + BOOKED, "CdtDbtInd"),
        (AMOUNT + BOOKED.replace("-12", "-32"), "calendar"),
        (AMOUNT, "no booking date"),
    ],
)
def test_an_entry_that_can_t_be_read_is_named_with_the_reason(content: str, why: str) -> None:
    (statement,) = statements(ntry(content))
    assert statement.entries == []
    (remark,) = statement.not_mapped
    assert remark.place == "entry 1"
    assert why in remark.message


@pytest.mark.parametrize(
    "status", ["<Sts>PDNG</Sts>", "<Sts><Cd>PDNG</Cd></Sts>", "<Sts>INFO</Sts>", "<Sts><Cd>FUTR</Cd></Sts>"]
)
def test_what_is_not_booked_is_not_sent(status: str) -> None:
    (statement,) = statements(ntry(AMOUNT.replace("<Sts>BOOK</Sts>", status) + BOOKED))
    assert statement.entries == []
    assert len(statement.not_sent) == 1


# Dates


@pytest.mark.parametrize(
    ("booked", "moment"),
    [
        ("<Dt>2026-01-12</Dt>", None),
        ("<Dt>2026-01-12+01:00</Dt>", None),
        ("<DtTm>2026-01-12T13:47:43.673741+01:00</DtTm>", datetime(2026, 1, 12, 12, 47, 43, 673741, UTC)),
        ("<DtTm>2026-01-12T13:47:43Z</DtTm>", datetime(2026, 1, 12, 13, 47, 43, tzinfo=UTC)),
        ("<DtTm>2026-01-12T13:47:43</DtTm>", None),
        ("<DtTm>2026-01-12T00:00:00+01:00</DtTm>", None),
    ],
)
def test_a_time_counts_where_its_offset_is_known_and_it_is_no_date_in_disguise(
    booked: str, moment: datetime | None
) -> None:
    found = entry(f"{AMOUNT}<BookgDt>{booked}</BookgDt>")
    assert (found.booking_date, found.booked_at) == (date(2026, 1, 12), moment)


def test_without_a_booking_date_the_next_best_date_counts() -> None:
    value_date = "<ValDt><Dt>2026-01-14</Dt></ValDt>"
    assert entry(AMOUNT + value_date).day == date(2026, 1, 14)
    assert entry(AMOUNT + value_date).booking_date is None
    settled = "<NtryDtls><TxDtls><RltdDts><IntrBkSttlmDt>2026-01-15</IntrBkSttlmDt></RltdDts></TxDtls></NtryDtls>"
    assert entry(AMOUNT + settled).day == date(2026, 1, 15)


def test_without_any_date_it_is_the_day_of_the_file_and_noted() -> None:
    text = ntry(AMOUNT).replace("<Acct>", "<CreDtTm>2026-01-16T18:00:00</CreDtTm><Acct>")
    (found,) = statements(text)[0].entries
    assert (found.day, found.booking_date) == (date(2026, 1, 16), None)
    assert "no date" in found.notes[0]


# Batches


def part(amount: str, sign: str = "", reference: str = "", currency: str = "EUR") -> str:
    refs = f"<Refs><EndToEndId>{reference}</EndToEndId></Refs>" if reference else ""
    return f'{refs}<Amt Ccy="{currency}">{amount}</Amt>' + (f"<CdtDbtInd>{sign}</CdtDbtInd>" if sign else "")


def test_the_parts_of_a_batch_become_entries_when_they_add_up() -> None:
    found = entries(with_details(part("3.00", reference="A"), part("2.00", "DBIT", "B")))
    assert [(each.amount, each.mark, each.reference) for each in found] == [
        (Decimal("3.00"), "D", "A"),
        (Decimal("2.00"), "D", "B"),
    ]
    assert [each.place for each in found] == ["entry 1, part 1", "entry 1, part 2"]
    assert len({each.part for each in found}) == 2


def test_a_part_that_goes_the_other_way_counts_against_the_others() -> None:
    found = entries(with_details(part("8.00"), part("3.00", "CRDT")))
    assert [each.signed for each in found] == [Decimal("-8.00"), Decimal("3.00")]


def test_old_versions_have_the_amount_of_a_part_elsewhere() -> None:
    details = [f'<AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls>' for amount in ("1.00", "4.00")]
    assert [each.amount for each in entries(with_details(*details))] == [Decimal("1.00"), Decimal("4.00")]


@pytest.mark.parametrize(
    "details",
    [
        (part("3.00"), part("1.99")),
        (part("3.00"), ""),
        (part("3.00"), part("2.00", currency="USD")),
        (part("3.00"), part("x")),
    ],
)
def test_parts_that_don_t_add_up_leave_one_entry_and_a_note(details: tuple[str, ...]) -> None:
    found = entry(with_details(*details))
    assert found.amount == Decimal("5.00")
    assert "don't add up" in found.notes[-1]


def test_a_batch_in_one_sum_is_known_by_the_references_of_its_parts() -> None:
    assert entry(with_details(part("3.00", reference="A-17"), part("1.00", reference="B-17"))).references == {
        "A-17",
        "B-17",
    }


def test_one_detail_has_the_entry_s_amount() -> None:
    found = entry(with_details(part("4.50") + '<Chrgs><Rcrd><Amt Ccy="EUR">0.50</Amt></Rcrd></Chrgs>'))
    assert (found.amount, found.metadata["charges"]) == (Decimal("5.00"), "0.50 EUR")


# What informs


def parties(old: bool) -> str:
    debtor, creditor = "<Nm>Jean  Dupont</Nm>", "<Nm>ACME</Nm>"
    if not old:
        debtor, creditor = f"<Pty>{debtor}</Pty>", f"<Pty>{creditor}</Pty>"
    return (
        f"<RltdPties><Dbtr>{debtor}</Dbtr><DbtrAcct><Id><IBAN>FR76 3000</IBAN></Id></DbtrAcct>"
        f"<Cdtr>{creditor}</Cdtr><CdtrAcct><Id><Othr><Id>12-34</Id></Othr></Id></CdtrAcct></RltdPties>"
    )


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("reversal", ["", "<RvslInd>true</RvslInd>"])
def test_the_counterparty_is_the_other_side_of_what_was_paid(old: bool, reversal: str) -> None:
    debtor, creditor = Party("Jean Dupont", "FR763000"), Party("ACME", "12-34")
    paid, received = AMOUNT.replace("<Sts>", f"{reversal}<Sts>"), RECEIVED.replace("<Sts>", f"{reversal}<Sts>")
    # The sides stay as they were when a payment is given back.
    assert entry(with_details(parties(old), head=paid)).counterparty == (debtor if reversal else creditor)
    assert entry(with_details(parties(old), head=received)).counterparty == (creditor if reversal else debtor)


def test_the_account_s_own_side_is_never_the_counterparty() -> None:
    own = "<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
    other = "<CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct>"
    details = f"<RltdPties><Dbtr><Nm>Me</Nm></Dbtr>{own}<Cdtr><Nm>You</Nm></Cdtr>{other}</RltdPties>"
    assert entry(with_details(details, head=RECEIVED)).counterparty == Party("You", "FR7630006000011234567890189")


def test_the_reference_is_the_end_to_end_id_or_else_the_creditor_s() -> None:
    creditor = "<RmtInf><Strd><CdtrRefInf><Ref>RF712348231</Ref></CdtrRefInf></Strd></RmtInf>"
    both = entry(with_details(f"<Refs><EndToEndId>E-1</EndToEndId></Refs>{creditor}"))
    assert (both.reference, both.metadata["creditor_reference"]) == ("E-1", "RF712348231")
    alone = entry(with_details(f"<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>{creditor}"))
    assert alone.reference == "RF712348231"
    assert "creditor_reference" not in alone.metadata


def test_the_text_is_the_remittance_or_else_what_the_bank_adds() -> None:
    lines = "<RmtInf><Ustrd>one</Ustrd><Ustrd>two</Ustrd></RmtInf><AddtlTxInf>three</AddtlTxInf>"
    more = "<AddtlNtryInf>four</AddtlNtryInf>"
    assert entry(with_details(lines) + more).text == "one two"
    assert entry(with_details("<AddtlTxInf>three</AddtlTxInf>") + more).text == "three"
    assert entry(with_details("") + more).text == "four"


def test_an_amount_before_conversion_has_its_rate() -> None:
    details = (
        '<AmtDtls><InstdAmt><Amt Ccy="USD">5.43</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">5.00</Amt>'
        "<CcyXchg><SrcCcy>USD</SrcCcy><XchgRate>1.0852</XchgRate></CcyXchg></TxAmt></AmtDtls>"
    )
    expected = Original(Decimal("5.43"), "USD", Decimal("1.0852"))
    assert entry(with_details(details)).original == expected
    assert entry(f"{AMOUNT}{BOOKED}{details}").original == expected


def test_an_instructed_amount_in_the_same_currency_is_none_before_conversion() -> None:
    found = entry(with_details('<AmtDtls><InstdAmt><Amt Ccy="EUR">4.80</Amt></InstdAmt></AmtDtls>'))
    assert (found.original, found.metadata["instructed_amount"]) == (None, "4.80 EUR")


def test_a_rate_that_is_no_number_is_left_out_and_noted() -> None:
    rate = "<CcyXchg><XchgRate>many</XchgRate></CcyXchg>"
    found = entry(with_details(f'<AmtDtls><InstdAmt><Amt Ccy="USD">4.80</Amt>{rate}</InstdAmt></AmtDtls>'))
    assert (found.original, found.amount) == (None, Decimal("5.00"))
    assert "rate is no number" in found.notes[0]


@pytest.mark.parametrize(
    ("charges", "sum_of_them"),
    [
        ('<Chrgs><Amt Ccy="EUR">1.50</Amt></Chrgs><Chrgs><Amt Ccy="EUR">0.25</Amt></Chrgs>', "1.75 EUR"),
        (
            '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">2.00</TtlChrgsAndTaxAmt><Rcrd><Amt Ccy="EUR">1</Amt></Rcrd></Chrgs>',
            "2.00 EUR",
        ),
        (
            '<Chrgs><Rcrd><Amt Ccy="EUR">3.00</Amt></Rcrd>'
            '<Rcrd><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Rcrd></Chrgs>',
            "2.00 EUR",
        ),
        ('<Chrgs><Rcrd><Amt Ccy="EUR">3.00</Amt></Rcrd><Rcrd><Amt Ccy="CHF">1</Amt></Rcrd></Chrgs>', "3.00 EUR, 1 CHF"),
    ],
)
def test_charges_are_summed_by_currency(charges: str, sum_of_them: str) -> None:
    assert entry(f"{AMOUNT}{BOOKED}{charges}").metadata["charges"] == sum_of_them


def test_a_card_entry_has_a_merchant_and_the_last_four_digits_alone() -> None:
    card = (
        "<RltdPties><Cdtr><Pty><Nm>Brasserie</Nm><PstlAdr><TwnNm>Annecy</TwnNm><Ctry>FR</Ctry></PstlAdr>"
        "<Id><OrgId><Othr><Id>M-77</Id></Othr></OrgId></Id></Pty></Cdtr></RltdPties>"
        "<CardTx><Card><PlainCardData><PAN>4111111111111111</PAN></PlainCardData></Card>"
        "<POI><Id><Id>T0042</Id></Id></POI><Tx><Indv><TxCtgy>5812</TxCtgy></Indv></Tx></CardTx>"
    )
    found = entry(with_details(card))
    assert found.merchant == {
        "name": "Brasserie",
        "mcc": "5812",
        "city": "Annecy",
        "country": "FR",
        "id": "M-77",
        "terminal_id": "T0042",
    }
    assert (found.card_last4, found.counterparty) == ("1111", Party())
    assert "4111111111111111" not in repr(found)


def test_a_card_entry_of_old_versions_is_known_by_its_code() -> None:
    code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>CCRD</Cd><SubFmlyCd>POSD</SubFmlyCd></Fmly></Domn></BkTxCd>"
    found = entry(
        AMOUNT
        + BOOKED
        + code
        + "<NtryDtls><TxDtls><RltdPties><Cdtr><Nm>Bar</Nm></Cdtr></RltdPties></TxDtls></NtryDtls>"
    )
    assert (found.merchant, found.metadata["bank_transaction_code"]) == ({"name": "Bar"}, "PMNT/CCRD/POSD")


def test_codes_and_other_parties_are_metadata() -> None:
    details = (
        "<Refs><MndtId>M-1</MndtId></Refs><RltdPties><Cdtr><Pty><Id><PrvtId><Othr><Id>CI-1</Id></Othr></PrvtId></Id></Pty></Cdtr>"
        "<UltmtCdtr><Pty><Nm>Uncle</Nm></Pty></UltmtCdtr></RltdPties><Purp><Cd>RENT</Cd></Purp>"
        "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
    )
    text = with_details(details).replace("<NtryDtls>", "<NtryDtls><Btch><PmtInfId>B-1</PmtInfId></Btch>")
    assert entry(text).metadata == {
        "mandate_id": "M-1",
        "creditor_id": "CI-1",
        "ultimate_creditor": "Uncle",
        "purpose": "RENT",
        "return_reason": "AC04",
        "batch": "B-1",
    }


# The statement


def test_the_bank_s_reference_of_the_only_detail_is_the_entry_s() -> None:
    assert entry(with_details("<Refs><AcctSvcrRef>B-9</AcctSvcrRef></Refs>")).bank_reference == "B-9"


def test_a_running_number_is_no_reference() -> None:
    first = entry(f"<NtryRef>1</NtryRef>{AMOUNT}{BOOKED}")
    assert first.fingerprint == entry(f"<NtryRef>2</NtryRef>{AMOUNT}{BOOKED}").fingerprint
    assert first.fingerprint != entry(f"<NtryRef>2026-0012-X</NtryRef>{AMOUNT}{BOOKED}").fingerprint


@pytest.mark.parametrize(
    ("page", "is_checked"),
    [("<PgNb>1</PgNb><LastPgInd>true</LastPgInd>", True), ("<PgNb>1</PgNb><LastPgInd>false</LastPgInd>", False),
     ("<PgNb>2</PgNb><LastPgInd>true</LastPgInd>", False)],
)  # fmt: skip
def test_a_page_is_not_compared_with_the_balances_of_the_whole(page: str, is_checked: bool) -> None:
    text = written([Booked(Decimal(1))])
    of_message = text.replace("</MsgId>", f"</MsgId><MsgPgntn>{page}</MsgPgntn>")
    of_statement = text.replace("<CreDtTm>", f"<StmtPgntn>{page}</StmtPgntn><CreDtTm>")
    for paged in (of_message, of_statement):
        assert (statements(paged)[0].unchecked == "") is is_checked


def test_an_overdrawn_account_has_a_negative_balance() -> None:
    (statement,) = statements(written([Booked(Decimal(1), "D")], opening="-40.15"))
    assert statement.opening is not None
    assert statement.closing is not None
    assert (statement.opening.amount, statement.closing.amount) == (Decimal("-40.15"), Decimal("-41.15"))


def test_every_entry_is_counted_while_the_file_is_read() -> None:
    counted: list[int] = []
    (statement,) = camt.statements(io.BytesIO(written([Booked(Decimal(1))] * 500).encode()), "file", counted.append)
    assert (len(statement.entries), sum(counted)) == (500, 500)
