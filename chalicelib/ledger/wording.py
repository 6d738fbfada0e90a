"""Free text as it is kept: one form for all spellings of the same, without what no reader and no queue can take."""

import re
import unicodedata

# Tabs and line ends count as spaces and are none of these. U+FFFD stands where the gateway found bytes that are no
# UTF-8: what was sent is lost. U+FFFE and U+FFFF are no characters, and SQS takes no message that holds one.
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffd-\uffff]")
# No script needs as many on one character (Unicode Annex 15, stream-safe text); to bring thousands of them into one
# order takes a time that grows with their square.
_MOST_MARKS = 30
_TOO_MANY_MARKS = re.compile(rb"[^\0]{%d}([^\0]+)" % _MOST_MARKS)
_MAY_BE_MARKS = re.compile(f"[\u0300-\U0010ffff]{{{_MOST_MARKS + 1}}}")
UNREADABLE = (
    "Had control characters, half a surrogate pair, U+FFFD to U+FFFF, or more than 30 accents on one character: "
    "they are left out."
)
_JOINER = "\u200d"  # joins emoji to one
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def is_normal(text: str) -> bool:
    """Whether a text is quickly seen to be as `normalised` returns it. Emoji and some scripts are not."""
    return (
        text.isprintable()
        and "  " not in text
        and text[:1] != " "
        and text[-1:] != " "
        and (
            text.isascii()
            or ("\ufffd" not in text and not _surplus_marks(text) and unicodedata.is_normalized("NFC", text))
        )
    )


def normalised(text: str) -> str:
    """Return the text in NFC without what is unreadable, each run of white space as one space, none at the ends."""
    text = unicodedata.normalize("NFC", _without_surplus(_UNREADABLE.sub("", text)))
    return " ".join(_without_surplus(text).split())  # NFC takes some characters apart, and so adds an accent


def is_readable(text: str) -> bool:
    """Whether a text has nothing that `normalised` leaves out, but for white space."""
    return _UNREADABLE.search(text) is None and not _surplus_marks(text)


def _without_surplus(text: str) -> str:
    place, kept = 0, list[str]()
    for start, end in _surplus_marks(text):
        kept.append(text[place:start])
        place = end
    return "".join([*kept, text[place:]]) if kept else text


def _surplus_marks(text: str) -> list[tuple[int, int]]:
    """Return where there are accents beyond those that one character can have."""
    if _MAY_BE_MARKS.search(text) is None:
        return []
    classes = bytes(map(unicodedata.combining, text))  # 0: not combined with the character before
    return [found.span(1) for found in _TOO_MANY_MARKS.finditer(classes)]


def cut(text: str, length: int) -> str:
    """Return a normalised text's beginning of at most so many code points, to the end of a whole character."""
    if len(text) <= length:
        return text
    end = length
    while end > 0 and (_continues(text[end]) or text[end - 1] == _JOINER):
        end -= 1
    return text[: end or length].rstrip(" ")


def _continues(character: str) -> bool:
    """Whether a character is shown as a part of the one before it."""
    return unicodedata.category(character)[0] == "M" or character == _JOINER or character in _SKIN_TONES
