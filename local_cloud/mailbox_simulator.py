"""SES's mailbox simulator for the local cloud, whose own SES publishes no feedback.

For e-mails to the simulator's addresses (success@, bounce@, complaint@, ooto@ and suppressionlist@ of
simulator.amazonses.com, with any +label) it publishes SES's feedback to the same topic as SES does on AWS.
"""

import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.aws.dynamo import from_item
from chalicelib.ledger.times import format_time
from chalicelib.mail.tags import to_tag
from chalicelib.notifications.sent_together import SentTogether
from chalicelib.notifications.state import NotificationKey
from infra.sessions import Stage
from local_cloud.deploy import STAGE
from local_cloud.messages import Message, newest_messages
from local_cloud.server import Cloud

_ADDRESS = re.compile(
    r"(success|bounce|complaint|ooto|suppressionlist)(\+[^@]*)?@simulator\.amazonses\.com", re.IGNORECASE
)
_DELIVERED = ("Delivery", "delivery", {"smtpResponse": "250 2.6.0 Message received", "processingTimeMillis": 500})
_FEEDBACK: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "success": [_DELIVERED],
    "bounce": [("Bounce", "bounce", {"bounceType": "Permanent", "bounceSubType": "General"})],
    "complaint": [_DELIVERED, ("Complaint", "complaint", {"complaintFeedbackType": "abuse"})],
    "ooto": [_DELIVERED, ("Bounce", "bounce", {"bounceType": "Transient", "bounceSubType": "General"})],
    "suppressionlist": [("Bounce", "bounce", {"bounceType": "Permanent", "bounceSubType": "Suppressed"})],
}
_FEEDBACK_ITEM = "#feedback"  # how the key ends of the item that stores feedback beside a notification
_RECIPIENTS = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}


def events(message: Message, tags: Mapping[str, str], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the events that SES would publish about an e-mail with these tags: none for an ordinary address."""
    simulated = _ADDRESS.fullmatch(message.recipients)
    if simulated is None:
        return
    mail = {
        "timestamp": format_time(message.sent_at),
        "source": message.sender,
        "messageId": message.id,
        "destination": [message.recipients],
        "tags": {"ses:operation": ["SendBulkEmail"], **{name: [to_tag(value)] for name, value in tags.items()}},
    }
    for event_type, name, detail in _FEEDBACK[simulated[1].lower()]:
        to = {_RECIPIENTS[event_type]: [{"emailAddress": message.recipients}]} if event_type in _RECIPIENTS else {}
        about = {"timestamp": format_time(now), "feedbackId": str(uuid.uuid4()), **to, **detail}
        yield {"eventType": event_type, "mail": mail, name: about}


def waiting(cloud: Cloud, bank: str) -> int:
    """Return how many of a bank's e-mails have had no feedback."""
    return len(_without_feedback(Stage(STAGE, cloud.session()), bank))


def play(cloud: Cloud, bank: str | None = None) -> Counter[str]:
    """Publish the events of e-mails, or of one bank's, that have had no feedback; return how many by type."""
    stage = Stage(STAGE, cloud.session())
    waiting = _without_feedback(stage, bank)
    topic, now, published = stage.session.client("sns"), datetime.now(UTC), Counter[str]()
    for message in newest_messages(cloud.endpoint_url, cloud.keys):
        for event in events(message, waiting[message.id], now) if message.id in waiting else ():
            topic.publish(TopicArn=stage.output("MailFeedbackTopicArn"), Message=json.dumps(event))
            published[event["eventType"]] += 1
    return published


def _without_feedback(stage: Stage, bank: str | None) -> dict[str, dict[str, str]]:
    """Return the tags of each e-mail, or of one bank's, without feedback, by SES's message id.

    This is a scan: the emulator shows no tags, and only the notifications tell whose e-mail it is.
    """
    notes, answered = dict[NotificationKey, dict[str, Any]](), set[NotificationKey]()
    dynamodb, table = stage.session.client("dynamodb"), stage.output("NotificationsTable")
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for values in map(from_item, page["Items"]):
            if values["holder"].endswith(_FEEDBACK_ITEM):
                answered.add(NotificationKey.of_item(values, _FEEDBACK_ITEM))
            elif "state" in values:
                notes[NotificationKey.of_item(values)] = values
    completed, delivered = SentTogether(dynamodb, table).completed_and_delivered(notes)
    answered |= {key for key, deliveries in delivered.items() if deliveries}
    return {
        note["message_id"]: {"bank": key.bank, "transaction": key.transaction, "holder": key.holder}
        for key, note in completed.items()
        if "message_id" in note and key not in answered and bank in (None, key.bank)
    }
