"""Page cursors: signed, and good only for the listing that they were issued for."""

from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from chalicelib.errors import InvalidCursor


def sign(secret: str, listing: list[Any], position: str) -> str:
    """Return the cursor that continues `listing` (JSON values that identify it) at `position`."""
    return str(URLSafeSerializer(secret, salt="cursor").dumps([listing, position]))


def position_in(cursor: str, secret: str, listing: list[Any]) -> str:
    """Return the cursor's position; raises InvalidCursor for a forged one or another listing's."""
    try:
        issued_for, position = URLSafeSerializer(secret, salt="cursor").loads(cursor)
    except (BadData, ValueError, TypeError):
        raise InvalidCursor from None
    if issued_for != listing:
        raise InvalidCursor
    return str(position)
