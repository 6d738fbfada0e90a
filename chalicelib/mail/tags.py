"""The values of an e-mail's tags, in the only characters that SES takes: letters, digits, `_` and `-`.

Ids have dots, and those of statements and digests have `@` (Amazon SES API v2 Reference, "MessageTag").
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_PLAIN = re.compile(r"(?!--)[A-Za-z0-9_-]+")
_ENCODED = "--"


def to_tag(value: str) -> str:
    """Return the tag's value for this text: itself where SES takes it, its base64 after two dashes otherwise."""
    if _PLAIN.fullmatch(value):
        return value
    return _ENCODED + urlsafe_b64encode(value.encode()).decode().rstrip("=")


def from_tag(tag: str) -> str:
    """Return the text that a tag's value stands for; raises ValueError for what `to_tag` never returns."""
    if not tag.startswith(_ENCODED):
        return tag
    encoded = tag.removeprefix(_ENCODED)
    value = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    if to_tag(value) != tag:
        raise ValueError("tag")
    return value
