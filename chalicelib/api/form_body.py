"""Reading the body of a form that was sent to the holder's page."""

import email
import email.policy
from urllib.parse import parse_qs

from chalice.app import Request

from chalicelib.api.preferences_form import Fields
from chalicelib.errors import BodyTooLarge

MAX_BYTES = 64 * 1024
_MAX_FIELDS = 500


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
    # RFC 8058 prefers this type. It is a MIME message, which the standard library reads.
    header = f"Content-Type: {media_type}\r\n\r\n".encode(errors="replace")
    message = email.message_from_bytes(header + body, policy=email.policy.HTTP)
    found: dict[str, list[str]] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            content = part.get_payload(decode=True)
            found.setdefault(name, []).append(content.decode(errors="replace") if isinstance(content, bytes) else "")
    return found
