"""Events for banks' own systems, on EventBridge: docs/events says what is in them."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call
from chalicelib.aws.retries import each_try
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.repository import Flagging
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import to_json

SOURCE = "bank.transactions"
TRANSACTION_FLAGGED = "TransactionFlagged"
MAX_ENTRIES = 10
# Entries have their own form around the detail; EventBridge takes 256 KB in a call.
MAX_BYTES = 200 * 1024
_TRIES = 4
# What finds and explains a flagged transaction. All else of it is asked for by its id.
_SHOWN = ("id", "account", "amount", "currency", "type", "status", "timestamp", "merchant", "recorded_at")


def flagged_detail(flagging: Flagging) -> dict[str, Any]:
    """Return the detail of a TransactionFlagged event; the same flags always give the same detail."""
    transaction = to_json(flagging.transaction)
    return {
        "version": "1",
        "bank": flagging.transaction.bank,
        "flagged_at": format_time(flagging.decided_at),
        "transaction": {name: transaction[name] for name in _SHOWN if name in transaction},
        "flags": flagging.told,
    }


class EventBus:
    def __init__(self, client: Any, name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def put_flagged(self, flaggings: Iterable[Flagging]) -> None:
        """Put a TransactionFlagged event for each, ten in a call; raises TemporarilyUnavailable with some maybe put."""
        self.put(TRANSACTION_FLAGGED, map(flagged_detail, flaggings))

    def put(self, detail_type: str, details: Iterable[dict[str, Any]]) -> None:
        """Put an event of this type for each detail, ten in a call.

        Raises TemporarilyUnavailable, with some maybe put.
        """
        texts = (json.dumps(detail, ensure_ascii=False) for detail in details)
        for part in batches(texts, MAX_ENTRIES, MAX_BYTES, lambda text: len(text.encode())):
            pending = [self._entry(detail_type, text) for text in part]
            for _ in each_try(_TRIES, 0.1, self._sleep):
                results = call(self._client.put_events, Entries=pending)["Entries"]
                pending = [entry for entry, result in zip(pending, results, strict=True) if "ErrorCode" in result]
                if not pending:
                    break
            else:
                raise TemporarilyUnavailable

    def _entry(self, detail_type: str, detail: str) -> dict[str, Any]:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": detail,
        }
