"""Text that a reader sees: whether anything of it shows on a page."""

import unicodedata

from marshmallow import ValidationError, validate

# Letters and symbols by their category in Unicode, of which nothing shows: fillers of Hangul, the blank of Braille, the
# place of an object, and a note without a head.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc\U0001d159")
BLANK_TEXT = "Must not be blank."


def has_something_visible(text: str) -> bool:
    """Return whether a reader sees anything of the text: a letter, a digit, a sign or a picture.

    Spaces, control and formatting characters (zero width, bidirectional, tags) don't show. Accents and other combining
    marks show only upon a letter. What a private-use or unassigned character looks like, no reader can know.
    """
    return any(unicodedata.category(one)[0] in "LNPS" and one not in _BLANK for one in text)


class Visible(validate.Validator):
    """The rule for a text that is shown to a reader: something of it shows."""

    # What the API's description says of it: a JSON schema has no categories of characters.
    pattern = r".*\S"

    def __call__(self, value: str) -> str:
        if not has_something_visible(value):
            raise ValidationError(BLANK_TEXT)
        return value
