"""Identifiers whose digits number no card, by their own checks and forms: IBANs, RF references, UUIDs and others."""

import re
from functools import cache

from chalicelib.ledger.search_steps import Steps

# The length of an IBAN by country: SWIFT's registry (release 101), and, of the countries that use IBANs without being
# in it, those of the list that iban.com and the package `schwifty` call experimental.
_REGISTERED = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_EXPERIMENTAL = {
    25: "AO CV GW MZ", 26: "DZ IR", 27: "CF CG CM GA GQ KM MG TD", 28: "BF BJ CI MA ML NE SN TG",
}  # fmt: skip
IBAN_LENGTHS = {
    country: length
    for lengths in (_REGISTERED, _EXPERIMENTAL)
    for length, countries in lengths.items()
    for country in countries.split()
}

# Two letters, two check digits, and digits or letters in groups: the first lines of an IBAN and of an RF reference.
_CHECKED = re.compile(r"[A-Za-z]{2}[0-9]{2}(?=[\W_]{0,3}[0-9A-Za-z])")
_GROUP_END = re.compile(r"[0-9A-Za-z](?![0-9A-Za-z])")
_NEITHER = re.compile(r"[\W_]")
_MAX_PRINTED = 4 * 34  # with three other characters between two
_MAX_RF_LENGTH = 25  # ISO 11649
_PREFIX = re.compile(r"IBAN[\W_]+", re.IGNORECASE)  # which stands before an IBAN on paper (ISO 13616)
# One random UUID in 350 has digits that pass the Luhn check. What has no letter is no random UUID.
_UUID = re.compile(r"\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b", re.ASCII | re.IGNORECASE)
_NO_LETTER = re.compile("[0-9-]+")
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12][0-9]|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)[0-9]{2}"
# The time of an RFC 3339 timestamp behind its date: with a fraction and an offset it has the digits of a card number.
_TIME = r"[Tt ](?:[01][0-9]|2[0-4]):[0-5][0-9]:[0-6][0-9](?:[.,][0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?(?![0-9])"
_TIMESTAMP = re.compile(rf"(?<![0-9]){_YEAR}-{_MONTH}-{_DAY}{_TIME}")
_DATE = re.compile(
    rf"(?<![0-9])(?:{_YEAR}(?P<a>[-/.]){_MONTH}(?P=a){_DAY}|{_DAY}(?P<b>[-/.]){_MONTH}(?P=b){_YEAR})(?![0-9])"
)
# Latitude and longitude: two numbers below 1,000 with three decimals or more.
_PLACE = re.compile(r"(?<![0-9.])[0-9]{1,3}\.[0-9]{3,}+[,;/ ] ?-?[0-9]{1,3}\.[0-9]{3,}+")
# An account in Czechia and Slovakia: its prefix and its number each have a check digit of their own (mod 11).
_CZECH_ACCOUNT = re.compile(r"(?<![0-9])([0-9]{2,6})-([0-9]{2,10})/[0-9]{4}(?![0-9])")
_CZECH_WEIGHTS = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)  # from the right


def without_known_identifiers(text: str, steps: Steps | None = None) -> str:
    """Return the ASCII `text` with `x` for each identifier that is none of a card.

    They are UUIDs, timestamps, dates, pairs of coordinates, IBANs, RF references and Czech accounts. An IBAN and an RF
    reference (ISO 11649) count if their check digits do (ISO 7064, mod 97-10), printed in groups or in one piece. Takes
    time in proportion to the text, and steps for each beginning of one; raises TooMuchToSearch.
    """
    steps = steps or Steps()
    text = _UUID.sub(lambda one: one[0] if _NO_LETTER.fullmatch(one[0]) else "x", text)
    for pattern in (_TIMESTAMP, _DATE, _PLACE):
        text = pattern.sub("x", text)
    text = _CZECH_ACCOUNT.sub(lambda account: "x" if all(map(_divides_by_11, account.groups())) else account[0], text)
    kept: list[str] = []
    place = 0
    for start in _CHECKED.finditer(text):
        if start.start() >= place and (end := _end(text, start, steps)):
            kept += text[place : start.start()], "x"
            place = end
    return "".join([*kept, text[place:]])


def iban_of(text: str) -> str | None:
    """Return the IBAN that all of a text is, printed in groups or not, without what stands between them; else None."""
    if len(text) > _MAX_PRINTED:
        return None
    plain = undivided(text)
    length = IBAN_LENGTHS.get(plain[:2].upper())
    is_iban = len(plain) == length and plain.isascii() and plain[2:4].isdecimal() and _checks(plain)
    return plain if is_iban else None


def undivided(text: str) -> str:
    """Return the letters and digits of a printed IBAN, or of its beginning."""
    prefix = _PREFIX.match(text)
    return _NEITHER.sub("", text[prefix.end() :] if prefix else text)


def _divides_by_11(number: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(reversed(number), _CZECH_WEIGHTS, strict=False)) % 11 == 0


def _end(text: str, start: re.Match[str], steps: Steps) -> int:
    """Return where the IBAN or RF reference that begins at `start` ends; 0 if none does."""
    steps.take()
    code = start[0][:2].upper()
    if code == "RF":
        return _end_of_rf(text, start, steps)
    length = IBAN_LENGTHS.get(code)
    if length is None:
        return 0
    steps.take(6)
    found = _characters(length).match(text, start.start())
    return found.end() if found and _checks(found[0]) else 0


def _end_of_rf(text: str, start: re.Match[str], steps: Steps) -> int:
    longest = _characters(_MAX_RF_LENGTH, at_most=True).match(text, start.start())
    for end in _GROUP_END.finditer(text, start.end(), longest.end()) if longest else ():
        steps.take(4)
        if _checks(text[start.start() : end.end()]):
            return end.end()
    return 0


@cache
def _characters(count: int, at_most: bool = False) -> re.Pattern[str]:
    """Return the pattern of that many digits and letters, with three other characters between two at most."""
    return re.compile(rf"[0-9A-Za-z](?:[\W_]{{0,3}}[0-9A-Za-z]){{{4 if at_most else count - 1},{count - 1}}}")


def _checks(printed: str) -> bool:
    characters = _NEITHER.sub("", printed)
    as_digits = [str(int(character, 36)) for character in characters[4:] + characters[:4]]
    return int("".join(as_digits)) % 97 == 1
