"""Reading the body of a form that was sent to the holder's page."""

import re
from urllib.parse import parse_qs

from chalice.app import Request

from chalicelib.api.preferences_form import Fields
from chalicelib.errors import BodyTooLarge

MAX_BYTES = 64 * 1024
_MAX_FIELDS = 500
# Of a multipart body. The pages' own forms are urlencoded; RFC 8058's has one part.
_MAX_PARTS = 50
_MAX_HEAD_BYTES = 1024
_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(
    rb'^content-disposition: *form-data; *name="([^"\r\n]*)"(?:; *filename="[^"\r\n]*")?\r?$',
    re.IGNORECASE | re.MULTILINE,
)


def form_fields(request: Request) -> Fields:
    """Return the fields of a form's body; none if the body isn't a form. Raises BodyTooLarge.

    A body of another type, or of none, is read as if it was urlencoded: not all mail programs name the type.
    """
    body: bytes = request.raw_body or b""
    if len(body) > MAX_BYTES:
        raise BodyTooLarge(MAX_BYTES)
    media_type: str = request.headers.get("content-type", "")
    if media_type.lower().startswith("multipart/form-data"):
        return _of_multipart(media_type, body)
    try:
        return parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}


def _of_multipart(media_type: str, body: bytes) -> Fields:
    """Return the fields as browsers write them (RFC 7578); none if anything is written otherwise.

    By hand, because the standard library's reader takes quadratic time, and raises what it doesn't name.
    """
    boundary = _BOUNDARY.search(media_type)
    if boundary is None:
        return {}
    delimiter = b"\r\n--" + (boundary[1] or boundary[2]).encode(errors="replace")
    _preamble, *parts = (b"\r\n" + body).split(delimiter, _MAX_PARTS + 1)
    if not parts or not parts.pop().startswith(b"--"):
        return {}
    found: dict[str, list[str]] = {}
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head) if len(head) <= _MAX_HEAD_BYTES and head.startswith(b"\r\n") else None
        if name is None:
            return {}
        found.setdefault(name[1].decode(errors="replace"), []).append(content.decode(errors="replace"))
    return found
