"""What waits for digests, in DynamoDB: in the table of due notices, a partition for each holder.

A digest itself is due like any notice (`due`), a moment after it closes: until then, a mailer that decided before it
closed has put its entries.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.aws.dead_letters import Letter, SetAside
from chalicelib.aws.dynamo import Item, batch_delete, batch_put, queried, to_item
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.times import sortable
from chalicelib.notifications import notice as notices
from chalicelib.notifications.digest import Digest, DigestNotice, Entry, to_payload
from chalicelib.notifications.due import DueEntry, DueRepository

# A mailer takes 12 seconds from its decision to the end of its part, and is killed after 20; the rest is for clocks
# that differ.
CLOSED_FOR = timedelta(seconds=30)
# DynamoDB's own broom: as long as a dead letter is kept, with which an operator sends a digest through again.
_KEPT_FOR = timedelta(days=14)


class DigestRepository:
    """The entries of all digests, and which digests are due. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._due = DueRepository(client, table)

    def put(self, entries: Iterable[Entry]) -> None:
        """Keep the entries until their digests are due. Putting them again changes nothing."""
        entries = list(entries)
        # The digests first: an entry of a mailer that dies here is found by its digest, and removed if it was told.
        for digest in dict.fromkeys(entry.digest for entry in entries):
            self.put_off(DigestNotice(digest), digest.closes_at + CLOSED_FOR)
        batch_put(self._client, self._table, map(_item, entries))

    def put_off(self, notice: DigestNotice, until: datetime) -> None:
        """Have the digest come back at that time. Later than now by so much that no release is done with its hour."""
        self._due.put([DueEntry(until, "#".join(notice.key.item_key().values()), json.dumps(to_payload(notice)))])

    def entries(self, digest: Digest, at_most: int, letters: list[Letter]) -> tuple[list[Entry], list[str]]:
        """Return the first entries of the digest, in the order of their transactions' ids, read consistently.

        The second list has the ids of those that can't be read; they are added to `letters`.
        """
        found, unreadable = [], []
        stored = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="due_hour = :holder AND begins_with(due, :digest)",
            ExpressionAttributeValues=to_item({":holder": _partition(digest), ":digest": _prefix(digest)}),
            ConsistentRead=True,
        )
        for values in stored:
            unread = len(letters)
            with SetAside(letters, values.get("notice"), "malformed_deferral"):
                found.append(Entry(digest, notices.from_payload(json.loads(values["notice"]))))
            if len(letters) > unread:
                unreadable.append(values["due"].removeprefix(_prefix(digest)))
            if len(found) == at_most:
                break
        return found, unreadable

    def remove(self, digest: Digest, ids: Iterable[str]) -> None:
        """Remove the entries of these transactions."""
        keys = (to_item({"due_hour": _partition(digest), "due": f"{_prefix(digest)}{id_}"}) for id_ in ids)
        batch_delete(self._client, self._table, keys)


def _item(entry: Entry) -> Item:
    digest = entry.digest
    return to_item(
        {
            "due_hour": _partition(digest),
            "due": f"{_prefix(digest)}{entry.notice.transaction.id}",
            "notice": json.dumps(notices.to_payload(entry.notice), ensure_ascii=False),
            "expires_at": int((digest.closes_at + _KEPT_FOR).timestamp()),
        }
    )


def _partition(digest: Digest) -> str:
    return f"{digest.kind}#{account_key(digest.bank, digest.account)}#{digest.holder}"


def _prefix(digest: Digest) -> str:
    return f"{sortable(digest.closes_at.astimezone(UTC))}#"
