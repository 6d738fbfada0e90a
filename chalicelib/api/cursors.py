"""Page cursors: signed, and valid only for the listing for which they were issued."""

from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from chalicelib.errors import InvalidCursor


def sign(secret: str, listing: list[Any], position: str) -> str:
    """Return the cursor for the page after `position`. `listing` are the JSON values that identify the listing."""
    return str(URLSafeSerializer(secret, salt="cursor").dumps([listing, position]))


def position_in(cursor: str, secret: str, listing: list[Any]) -> str:
    """Return the cursor's position; raises InvalidCursor if it is forged or of another listing."""
    try:
        issued_for, position = URLSafeSerializer(secret, salt="cursor").loads(cursor)
    except (BadData, ValueError, TypeError):
        raise InvalidCursor from None
    if issued_for != listing:
        raise InvalidCursor
    return str(position)
