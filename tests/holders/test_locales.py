"""A holder's locale: which tags are accepted, and in which form they are kept."""

import pytest

from chalicelib.holders.locales import LANGUAGES, REGIONS, canonical, language_of
from chalicelib.ledger.money import COUNTRIES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_country_is_a_region_of_every_language_in_any_case(language: str) -> None:
    for region in COUNTRIES:
        tag = f"{language}-{region}"
        assert {canonical(tag), canonical(tag.lower()), canonical(tag.upper())} == {tag}
    assert COUNTRIES < REGIONS


@pytest.mark.parametrize(
    "tag", ["", "-", "-CM", "fr-", "de", "de-CM", "fr-CMR", "fr-120", "en-EU", "en-ß", "ſr", "fr--CM"]
)
def test_another_tag_has_no_canonical_form(tag: str) -> None:
    assert canonical(tag) is None


def test_the_language_of_a_stored_locale_without_words_is_the_first_one() -> None:
    assert [language_of(locale) for locale in ("fr-CM", "en", "en-001", "de", "")] == ["fr", "en", "en", "fr", "fr"]
