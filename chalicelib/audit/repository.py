"""The audit trail in DynamoDB: a table of its own, from which nothing but the end of its time removes an entry.

A bank's entries of a month are one partition, in the order of time; an index has those about one subject. The functions
may put and read entries, and nothing else. Only the condition of a put keeps it from replacing an entry.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from chalicelib.audit.entry import Author, Entry
from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, queried, to_item
from chalicelib.aws.telemetry import all_readable
from chalicelib.ledger.times import sortable

_DAYS_A_YEAR = 366  # so that no entry ends early
# What is read of a subject at most, and in a call: a page of the console must not wait for long.
_MOST_OF_A_SUBJECT, _SUBJECT_PAGE = 1_000, 50


class AuditRepository:
    """The entries of all banks, each kept for `years`. All methods raise TemporarilyUnavailable.

    Of several entries, one that can't be read is left out, logged and counted.
    """

    def __init__(self, client: Any, table: str, years: int) -> None:
        self._client = client
        self._table = table
        self._kept_for = timedelta(days=_DAYS_A_YEAR * years)

    def append(self, entry: Entry) -> None:
        """Add an entry. An entry that is stored stays as it is."""
        item = {
            **_key(entry.bank, entry.id),
            "bank": entry.bank,
            "at": sortable(entry.at),
            "author_kind": entry.author.kind,
            "author": entry.author.id,
            "action": entry.action,
            "subject": entry.subject or None,
            "subject_key": f"{entry.bank}#{entry.subject}" if entry.subject else None,
            "fields": list(entry.fields),
            "source_ip": entry.author.source_ip or None,
            "request_id": entry.author.request_id or None,
            "expires_at": int((entry.at + self._kept_for).timestamp()),
        }
        # Ids are random, so a stored one is this one: the answer of botocore's first try was lost.
        call_if(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(item),
            ConditionExpression="attribute_not_exists(entry)",
        )

    def of_bank(self, bank: str, first: datetime, last: datetime) -> Iterator[Entry]:
        """Yield the bank's entries from the time `first` to `last`, both inclusive, in the order of time."""
        for month in _months(first, last):
            found = queried(
                self._client,
                TableName=self._table,
                KeyConditionExpression="trail_key = :trail AND entry BETWEEN :first AND :last",
                # An id is a time and random characters, all of which stand before `~`.
                ExpressionAttributeValues=to_item(
                    {":trail": f"{bank}#{month}", ":first": sortable(first), ":last": f"{sortable(last)}~"}
                ),
                ConsistentRead=True,
            )
            yield from _readable(found)

    def newest(
        self, bank: str, first: datetime, last: datetime, limit: int, before: str = ""
    ) -> tuple[list[Entry], str | None]:
        """Return the bank's newest entries of a time span, newest first, and the id behind which more follow.

        They begin behind the id `before`. One call for each month of the span at most.
        """
        found: list[Mapping[str, Any]] = []
        for month in reversed(list(_months(first, last))):
            upper = min(f"{sortable(last)}~", before or "~")
            if upper < month:
                continue  # all of it was shown
            answer = call(
                self._client.query,
                TableName=self._table,
                KeyConditionExpression="trail_key = :trail AND entry BETWEEN :first AND :last",
                ExpressionAttributeValues=to_item(
                    {":trail": f"{bank}#{month}", ":first": sortable(first), ":last": upper}
                ),
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit - len(found) + 2,  # one says whether more follow, and one may be `before`
            )
            found += [row for row in map(from_item, answer["Items"]) if row["entry"] != before]
            if len(found) > limit:
                return list(_readable(found[:limit])), str(found[limit - 1]["entry"])
        return list(_readable(found)), None

    def of_subject(self, bank: str, subject: str, action: str) -> Iterator[Entry]:
        """Yield the entries about a subject that have this action, newest first, of its newest 1,000 entries.

        They are read, 50 in a call, as far as the caller goes. An entry of the last second may be missing.
        """
        found = queried(
            self._client,
            TableName=self._table,
            IndexName="by_subject",
            KeyConditionExpression="subject_key = :subject",
            ExpressionAttributeValues=to_item({":subject": f"{bank}#{subject}"}),
            ScanIndexForward=False,
            Limit=_SUBJECT_PAGE,
        )
        yield from (entry for entry in _readable(islice(found, _MOST_OF_A_SUBJECT)) if entry.action == action)

    def find(self, bank: str, entry_id: str) -> Entry | None:
        """Return the bank's entry with this id, None if there is none."""
        answer = call(
            self._client.get_item, TableName=self._table, Key=to_item(_key(bank, entry_id)), ConsistentRead=True
        )
        return _entry(from_item(answer["Item"])) if "Item" in answer else None


def _key(bank: str, entry_id: str) -> dict[str, str]:
    return {"trail_key": f"{bank}#{entry_id[:7]}", "entry": entry_id}


def _months(first: datetime, last: datetime) -> Iterator[str]:
    month = first.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= last:
        yield f"{month:%Y-%m}"
        month = (month + timedelta(days=31)).replace(day=1)


def _readable(rows: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    return all_readable(_entry, rows, "malformed_entry", "MalformedEntries", "entry")


def _entry(values: Mapping[str, Any]) -> Entry:
    author = Author(values["author_kind"], values["author"], values.get("source_ip", ""), values.get("request_id", ""))
    at = datetime.fromisoformat(values["at"])
    fields = tuple(values["fields"])
    return Entry(values["entry"], values["bank"], at, author, values["action"], values.get("subject", ""), fields)
