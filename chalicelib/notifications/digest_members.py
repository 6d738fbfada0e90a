"""Which notifications a digest's e-mail tells, in DynamoDB: beside the digest's own note, some hundred ids in an item.

It is noted before SES is asked. So a mailer that takes over knows what an e-mail that SES has accepted had told, and
SES's feedback on it finds all that it concerns.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.dynamo import batch_get, batch_put, to_item
from chalicelib.aws.retention import KEPT, Clock, expiry
from chalicelib.notifications.state import NotificationKey

MAX_MEMBERS = 5_000
_IDS_AN_ITEM = 500


class DigestMembers:
    """All methods raise TemporarilyUnavailable."""

    def __init__(
        self, client: Any, table: str, clock: Clock | None = None, kept_days: int = KEPT.notifications
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._kept_days = kept_days

    def put(self, digest: NotificationKey, ids: Sequence[str]) -> None:
        """Note the transactions, at most 5,000, in place of what was noted before."""
        parts = list(batches(ids, _IDS_AN_ITEM)) or [[]]
        expires_at = expiry(self._clock(), self._kept_days) if self._clock else None
        items = [
            to_item(
                {
                    **_key(digest, number),
                    "members": json.dumps(part),
                    "items": len(parts),
                    "expires_at": expires_at,
                }
            )
            for number, part in enumerate(parts)
        ]
        batch_put(self._client, self._table, items[1:])
        # Last: it says how many items count, so that there is either what was before or all of this.
        batch_put(self._client, self._table, items[:1])

    def of(self, digest: NotificationKey) -> list[NotificationKey]:
        """Return the notifications, read consistently in one call; none of a digest that wasn't sent."""
        keys = (to_item(_key(digest, number)) for number in range(MAX_MEMBERS // _IDS_AN_ITEM))
        stored = {values["holder"]: values for values in batch_get(self._client, self._table, keys)}
        first = stored.get(_key(digest, 0)["holder"])
        if first is None:
            return []
        parts = (stored[_key(digest, number)["holder"]] for number in range(int(first["items"])))
        ids = (id_ for part in parts for id_ in json.loads(part["members"]))
        return [replace(digest, transaction=id_) for id_ in ids]


def _key(digest: NotificationKey, number: int) -> dict[str, str]:
    return digest.item_key(f"#members#{number}")
