"""What SES tells of e-mails that it had accepted: delivered, bounced, complained of, rejected, delayed.

Events come from the configuration set through SNS, at least once and in any order, each in the form that SES publishes
("event publishing"), without SNS's envelope.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.activity.hour import Counted
from chalicelib.activity.recorder import ActivityRecorder, Happened
from chalicelib.aws.batching import in_turns
from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside, is_fault_of_value
from chalicelib.aws.queues import GroupedBody, Queue
from chalicelib.aws.telemetry import SECONDS, about, count, logger, measured
from chalicelib.banks.bank import BANK_ID
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.late_suppression import LateSuppression
from chalicelib.holders.sweep import Sweep
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.times import parse_time
from chalicelib.mail.tags import from_tag
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.sent_together import Delivery, Notes
from chalicelib.notifications.state import CHANGE_ID, DIGEST_ID, STATEMENT_ID, Feedback, Kind, NotificationKey
from chalicelib.notifications.suppressing import PUT_OFF_S, Step, Suppressor, pack, unpack
from chalicelib.notifications.verdicts import Verdict, of_bounce, of_complaint, word

# SES says it to a topic that it is to publish to, once, when that is set up.
_GREETING = "Successfully validated SNS topic for Amazon SES event publishing."
# Where an e-mail's own event has its time. A rejection and a failed rendering have none: they come at once.
_DETAIL = {
    "Delivery": "delivery",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "DeliveryDelay": "deliveryDelay",
    "Reject": "reject",
    "Rendering Failure": "failure",
}
_UNTOLD = frozenset({"Send", "Open", "Click", "Subscription"})  # what the configuration set isn't to tell
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._@-]{1,200}")
# Of a batch so many make a step of a sweep, which takes a second each (`holders.sweep`), of the function's 30.
LONG_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Event:
    """Feedback on the e-mail of one notification, the address that it went to, and how it suppresses the address."""

    bank: str
    key: NotificationKey
    address: str
    feedback: Feedback
    suppressed: Suppressed | None = None

    @property
    def suppression(self) -> LateSuppression | None:
        return LateSuppression(Address.of(self.bank, self.address), self.suppressed) if self.suppressed else None


class UnknownNotification(ValueError):
    """The e-mail was not sent for a notification."""


@dataclass(frozen=True, slots=True, eq=False)
class _Message:
    """A message of the queue, as it came and as it was read."""

    body: str
    content: Event | Step

    @property
    def bank(self) -> str:
        return self.content.bank if isinstance(self.content, Event) else self.content.address.bank

    @property
    def takes_long(self) -> bool:
        one = self.content
        # A digest's event is a change of each notification that it told: up to thousands.
        return not isinstance(one, Event) or bool(one.suppressed or DIGEST_ID.fullmatch(one.key.transaction))


def read_event(body: str) -> Event | None:
    """Return the event in a queue message, None for one that says nothing of what became of an e-mail.

    Raises UnknownNotification for an e-mail without our tags, and any exception for a body that is no event.
    """
    if body.strip() == _GREETING:
        return None
    content = json.loads(body)
    event_type, mail = content["eventType"], content["mail"]
    if event_type in _UNTOLD:
        return None
    detail = content[_DETAIL[event_type]]
    verdict = _verdict(event_type, detail)
    if verdict is None:
        return None
    feedback = _feedback(mail, detail, verdict)
    tags = mail.get("tags", {})
    if not {"bank", "transaction", "holder"} <= set(tags):
        raise UnknownNotification
    (bank,), (transaction,), (holder,) = (map(from_tag, tags[name]) for name in ("bank", "transaction", "holder"))
    is_known = any(form.fullmatch(transaction) for form in (IDENTIFIER, STATEMENT_ID, DIGEST_ID, CHANGE_ID))
    if not (BANK_ID.fullmatch(bank) and is_known and IDENTIFIER.fullmatch(holder)):
        raise UnknownNotification
    # The address that we wrote to, not the one that a forwarding server bounced at or complained from.
    (address,) = mail["destination"]
    return Event(
        bank, NotificationKey(bank, transaction, holder), str(address), feedback, verdict.suppressed(feedback.at)
    )


def _verdict(event_type: str, detail: Mapping[str, Any]) -> Verdict | None:
    match event_type:
        case "Bounce":
            return of_bounce(detail)
        case "Complaint":
            return of_complaint(detail)
        case "DeliveryDelay":
            return Verdict(Kind.DELAY, f"delayed: {word(detail.get('delayType'))}")
        case "Reject":
            return Verdict(Kind.REJECT, word(detail.get("reason")))
        case "Rendering Failure":
            return Verdict(Kind.RENDERING_FAILURE, "rendering_failure")
    return Verdict(Kind.DELIVERY)


def _feedback(mail: dict[str, Any], detail: dict[str, Any], verdict: Verdict) -> Feedback:
    accepted_at = parse_time(mail["timestamp"])
    at = parse_time(detail["timestamp"]) if "timestamp" in detail else accepted_at
    if not _MESSAGE_ID.fullmatch(mail["messageId"]):
        raise ValueError("messageId")
    return Feedback(at, verdict.kind, mail["messageId"], accepted_at, verdict.reason)


def _activity(kept: Iterable[Event]) -> dict[str, Happened]:
    banks: dict[str, Counter[Counted]] = {}
    for event in kept:
        if event.feedback.kind is not Kind.DELAY:
            banks.setdefault(event.bank, Counter())[Counted(event.feedback.state)] += 1
    return {bank: Happened(counts) for bank, counts in banks.items()}


class FeedbackHandler:
    def __init__(
        self,
        records: NotificationRecords,
        feed: NotificationFeed,
        suppressor: Suppressor,
        queue: Queue,
        dead_letters: DeadLetters,
        activity: ActivityRecorder,
    ) -> None:
        self._records = records
        self._feed = feed
        self._suppressor = suppressor
        self._queue = queue
        self._dead_letters = dead_letters
        self._activity = activity

    def handle(self, bodies: Sequence[str], seconds_left: Callable[[], float]) -> None:
        """Keep what SES told, put it all into the feed, and then suppress what is to be suppressed.

        What can't be read, and what is of no notification, goes to the dead-letter queue with its reason; the others go
        on. Raises when what SES told can't be kept or put into the feed, or a queue can't be reached: SQS then brings
        the messages again, and what was kept is not kept twice. A suppression that a passing error stops goes back as a
        message of its own, and holds up nothing. A refusal that concerns the function itself, like a missing right, is
        raised also from a suppression: its whole batch comes again. A message can also be such a suppression, or a step
        of a sweep: those are made last. Of what takes long, `LONG_AT_MOST` are handled, the banks' in turns, and the
        others put back.
        """
        letters: list[Letter] = []
        messages = self._read(bodies, letters)
        long = in_turns((one for one in messages if one.takes_long), lambda one: one.bank)
        put_back = long[LONG_AT_MOST:]
        handled = [(one.body, one.content) for one in messages if one not in put_back]
        kept = self._keep([(body, one) for body, one in handled if isinstance(one, Event)], letters)
        # Before the suppressions: one that can't be made must not hold up what the banks are told of the others.
        self._feed.append(self._records.concerned(event.key for _, event in kept))
        steps: list[tuple[str, Step]] = [(body, one) for body, event in kept if (one := event.suppression)]
        steps += [(body, one) for body, one in handled if not isinstance(one, Event)]
        put_off = self._suppressor.make(steps, letters, seconds_left)
        self._dead_letters.put(letters)
        self._dead_letters.send(self._queue, map(pack, put_off), lambda: PUT_OFF_S)
        # Last: if anything fails before, the batch comes again with what would have been put back.
        self._dead_letters.send(self._queue, (GroupedBody.of(one.body, one.bank) for one in put_back))
        count("FeedbackPutBack", len(put_back))  # as new messages, so that their queue doesn't look old
        count("LongFeedbackHandled", len(long) - len(put_back) - len(put_off))
        swept = sum(isinstance(step, Sweep) for _, step in steps)
        self._report([event for _, event in kept], swept, len(put_back), len(put_off), len(letters))

    def _keep(self, events: Sequence[tuple[str, Event]], letters: list[Letter]) -> list[tuple[str, Event]]:
        """Keep what SES told of notifications, and return which events these are; the others become letters."""
        known = self._records.known(event.key for _, event in events)
        noted = self._noted_together(events, known)
        kept: list[tuple[str, Event]] = []
        for body, event in events:
            if event.key not in known:
                letters.append(Letter(body, "unknown_notification"))
            else:
                with SetAside(letters, body, "not_recorded"):
                    if (event.key, event.feedback) not in noted:
                        self._records.note_feedback(event.key, event.feedback)
                    kept.append((body, event))
        return kept

    def _noted_together(self, events: Iterable[tuple[str, Event]], known: Notes) -> set[Delivery]:
        """Keep the deliveries that are kept by SES call, and return them; if one is at fault none, to be kept apart."""
        deliveries = [(one.key, one.feedback) for _, one in events if one.feedback.kind is Kind.DELIVERY]
        try:
            return self._records.note_deliveries(deliveries, known)
        except Exception as error:
            if not is_fault_of_value(error):
                raise
            logger.warning("deliveries_noted_apart", extra={"error": type(error).__name__})
            count("DeliveriesNotedApart", len(deliveries))  # each costs a write
            return set()

    def _report(self, kept: Sequence[Event], swept: int, put_back: int, put_off: int, dead_lettered: int) -> None:
        """Log what became of a batch, and count what SES told."""
        kinds = Counter(event.feedback.kind.value for event in kept)
        extra = {"swept": swept, "put_back": put_back, "put_off": put_off, "dead_lettered": dead_lettered}
        transactions = about((event.bank, event.key.transaction) for event in kept)
        logger.info("feedback_batch", extra={"kinds": kinds, **extra, "transactions": transactions})
        count("MailsDelivered", kinds[Kind.DELIVERY])
        count("MailsBounced", kinds[Kind.HARD_BOUNCE] + kinds[Kind.SOFT_BOUNCE])
        count("MailsComplained", kinds[Kind.COMPLAINT])
        delivered = (event.feedback for event in kept if event.feedback.kind is Kind.DELIVERY)
        measured("AcceptedToDelivered", SECONDS, ((one.at - one.accepted_at).total_seconds() for one in delivered))
        self._activity.note(_activity(kept))

    def _read(self, bodies: Iterable[str], letters: list[Letter]) -> list[_Message]:
        """Return the messages; add those that can't be read to the letters."""
        messages: list[_Message] = []
        for body in bodies:
            with SetAside(letters, body, "malformed_event"):
                try:
                    content = unpack(body) or read_event(body)
                except UnknownNotification:
                    letters.append(Letter(body, "unknown_notification"))
                else:
                    messages += [_Message(body, content)] if content else []
        return messages
