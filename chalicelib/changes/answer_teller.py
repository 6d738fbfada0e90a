"""The answer teller: tells the bank of holders' answers to security alerts, by event and webhook.

It reads the stream of the transactions table, where an answer changes the row of flags. So nothing is lost when the
function that wrote the answer dies right after.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import ActivityRecorder, Happened
from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.dynamo import from_item
from chalicelib.aws.telemetry import about, count, logger
from chalicelib.banks import webhook_endpoints
from chalicelib.flags.answers import LAST_ANSWER, HolderAnswer, last_answer_in
from chalicelib.flags.events import EventBus
from chalicelib.ledger.stored_form import is_flag_row
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks import webhook
from chalicelib.webhooks.outbox import Outbox

ALERT_ANSWERED = "AlertAnswered"


@dataclass(frozen=True, slots=True)
class Answered:
    """A holder's answer, and the flagged transaction that it is about."""

    bank: str
    account: str
    transaction: str
    given: HolderAnswer


def answered_detail(answered: Answered) -> dict[str, Any]:
    """Return the detail of an AlertAnswered event; the same answer always gives the same detail."""
    return {
        "version": "1",
        "bank": answered.bank,
        "account": answered.account,
        "transaction": answered.transaction,
        **answered.given.to_json(),
    }


def webhook_of(answered: Answered, now: datetime) -> webhook.Webhook:
    """Return the webhook about an answer: it says what the event says."""
    data = {name: value for name, value in answered_detail(answered).items() if name not in ("version", "bank")}
    key, by = NotificationKey(answered.bank, answered.transaction, ""), answered.given.holder
    return webhook.webhook_about(key, webhook_endpoints.ALERT_ANSWERED, data["answered_at"], data, now, by)


class AnswerTeller:
    """Tells of the answers in a batch of the stream's records."""

    def __init__(
        self,
        events: EventBus,
        webhooks: Outbox,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
        activity: ActivityRecorder,
    ) -> None:
        self._events = events
        self._webhooks = webhooks
        self._dead_letters = dead_letters
        self._clock = clock
        self._activity = activity

    def handle(self, stream_records: Sequence[Mapping[str, Any]]) -> None:
        """Put the banks' events and queue their webhooks, for each answer that is new in the records.

        A record that can't be read becomes a dead letter. Raises only when a queue, a table or EventBridge can't be
        reached: the stream then brings the batch again. Webhooks are sent once all the same, and events come again
        with the same content.
        """
        letters: list[Letter] = []
        found: list[Answered] = []
        for record in stream_records:
            if record.get("eventName") == "MODIFY":
                with SetAside(letters, record, "malformed_record"):
                    found += filter(None, [answer_in(record["dynamodb"])])
        if not (found or letters):
            return
        self._dead_letters.put(letters)
        self._events.put(ALERT_ANSWERED, map(answered_detail, found))
        now = self._clock()
        webhooks = self._webhooks.put(webhook_of(answered, now) for answered in found)
        transactions = about((answered.bank, answered.transaction) for answered in found)
        extra = {"answers": len(found), "webhooks": webhooks, "transactions": transactions}
        logger.info("alerts_answered", extra=extra)
        count("AlertsAnswered", len(found))
        given: dict[str, Counter[Counted]] = {}
        for answered in found:
            given.setdefault(answered.bank, Counter())[Counted(answered.given.answer)] += 1
        self._activity.note({bank: Happened(answers) for bank, answers in given.items()})


def answer_in(images: Mapping[str, Any]) -> Answered | None:
    """Return the answer that is new in a changed row; None if it is of no flags, or something else is new.

    `images` are a stream record's. Raises KeyError, TypeError, ValueError or AttributeError if the row can't be read.
    """
    image = images["NewImage"]
    if not is_flag_row(image) or LAST_ANSWER not in image:
        return None
    row = from_item(images["NewImage"])
    return Answered(row["bank"], row["account"], row["id"], last_answer_in(row))
