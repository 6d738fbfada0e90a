"""The name of a time zone: a place where there is one, else an offset, in both languages, for every zone of tzdata."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.core import get_global

from chalicelib.holders.holder import LOCALES, TIMEZONES
from chalicelib.holders.zones import zone_name
from chalicelib.ledger.money import COUNTRIES
from tests.french_names import TERRITORIES

WINTER, SUMMER = datetime(2026, 1, 20, 14, tzinfo=UTC), datetime(2026, 7, 20, 14, tzinfo=UTC)
OFFSET = re.compile(r"UTC([+\N{MINUS SIGN}])([0-9]{2}):([0-9]{2})")
# Names of places, as they are written within a sentence.
PLACE = {
    "fr": re.compile(r"heure (de |d’|du |des |de la |de l’)[^\W\d_].*"),
    "en": re.compile(r"[^\W\d_].* time"),
}


def names(locale: str, at: datetime | None) -> dict[str, str]:
    return {zone: zone_name(zone, Locale.parse(locale), at) for zone in sorted(TIMEZONES)}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("at", [WINTER, SUMMER])
def test_every_zone_is_named_by_a_place_or_by_its_offset_of_that_moment(locale: str, at: datetime) -> None:
    found = names(locale, at)
    assert len(found) > 590
    for zone, name in found.items():
        offset = at.astimezone(ZoneInfo(zone)).utcoffset()
        if name == "UTC":
            assert offset == timedelta(0), zone
        elif written := OFFSET.fullmatch(name):
            minutes = int(written[2]) * 60 + int(written[3])
            assert offset == timedelta(minutes=minutes if written[1] == "+" else -minutes) != timedelta(0), zone
        else:
            assert PLACE[locale].fullmatch(name), (zone, name)
            assert not re.search(r"[0-9_/]|GMT|UTC|UCT|Unknown|indétermin|world|monde|\bR\.A\.S\.|SAR\b", name), (
                zone,
                name,
            )


@pytest.mark.parametrize("locale", LOCALES)
def test_without_a_moment_only_zones_whose_clocks_change_have_their_id(locale: str) -> None:
    ids = {zone for zone, name in names(locale, None).items() if name == zone}
    assert ids - {"UTC"} == {"CST6CDT", "EST5EDT", "MST7MDT", "PST8PDT", "CET", "EET", "MET", "WET"}


@pytest.mark.parametrize(
    ("zone", "french", "english"),
    [
        ("Africa/Douala", "heure du Cameroun", "Cameroon time"),
        ("Europe/Paris", "heure de France", "France time"),
        ("Europe/Berlin", "heure d’Allemagne", "Germany time"),
        ("Africa/Abidjan", "heure de Côte d’Ivoire", "Côte d’Ivoire time"),
        ("Africa/Kinshasa", "heure de Kinshasa", "Kinshasa time"),
        ("America/New_York", "heure de New York", "New York time"),
        ("US/Eastern", "heure de New York", "New York time"),
        ("America/Argentina/Buenos_Aires", "heure de Buenos Aires", "Buenos Aires time"),
        ("America/Coyhaique", "heure de Coyhaique", "Coyhaique time"),
        ("Asia/Hong_Kong", "heure de Hong Kong", "Hong Kong time"),
        ("Asia/Dubai", "heure des Émirats arabes unis", "United Arab Emirates time"),
        ("Atlantic/Canary", "heure des îles Canaries", "Canary time"),
        ("Pacific/Easter", "heure de l’île de Pâques", "Easter Island time"),
        ("Europe/Vatican", "heure du Vatican", "Vatican City time"),
        ("Etc/GMT+5", "UTC−05:00", "UTC−05:00"),
        ("Etc/GMT-14", "UTC+14:00", "UTC+14:00"),
        ("Etc/UTC", "UTC", "UTC"),
        ("UTC", "UTC", "UTC"),
        ("GMT0", "UTC", "UTC"),
        ("EST", "UTC−05:00", "UTC−05:00"),
        ("PRC", "heure de Chine", "China time"),
    ],
)
def test_a_zone_s_name_in_each_language(zone: str, french: str, english: str) -> None:
    assert (names("fr", WINTER)[zone], names("en", WINTER)[zone]) == (french, english)


def test_an_offset_follows_the_clocks_of_the_moment() -> None:
    french = Locale.parse("fr")
    assert zone_name("EST5EDT", french, WINTER) == "UTC−05:00"
    assert zone_name("EST5EDT", french, SUMMER) == "UTC−04:00"
    assert zone_name("WET", french, WINTER) == "UTC"


def test_the_rule_of_french_articles_is_checked_for_every_territory_that_has_a_zone() -> None:
    named = {territory for territory in get_global("zone_territories").values() if territory.isalpha()}
    assert (named | COUNTRIES) - TERRITORIES.keys() == {"HK", "MO", "VA", "ZZ"}
