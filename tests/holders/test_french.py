"""French "de" before names: elision by the sound of the name, and the articles of countries."""

import pytest
from babel import Locale

from chalicelib.holders.french import of_name, of_territory
from tests.french_names import BANKS, TERRITORIES


@pytest.mark.parametrize(("name", "expected"), BANKS.items())
def test_de_before_the_name_of_a_bank(name: str, expected: str) -> None:
    assert of_name(name) == expected


def test_de_before_every_territory() -> None:
    names = Locale.parse("fr").territories
    assert {code: of_territory(code, names[code]) for code in TERRITORIES} == TERRITORIES
