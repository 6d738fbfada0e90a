"""SQS and DynamoDB's streams: how messages and records come to the functions, at least once each.

Source: Amazon SQS Developer Guide ("At-least-once delivery", "Visibility timeout", "Dead-letter queues"), AWS Lambda
Developer Guide ("Using Lambda with DynamoDB": a shard's records in order, a failed batch again).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulation.faults import Caller
from simulation.scheduler import Scheduler

MAX_DELAY_S = 900
MAX_MESSAGE_BYTES = 262_144
# Invokes a function with an event, and then calls with its result and the error that ended it.
Invoke = Callable[[str, dict[str, Any], Callable[[Any, Any], None]], None]


@dataclass(slots=True)
class Message:
    id: str
    body: str
    visible_at: datetime
    receives: int = 0


@dataclass(slots=True)
class SqsQueue:
    """A queue with its reader, if it has one: a function, to which messages come ten at a time at the most."""

    name: str
    visibility_s: int = 0
    max_receives: int = 0
    dead_letters: "SqsQueue | None" = None
    reader: str | None = None
    batch: int = 10
    messages: dict[str, Message] = field(default_factory=dict)


class Queues:
    """All queues of the stage."""

    def __init__(self, scheduler: Scheduler, caller: Caller, invoke: Invoke) -> None:
        self._scheduler = scheduler
        self._caller = caller
        self._invoke = invoke
        self._ids = itertools.count()
        self.by_name: dict[str, SqsQueue] = {}

    def put(self, queue: SqsQueue, body: str, delay_s: float = 0) -> None:
        """Put a message into a queue."""
        message_id = f"message-{next(self._ids)}"
        queue.messages[message_id] = Message(message_id, body, self._scheduler.now + timedelta(seconds=delay_s))
        self._look(queue, delay_s + self._scheduler.random.uniform(0.005, 0.2))

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Take a batch as SQS does, whole or in part."""
        queue = self.by_name[QueueUrl.rpartition("/")[2]]
        if not 1 <= len(Entries) <= 10 or sum(len(one["MessageBody"].encode()) for one in Entries) > MAX_MESSAGE_BYTES:
            raise AssertionError("SQS would refuse this batch")
        failed = []
        for entry in Entries:
            delay_s = entry.get("DelaySeconds", 0)
            if not 0 <= delay_s <= MAX_DELAY_S:
                raise AssertionError(f"SQS would refuse a delay of {delay_s} s")
            if self._caller.happens("partly"):
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                self.put(queue, entry["MessageBody"], delay_s)
        return {"Successful": [], "Failed": failed}

    def _look(self, queue: SqsQueue, after_s: float) -> None:
        if queue.reader is not None:
            self._scheduler.after(after_s, lambda: self._deliver(queue))

    def _deliver(self, queue: SqsQueue) -> None:
        now = self._scheduler.now
        visible = [message for message in queue.messages.values() if message.visible_at <= now]
        if not visible:
            return
        self._scheduler.random.shuffle(visible)
        taken = []
        for message in visible[: self._scheduler.random.randint(1, queue.batch)]:
            message.receives += 1
            if queue.max_receives and message.receives > queue.max_receives and queue.dead_letters:
                del queue.messages[message.id]
                self.put(queue.dead_letters, message.body)
                continue
            message.visible_at = now + timedelta(seconds=queue.visibility_s)
            taken.append(message)
        if len(visible) > len(taken):
            self._look(queue, 0.01)
        if taken:
            event = {"Records": [_sqs_record(queue.name, message) for message in taken]}
            self._invoke(str(queue.reader), event, lambda result, error: self._ended(queue, taken, result, error))

    def _ended(self, queue: SqsQueue, taken: list[Message], result: Any, error: Any) -> None:
        failed = {one["itemIdentifier"] for one in (result or {}).get("batchItemFailures", ())} if not error else None
        for message in taken:
            is_done = failed is not None and message.id not in failed
            if is_done and not self._caller.happens("twice"):
                queue.messages.pop(message.id, None)
            else:
                wait = (message.visible_at - self._scheduler.now).total_seconds()
                self._look(queue, max(0.0, wait) + 0.01)


def _sqs_record(queue: str, message: Message) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": "handle",
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-west-3:123456789012:{queue}",
        "awsRegion": "eu-west-3",
    }


@dataclass(slots=True)
class _Reader:
    """A function that reads a shard: from which record on, and whether it is at work."""

    function: str
    batch: int
    wants: Callable[[dict[str, Any]], bool]
    position: int = 0
    is_busy: bool = False
    tries: int = 0


class Stream:
    """A table's stream: shards with records in order, each read by each reader."""

    def __init__(self, scheduler: Scheduler, caller: Caller, invoke: Invoke, shards: int = 2) -> None:
        self._scheduler = scheduler
        self._caller = caller
        self._invoke = invoke
        self._shards: list[list[dict[str, Any]]] = [[] for _ in range(shards)]
        self._readers: list[list[_Reader]] = [[] for _ in range(shards)]
        self._numbers = itertools.count(1)

    def read_by(self, function: str, batch: int, wants: Callable[[dict[str, Any]], bool] = lambda _: True) -> None:
        """Let a function read the stream, in batches of at most so many records."""
        for readers in self._readers:
            readers.append(_Reader(function, batch, wants))

    def add(self, keys: dict[str, Any], before: Any, after: Any) -> None:
        """Add the record of a change."""
        number = next(self._numbers)
        name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        shard = hash_of(next(iter(keys.values()))["S"]) % len(self._shards)
        images = {"OldImage": before, "NewImage": after}
        self._shards[shard].append(
            {
                "eventID": f"event-{number}",
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "eu-west-3",
                "eventSourceARN": "arn:aws:dynamodb:eu-west-3:123456789012:table/t/stream/1",
                "dynamodb": {
                    "Keys": keys,
                    "SequenceNumber": str(number),
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                    "ApproximateCreationDateTime": self._scheduler.now.timestamp(),
                    **{name: image for name, image in images.items() if image is not None},
                },
            }
        )
        for reader in self._readers[shard]:
            self._look(shard, reader, self._scheduler.random.uniform(0.05, 0.5))

    def is_read(self) -> bool:
        """Return whether every reader has read everything."""
        return all(
            reader.position == len(records)
            for records, readers in zip(self._shards, self._readers, strict=True)
            for reader in readers
        )

    def _look(self, shard: int, reader: _Reader, after_s: float) -> None:
        self._scheduler.after(after_s, lambda: self._deliver(shard, reader))

    def _deliver(self, shard: int, reader: _Reader) -> None:
        records = self._shards[shard]
        if reader.is_busy or reader.position == len(records):
            return
        size = self._scheduler.random.randint(1, reader.batch)
        end = min(len(records), reader.position + size)
        batch = [record for record in records[reader.position : end] if reader.wants(record)]
        if not batch:
            reader.position = end
            self._look(shard, reader, 0)
            return
        reader.is_busy = True

        def ended(_result: Any, error: Any) -> None:
            reader.is_busy = False
            if error is None and not self._caller.happens("twice"):
                reader.position, reader.tries = end, 0
            else:
                reader.tries += 1
            self._look(shard, reader, 0.05 if error is None else min(60, 2.0**reader.tries))

        self._invoke(reader.function, {"Records": batch}, ended)


def hash_of(text: str) -> int:
    """Return a number of a text, the same in every process."""
    return sum((place + 1) * byte for place, byte in enumerate(text.encode()))
