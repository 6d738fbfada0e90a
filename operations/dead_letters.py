"""Dead letters of a stage: list them, show one, send them through again.

    python -m operations.dead_letters --stage prod list
    python -m operations.dead_letters --stage prod show 3f2c…
    python -m operations.dead_letters --stage prod redrive --reason 'refused: MESSAGE_REJECTED'

A letter that is sent through again is told, or recorded, once, however often that is done. It goes by its function's
queue, a statement by the index of what is due. One that can't be made sense of stays.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from chalicelib.aws import dead_letters
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger import ingest_queue
from chalicelib.ledger.repository import transaction_from_item
from chalicelib.notifications.due import DueRepository
from chalicelib.notifications.feedback import read_event
from chalicelib.notifications.notice import Notice, pack, to_payload, unpack
from chalicelib.statements.index import Expected, StatementIndex, expected_in
from chalicelib.webhooks import webhook
from infra.sessions import gave_up, session_for
from infra.stacks import StackFailed, outputs, stack_name

# Each dead-letter queue's output, and that of the queue which sends its letters through again.
QUEUES = {
    "notifications": ("NotificationDeadLetterQueueUrl", "NotificationQueueUrl"),
    "stream": ("StreamDeadLetterQueueUrl", "NotificationQueueUrl"),
    "ingest": ("IngestDeadLetterQueueUrl", "IngestQueueUrl"),
    "operator-alerts": ("OperatorAlertsDeadLetterQueueUrl", "OperatorAlertsQueueUrl"),
    "webhooks": ("WebhookDeadLetterQueueUrl", "WebhookQueueUrl"),
    "feedback": ("FeedbackDeadLetterQueueUrl", "FeedbackQueueUrl"),
}
# Long enough to go through a queue; then what was only looked at is visible to everybody again.
LOOKING_S = 120
# All of SQS's servers are asked when it waits, or some messages might not be found.
_WAITS_S = 1
STATEMENTS_TABLE = "StatementsTable"  # its output
STATEMENTS = "statements"  # the source of the statements function's letters, among the notifications'
REFUSED_BY_QUEUE = "refused_by_queue"
MOVED_BY_SQS = "moved by SQS after too many deliveries"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: `id` is SQS's, `body` the message as it is, the rest what the function put into it."""

    queue: str
    id: str
    receipt: str
    sent_at: datetime
    body: str
    source: str
    reason: str
    payload: Any

    def statement(self) -> Expected | None:
        """Return the statement that it is about, None if there is none to be read in it."""
        if self.queue != "notifications" or self.source != STATEMENTS:
            return None
        try:
            return expected_in(self.payload if isinstance(self.payload, str) else json.dumps(self.payload))
        except (KeyError, TypeError, ValueError, RecursionError):
            return None

    def message(self) -> str | None:
        """Return the queue message that sends it through again, None if nothing can be made of it."""
        letters: list[dead_letters.Letter] = []  # what can't be read stays here
        if self.queue == "ingest":
            body = self.body if self.reason == MOVED_BY_SQS else json.dumps({"transactions": [self.payload]})
            return body if ingest_queue.unpack(body, letters) and not letters else None
        if self.queue == "operator-alerts":
            return self.body if self.reason == MOVED_BY_SQS else None  # nothing is put there but what can't be read
        if self.queue == "feedback":
            body = self.body if self.reason == MOVED_BY_SQS else str(self.payload)
            return body if _is_feedback(body) else None
        if self.queue == "webhooks":
            return _fresh_webhook(self.body if self.reason == MOVED_BY_SQS else self.payload)
        if self.reason in (MOVED_BY_SQS, REFUSED_BY_QUEUE):
            body = self.body if self.reason == MOVED_BY_SQS else str(self.payload)
            return body if unpack(body, letters) and not letters else None
        payload = self.payload
        if self.queue == "stream":
            payload = _payload_of_record(payload)
        body = next(iter(pack([payload]))) if isinstance(payload, dict) else ""
        return body if unpack(body, letters) else None


def _payload_of_record(record: Any) -> dict[str, Any] | None:
    try:
        return to_payload(Notice(transaction_from_item(record["dynamodb"]["NewImage"]), again=True))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _is_feedback(body: str) -> bool:
    try:
        return read_event(body) is not None
    except Exception:  # no event of SES's
        return False


def _fresh_webhook(body: Any) -> str | None:
    """Return a webhook as if for the first time: tried at once, and for as long as any."""
    try:
        return webhook.pack(replace(webhook.unpack(body), first_at=datetime.now(UTC), not_before=None))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


class DeadLetterOffice:
    """A stage's dead-letter queues, and the queues and the index by which their letters are sent through again."""

    def __init__(self, sqs: Any, urls: dict[str, str], ways_back: dict[str, str], statements: StatementIndex) -> None:
        self._sqs = sqs
        self._urls = urls
        self._ways_back = ways_back
        self._statements = statements

    def count(self) -> int:
        """Return about how many letters there are."""
        name = "ApproximateNumberOfMessages"
        answers = (self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name]) for url in self._urls.values())
        return sum(int(answer["Attributes"][name]) for answer in answers)

    def letters(self, now: datetime) -> Iterator[Letter]:
        """Yield every letter of before now once, hidden from others meanwhile; what isn't removed shows up again.

        One that was sent through again and came back while this goes on is for another time.
        """
        seen: dict[str, Letter] = {}
        try:
            for queue, url in self._urls.items():
                # A queue that takes longer to go through than they are hidden ends with the first known ones.
                while new := [letter for letter in self._receive(queue, url) if letter.id not in seen]:
                    seen.update({letter.id: letter for letter in new})
                    yield from (letter for letter in new if letter.sent_at < now)
        finally:
            for letter in seen.values():
                self._release(letter)

    def redrive(self, letter: Letter, now: datetime) -> bool:
        """Send a letter through again and remove it; False, and it stays, if nothing can be made of it.

        Sent first and removed then: should the second fail, it is sent again by the next redrive, and told, or
        recorded, once.
        """
        if (statement := letter.statement()) is not None:
            self._statements.put_again(statement, now)
        elif (message := letter.message()) is not None:
            self._sqs.send_message(QueueUrl=self._ways_back[letter.queue], MessageBody=message)
        else:
            return False
        self._sqs.delete_message(QueueUrl=self._urls[letter.queue], ReceiptHandle=letter.receipt)
        return True

    def _receive(self, queue: str, url: str) -> list[Letter]:
        answer = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=LOOKING_S,
            WaitTimeSeconds=_WAITS_S,
            AttributeNames=["SentTimestamp"],
        )
        return [_letter(queue, message) for message in answer.get("Messages", ())]

    def _release(self, letter: Letter) -> None:
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._urls[letter.queue], ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        except ClientError:
            return  # it was removed


def _letter(queue: str, message: dict[str, Any]) -> Letter:
    body = message["Body"]
    try:
        content = json.loads(body)
        source, reason, payload = content["source"], content["reason"], content["payload"]
    except (KeyError, TypeError, ValueError, RecursionError):
        source, reason, payload = "", MOVED_BY_SQS, body
    sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return Letter(queue, message["MessageId"], message["ReceiptHandle"], sent_at, body, source, reason, payload)


def office(session: Any, stage: str) -> DeadLetterOffice:
    """Return the dead-letter office of a provisioned stage."""
    data = outputs(session.client("cloudformation"), stack_name(stage, "data"))
    needed = [*(output for outputs_ in QUEUES.values() for output in outputs_), STATEMENTS_TABLE]
    missing = [output for output in needed if output not in data]
    if missing:
        raise StackFailed(f"the data stack of stage {stage} has no {missing[0]}: provision the stage again.")
    urls = {queue: data[output] for queue, (output, _) in QUEUES.items()}
    ways_back = {queue: data[output] for queue, (_, output) in QUEUES.items()}
    statements = StatementIndex(DueRepository(session.client("dynamodb"), data[STATEMENTS_TABLE]))
    return DeadLetterOffice(session.client("sqs"), urls, ways_back, statements)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m operations.dead_letters", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", default="local", help="default: local, the running local cloud")
    parser.add_argument("--region", help="default: AWS_DEFAULT_REGION, the profile's, or us-east-2")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the letters, without what is in them")
    commands.add_parser("show", help="print one letter whole").add_argument("id", help="its id, or how that begins")
    redrive = commands.add_parser("redrive", help="send letters through again")
    redrive.add_argument("--id", help="only the letter whose id begins so")
    redrive.add_argument("--reason", help="only letters whose reason begins so")
    options = parser.parse_args(arguments)
    try:
        stage_office = office(session_for(options.stage, options.region), options.stage)
        return {"list": _list, "show": _show, "redrive": _redrive}[options.command](stage_office, options)
    except (StackFailed, ClientError, BotoCoreError) as error:
        print(f"dead letters: {error}", file=sys.stderr)
        return 1
    except TemporarilyUnavailable:
        print("dead letters: the statements table takes nothing for now: run it again for the rest.", file=sys.stderr)
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        return gave_up("dead letters")


def _list(stage_office: DeadLetterOffice, _: argparse.Namespace) -> int:
    reasons = Counter[tuple[str, str]]()
    for letter in stage_office.letters(datetime.now(UTC)):
        print(f"{letter.id}\t{letter.queue}\t{letter.reason}")
        reasons[letter.queue, letter.reason] += 1
    for (queue, reason), number in sorted(reasons.items()):
        print(f"{number:>6} {queue}: {reason}", file=sys.stderr)
    print(f"{reasons.total():>6} in all", file=sys.stderr)
    return 0


def _show(stage_office: DeadLetterOffice, options: argparse.Namespace) -> int:
    for letter in stage_office.letters(datetime.now(UTC)):
        if letter.id.startswith(options.id):
            print(json.dumps({"queue": letter.queue, "reason": letter.reason, "payload": letter.payload}, indent=2))
            return 0
    print(f"dead letters: no letter's id begins with {options.id}.", file=sys.stderr)
    return 1


def _redrive(stage_office: DeadLetterOffice, options: argparse.Namespace) -> int:
    sent, kept = 0, 0
    with tqdm(total=stage_office.count(), desc="redriving", unit="letter", delay=2) as progress:
        for letter in stage_office.letters(datetime.now(UTC)):
            if letter.id.startswith(options.id or "") and letter.reason.startswith(options.reason or ""):
                if stage_office.redrive(letter, datetime.now(UTC)):
                    sent += 1
                else:
                    kept += 1
            progress.update()
    print(f"{sent} sent through again, {kept} kept because nothing can be made of them.")
    return 0 if kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
