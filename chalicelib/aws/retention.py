"""How long rows are kept that DynamoDB deletes by itself, by the attribute `expires_at` (seconds since 1970).

DynamoDB deletes a row within days of that time. Until then, readers treat it as gone. A row without the attribute is
kept for good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days rows of the notifications table are kept: notifications, pages of the feed, webhook records."""

    notifications: int = 400
    feed: int = 90
    webhooks: int = 90


KEPT = Retention()


def read_retention(text: str) -> Retention:
    """Return the retention that the data stack's output `KeepDays` says, like "400 90 90"."""
    return Retention(*map(int, text.split()))


def expiry(now: datetime, days: int) -> int:
    """Return the value of `expires_at` for a row that is written now."""
    return int((now + timedelta(days=days)).timestamp())


def is_kept(values: Mapping[str, Any], clock: Clock | None) -> bool:
    """Return whether a stored row is still to be read. Without a clock, every row is."""
    expires_at = values.get("expires_at")
    return clock is None or expires_at is None or int(expires_at) > clock().timestamp()
