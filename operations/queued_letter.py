"""A dead letter as its queue has it: what a function could not process, why, and how it is sent through again."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from chalicelib.aws.dynamo import from_item
from chalicelib.aws.queues import GroupedBody
from chalicelib.changes import change_notice, change_teller
from chalicelib.changes.answer_teller import answer_in
from chalicelib.flags import operator_alerts
from chalicelib.flags.answers import answers_in
from chalicelib.ledger import ingest_queue
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.stored_form import is_flag_row, transaction_from_item
from chalicelib.notifications import feed, suppressing
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.feedback import read_event
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.statements.index import Expected, expected_in
from chalicelib.webhooks import webhook

STATEMENTS = "statements"  # the source of the statements function's letters, which are among the notifications' letters
CASE_REASONS = ("case_not_opened", "answer_not_added")  # the first words of the case opener's reasons
# What these functions read of a stream's record: a holder's answer, changes of holders, a page of the feed. What a
# function can't read raises any exception, and what is nothing of its own is None.
_READ_OF_A_STREAM: dict[str, Callable[[dict[str, Any]], object]] = {
    "transaction_stream": answer_in,
    "holder_changes": lambda images: list(change_teller.changes_in(images)),
    "webhook_feeder": lambda images: feed.changes_in(images["NewImage"]),
}
MOVED_BY_SQS = "moved by SQS after too many deliveries"
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class QueuedLetter:
    """A dead letter. `id` and `receipt` are SQS's, `body` is the whole message.

    `source`, `reason` and `payload` are what the function put into the body. A message that SQS moved by itself has no
    source, the reason MOVED_BY_SQS, and its body as payload.
    """

    queue: str
    id: str
    receipt: str
    sent_at: datetime
    body: str
    source: str
    reason: str
    payload: Any

    @classmethod
    def received(cls, queue: str, message: dict[str, Any]) -> "QueuedLetter":
        """Return the letter in a message that SQS delivered from a dead-letter queue."""
        body = message["Body"]
        try:
            content = json.loads(body)
            source, reason, payload = content["source"], content["reason"], content["payload"]
        except (KeyError, TypeError, ValueError, RecursionError):
            source, reason, payload = "", MOVED_BY_SQS, body
        sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
        return cls(queue, message["MessageId"], message["ReceiptHandle"], sent_at, body, source, reason, payload)

    def statement(self) -> Expected | None:
        """Return the statement that the letter is about, None if it is about something else or can't be read."""
        if self.queue != "notifications" or self.source != STATEMENTS:
            return None
        text = self.payload if isinstance(self.payload, str) else json.dumps(self.payload)
        return _if_readable(lambda: expected_in(text))

    def record_of_flags(self) -> dict[str, Any] | None:
        """Return the stream's record of flags whose case was not opened, or got no answer; None for other letters."""
        if self.queue != "stream" or self.reason.partition(":")[0] not in CASE_REASONS:
            return None
        return _if_readable(lambda: _record_of_flags(self.payload))

    def record_for_function(self) -> dict[str, Any] | None:
        """Return the stream's record that its function, `source`, couldn't read and can read now; None for others."""
        read = _READ_OF_A_STREAM.get(self.source)
        if read is None or self.reason.partition(":")[0] != "malformed_record":
            return None
        found = _if_readable(lambda: read(self.payload["dynamodb"]))
        return None if found is None else self.payload

    @property
    def goes_to(self) -> str:
        """The name of the dead-letter queue whose function takes the letter's message.

        The stream's functions queue webhooks too: those that SQS refused are among the stream's letters.
        """
        if self.queue == "stream" and _if_readable(lambda: webhook.unpack(self._text)) is not None:
            return "webhooks"
        return self.queue

    def message(self) -> str | None:
        """Return the queue message that sends the letter through again, None if the function can't read it."""
        read = {
            "ingest": _transactions_message,
            "operator-alerts": _event_message,
            "feedback": _feedback_message,
            "webhooks": _webhook_message,
        }.get(self.goes_to, _notice_message)
        payload = self.payload
        if self.queue == "stream" and isinstance(payload, dict) and "dynamodb" in payload:
            return _if_readable(lambda: _notice_message(json.dumps(_payload_of_record(payload))))
        return _if_readable(lambda: read(self._text))

    @property
    def _text(self) -> str:
        """What the letter is about: a whole message, or the part of one that the function could not process (JSON)."""
        return self.payload if isinstance(self.payload, str) else json.dumps(self.payload)


def grouped(body: str) -> str:
    """Return a message's body with its bank as its message group, as the functions send it (see `aws.queues`)."""
    return GroupedBody.of(body, _bank_in(_if_readable(lambda: json.loads(body))))


def _bank_in(content: Any) -> Any:
    """Return the first bank in JSON values, the outer ones first; SES's tags hold it in a list."""
    level = [content]
    while level:
        for one in level:
            if isinstance(one, dict) and "bank" in one:
                return next(iter(one["bank"]), None) if isinstance(one["bank"], list) else one["bank"]
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [value for values in inner for value in values]
    return None


def _if_readable(read: Callable[[], Read]) -> Read | None:
    """Return what `read` returns, None if it fails: the content is not what the function puts into its letters."""
    try:
        return read()
    except Exception:
        return None


# Each of these functions gets a whole message, or a part of one as the queue's function puts it into a letter, and
# returns a message that the function reads. It raises any exception for another text. Of a message with several
# parts, one that can be read is enough: the function sets the others aside by itself.


def _transactions_message(text: str) -> str:
    content = json.loads(text)
    body = text if "transactions" in content else json.dumps({"transactions": [content]})
    return _with_parts(body, ingest_queue.unpack(body, []))


def _event_message(text: str) -> str:
    operator_alerts.read(text)
    return text


def _feedback_message(text: str) -> str:
    step = suppressing.unpack(text)
    if step is not None:
        return suppressing.pack(step.set_aside())  # so that it has its whole time again
    read_event(text)
    return text


def _webhook_message(text: str) -> str:
    """Return the webhook's message as if it were new: sent at once, and tried for three days from now."""
    return webhook.pack(replace(webhook.unpack(text), first_at=datetime.now(UTC), not_before=None))


def _notice_message(text: str) -> str:
    if change_notice.is_change(text):
        return change_notice.pack(replace(change_notice.unpack(text), again=True))
    content = json.loads(text)
    body = text if "notices" in content else next(iter(pack([content])))
    return _with_parts(body, unpack(body, []))


def _with_parts(body: str, parts: Collection[Any]) -> str:
    if not parts:
        raise ValueError("nothing that can be read")
    return body


def _payload_of_record(record: Any) -> dict[str, Any]:
    return to_payload(Notice(transaction_from_item(record["dynamodb"]["NewImage"]), again=True))


def _record_of_flags(record: Any) -> dict[str, Any]:
    image = record["dynamodb"]["NewImage"]
    row = from_item(image)
    if not is_flag_row(image):
        raise ValueError("no flags")
    TransactionKey(row["bank"], row["id"])
    list(answers_in(row))
    # As if the flags were new: a case that isn't there is opened, whatever has changed in the row.
    return {"eventName": "INSERT", "dynamodb": {"NewImage": image}}
