"""A search that costs too much ends, and where it ends depends on nothing but the text."""

import pytest

from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.search_steps import Steps, TooMuchToSearch


def taken(text: str) -> int:
    steps = Steps(100_000)
    assert not holds_card_number(text, steps)
    return 100_000 - steps.left


def test_steps_are_counted_down_to_none_and_not_further() -> None:
    steps = Steps(3)
    steps.take(2)
    steps.take()
    with pytest.raises(TooMuchToSearch):
        steps.take()


@pytest.mark.parametrize(
    "text",
    [
        "Achat par carte à la boulangerie Akwa, le 10 janvier à 12:30 " * 50,
        "4111 11** **** 1111",
        "x" * 10_000,
        "4 4 4",
    ],
)
def test_a_text_that_can_hold_no_card_number_takes_no_step(text: str) -> None:
    assert taken(text) == 0


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("FR14 2004 1010 0505 0001 3M02 606", 30),
        ("RF18 5390 0754 7034", 30),
        ("10002 00030 02779763150 08", 20),
        ("Virement 699001122 / 677889900 du 10/01/2026, SIRET 732 829 320 00074", 40),
    ],
)
def test_a_printed_identifier_takes_few(text: str, most: int) -> None:
    assert 0 < taken(text) <= most


@pytest.mark.parametrize(
    "piece",
    [
        "4112 ",
        "4 ",
        "4111111111111112 ",
        "RF18 5390 0754 7033 ",
        "FR76 4112 1111 1111 1111 1112 ",
        "\u0664 ",
        "4-4112-",
    ],
)
def test_what_is_searched_in_earnest_takes_steps_in_proportion_and_ends(piece: str) -> None:
    once, twice = (taken(piece * (length // len(piece))) for length in (2_000, 4_000))
    assert once > 200
    assert 1.8 * once < twice < 2.2 * once
    with pytest.raises(TooMuchToSearch):
        holds_card_number(piece * 2_000, Steps(400))


def test_a_card_number_is_found_within_the_steps() -> None:
    assert holds_card_number("4111 1111 1111 1111", Steps(30))
