"""The archive: every stored transaction as a line of a gzip JSON-lines object in S3, by bank and day of arrival.

    bank=<bank>/date=<YYYY-MM-DD>/<sequence number>-<lines>-<hash>.jsonl.gz

In the place of the sequence number, `added` stands for a transaction that an operator has put there.

The day is the UTC day of `recorded_at`, so that a day that is over never changes. A line is the transaction as the API
answers it; its bank is in the key. The name says how many lines there are, so that a listing tells it without a read.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.clients import WRITERS
from chalicelib.aws.telemetry import logger, skipped
from chalicelib.ledger.keys import IDENTIFIER, TransactionKey
from chalicelib.ledger.stored_form import is_flag_row, transaction_from_item, transaction_item
from chalicelib.ledger.transaction import Transaction, from_json, to_json

SUFFIX = ".jsonl.gz"


class Archiver:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def handle(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Put the batch's new transactions into the archive, one object for each bank and day, side by side.

        The same records make the same objects, so that a batch that comes again overwrites itself. A record that can't
        be read is passed over and counted: the stream handler dead-letters it, whole. Raises TemporarilyUnavailable,
        with some objects maybe put, when S3 can't take them: the stream then brings the batch again.
        """
        parts: dict[str, tuple[str, list[str]]] = {}
        unreadable = 0
        for record in records:
            if record.get("eventName") != "INSERT":
                continue
            try:
                image = record["dynamodb"]["NewImage"]
                if is_flag_row(image):
                    continue
                transaction = transaction_from_item(image)
                line, folder = to_line(transaction), folder_of(transaction)
                # Of the part's own first record: bisecting leaves the name of a part that it doesn't cut as it is.
                parts.setdefault(folder, (record["dynamodb"]["SequenceNumber"], []))[1].append(line)
            except Exception as error:  # whatever is wrong with one record must not hold up the others
                skipped("not_archived", "NotArchived", error, event=record.get("eventID"), **_named(record))
                unreadable += 1
        if parts:
            with ThreadPoolExecutor(min(WRITERS, len(parts))) as pool:
                list(pool.map(lambda part: self._put(part[0], *part[1]), parts.items()))
        archived = sum(len(lines) for _, lines in parts.values())
        logger.info("archive_batch", extra={"archived": archived, "objects": len(parts), "unreadable": unreadable})

    def add(self, transaction: Transaction) -> str:
        """Put a transaction that was left out into an object of its own, on its day; return the object's key.

        The same transaction makes the same object. Raises ValueError, and puts nothing, if a replay couldn't read it.
        """
        return self._put(folder_of(transaction), "added", [checked_line(transaction)])

    def _put(self, folder: str, first: str, lines: Sequence[str]) -> str:
        content = "".join(f"{line}\n" for line in lines).encode()
        key = f"{folder}{first}-{len(lines)}-{hashlib.sha256(content).hexdigest()[:12]}{SUFFIX}"
        call(
            self._client.put_object,
            Bucket=self._bucket,
            Key=key,
            Body=gzip.compress(content, mtime=0),
            # What the bytes are. As a Content-Encoding, gzip would be undone by some clients on the way and be looked
            # for again, by the name, by the tool that reads the object.
            ContentType="application/gzip",
        )
        return key


def _named(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the bank and id of a record that may be anything; {} if its key is none that the API gives."""
    try:
        key = TransactionKey.of_stored(record["dynamodb"]["NewImage"]["transaction_key"]["S"])
    except (AttributeError, KeyError, TypeError):
        return {}
    is_ours = IDENTIFIER.fullmatch(key.bank) and IDENTIFIER.fullmatch(key.id)
    return {"bank": key.bank, "transaction": key.id} if is_ours else {}


def folder_of(transaction: Transaction) -> str:
    """Return how the keys of the objects begin that hold the transactions of this one's bank and day of arrival."""
    return f"bank={transaction.bank}/date={transaction.recorded_at.astimezone(UTC).date()}/"


def to_line(transaction: Transaction) -> str:
    """Return the transaction as a line of the archive, without its end."""
    return json.dumps(to_json(transaction), ensure_ascii=False, separators=(",", ":"))


def checked_line(transaction: Transaction) -> str:
    """Return the transaction as `to_line` does; raises ValueError if a replay couldn't read it."""
    line = to_line(transaction)
    from_line(line, transaction.bank)
    return line


def from_line(line: str, bank: str) -> Transaction:
    """Return the transaction that `to_line` wrote; ValueError if the line is none that could be stored and answered."""
    try:
        transaction = from_json(json.loads(line), bank)
        transaction_item(transaction)
        is_sound = (
            IDENTIFIER.fullmatch(transaction.id)
            and IDENTIFIER.fullmatch(transaction.account)
            and transaction.timestamp.utcoffset() == timedelta(0)
        )
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(type(error).__name__) from None
    if not is_sound:
        raise ValueError("not of the contract")
    return transaction
