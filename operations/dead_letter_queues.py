"""The dead-letter queues of a stage: read their letters, and send letters through again."""

import functools
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import GroupedBody, Queue
from chalicelib.cases.opener import CaseOpener
from chalicelib.cases.repository import CaseRepository
from chalicelib.statements.index import StatementIndex
from infra.sessions import Stage
from operations.queued_letter import QueuedLetter, grouped
from operations.stage_stores import stores_of
from operations.stream_functions import StreamFunctions

# Outputs of the data stack: each dead-letter queue, and the queue that sends its letters through again.
QUEUES = {
    "notifications": ("NotificationDeadLetterQueueUrl", "NotificationQueueUrl"),
    "stream": ("StreamDeadLetterQueueUrl", "NotificationQueueUrl"),
    "ingest": ("IngestDeadLetterQueueUrl", "IngestQueueUrl"),
    "operator-alerts": ("OperatorAlertsDeadLetterQueueUrl", "OperatorAlertsQueueUrl"),
    "webhooks": ("WebhookDeadLetterQueueUrl", "WebhookQueueUrl"),
    "feedback": ("FeedbackDeadLetterQueueUrl", "FeedbackQueueUrl"),
}
# How long a letter that was read stays hidden from other readers: long enough to read a whole queue.
_HIDDEN_S = 120
# A receive call that waits asks all of SQS's servers. Without waiting it could miss messages.
_WAITS_S = 1


class DeadLetterQueues:
    """A stage's dead-letter queues, and where their letters go to be processed again.

    `urls` are the dead-letter queues, `return_urls` the queues that the functions read, both by name. Letters about
    statements go to the index of statements that are due; letters about cases to the opener, which `cases` makes; other
    records of streams to their `functions`.
    """

    def __init__(
        self,
        sqs: Any,
        urls: dict[str, str],
        return_urls: dict[str, str],
        statements: StatementIndex,
        cases: Callable[[], CaseOpener],
        functions: StreamFunctions,
    ) -> None:
        self._sqs = sqs
        self._urls = urls
        self._return_urls = return_urls
        self._statements = statements
        self._cases = cases
        self._functions = functions

    def count(self) -> int:
        """Return about how many letters there are."""
        name = "ApproximateNumberOfMessages"
        answers = (self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name]) for url in self._urls.values())
        return sum(int(answer["Attributes"][name]) for answer in answers)

    def letters(self, now: datetime) -> Iterator[QueuedLetter]:
        """Yield once every letter that is older than `now`.

        Letters are hidden from other readers meanwhile. Those that the caller doesn't remove become visible again. A
        letter that was sent through again and failed again meanwhile is newer than `now`, so it is not yielded.
        """
        seen: dict[str, QueuedLetter] = {}
        try:
            for queue, url in self._urls.items():
                # If reading a queue takes longer than letters are hidden, the first known letters end the loop.
                while new := [letter for letter in self._receive(queue, url) if letter.id not in seen]:
                    seen.update({letter.id: letter for letter in new})
                    yield from (letter for letter in new if letter.sent_at < now)
        finally:
            for letter in seen.values():
                self._release(letter)

    def redrive(self, letter: QueuedLetter, now: datetime, note: Callable[[], None] = lambda: None) -> bool:
        """Send a letter through again and remove it. Return False, and keep it, if the letter can't be read, or if its
        function is called with it here and fails.

        `note` is called before it is sent, and not for one that is kept.

        It is sent first and removed afterwards. If the removal fails, the next redrive sends it again; the functions
        record a transaction and notify a holder once all the same. A case is opened, or gets its answer, here and not
        by the function, which would tell the bank of the answer once more; if that fails, the letter is written anew.
        """
        if (statement := letter.statement()) is not None:
            note()
            self._statements.put_again(statement, now)
        elif (record := letter.record_of_flags()) is not None:
            note()
            self._cases().handle([record])
        elif (record := letter.record_for_function()) is not None:
            note()
            if not self._functions.handles(letter.source, [record]):
                return False
        elif (message := letter.message()) is not None:
            note()
            group = GroupedBody.group_of(grouped(message))
            self._sqs.send_message(QueueUrl=self._return_urls[letter.goes_to], MessageBody=message, **group)
        else:
            return False
        self.remove(letter)
        return True

    def remove(self, letter: QueuedLetter) -> None:
        """Remove a letter that `letters` has yielded."""
        self._sqs.delete_message(QueueUrl=self._urls[letter.queue], ReceiptHandle=letter.receipt)

    def _receive(self, queue: str, url: str) -> list[QueuedLetter]:
        answer = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_S,
            WaitTimeSeconds=_WAITS_S,
            AttributeNames=["SentTimestamp"],
        )
        return [QueuedLetter.received(queue, message) for message in answer.get("Messages", ())]

    def _release(self, letter: QueuedLetter) -> None:
        try:
            self._sqs.change_message_visibility(
                QueueUrl=self._urls[letter.queue], ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        except ClientError:
            return  # The letter was removed.


def dead_letter_queues(stage: Stage) -> DeadLetterQueues:
    """Return the dead-letter queues of a provisioned stage."""
    urls = {queue: stage.output(output) for queue, (output, _) in QUEUES.items()}
    return_urls = {queue: stage.output(output) for queue, (_, output) in QUEUES.items()}
    stores = stores_of(stage, "StatementsTable")

    @functools.cache
    def cases() -> CaseOpener:
        of_cases = stores_of(stage, "CasesTable", "TransactionsTable")
        client, settings = of_cases.client("dynamodb"), of_cases.settings
        return CaseOpener(
            CaseRepository(client, settings.cases_table, settings.transactions_table),
            of_cases.transactions,
            DeadLetters(Queue(of_cases.client("sqs"), urls["stream"]), "transaction_stream"),
            of_cases.now,
        )

    functions = StreamFunctions.of(stage)
    return DeadLetterQueues(stores.client("sqs"), urls, return_urls, stores.statement_index, cases, functions)
