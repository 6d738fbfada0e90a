"""What the stream handler tells the mailer: transactions to be told of, several in one queue message."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.queues import message
from chalicelib.flags.rules import Evidence
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction, from_json, to_json

# Ten messages of ten fill one SendMessageBatch and one invocation of the mailer.
TRANSACTIONS_A_MESSAGE = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """A transaction to tell `holders` of: all of the account's, looked up when the mail is made, when None.

    `attempt` counts how often it was put off, since `put_off_since`. `again` is for a dead letter that is put
    back: those whose notification had failed are told after all. One with `flags`, the evidence by flag, is a security
    alert.
    """

    transaction: Transaction
    holders: tuple[str, ...] | None = None
    attempt: int = 0
    put_off_since: datetime | None = None
    again: bool = False
    flags: Mapping[str, Evidence] = dataclasses.field(default_factory=dict)


def to_payload(notice: Notice) -> dict[str, Any]:
    """Return the notice as JSON values; what no e-mail shows stays out."""
    transaction = to_json(dataclasses.replace(notice.transaction, metadata=None))
    payload: dict[str, Any] = {"bank": notice.transaction.bank, "transaction": transaction}
    if notice.holders is not None:
        payload["holders"] = list(notice.holders)
    if notice.attempt:
        payload["attempt"] = notice.attempt
    if notice.put_off_since is not None:
        payload["put_off_since"] = format_time(notice.put_off_since)
    if notice.again:
        payload["again"] = True
    if notice.flags:
        payload["flags"] = notice.flags
    return payload


def pack(payloads: Iterable[dict[str, Any]]) -> Iterable[str]:
    """Return message bodies that carry the notices' payloads, several in each."""
    for part in batches(payloads, TRANSACTIONS_A_MESSAGE):
        yield message({"notices": part})


def unpack(body: str) -> tuple[list[Notice], list[tuple[Any, str]]]:
    """Return the notices in a message body, and what in it is none: (payload, reason) pairs."""
    try:
        payloads = list(json.loads(body)["notices"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return [], [(body, f"malformed_message: {type(error).__name__}")]
    notices, malformed = [], []
    for payload in payloads:
        try:
            notices.append(_notice(payload))
        except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            malformed.append((payload, f"malformed_notice: {type(error).__name__}"))
    return notices, malformed


def _notice(payload: dict[str, Any]) -> Notice:
    since = payload.get("put_off_since")
    return Notice(
        transaction=from_json(payload["transaction"], payload["bank"]),
        holders=tuple(payload["holders"]) if "holders" in payload else None,
        attempt=int(payload.get("attempt", 0)),
        put_off_since=datetime.fromisoformat(since) if since else None,
        again=payload.get("again") is True,
        flags=dict(payload.get("flags", ())),
    )
