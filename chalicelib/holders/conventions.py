"""The reader's conventions for amounts, dates, times and countries (CLDR, by Babel), and outside text made safe.

`locale` is a holder's: a language, or a language and the region whose conventions these are, like `fr` or `en-GB`.
"""

import copy
import functools
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import NumberPattern, format_decimal, get_currency_name, get_currency_symbol

from chalicelib.holders.french import of_name
from chalicelib.holders.locales import language_of
from chalicelib.holders.zones import zone_name
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
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d])(?=\d)")
_SYMBOL_PLACE = "¤"  # of the currency's symbol, in CLDR's patterns
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
# No language puts more accents on one letter. A hundred of them would cover the lines above and below.
_MARKS_AT_MOST = 3


def money(amount: Decimal, currency: str, locale: str, sign: str = "") -> str:
    """Return the amount as the locale writes it, with the decimals of ISO 4217 (CLDR has others for some currencies).

    `sign` is put before it, like `PLUS`. A negative amount has the sign `MINUS`, and not the hyphen of CLDR.
    """
    written: str = _currency_pattern(locale, currency).apply(abs(amount), locale_of(locale))
    # CLDR wants a space between a currency's letters and a digit; Babel leaves it out.
    return (MINUS if amount < 0 else sign) + _LETTER_BEFORE_DIGIT.sub(_NO_BREAK, written)


def signed(amount: Decimal, currency: str, locale: str) -> str:
    """Return the amount with its sign, plus or minus: +12,00 €, −12,00 €."""
    return money(amount, currency, locale, PLUS)


def currency_heading(currency: str, locale: str) -> str:
    """Return a currency's name and how its amounts show it: Franc CFA (BEAC) – FCFA, Euro – €."""
    name, symbol = (str(of(currency, locale=locale_of(locale))) for of in (get_currency_name, get_currency_symbol))
    return f"{name[:1].upper()}{name[1:]} – {symbol}"


def decimal(number: Decimal, locale: str, decimals: int = 1) -> str:
    """Return a plain number with at most so many decimals: 3,2."""
    return str(format_decimal(number, f"#,##0.{'#' * decimals}", locale_of(locale))).replace("-", MINUS)


def number_marks(locale: str) -> tuple[str, str]:
    """Return the marks before the decimals and between the groups of a number: a comma and a narrow space in French."""
    symbols = locale_of(locale).number_symbols["latn"]
    return symbols["decimal"], symbols["group"]


def numbered(count: int, forms: Mapping[str, str], locale: str) -> str:
    """Return the form of a phrase that goes with the number (CLDR's plural rules), with the number in it.

    `forms` are `one` and `other`, with the place `{count}`: 1 crédit, 2 crédits.
    """
    form = forms.get(locale_of(locale).plural_form(count), forms["other"])
    return form.format(count=decimal(Decimal(count), locale))


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


def days(first: date, last: date, locale: str) -> tuple[str, str]:
    """Return two days as the ends of a range, the first without what the last one says too.

    5, 11 janvier 2026; 29 janvier, 4 février 2026; January 5, 11, 2026 for en-US.
    """
    whole = day(last, locale)
    long = str(locale_of(locale).date_formats["long"].pattern)
    if first.year != last.year or first == last:
        return day(first, locale), whole
    if first.month != last.month:
        return _in_words(first, "MMMMd", locale), whole
    if long.startswith("M"):
        return _in_words(first, "MMMMd", locale), str(format_date(last, "d, y", locale_of(locale)))
    return _with_ordinal(first, str(first.day), locale), whole


def short_day(date: date, locale: str) -> str:
    """Return the date without its year, with a short month: 10 janv."""
    return _in_words(date, "MMMd", locale).replace(" ", _NO_BREAK)


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
    """Return the date and time in the reader's zone, with its name: 10 janvier 2026, 15:00 (heure du Cameroun)."""
    local = local_time(timestamp, timezone)
    zone = local.tzinfo if isinstance(local.tzinfo, ZoneInfo) else ZoneInfo("UTC")
    time = str(format_time(local, "short", zone, locale_of(locale))).replace(" ", _NO_BREAK)
    return f"{day(local, locale)}, {time} ({zone_name(zone.key, locale_of(locale), local)})"


def zone_of(timezone: str, locale: str) -> str:
    """Return the name of a time zone, all the year round: heure du Cameroun, UTC−05:00."""
    return zone_name(timezone, locale_of(locale))


def of(name: str, locale: str) -> str:
    """Return a name as what something comes from or belongs to: d’EAZYCard, de BICEC; of BICEC."""
    return of_name(name) if language_of(locale) == "fr" else f"of {name}"


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
    """Return the last four letters and digits of an account, after an ellipsis from which they don't break.

    Its holder recognizes it, and nobody else can use it. An account that has no more of them is shown whole.
    """
    shown = [character for character in account if character.isalnum()]
    if len(shown) <= 4:
        return re.sub(r"([-._])(?=.)", rf"\1{_WORD_JOINER}", account)
    return f"…{_WORD_JOINER}{''.join(shown[-4:])}"


@functools.cache
def locale_of(name: str) -> Locale:
    """Return CLDR's locale of a holder's: for `en`, and for English in a region that CLDR has none of, the world's.

    CLDR's own `en` is that of the United States, which `en-US` is here.
    """
    language, region = language_of(name), name.partition("-")[2]
    by_itself = "en_001" if language == "en" else language
    try:
        return Locale.parse(f"{language}_{region}" if region else by_itself)
    except UnknownLocaleError:
        return Locale.parse(by_itself)


def _in_words(date: date, skeleton: str, locale: str) -> str:
    return _with_ordinal(date, str(format_skeleton(skeleton, date, locale=locale_of(locale))), locale)


def _with_ordinal(date: date, written: str, locale: str) -> str:
    # French writes "1er" for the first day of a month, and plain numbers for the others. CLDR has no rule for it.
    return f"1er{written[1:]}" if language_of(locale) == "fr" and date.day == 1 else written


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


@functools.cache
def _currency_pattern(locale: str, currency: str) -> NumberPattern:
    """Return the pattern of the currency's amounts, with its symbol: Babel finds symbol and name for each amount."""
    pattern: NumberPattern = copy.copy(locale_of(locale).currency_formats["standard"])
    decimals, symbol = CURRENCY_DECIMALS[currency], get_currency_symbol(currency, locale=locale_of(locale))
    pattern.frac_prec = (decimals, decimals)
    for side in ("prefix", "suffix"):
        setattr(pattern, side, tuple(part.replace(_SYMBOL_PLACE, symbol) for part in getattr(pattern, side)))
    return pattern
