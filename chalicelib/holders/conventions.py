"""How an e-mail's reader writes amounts, dates, times and countries (CLDR, by Babel); and outside text made safe."""

import copy
import functools
import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_location
from babel.numbers import NumberPattern, format_decimal

from chalicelib.ledger.money import CURRENCY_DECIMALS

MINUS, PLUS = "\N{MINUS SIGN}", "+"
_NO_BREAK = "\N{NO-BREAK SPACE}"
# Where mail programs see a link in plain text: scheme, host and mail addresses hang together by these, or by what
# browsers take for them (IDNA's other full stops, wide forms).
_LINK_JOINTS = re.compile(r"(?<=\S)([.@:\u3002\uff0e\uff61\uff20\uff1a\ufe52\ufe55\ufe6b])(?=\S)")
# Doubled, they begin a substitution in an SES template. None is done twice; nothing hangs on it this way.
_BRACES = re.compile(r"\{(?=\{)")
_WORD_JOINER = "\N{WORD JOINER}"
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# No language stacks more; a tower of accents would cover the lines around it.
_MARKS_AT_MOST = 3


def money(amount: Decimal, currency: str, locale: str, sign: str = "") -> str:
    """Return the amount as the locale writes it, with ISO 4217's decimals (CLDR's own differ for some)."""
    pattern = _currency_pattern(locale, CURRENCY_DECIMALS[currency])
    written: str = pattern.apply(amount, locale_of(locale), currency=currency, currency_digits=False)
    # CLDR's currency spacing, which Babel leaves out: letters don't touch digits.
    return sign + re.sub(r"(?<=[^\W\d])(?=\d)", _NO_BREAK, written)


def signed(amount: Decimal, currency: str, locale: str) -> str:
    """Return the amount with its sign, whichever that is: +12,00 €, −12,00 €."""
    return money(abs(amount), currency, locale, MINUS if amount < 0 else PLUS)


def decimal(number: Decimal, locale: str) -> str:
    """Return a plain number with at most one decimal: 3,2."""
    return str(format_decimal(number, "#,##0.#", locale_of(locale)))


def elapsed(seconds: Decimal, locale: str) -> str:
    """Return a length of time in words, in its largest fitting unit: 2 minutes."""
    written = format_timedelta(timedelta(seconds=max(1, int(seconds))), threshold=1.5, locale=locale_of(locale))
    return str(written).replace(" ", _NO_BREAK)


def country(code: str, locale: str) -> str:
    """Return a country's name, its code if CLDR doesn't know it."""
    return str(locale_of(locale).territories.get(code, plain(code)))


def day(date: date, locale: str) -> str:
    """Return the date in words: 10 janvier 2026."""
    return _with_ordinal(date, str(format_date(date, "long", locale_of(locale))), locale)


def short_day(date: date, locale: str) -> str:
    """Return the date without its year, as short as can be: 10 janv."""
    written = str(format_date(date, "d MMM" if locale == "fr" else "MMM d", locale_of(locale)))
    return _with_ordinal(date, written, locale)


def local_time(timestamp: datetime, timezone: str) -> datetime:
    """Return the time in the reader's zone; in UTC at the calendar's ends, where the zone's would be out of it."""
    try:
        return timestamp.astimezone(ZoneInfo(timezone))
    except OverflowError:
        return timestamp


def moment(timestamp: datetime, timezone: str, locale: str) -> str:
    """Return the date and time in the reader's zone, which is named: 10 janvier 2026, 15:00 (heure : Cameroun)."""
    local = local_time(timestamp, timezone)
    zone = local.tzinfo if isinstance(local.tzinfo, ZoneInfo) else ZoneInfo("UTC")
    time = format_time(local, "short", zone, locale_of(locale))
    return f"{day(local, locale)}, {time} ({_place(zone.key, locale)})"


def plain(text: str) -> str:
    """Return outside text fit for a line of an e-mail: no control, formatting or bidirectional characters, no
    line ends, no towers of accents, and nothing that a mail program would turn into a link, or SES would fill in."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(_harmless(text))
    text = _LINK_JOINTS.sub(rf"\1{_WORD_JOINER}", " ".join(text.split()))
    return _BRACES.sub(f"{{{_WORD_JOINER}", text)


def shortened(text: str, most: int) -> str:
    """Return the text, cut to so many characters with an ellipsis if it is longer."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def masked(account: str) -> str:
    """Return an account that its holder recognizes and nobody else can use: its last four characters."""
    return account if len(account) <= 4 else f"…{account[-4:]}"


@functools.cache
def locale_of(name: str) -> Locale:
    return Locale.parse(name)


def _with_ordinal(date: date, written: str, locale: str) -> str:
    # French counts a month's first day, and none of the others (CLDR doesn't say so).
    return f"1er{written[1:]}" if locale == "fr" and date.day == 1 else written


def _harmless(text: str) -> list[str]:
    kept = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if character.isspace():
            kept.append(" ")
        elif marks <= _MARKS_AT_MOST and unicodedata.category(character) not in _INVISIBLE:
            kept.append(character)
    return kept


@functools.lru_cache(maxsize=1_000)
def _place(timezone: str, locale: str) -> str:
    return "UTC" if timezone == "UTC" else str(get_timezone_location(ZoneInfo(timezone), locale_of(locale)))


@functools.cache
def _currency_pattern(locale: str, decimals: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(locale_of(locale).currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern
