"""The log of attempts to deliver webhooks: what a bank reads of the last days, and what is sent again by its id.

The items are in the table of due notices, which has no stream and removes what has expired: a page for each bank and
batch of attempts, and an item for each webhook with its message.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import batch_put, call_if, from_item, to_item
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.webhook_endpoints import WEBHOOK_TEST
from chalicelib.errors import TemporarilyUnavailable, TriedLately, WebhookNotFound
from chalicelib.ledger.times import format_time, sortable
from chalicelib.webhooks.attempt import Attempt
from chalicelib.webhooks.records import Record
from chalicelib.webhooks.webhook import Webhook, pack, unpack

KEPT_FOR = timedelta(days=7)
# A webhook is sent again on demand, and an endpoint tested, once in this time.
NOT_AGAIN_FOR = timedelta(seconds=60)
TESTS_APART = timedelta(seconds=10)
ROTATIONS_APART = timedelta(seconds=60)
_LONGEST_ID = 100
_TEST, _ROTATION = "test", "secret"  # no webhook's ids


class AttemptLog:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def note(self, attempts: Sequence[Attempt], records: Iterable[Record], now: datetime) -> None:
        """Log the attempts that have a record. It is for the bank's eyes: if the table throttles, it is left out."""
        by_id = {attempt.webhook.id: attempt for attempt in attempts}
        pages = defaultdict[str, list[dict[str, Any]]](list)
        items: list[dict[str, Any]] = []
        for record in records:
            attempt = by_id[record.id]
            pages[attempt.webhook.bank].append(_entry(attempt, record))
            items.append({**_key(attempt.webhook), "message": pack(attempt.webhook), "tried_at": sortable(now)})
        for bank, entries in pages.items():
            digest = hashlib.sha256("\n".join(entry["id"] for entry in entries).encode()).hexdigest()[:16]
            items.append({"due_hour": _pages_key(bank), "due": f"{sortable(now)}#{digest}", "attempts": entries})
        expires_at = int((now + KEPT_FOR).timestamp())
        try:
            batch_put(self._client, self._table, (to_item({**item, "expires_at": expires_at}) for item in items))
        except TemporarilyUnavailable:
            logger.warning("attempts_not_logged", extra={"attempts": len(by_id)})
            count("WebhookAttemptsNotLogged", len(by_id))

    def newest(
        self,
        bank: str,
        before: str,
        limit: int,
        now: datetime,
        first: datetime | None = None,
        last: datetime | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return the bank's attempts before a position ("": the end), newest first, as the API answers them.

        With `first` and `last`, only those of this time span, both inclusive. Returns at most `limit`, and the position
        for the next ones, None if there are none.
        """
        place, _, index = before.rpartition("|")
        oldest = max(now - KEPT_FOR, first or now - KEPT_FOR)
        newest = place or (f"{sortable(last)}~" if last else "~")
        if newest < sortable(oldest):
            return [], None  # BETWEEN refuses bounds in the wrong order
        answer = call(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="due_hour = :bank AND due BETWEEN :oldest AND :place",
            ExpressionAttributeValues=to_item(
                {":bank": _pages_key(bank), ":oldest": sortable(oldest), ":place": newest}
            ),
            ScanIndexForward=False,
            Limit=limit + 1,  # each page has an attempt
        )
        found = list(_entries(map(from_item, answer["Items"]), place, int(index) if place else 0))
        entries = [entry for _, entry in found[:limit]]
        is_more = len(found) > limit or "LastEvaluatedKey" in answer
        return entries, found[len(entries) - 1][0] if is_more and entries else None

    def take_again(self, bank: str, webhook_id: str, now: datetime) -> Webhook:
        """Return a webhook that is to be sent again, and remember that.

        Raises WebhookNotFound, and TriedLately if it was tried, or was to be, within the last minute.
        """
        found = self.get(bank, webhook_id, now)
        self._claim({"due_hour": f"webhook#{bank}", "due": webhook_id}, now, NOT_AGAIN_FOR)
        return found

    def get(self, bank: str, webhook_id: str, now: datetime) -> Webhook:
        """Return a webhook that was tried lately, as it was sent. Raises WebhookNotFound."""
        # No webhook id is longer, and a key of the table's must not be too long.
        if not webhook_id.isascii() or len(webhook_id) > _LONGEST_ID:
            raise WebhookNotFound
        key = {"due_hour": f"webhook#{bank}", "due": webhook_id}
        answer = call(self._client.get_item, TableName=self._table, Key=to_item(key), ConsistentRead=True)
        values = from_item(answer.get("Item", {}))
        if "message" not in values or values["expires_at"] <= now.timestamp():
            raise WebhookNotFound
        return unpack(values["message"])

    def begin_test(self, bank: str, now: datetime) -> None:
        """Remember that the bank's endpoints are tested now; raises TriedLately if they were a moment ago."""
        self._claim({"due_hour": f"webhook#{bank}", "due": _TEST}, now, TESTS_APART)

    def begin_rotation(self, bank: str, now: datetime) -> None:
        """Remember that the bank's secret is replaced now; raises TriedLately if it was within the last minute."""
        self._claim({"due_hour": f"webhook#{bank}", "due": _ROTATION}, now, ROTATIONS_APART)

    def _claim(self, key: dict[str, str], now: datetime, apart: timedelta) -> None:
        values = {":now": sortable(now), ":ago": sortable(now - apart), ":expires": int((now + KEPT_FOR).timestamp())}
        claimed = call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item(key),
            UpdateExpression="SET tried_at = :now, expires_at = :expires",
            ConditionExpression="attribute_not_exists(tried_at) OR tried_at <= :ago",
            ExpressionAttributeValues=to_item(values),
        )
        if claimed is None:
            raise TriedLately(apart)


def _entry(attempt: Attempt, record: Record) -> dict[str, Any]:
    about = {} if record.type == WEBHOOK_TEST else {"transaction": record.key.transaction}
    return {
        "id": record.id,
        "type": record.type,
        **about,
        "endpoint": attempt.webhook.endpoint,
        **({"url": attempt.endpoint.url} if attempt.endpoint else {}),
        "state": record.standing.value,
        "answer": record.answer,
        "attempts": record.attempts,
        "at": format_time(record.updated_at),
        **({"next_at": format_time(record.next_at)} if record.next_at else {}),
    }


def _entries(pages: Iterable[dict[str, Any]], place: str, done: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the attempts of pages, each with the position behind it."""
    for page in pages:
        first = done if page["due"] == place else 0
        for index, entry in list(enumerate(page["attempts"]))[first:]:
            yield f"{page['due']}|{index + 1}", {**entry, "attempts": int(entry["attempts"])}


def _key(webhook: Webhook) -> dict[str, str]:
    return {"due_hour": f"webhook#{webhook.bank}", "due": webhook.id}


def _pages_key(bank: str) -> str:
    return f"webhook_attempts#{bank}"
