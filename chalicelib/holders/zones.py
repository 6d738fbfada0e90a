"""The name of a time zone in the reader's language (CLDR, by Babel): its place, or its offset from UTC.

CLDR names zones by places, and some have none: `Etc/GMT+5`, whose sign is the reverse of the offset's, `EST5EDT`, or a
zone that is newer than CLDR's data. These are never an "Unknown Region": they have their offset, or their city alone.
"""

import functools
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location

from chalicelib.holders.french import of_name, of_territory

# Zones of a rule and not of a place. CLDR takes some of them for a city's: `EST` for that of Panama.
_OF_NO_PLACE = re.compile(r"(?!PRC|ROC|ROK)[A-Z]{3}([0-9][A-Z]{3})?|Factory|.*(GMT|UCT|UTC|Greenwich|Universal|Zulu).*")
# CLDR's primaryZones, which Babel leaves out: the time of such a territory is that of this one of its zones.
_PRIMARY = {
    *("America/Guayaquil", "America/Santiago", "Asia/Kuala_Lumpur", "Asia/Nicosia", "Asia/Shanghai", "Asia/Tashkent"),
    *("Europe/Berlin", "Europe/Kyiv", "Europe/Lisbon", "Europe/Madrid"),
    *("Pacific/Auckland", "Pacific/Majuro", "Pacific/Tahiti"),
}
# For these, CLDR has the long names of treaties first.
_SHORT = {
    "en": {"HK": "Hong Kong", "MO": "Macao"},
    "fr": {"HK": "Hong Kong", "MO": "Macao", "VA": "Vatican"},
}
# Among CLDR's cities are islands, and these have an article in French.
_ISLANDS_IN_FRENCH = {
    "Açores": "des Açores",
    "Galápagos": "des Galápagos",
    "Île de Pâques": "de l’île de Pâques",
    "Îles Canaries": "des îles Canaries",
}


def zone_name(timezone: str, locale: Locale, at: datetime | None = None) -> str:
    """Return the name of a zone (IANA) within a sentence: heure du Cameroun, New York time, UTC−05:00.

    An offset is that of the moment `at`. Without a moment, a zone that has no place, and not the same offset all the
    year round, is named by its own id, like `CET`.
    """
    if place := _place_time(timezone, locale):
        return place
    zone = ZoneInfo(timezone)
    if at is not None:
        return _offset(at.astimezone(zone))
    year = {_offset(datetime(2026, month, 1, tzinfo=zone)) for month in (1, 7)}
    return year.pop() if len(year) == 1 else timezone


def _offset(local: datetime) -> str:
    delta = local.utcoffset()
    minutes = round(delta.total_seconds() / 60) if delta else 0
    hours, rest = divmod(abs(minutes), 60)
    sign = "\N{MINUS SIGN}" if minutes < 0 else "+"
    return f"UTC{sign}{hours:02}:{rest:02}" if minutes else "UTC"


@functools.lru_cache(maxsize=1_000)
def _place_time(timezone: str, locale: Locale) -> str:
    """Return the zone's name by its territory, by its city where the territory has others, or empty."""
    if _OF_NO_PLACE.fullmatch(timezone):
        return ""
    zone = get_global("zone_aliases").get(timezone, timezone)
    territory = get_global("zone_territories").get(zone, "001")
    zones = get_global("territory_zones").get(territory, ())
    is_french = locale.language == "fr"
    if territory not in ("001", "ZZ") and (len(zones) == 1 or zone in _PRIMARY):
        name = _SHORT[locale.language].get(territory) or locale.territories[territory]
        return f"heure {of_territory(territory, name)}" if is_french else f"{name} time"
    # Where CLDR has no better name, it is the rest of the zone's: Argentina/Buenos Aires.
    city = get_timezone_location(ZoneInfo(timezone), locale, return_city=True).rpartition("/")[2]
    return f"heure {_ISLANDS_IN_FRENCH.get(city) or of_name(city)}" if is_french else f"{city} time"
