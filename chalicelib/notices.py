"""What the stream handler tells the mailer: transactions to be told of, several in one queue message."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from chalicelib.batching import batches
from chalicelib.transactions import Transaction, from_json, to_json

# Ten messages of ten fill one SendMessageBatch and one invocation of the mailer.
TRANSACTIONS_A_MESSAGE = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """A transaction to tell `holders` of: all of the account's, looked up when the mail is made, when None.

    `attempt` counts how often SES has put it off.
    """

    transaction: Transaction
    holders: tuple[str, ...] | None = None
    attempt: int = 0


class MalformedNotice(ValueError):
    """A queue message that holds no notices."""


def to_payload(notice: Notice) -> dict[str, Any]:
    """Return the notice as JSON values; what no e-mail shows stays out."""
    transaction = to_json(dataclasses.replace(notice.transaction, metadata=None))
    payload: dict[str, Any] = {"bank": notice.transaction.bank, "transaction": transaction}
    if notice.holders is not None:
        payload["holders"] = list(notice.holders)
    if notice.attempt:
        payload["attempt"] = notice.attempt
    return payload


def pack(payloads: Iterable[dict[str, Any]]) -> Iterable[str]:
    """Return message bodies that carry the notices' payloads, several in each."""
    for part in batches(payloads, TRANSACTIONS_A_MESSAGE):
        yield json.dumps({"notices": part}, ensure_ascii=False)


def unpack(body: str) -> list[Notice]:
    """Return the notices in a message body; raises MalformedNotice."""
    try:
        return [
            Notice(
                transaction=from_json(payload["transaction"], payload["bank"]),
                holders=tuple(payload["holders"]) if "holders" in payload else None,
                attempt=payload.get("attempt", 0),
            )
            for payload in json.loads(body)["notices"]
        ]
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise MalformedNotice(type(error).__name__) from error
