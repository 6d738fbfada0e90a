"""How many webhooks a host gets in a moment, however many banks and endpoints name it."""

from datetime import datetime
from urllib.parse import urlsplit

# For each copy of the sender. There are at most 20 (app.py), so a host gets at most 200 posts a second.
A_SECOND = 10.0
AT_ONCE = 20.0
_HOSTS = 10_000


class HostRate:
    """Counts this process's posts by host ("token buckets"): `AT_ONCE` in one moment, and then `A_SECOND`."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, datetime]] = {}

    def takes(self, url: str, now: datetime) -> bool:
        """Return whether the URL's host takes one more post now, and count it."""
        host = (urlsplit(url).hostname or "").lower()
        left, since = self._left.pop(host, (AT_ONCE, now))
        left = min(AT_ONCE, left + (now - since).total_seconds() * A_SECOND)
        self._left[host] = (max(left - 1, 0), now) if left >= 1 else (left, now)
        if len(self._left) > _HOSTS:
            del self._left[next(iter(self._left))]  # the one that was asked about longest ago: by now it is full again
        return left >= 1
