"""Text in plain characters: each digit, in any script and form, as 0 to 9."""

import unicodedata
from functools import lru_cache

# Letters that show nothing: Hangul's fillers.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")


def in_plain_characters(text: str) -> str:
    """Return `text` in ASCII, for finding numbers in it, not for showing it.

    Digits of all scripts and forms (full-width, circled, superscript, mathematical, Chinese) become 0 to 9, full-width
    letters become Latin letters, and every other letter becomes `x`. What a reader doesn't see, or sees as a part of a
    digit (zero-width characters, variation selectors, keycaps, accents, control characters), is left out. White space
    becomes a space, everything else a dash.
    """
    return "".join(map(_plain, text))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category[0] in "MC" or character in _FILLERS:  # marks; control, format, private and unassigned characters
        return ""
    if character.isascii():
        return character
    value = unicodedata.numeric(character, -1)
    if value in range(10):
        return str(int(value))
    if category[0] == "L" and category != "Lm":  # modifier letters are strokes: ー, ـ
        folded = unicodedata.normalize("NFKC", character)
        return folded if folded.isascii() and len(folded) == 1 else "x"
    return "-"
