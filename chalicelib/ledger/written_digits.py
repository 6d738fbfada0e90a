"""Text in plain characters: each digit, in any script and form, as 0 to 9."""

import sys
import unicodedata

# Letters that show nothing: Hangul's fillers.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
# What each character becomes, by its code; filled as characters come, so that each is looked up once in a process.
_PLAIN = bytearray(sys.maxunicode + 1)
_UNKNOWN, _NOTHING = "\0", "\1"


def in_plain_characters(text: str) -> str:
    """Return `text` in ASCII, for finding numbers in it, not for showing it.

    Digits of all scripts and forms (full-width, circled, superscript, mathematical, Chinese) become 0 to 9, full-width
    letters become Latin letters, and every other letter becomes `x`. What a reader doesn't see, or sees as a part of a
    digit (zero-width characters, variation selectors, keycaps, accents, control characters), is left out. White space
    becomes a space, everything else a dash.
    """
    plain = text.translate(_PLAIN)
    if _UNKNOWN in plain:
        for character in set(text):
            if not _PLAIN[ord(character)]:
                _PLAIN[ord(character)] = ord(_plain(character) or _NOTHING)
        plain = text.translate(_PLAIN)
    return plain.replace(_NOTHING, "")


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
