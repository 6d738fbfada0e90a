"""SES's mailbox simulator for the local cloud, whose own SES tells nothing of what becomes of an e-mail.

For what went to the simulator's addresses (success@, bounce@, complaint@, ooto@ and suppressionlist@ of
simulator.amazonses.com, with any +label) it publishes what SES would, to the topic that SES publishes to on AWS.
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
from infra.stacks import outputs, stack_name
from local_cloud.deploy import STAGE
from local_cloud.inbox import Message, newest_messages
from local_cloud.server import Cloud

_ADDRESS = re.compile(
    r"(success|bounce|complaint|ooto|suppressionlist)(\+[^@]*)?@simulator\.amazonses\.com", re.IGNORECASE
)
_DELIVERED = ("Delivery", "delivery", {"smtpResponse": "250 2.6.0 Message received", "processingTimeMillis": 500})
_TELLS: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "success": [_DELIVERED],
    "bounce": [("Bounce", "bounce", {"bounceType": "Permanent", "bounceSubType": "General"})],
    "complaint": [_DELIVERED, ("Complaint", "complaint", {"complaintFeedbackType": "abuse"})],
    "ooto": [_DELIVERED, ("Bounce", "bounce", {"bounceType": "Transient", "bounceSubType": "General"})],
    "suppressionlist": [("Bounce", "bounce", {"bounceType": "Permanent", "bounceSubType": "Suppressed"})],
}
_WHOM = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}


def events(message: Message, tags: Mapping[str, str], now: datetime) -> Iterator[dict[str, Any]]:
    """Yield what SES would publish of an e-mail with these tags; nothing if it went to no simulator address."""
    simulated = _ADDRESS.fullmatch(message.recipients)
    if simulated is None:
        return
    mail = {
        "timestamp": format_time(message.sent_at),
        "source": message.sender,
        "messageId": message.id,
        "destination": [message.recipients],
        "tags": {name: [value] for name, value in {"ses:operation": "SendBulkEmail", **tags}.items()},
    }
    for event_type, name, detail in _TELLS[simulated[1].lower()]:
        whom = {_WHOM[event_type]: [{"emailAddress": message.recipients}]} if event_type in _WHOM else {}
        told = {"timestamp": format_time(now), "feedbackId": str(uuid.uuid4()), **whom, **detail}
        yield {"eventType": event_type, "mail": mail, name: told}


def play(cloud: Cloud) -> Counter[str]:
    """Publish what is to be told of e-mails that nothing was told of yet; return how many events of which type."""
    session = cloud.session()
    data = outputs(session.client("cloudformation"), stack_name(STAGE, "data"))
    untold = _untold(session.client("dynamodb"), data["NotificationsTable"])
    topic, now, published = session.client("sns"), datetime.now(UTC), Counter[str]()
    for message in newest_messages(cloud.endpoint_url):
        for event in events(message, untold[message.id], now) if message.id in untold else ():
            topic.publish(TopicArn=data["MailFeedbackTopicArn"], Message=json.dumps(event))
            published[event["eventType"]] += 1
    return published


def _untold(dynamodb: Any, table: str) -> dict[str, dict[str, str]]:
    """Return the tags of each e-mail without feedback, by SES's message id.

    A scan: the emulator shows no tags, and only the notifications know which e-mail is whose.
    """
    found, told = dict[str, dict[str, str]](), set[tuple[str, str]]()
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for values in map(from_item, page["Items"]):
            key, holder = values["transaction_key"], values["holder"]
            if holder.endswith("#feedback"):
                told.add((key, holder.removesuffix("#feedback")))
            elif "message_id" in values:
                bank, _, transaction_id = key.partition("#")
                found[values["message_id"]] = {"bank": bank, "transaction": transaction_id, "holder": holder}
    return {
        message_id: tags
        for message_id, tags in found.items()
        if (f"{tags['bank']}#{tags['transaction']}", tags["holder"]) not in told
    }
