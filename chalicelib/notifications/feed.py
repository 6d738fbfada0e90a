"""The feed of notifications: for each bank, which of them have changed, in the order in which that was written down.

Kept as pages: one item for all changes of a batch, with their keys only, so that a change costs a few hundredths of a
write unit. What a notification has become is read when the feed is. A page is written behind the change, so that who
finds the page finds the change; and who comes upon a change that may lack its page writes it, so that none is skipped.
"""

import hashlib
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import Item, batch_put, from_item, to_item
from chalicelib.aws.retention import KEPT, expiry
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.times import sortable
from chalicelib.notifications.state import DIGEST_ID, NotificationKey

# A reader stops this long before now. Until then a page that was begun is there: it takes LATE at most, or counts as
# not written, and the rest is for clocks that differ.
MARGIN = timedelta(seconds=5)
LATE = timedelta(seconds=2)
# Each value of a partition key takes 1,000 writes a second.
SHARDS = tuple(range(4))
# Who reads a few need not read many more.
_KEYS_A_PAGE = 100
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Changes:
    """Notifications of a bank that have changed, in order, each once; `position` is where to go on from."""

    keys: list[NotificationKey]
    position: str


class NotificationFeed:
    def __init__(
        self,
        client: Any,
        table: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        kept_days: int = KEPT.feed,
    ) -> None:
        self._kept_days = kept_days
        self._client = client
        self._table = table
        self._clock = clock
        self._sleep = sleep

    def append(self, changed: Iterable[NotificationKey]) -> None:
        """Write down that these notifications have changed, in one call for every 25 banks.

        A digest has no entry of its own: the notifications in it have. Raises TemporarilyUnavailable; some may be
        written down then.
        """
        by_bank = defaultdict[str, list[str]](list)
        for key in changed:
            if not DIGEST_ID.fullmatch(key.transaction):
                by_bank[key.bank].append(f"{key.transaction}#{key.holder}")
        for _ in range(_TRIES):
            now = self._clock()
            pages = [page for bank, entries in by_bank.items() for page in _pages(bank, entries, now)]
            expires_at = expiry(now, self._kept_days)
            items = (to_item({**page, "expires_at": expires_at}) for page in pages)
            batch_put(self._client, self._table, items, sleep=self._sleep)
            if self._clock() - now <= LATE:
                return
            # Readers may have gone past its time before it was there: once more, under the time that it is now.
        raise TemporarilyUnavailable

    def read(self, bank: str, position: str, limit: int) -> Changes:
        """Return what changed behind the position (the beginning: ""), about `limit` notifications and no more.

        Some may be left out although they are there already: they come with the position that is returned. What changed
        longer ago than pages are kept is gone.
        """
        after, _, index = (position or "|-1").rpartition("|")
        found: dict[NotificationKey, None] = {}
        for entry_position, key in self._entries(bank, after, int(index) + 1, limit):
            if key not in found and len(found) == limit:
                break
            found.pop(key, None)  # shown where it changed last
            found[key] = None
            position = entry_position
        return Changes(list(found), position)

    def _entries(self, bank: str, after: str, done: int, limit: int) -> Iterator[tuple[str, NotificationKey]]:
        """Yield the entries of each page from `after` on, without that page's first ones that are done."""
        now = self._clock()
        until = sortable(now - MARGIN)
        since = max(after, sortable(now - timedelta(days=self._kept_days)))
        pages: list[dict[str, Any]] = []
        for shard in SHARDS if since < until else ():
            answer = call(
                self._client.query,
                TableName=self._table,
                KeyConditionExpression="transaction_key = :feed AND holder BETWEEN :after AND :until",
                ExpressionAttributeValues=to_item({":feed": _feed_key(bank, shard), ":after": since, ":until": until}),
                # A share of what is wanted; at least the page where the last answer ended, and one to go on to.
                Limit=limit // len(SHARDS) + 2,
                ConsistentRead=True,
            )
            pages += map(from_item, answer["Items"])
            if "LastEvaluatedKey" in answer:
                # What other shards have behind it would overtake what this one still has.
                until = min(until, answer["LastEvaluatedKey"]["holder"]["S"])
        for page in sorted(pages, key=lambda page: page["holder"]):
            place = page["holder"]
            if place > until:
                return
            for index, entry in enumerate(page["changed"]):
                if place != after or index >= done:
                    yield f"{place}|{index}", _key(bank, entry)


def changes_in(item: Item) -> list[NotificationKey]:
    """Return the notifications whose change an item of the table tells, in order; none if it is no page of the feed.

    Raises KeyError, TypeError or ValueError for a page that can't be read.
    """
    if "changed" not in item:
        return []
    _, bank, _ = item["transaction_key"]["S"].split("#")
    return [_key(bank, entry) for entry in from_item(item)["changed"]]


def position_at(moment: datetime) -> str:
    """Return the position from which on everything has changed at this moment or later."""
    return f"{sortable(moment)}|-1"


def _key(bank: str, entry: str) -> NotificationKey:
    transaction_id, _, holder = entry.partition("#")
    return NotificationKey(bank, transaction_id, holder)


def _pages(bank: str, entries: list[str], now: datetime) -> Iterator[dict[str, Any]]:
    for start in range(0, len(entries), _KEYS_A_PAGE):
        changed = entries[start : start + _KEYS_A_PAGE]
        # Two writers of one microsecond must not meet; one that repeats itself may.
        digest = hashlib.sha256("\n".join(changed).encode()).hexdigest()[:16]
        place = f"{sortable(now)}#{digest}"
        shard = SHARDS[zlib.crc32(place.encode()) % len(SHARDS)]
        yield {"transaction_key": _feed_key(bank, shard), "holder": place, "changed": changed}


def _feed_key(bank: str, shard: int) -> str:
    return f"feed#{bank}#{shard}"  # a transaction's key has one '#'
