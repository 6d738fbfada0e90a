"""The ingest queue: transactions packed into messages, to be recorded soon."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from chalicelib.aws.batching import batches, grouped
from chalicelib.aws.dead_letters import Letter, SetAside
from chalicelib.aws.queues import MAX_BATCH, MAX_BATCH_BYTES, GroupedBody, Queue, message
from chalicelib.ledger.transaction import Transaction, from_json, to_json

# Ten messages of fifty hold a full batch, in one SendMessageBatch call as long as they stay within its bytes.
TRANSACTIONS_A_MESSAGE = 50
_MESSAGE_BYTES = MAX_BATCH_BYTES // MAX_BATCH - 100  # room for what is around the transactions


class IngestQueue:
    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, transactions: Iterable[Transaction]) -> None:
        """Queue the transactions, several a message; raises TemporarilyUnavailable with some maybe queued."""
        self._queue.send(pack(transactions))


def pack(transactions: Iterable[Transaction]) -> Iterator[str]:
    """Return message bodies that carry the transactions, several of one bank in each."""
    for bank, of_bank in grouped(transactions, lambda one: one.bank).items():
        payloads = (message({"bank": bank, "transaction": to_json(one)}) for one in of_bank)
        for part in batches(payloads, TRANSACTIONS_A_MESSAGE, _MESSAGE_BYTES, lambda one: len(one.encode()) + 2):
            yield GroupedBody.of(f'{{"transactions": [{", ".join(part)}]}}', bank)


def unpack(body: str, letters: list[Letter]) -> list[tuple[Any, Transaction]]:
    """Return the transactions in a message body, each with its payload; what can't be read is added to `letters`."""
    payloads: list[Any] = []
    with SetAside(letters, body, "malformed_message"):
        payloads = list(json.loads(body)["transactions"])
    found: list[tuple[Any, Transaction]] = []
    for payload in payloads:
        with SetAside(letters, payload, "malformed_transaction"):
            found.append((payload, from_json(payload["transaction"], payload["bank"])))
    return found
