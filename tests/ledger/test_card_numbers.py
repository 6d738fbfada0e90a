"""Card numbers are found however they are written, and other identifiers are recognised as what they are."""

import sys
import time
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn

from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.digit_runs import digit_runs
from chalicelib.ledger.search_steps import Steps, TooMuchToSearch
from tests import card_figures
from tests.card_figures import with_rib_key
from tests.cards import CARDS, as_printed, could_be_a_card, group_sizes, grouped, in_fours, issued_numbers, with_luhn

ALL_CARDS = [number for numbers in CARDS.values() for number in numbers]


def in_script(zero: int) -> Callable[[str], str]:
    return lambda digits: "".join(chr(zero + int(digit)) for digit in digits)


FORMS: dict[str, Callable[[str], str]] = {
    "all together": str,
    "in the scheme's groups": as_printed,
    **{
        f"in fours, joined by {name}": lambda digits, joint=joint: joint.join(in_fours(digits))
        for name, joint in {
            "spaces": " ", "two spaces": "  ", "dashes": "-", "dots": ".", "slashes": "/", "underscores": "_",
            "backslashes": "\\", "bars": "|", "colons": ":", "commas": ",", "stars": "*", "plus signs": "+",
            "spaced dashes": " - ", "spaced bars": " | ", "line ends": "\n", "tabs": "\t", "dots and spaces": ". ",
            "no-break spaces": "\u00a0", "thin spaces": "\u2009", "ideographic spaces": "\u3000",
            "braille blanks": "\u2800", "en dashes": "–", "em dashes": "—", "minus signs": "−", "middle dots": "·",
            "bullets": " • ", "emoji": "💳",
            "Arabic tatweels": "ـ", "Japanese strokes": "ー", "full-width full stops": "．", "Arabic commas": "،",
            "zero-width spaces": "\u200b", "soft hyphens": "\u00ad", "right-to-left marks": "\u200f", "NUL": "\x00",
            "slashes with spaces behind": "/ ", "parentheses": ") (", "quotes": '" "',
        }.items()
    },
    "digit by digit": " ".join,
    "digit by digit, with dashes": "-".join,
    "digit by digit, with dots": ".".join,
    "in twos": lambda digits: grouped(digits, 2),
    "in fives": lambda digits: grouped(digits, 5),
    "in sixes": lambda digits: grouped(digits, 6),
    "in eights": lambda digits: grouped(digits, 8),
    "in full-width digits": in_script(0xFF10),
    "in Arabic-Indic digits": in_script(0x660),
    "in Persian digits, in fours": lambda digits: grouped(in_script(0x6F0)(digits), 4),
    "in Devanagari digits": in_script(0x966),
    "in mathematical digits": in_script(0x1D7D8),
    "in segmented digits": in_script(0x1FBF0),
    "in subscript digits": in_script(0x2080),
    "in superscript digits": lambda digits: digits.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    "in circled digits": lambda digits: digits.translate(str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")),
    "in negative circled digits": lambda digits: digits.translate(str.maketrans("0123456789", "⓿❶❷❸❹❺❻❼❽❾")),
    "in Chinese digits": lambda digits: digits.translate(str.maketrans("0123456789", "〇一二三四五六七八九")),
    "in digits of two scripts": lambda digits: in_script(0x660)(digits[:7]) + digits[7:],
    "in keycaps": lambda digits: "".join(f"{digit}\ufe0f\u20e3" for digit in digits),
    "under accents": lambda digits: "\u0301".join(digits),
    "with zero-width joiners": "\u200d".join,
    "with an expiry date behind": lambda digits: f"{digits} 12/28",
    "with an expiry date and a code behind": lambda digits: f"{as_printed(digits)} 12/28 123",
    "with both in digits behind": lambda digits: f"{as_printed(digits)} 1228 123",
    "with slashes all along": lambda digits: "/".join([*in_fours(digits), "12", "28", "123"]),
    "with an expiry date before": lambda digits: f"12/28 {as_printed(digits)}",
    "with an expiry date in digits before": lambda digits: f"1228 {as_printed(digits)}",
    "with a code before": lambda digits: f"123 {as_printed(digits)}",
    "with a counter before": lambda digits: f"1 {as_printed(digits)}",
    "with a year before": lambda digits: f"2026 {as_printed(digits)}",
    "with a date before": lambda digits: f"2026-01-10 {as_printed(digits)}",
    "with an amount behind": lambda digits: f"{as_printed(digits)} 250.00",
    "with a telephone number behind": lambda digits: f"{as_printed(digits)} +237 699 00 11 22",
    "with another one behind": lambda digits: f"{as_printed(digits)} {as_printed('5555555555554444')}",
    "with a reference before, joined otherwise": lambda digits: f"4711 / {as_printed(digits)}",
    "behind an IBAN": lambda digits: f"FR14 2004 1010 0505 0001 3M02 606 {as_printed(digits)}",
    "before an IBAN": lambda digits: f"{as_printed(digits)} DE89 3704 0044 0532 0130 00",
    "behind an RF reference": lambda digits: f"RF18 5390 0754 7034 {as_printed(digits)}",
    "behind a UUID": lambda digits: f"f31aeb00-4982-4407-8941-965096ee86ef {as_printed(digits)}",
    "with text glued on": lambda digits: f"card{digits}end",
    "with text glued on its groups": lambda digits: f"card{as_printed(digits)}end",
    "in a sentence": lambda digits: f"Payé avec la carte n° {as_printed(digits)}, merci.",
    "in a URL": lambda digits: f"https://example.com/?pan={digits}&cvv=123",
    "in JSON": lambda digits: f'{{"pan":"{digits}"}}',
    "on a magnetic stripe": lambda digits: f"%B{digits}^NDIAYE/AWA^2812101?;{digits}=28121011000012300000?",
    "called a SIRET": lambda digits: f"SIRET {digits}",
    "called an IBAN": lambda digits: f"IBAN FR{digits}",
    "called a telephone number": lambda digits: f"tel. {as_printed(digits)}",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_the_schemes_test_numbers_are_found_in_every_form(form: Callable[[str], str]) -> None:
    assert [number for number in ALL_CARDS if not holds_card_number(form(number))] == []


def test_the_test_numbers_are_card_numbers() -> None:
    assert all(luhn.is_valid(number) for number in ALL_CARDS)
    assert len(FORMS) >= 20


@pytest.mark.parametrize(
    ("digits", "groups"),
    [
        *[("4111111111111111", groups) for groups in [(8, 8), (6, 10), (4, 12), (12, 4), (4, 6, 6), (1, 5, 4, 2, 4)]],
        *[("378282246310005", groups) for groups in [(4, 6, 5), (4, 4, 4, 3), (5, 5, 5), (6, 9), (4, 11), (7, 8)]],
        *[("30569309025904", groups) for groups in [(4, 6, 4), (4, 4, 4, 2), (7, 7), (5, 5, 4)]],
        *[
            ("6205500000000000004", groups)
            for groups in [(4, 4, 4, 4, 3), (6, 13), (5, 5, 4, 5), (6, 4, 4, 5), (9, 10)]
        ],
        *[("4222222222222", groups) for groups in [(4, 4, 4, 1), (4, 4, 5), (4, 3, 3, 3), (6, 7)]],
    ],
)
def test_a_number_is_found_in_its_schemes_groups_and_in_halves(digits: str, groups: tuple[int, ...]) -> None:
    assert sum(groups) == len(digits)
    assert holds_card_number(grouped(digits, *groups))


@pytest.mark.parametrize(
    "text",
    [
        # By their own checks.
        "0050001631430920", "SIRET 73282932000074", "732 829 320 00074",
        "FR14 2004 1010 0505 0001 3M02 606", "IBAN FR1420041010050500013M02606", "fr14 2004 1010 0505 0001 3m02 606",
        "FR14-2004-1010-0505-0001-3M02-606", "ＦＲ１４ ２００４ １０１０ ０５０５ ０００１ ３Ｍ０２ ６０６",
        "CM21 10002 00030 02779763150 08", "CM2110002000300277976315008", "CM21 1000 2000 3002 7797 6315 008",
        "RF18 5390 0754 7034", "RF18539007547034", "011 519 0000012050005349 21", "10 006 0351835984788 31",
        # By their groups and counts.
        "21 00000 00003 13947 14300 09017", "210000000003139471430009017", "+++090/9337/55493+++",
        "20041 01005 05000130263 06", "+49 151 23456789 / +49 160 98765432", "699001122 / 677889900",
        "66 12 34 56 / 76 54 32 10", "52 123 456 / 55 987 654", "1 85 05 78 006 084 36", "4.0510561,9.7678687",
        "52.520008, 13.404954", "4.051056123456789", "25/10/2026 - 27/10/2026", "20260110140000123", "1768050000000",
        "9400 1000 0000 0000 0000 00", "11773016-11111018-00000000", "2100 0418 45 0200051332", "30-05-12 12345678",
        "4111, 1111, 1111, 1111", "4111; 1111; 1111; 1111", "4111 ; 1111 ; 1111 ; 1111",
        "4111 and 1111 and 1111 and 1111", "4111 11** **** 1111", "411111******1111",
        # By length, prefix or check digit.
        "411111111111", "41111111111111111228", "941111111111111111234", "4111111111111112", "4111 1111 1111 1112",
        "0000000000000000", "0000 0000 0000 0000", "9999999999999995", "1111111111111117", "",
    ],
)  # fmt: skip
def test_what_is_no_card_number_is_none(text: str) -> None:
    assert not holds_card_number(text)


def with_digits_of_a_card(form: str, prefix: str) -> str:
    """Return the form with a card number's digits, which begin like this, in the places of its #."""
    digits = iter(with_luhn(prefix.ljust(form.count("#") - 1, "1")))
    return "".join(next(digits) if character == "#" else character for character in form)


@pytest.mark.parametrize(
    ("form", "prefix"),
    [
        ("+49 1512 3456789 or +#############", "491512"),
        ("+## ## ## ## ## ## #", "491512"),
        ("## ## ## ## / ## ## ## ##", "51"),
        ("## ### ### - ## ### ###", "55"),
        ("######### / #########", "65"),
        ("### ## ## ## / ### ## ## ##", "65"),
        ("### ### ## / ### ### ##", "65"),
        ("##-######.#######-#", "50"),  # a group of seven
        ("### ### ### #####", "36"),
        ("##-##-## ########", "30"),
        ("##########/####", "38"),
        ("### ### ### ### ### ###", "65"),
        ("4711 #### #### #### ####", "4"),
        ("#### #### #### #### 1334", "4"),
        ("4711 #### #### #### #### 1334", "4"),
        ("4711-####-####-####-####-1334-12", "4"),
        ("4111 1#### #### #### #### 5678", "4"),
        ("#### #### #### #### 5678 9876", "4"),
        (f"#### #### #### #### {' '.join(['7777'] * 20)}", "4"),  # no four cards follow a card
        (f"{' '.join(['7777'] * 20)} #### #### #### ####", "4"),
    ],
)
def test_in_other_groups_a_cards_digits_are_no_card_number(form: str, prefix: str) -> None:
    text = with_digits_of_a_card(form, prefix)
    assert holds_card_number(with_digits_of_a_card("#" * form.count("#"), prefix))
    assert not holds_card_number(text)


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("14809344-38249619/42191807.7", "38249619421918077"),  # its groups are joined otherwise than each other
        ("1296751.301.245.357.506.069", "301245357506069"),  # the first group is joined like them
        ("34688 07114 26377 42335", "346880711426377"),  # so is the last
    ],
)
def test_some_groups_of_several_that_are_joined_alike_are_no_card_number(text: str, card: str) -> None:
    assert holds_card_number(card)
    assert "".join(filter(str.isdigit, text)).count(card) == 1
    assert not holds_card_number(text)


def test_an_account_passes_by_its_key_though_a_part_could_be_a_card_number() -> None:
    for number, sizes in (("4111111111111111", (3, 3, 16, 2)), ("4222222222222", (2, 3, 13, 2))):
        account = with_rib_key(f"{'011519'[: sizes[0] + sizes[1]]}{number}")
        assert not holds_card_number(grouped(account, *sizes))
        wrong = f"{account[:-1]}{(int(account[-1]) + 1) % 10}"
        assert holds_card_number(grouped(wrong, *sizes))


@pytest.mark.parametrize(
    "text",
    [
        "7777 4111 1111 1111 1111 5555 5555 5555 4444",
        "41 11 11 11 11 11 11 11 12/28",
        "12/28 41.11.11.11.11.11.11.11",
        "REF-12-41111 11111 11111 1-12",
        "4111 1111 1111 1111 1228 737",
        "2812 4111 1111 1111 1111",
        "4711/4111 1111 1111 1111",
        "4111 1111 1111 1111/4711",
        "1 22 333 4111 1111 1111 1111 55555 666666",
        "1/2 37828 22463 10005",
        "422/222 222-222.2",
        "41 11 11 11/11 11 11/11",  # as two telephone numbers aren't written
        "+4111111111111111",  # too long for a telephone number
    ],
)
def test_a_number_is_found_among_other_digits(text: str) -> None:
    assert holds_card_number(text)


@pytest.mark.parametrize(
    ("prefixes", "lengths"),
    [
        ("0 1 2199 2206 2220 2721 306 3094 3096 33 35 3527 3590 59 7 80 83 9793", set()),
        ("4 49", {13, 16, 19}),
        ("34 37", {15}),
        ("2205 2221 2720 51 55 81 82 8600 9682 9792 9860", {16}),
        ("9704", {16, 19}),
        ("2200 2204 3528 3589 50 56 58 60 6304 644 65 69", {16, 17, 18, 19}),
        ("300 305 3095 36 38 39", {14, 15, 16, 17, 18, 19}),
    ],
)
def test_a_number_has_a_prefix_of_an_issuer_with_one_of_its_lengths(prefixes: str, lengths: set[int]) -> None:
    for prefix in prefixes.split(" "):
        numbers = {length: with_luhn(prefix.ljust(length - 1, "9")) for length in range(12, 21)}
        assert {length for length, number in numbers.items() if holds_card_number(number)} == lengths, prefix


@given(issued_numbers(), st.data())
def test_every_issuers_numbers_are_found_in_all_groups_that_cards_are_written_in(
    number: str, data: st.DataObject
) -> None:
    sizes = data.draw(group_sizes(len(number)))
    joint = data.draw(st.sampled_from(" -./_–·|"))
    assert could_be_a_card(number)
    assert holds_card_number(f"x {grouped(number, *sizes).replace(' ', joint)} y")


@given(st.from_regex(r"[0-9]{12,20}", fullmatch=True))
def test_digits_all_together_are_a_card_number_if_they_could_be_one(digits: str) -> None:
    assert holds_card_number(digits) is could_be_a_card(digits)


@given(st.sampled_from(ALL_CARDS), st.data())
def test_a_wrong_digit_makes_it_no_card_number(number: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(6, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789"))
    changed = number[:place] + other + number[place + 1 :]
    assert holds_card_number(changed) is (other == number[place])
    assert holds_card_number(changed) is luhn.is_valid(changed)


@given(st.uuids(version=4), st.booleans())
@example(uuid.UUID("f31aeb00-4982-4407-8941-965096ee86ef"), False)
def test_a_random_uuid_numbers_no_card(made: uuid.UUID, is_upper: bool) -> None:
    assert not holds_card_number(f"order {str(made).upper() if is_upper else made}.")


def characters(is_wanted: Callable[[str], object]) -> Iterator[str]:
    return filter(is_wanted, map(chr, range(sys.maxunicode + 1)))


def test_every_character_that_unicode_calls_a_digit_is_read_as_one() -> None:
    missed = []
    for character in characters(lambda character: unicodedata.digit(character, None) is not None):
        rest = f"4{unicodedata.digit(character)}70171010374"
        number = with_luhn(rest + "00")
        if not holds_card_number(number[0] + character + number[2:]):
            missed.append(character)
    assert not missed


def test_whatever_is_no_letter_and_no_digit_may_stand_between_groups() -> None:
    joints = characters(lambda character: unicodedata.category(character)[0] in "PSZM" and ord(character) < 0x20000)
    assert [joint for joint in joints if not holds_card_number(joint.join(["4111", "1111", "1111", "1111"]))] == []


def test_of_a_thousand_identifiers_of_each_kind_at_most_ten_are_refused() -> None:
    rows = card_figures.figures()
    print(f"\n{card_figures.table(rows)}")
    assert {made for _, made, _, _ in rows} == {1000}
    assert all(cards < 150 for _, _, cards, _ in rows)
    assert [row for row in rows if row[3] > 10] == []


# What takes the longest that could be thought of, for a length in characters.
WORK: dict[str, Callable[[int], str]] = {
    "digits": lambda length: "4" * length,
    "digits one by one": lambda length: "4 " * (length // 2),
    "digits one by one that begin no card": lambda length: "1 " * (length // 2),
    "digits in twos": lambda length: "41 " * (length // 3),
    "fours that fail the check": lambda length: "4112 " * (length // 5),
    "numbers that fail the check": lambda length: "4111111111111112 " * (length // 17),
    "card numbers in too long a row": lambda length: "7777 " + "4111 1111 1111 1111 7777 " * (length // 25),
    "parts of a number": lambda length: "4111 1111 1111 x " * (length // 17),
    "twelve digits far apart": lambda length: ("4" + "-" * (length // 12)) * 12,
    "thirteen digits far apart": lambda length: ("4" + "-" * (length // 13)) * 13 + "4",
    "groups far apart": lambda length: ("4111" + "-" * 50) * (length // 54),
    "separators": lambda length: "-" * length,
    "white space": lambda length: " " * length + "4111 1111 1111 1112",
    "beginnings of IBANs": lambda length: "FR14 4111 1111 1111 1112" * (length // 24),
    "beginnings of RF references": lambda length: "RF14 4111 1111 1111 1112" * (length // 24),
    "beginnings of UUIDs": lambda length: "41111111-1111-" * (length // 14),
    "dates": lambda length: "4 1/1/2020 4111 1111 1111 1112 " * (length // 31),
    "decimals": lambda length: "4111111111.1111111" * (length // 18),
    "commas": lambda length: "4111,1111 , " * (length // 12),
    "digits of another script": lambda length: "٤ " * (length // 2),
    "accents": lambda length: "4" + "\u0301" * length,
    "all of Chinese": lambda length: "".join(chr(0x4E00 + place % 20_000) for place in range(length)),
}  # fmt: skip


def seconds(text: str, tries: int = 3) -> float:
    best = float("inf")
    for _ in range(tries):
        before = time.process_time()
        holds_card_number(text)
        best = min(best, time.process_time() - before)
    return best


@pytest.mark.parametrize("make", WORK.values(), ids=WORK.keys())
def test_twice_the_text_is_not_three_times_the_work(make: Callable[[int], str]) -> None:
    once, twice = make(30_000), make(60_000)
    # Below a millisecond the clock counts for more than the text; other work may get in between, but not ten times.
    assert any(seconds(twice) < 3 * max(seconds(once), 0.001) for _ in range(10))
    assert seconds(make(300_000), tries=1) < 3


@given(
    st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=1)), timezone(-timedelta(hours=5))))),
    st.sampled_from((" ", "T")),
)
@example(datetime(1972, 6, 30, 23, 59, 58, 999999, UTC), "T")
def test_a_timestamp_is_no_card_number(moment: datetime, joint: str) -> None:
    if 1900 <= moment.year < 2200:  # 5069 begins like a card's number
        assert not holds_card_number(f"at {moment.isoformat(joint)}")
        assert holds_card_number(f"{moment.isoformat(joint)} {as_printed(ALL_CARDS[0])}")


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("411111111111", 0),
        ("4111111111111", 1),  # 13 digits
        ("4111-1111-1111-1", 1),
        ("411111111111 x 411111111111", 0),
        ("12 x 4111111111111 y 34 z 4111 1111 1111 1111", 2),
    ],
)
def test_only_runs_of_13_digits_are_looked_at(text: str, runs: int) -> None:
    assert len(list(digit_runs(text, Steps()))) == runs


def test_a_card_number_beside_four_groups_of_another_number_is_found_and_beside_three_is_not() -> None:
    card, other = "4111 1111 1111 1111", "9876 5678 9012 5432"  # none of them an expiry date or a year
    assert holds_card_number(f"{other} {card}")
    assert holds_card_number(f"{card} {other}")
    assert not holds_card_number(f"{other[:14]} {card}")


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("12 34 x 5", 3),  # one for each group
        ("4" * 20, 1),  # longer than any card number: nothing else is looked at
        ("4111111111111112", 1 + 2),  # two for each number whose digits are looked at
        ("1/22-333 4444 555", 5 + 2),  # one for each end of groups that are joined alike
    ],
)
def test_each_search_takes_its_steps_and_no_more_than_are_left(text: str, steps: int) -> None:
    def search(left: Steps) -> list[bool]:
        return [run.holds_card_number() for run in digit_runs(text, left)]

    enough = Steps(steps)
    assert not any(search(enough))
    assert enough.left == 0
    with pytest.raises(TooMuchToSearch):
        search(Steps(steps - 1))
