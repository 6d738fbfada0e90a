"""Conditional requests (RFC 9110, 13): entity tags of what is answered, If-Match and If-None-Match."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from chalice.app import Request

from chalicelib.errors import PreconditionFailed

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\uffff]*"'
_TAGS = re.compile(rf"[\s,]*{_TAG}(?:\s*,[\s,]*{_TAG})*[\s,]*")


def entity_tag(answer: Mapping[str, Any]) -> str:
    """Return the strong entity tag of an answer: answers with the same content have the same one."""
    content = json.dumps(answer, sort_keys=True).encode()
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def check_match(request: Request, answer: Mapping[str, Any] | None) -> None:
    """Raise PreconditionFailed if the request has an If-Match that the resource doesn't match.

    `answer` is how the resource would be answered now, None if there is none. `*` matches any that exists. A weak tag,
    and what is no tag, matches nothing.
    """
    wanted = request.headers.get("if-match")
    if wanted is None:
        return
    if answer is None or not (wanted.strip() == "*" or entity_tag(answer) in _strong_tags(wanted)):
        raise PreconditionFailed


def is_known(request: Request, tag: str) -> bool:
    """Return whether the request's If-None-Match names this tag, weak or not: then the client has the answer."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or (bool(_TAGS.fullmatch(known)) and tag in re.findall(r'"[^"]*"', known))


def _strong_tags(header: str) -> set[str]:
    if not _TAGS.fullmatch(header):
        return set()
    return {tag for tag in re.findall(_TAG, header) if not tag.startswith("W/")}
