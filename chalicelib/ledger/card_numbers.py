"""Card numbers: whether a text holds what can be a full one."""

import re
import unicodedata
from collections import deque

# What a reader doesn't see between two digits, or sees as a part of one: Unicode's Default_Ignorable_Code_Point
# (soft hyphens, zero-width and bidirectional characters, variation selectors, tags), accents, and keycaps.
_INVISIBLE = re.compile(
    r"[\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u20d0-\u20f0\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
# One random UUID in 350 has digits that pass the check by chance. What has no letter is no random UUID.
_UUID = re.compile(r"\b(?=[\d-]{0,35}[a-f])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b", re.ASCII | re.IGNORECASE)
_MIN_CARD_DIGITS, _MAX_CARD_DIGITS = 13, 19
# Groups of digits joined by a few spaces or dashes, with enough digits in all: how people and systems write card
# numbers. It is tried at a run's first digit only, and never gives back what it has matched: long runs would cost time
# and memory.
_SEPARATORS = r"\s\-\u2010-\u2015\u2043\u2212\u30fc\ufe58\ufe63\uff0d"
_DIGIT_GROUPS = re.compile(rf"(?<!\d)\d(?:[{_SEPARATORS}]{{0,3}}+\d){{{_MIN_CARD_DIGITS - 1},}}+")
_DIGITS = re.compile(r"\d+")


def holds_card_number(text: str) -> bool:
    """Whether `text` has 13 to 19 digits that pass the Luhn check, written together or in groups.

    Any script's decimal digits count, and every run of neighbouring groups is tried, so that an expiry date
    behind the number doesn't hide it. A UUID numbers no card, whatever its digits. Takes time in proportion to
    the text.
    """
    if len(text) < _MIN_CARD_DIGITS:
        return False
    visible = text if text.isascii() else _INVISIBLE.sub("", text)
    if _DIGIT_GROUPS.search(visible) is None:
        return False
    return any(map(_numbers_a_card, _DIGIT_GROUPS.findall(_UUID.sub("uuid", visible))))


def _numbers_a_card(run: str) -> bool:
    # Luhn's sums (ISO/IEC 7812-1, annex B) over all digits so far, with those at even or those at odd places
    # doubled: the sum over any stretch, whose last digit is not doubled, is the difference of two of them.
    sums, place = [0, 0], 0
    starts = deque[tuple[int, list[int]]]()  # where a number could begin, and the sums there: no more than fit one
    for group in _DIGITS.finditer(run):
        if len(group[0]) > _MAX_CARD_DIGITS:
            starts.clear()
            continue
        starts.append((place, sums.copy()))
        for digit in map(unicodedata.decimal, group[0]):
            sums[place % 2] += digit * 2 - 9 * (digit > 4)
            sums[1 - place % 2] += digit
            place += 1
        while place - starts[0][0] > _MAX_CARD_DIGITS:
            starts.popleft()
        for start, before in starts:
            if place - start < _MIN_CARD_DIGITS:
                break
            total = sums[place % 2] - before[place % 2]
            # Zero alone passes the sum but numbers no card.
            if total % 10 == 0 and total > 0:
                return True
    return False
