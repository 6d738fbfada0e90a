"""IBANs, RF references and others are recognised by their own checks, and nothing else is taken for them."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649, numdb

from chalicelib.ledger.known_identifiers import IBAN_LENGTHS, without_known_identifiers
from tests.card_figures import BBANS, iban, rf_reference
from tests.cards import grouped

# Published examples of countries that are not in SWIFT's registry.
EXPERIMENTAL = [
    "AO06 0044 0000 6729 5030 1010 2", "BF42 BF08 4010 1300 4635 7400 0390", "BJ66 BJ06 1010 0100 1443 9000 0769",
    "CF42 2000 1000 0101 2006 9700 160", "CG39 3001 1000 1010 1345 1300 019", "CI93 CI00 8011 1301 1342 9120 0589",
    "CM21 1000 2000 3002 7797 6315 008", "CV64 0005 0000 0020 1082 1514 4", "DZ58 0002 1000 0111 3000 0005 70",
    "GA21 4002 1010 0320 0189 0020 126", "GQ70 5000 2001 0037 1522 8190 196", "GW04 GW14 3001 0181 8006 3760 1",
    "IR71 0570 0299 7160 1460 6410 01", "KM46 0000 5000 0100 1090 4400 137", "MA64 0115 1900 0001 2050 0053 4921",
    "MG46 0000 5030 0712 8942 1016 045", "ML13 ML01 6012 0102 6001 0066 8497", "MZ59 0003 0108 0016 3671 0237 1",
    "NE58 NE03 8010 0100 1303 0500 0268", "SN08 SN01 0015 2000 0485 0000 3035", "TD89 6000 2000 0102 7109 1600 153",
    "TG53 TG00 9060 4310 3465 0040 0070",
]  # fmt: skip


def test_the_lengths_of_ibans_are_those_of_swifts_registry() -> None:
    registry = numdb.get("iban")
    for country, length in IBAN_LENGTHS.items():
        ((_, properties),) = registry.info(country)
        if properties:
            assert length == 4 + sum(map(int, re.findall(r"([0-9]+)!", properties["bban"]))), country
    codes = {first + second for first in map(chr, range(65, 91)) for second in map(chr, range(65, 91))}
    assert {code for code in codes if registry.info(code)[0][1]} <= IBAN_LENGTHS.keys()


def test_the_other_lengths_are_those_of_published_examples() -> None:
    lengths = {example[:2]: len(example.replace(" ", "")) for example in EXPERIMENTAL}
    registry = numdb.get("iban")
    assert lengths == {code: length for code, length in IBAN_LENGTHS.items() if not registry.info(code)[0][1]}
    assert {without_known_identifiers(example) for example in EXPERIMENTAL} == {"x"}


@given(st.sampled_from(sorted(BBANS)), st.integers(), st.sampled_from(["", " ", "-", ".", "/"]), st.booleans())
def test_an_iban_is_recognised_however_it_is_printed(country: str, seed: int, joint: str, is_upper: bool) -> None:
    number = grouped(iban(Random(seed), country), 4).replace(" ", joint)
    text = f"IBAN {number if is_upper else number.lower()}, thank you"
    assert without_known_identifiers(text) == "IBAN x, thank you"


@given(st.sampled_from(sorted(BBANS)), st.integers(), st.integers(0, 9), st.data())
def test_an_iban_with_a_wrong_digit_is_none(country: str, seed: int, digit: int, data: st.DataObject) -> None:
    number = iban(Random(seed), country)
    place = data.draw(st.sampled_from([place for place, character in enumerate(number) if character.isdigit()]))
    changed = f"{number[:place]}{digit}{number[place + 1 :]}"
    # Check digits of 00, 01 and 98 or more leave the same remainder as others do.
    is_right = int("".join(str(int(character, 36)) for character in changed[4:] + changed[:4])) % 97 == 1
    assert (without_known_identifiers(changed) == "x") is is_right


@given(st.integers(), st.booleans())
def test_an_rf_reference_that_checks_is_recognised(seed: int, is_printed: bool) -> None:
    reference = rf_reference(Random(seed))
    assert iso11649.is_valid(reference)
    left = without_known_identifiers(grouped(reference, 4) if is_printed else reference)
    # A shorter part checks by chance in one of a hundred: then only that is left out.
    assert left.startswith("x")
    assert left == "x" or iso11649.is_valid(grouped(reference, 4)[: -len(left) + 1].strip())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("FR14 2004 1010 0505 0001 3M02 606 4111 1111", "x 4111 1111"),
        ("4111 1111 FR14 2004 1010 0505 0001 3M02 606", "4111 1111 x"),
        ("IBANFR1420041010050500013M02606REF7", "IBANxREF7"),
        ("CM21 10002 00030 02779763150 08", "x"),
        ("DE89370400440532013000 BE68539007547034", "x x"),
        ("RF18 5390 0754 7034 card 4111", "x card 4111"),
        ("2026-01-10 and 10/01/2026, 10.1.2026", "x and x, x"),
        ("2026-10-22T23:36:57.898799-05:00 4111 1111", "x 4111 1111"),
        ("on 2026-01-10 22:21:00,123 and 2026-01-10T22:21:00Z", "on x and x"),
        ("at 4.0510564,9.7678687 and 52.520008, 13.404954", "at x and x"),
        ("to 19-2000145399/0800, 34278-0727558021/0100", "to x, x"),
        ("f31aeb00-4982-4407-8941-965096ee86ef", "x"),
    ],
)
def test_the_text_around_stays(text: str, left: str) -> None:
    assert without_known_identifiers(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "", "FR", "FR14", "RF18", "FR14 2004 1010 0505 0001 3M02 607", "FR14 2004 1010 0505 0001 3M02 60",
        "XX14 2004 1010 0505 0001 3M02 606", "DE4111111111111111", "RF41 1111 1111 1111 11", "2026-13-10", "41/11/1111",
        "2026-01/10",
        "22:21:00.123456+00:00", "41111111-1111-1111-0000-000000000000",
        "4.05,9.76", "19-2000145398/0800", "18-2000145399/0800",
    ],
)  # fmt: skip
def test_what_fails_its_check_or_form_stays(text: str) -> None:
    assert without_known_identifiers(text) == text
