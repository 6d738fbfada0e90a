"""The reader's conventions for amounts, dates, times and countries (CLDR, by Babel), and outside text made safe.

`locale` is the reader's language, like `fr`.
"""

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
# Mail programs make a link of a text that one of these characters joins: `a.example`, `a@b`, `https:`. Browsers read
# IDNA's other full stops and the wide forms as the same characters.
_LINK_JOINTS = re.compile(r"(?<=\S)([.@:\u3002\uff0e\uff61\uff20\uff1a\ufe52\ufe55\ufe6b])(?=\S)")
# Two braces begin a substitution in an SES template. SES substitutes only once, so a text with braces does no harm
# there today; with this, it can't do any.
_BRACES = re.compile(r"\{(?=\{)")
_WORD_JOINER = "\N{WORD JOINER}"
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# No language puts more accents on one letter. A hundred of them would cover the lines above and below.
_MARKS_AT_MOST = 3


def money(amount: Decimal, currency: str, locale: str, sign: str = "") -> str:
    """Return the amount as the locale writes it, with the decimals of ISO 4217 (CLDR has others for some currencies).

    `sign` is put before it, like `PLUS`.
    """
    pattern = _currency_pattern(locale, CURRENCY_DECIMALS[currency])
    written: str = pattern.apply(amount, locale_of(locale), currency=currency, currency_digits=False)
    # CLDR wants a space between a currency's letters and a digit; Babel leaves it out.
    return sign + re.sub(r"(?<=[^\W\d])(?=\d)", _NO_BREAK, written)


def signed(amount: Decimal, currency: str, locale: str) -> str:
    """Return the amount with its sign, plus or minus: +12,00 €, −12,00 €."""
    return money(abs(amount), currency, locale, MINUS if amount < 0 else PLUS)


def decimal(number: Decimal, locale: str) -> str:
    """Return a plain number with at most one decimal: 3,2."""
    return str(format_decimal(number, "#,##0.#", locale_of(locale)))


def elapsed(seconds: Decimal, locale: str) -> str:
    """Return a length of time in words, in the largest unit that fits: 2 minutes. The shortest is one second."""
    written = format_timedelta(timedelta(seconds=max(1, int(seconds))), threshold=1.5, locale=locale_of(locale))
    return str(written).replace(" ", _NO_BREAK)


def country(code: str, locale: str) -> str:
    """Return the name of a country (ISO 3166-1 alpha-2); its code if CLDR has no name for it."""
    return str(locale_of(locale).territories.get(code, plain(code)))


def day(date: date, locale: str) -> str:
    """Return the date in words: 10 janvier 2026."""
    return _with_ordinal(date, str(format_date(date, "long", locale_of(locale))), locale)


def short_day(date: date, locale: str) -> str:
    """Return the date without its year, with a short month: 10 janv."""
    written = str(format_date(date, "d MMM" if locale == "fr" else "MMM d", locale_of(locale)))
    return _with_ordinal(date, written, locale)


def local_time(timestamp: datetime, timezone: str) -> datetime:
    """Return the time in the reader's time zone (IANA).

    Returns it unchanged where the zone's time has no date in Python's calendar: in the first hours of the year 1, and
    in the last of 9999.
    """
    try:
        return timestamp.astimezone(ZoneInfo(timezone))
    except OverflowError:
        return timestamp


def moment(timestamp: datetime, timezone: str, locale: str) -> str:
    """Return the date and time in the reader's zone, with its name: 10 janvier 2026, 15:00 (heure : Cameroun)."""
    local = local_time(timestamp, timezone)
    zone = local.tzinfo if isinstance(local.tzinfo, ZoneInfo) else ZoneInfo("UTC")
    time = format_time(local, "short", zone, locale_of(locale))
    return f"{day(local, locale)}, {time} ({_zone_name(zone.key, locale)})"


def plain(text: str) -> str:
    """Return text from outside, made safe for one line of an e-mail.

    The result has no control, formatting or bidirectional characters, no line ends, at most three accents on a letter,
    nothing that a mail program makes a link of, and nothing that SES would substitute.
    """
    if not (text.isascii() and text.isprintable()):
        text = "".join(_harmless_characters(text))
    text = _LINK_JOINTS.sub(rf"\1{_WORD_JOINER}", " ".join(text.split()))
    return _BRACES.sub(f"{{{_WORD_JOINER}", text)


def shortened(text: str, most: int) -> str:
    """Return the text, cut to at most `most` characters; a cut text ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def masked(account: str) -> str:
    """Return the last four characters of an account: its holder recognizes it, and nobody else can use it."""
    return account if len(account) <= 4 else f"…{account[-4:]}"


@functools.cache
def locale_of(name: str) -> Locale:
    """Return Babel's locale of a language, like `fr`."""
    return Locale.parse(name)


def _with_ordinal(date: date, written: str, locale: str) -> str:
    # French writes "1er" for the first day of a month, and plain numbers for the others. CLDR has no rule for it.
    return f"1er{written[1:]}" if locale == "fr" and date.day == 1 else written


def _harmless_characters(text: str) -> list[str]:
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
def _zone_name(timezone: str, locale: str) -> str:
    return "UTC" if timezone == "UTC" else str(get_timezone_location(ZoneInfo(timezone), locale_of(locale)))


@functools.cache
def _currency_pattern(locale: str, decimals: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(locale_of(locale).currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern
