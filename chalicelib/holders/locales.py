"""A holder's `locale`: the language of the words, and where it names a region, whose conventions to write by.

It is a BCP 47 tag of a language and, if given, a region: `fr`, `fr-CM`, `en-GB`. Without Babel, so that the API starts
without it; `conventions` finds CLDR's data for a locale.
"""

from typing import Any

from marshmallow import ValidationError, fields

from chalicelib.ledger.money import COUNTRIES

# The languages in which there are words. The first one is for what is in no other.
LANGUAGES = ("fr", "en")
# BCP 47 has regions of UN M.49 too: the world and Europe, for which CLDR has an English.
REGIONS = COUNTRIES | {"001", "150"}
ACCEPTED = (
    "Must be fr or en, by itself or with a country of ISO 3166-1 (two letters) after a hyphen, like fr-CM or en-GB."
)


class LocaleTag(fields.String):
    """A locale in any case, read into its canonical one: `FR-cm` is `fr-CM`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = canonical(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise ValidationError(ACCEPTED)
        return found


def canonical(tag: str) -> str | None:
    """Return a locale in the case that BCP 47 gives it, like `fr-CM`; None if its language or region is unknown."""
    language, hyphen, region = tag.partition("-")
    language, region = language.lower(), region.upper()
    # No other letter may become an ASCII one: the dotless i has a capital I.
    if not tag.isascii() or language not in LANGUAGES or (region not in REGIONS if hyphen else region):
        return None
    return f"{language}{hyphen}{region}"


def language_of(locale: str) -> str:
    """Return the language of a locale's words: `fr` of `fr-CM`. One in which there are no words has the first."""
    language = locale.partition("-")[0]
    return language if language in LANGUAGES else LANGUAGES[0]
