"""What is wrong with JSON that can't be read, in words that a person who writes JSON understands."""

from json import JSONDecodeError

# What the standard library says of bad JSON, and what we say instead.
_ERRORS = (
    (
        "Expecting value",
        "a value is expected: a text in double quotes, a number, an object, a list, true, false or null",
    ),
    ("Expecting property name", "a name in double quotes is expected"),
    ("Expecting ':'", "a colon is expected after the name"),
    ("Expecting ','", "a comma is expected, or the end of the object or list"),
    ("Extra data", "there is more after the end of the object"),
    ("Unterminated string", "the text that begins here has no end"),
    (
        "Invalid control character",
        "a line end, tab or other control character stands in a text: write it as \\n or \\t",
    ),
    ("Invalid \\", "JSON doesn't know this escape"),
    ("Illegal trailing comma", "nothing follows this comma: leave it out"),
)


def expected_at(error: JSONDecodeError) -> str:
    """Return what is expected at the place of the error."""
    return next((ours for theirs, ours in _ERRORS if error.msg.startswith(theirs)), "something else is expected")
