"""The e-mails that the local cloud's SES accepted, read from the emulator."""

import http.client
import json
import re
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

from chalicelib.ledger.times import format_time
from chalicelib.mail.tags import from_tag
from local_cloud.server import CloudFailed, Keys

_CLOUD_ANSWERS_WITHIN_S = 10
_LANGUAGE = re.compile(r"""<html\b[^>]*?\slang=["']?([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)""", re.IGNORECASE)
# Directly to the local cloud, even if the environment names a proxy.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Message:
    """An e-mail that SES accepted. `language` is the one that its HTML part declares (BCP 47), or empty.

    `headers` are those that SES was handed, and the tags of the e-mail are beside them.
    """

    id: str
    sender: str
    recipients: str
    subject: str
    text: str
    html: str
    sent_at: datetime
    language: str
    headers: Mapping[str, str]
    tags: Mapping[str, str]


def newest_messages(cloud_url: str, keys: Keys) -> list[Message]:
    """Return every e-mail that the local cloud's SES accepted, newest first. Raises CloudFailed without an answer."""
    question = urllib.request.Request(f"{cloud_url}/_ministack/ses/messages", headers=keys.headers)  # noqa: S310
    try:
        with _direct.open(question, timeout=_CLOUD_ANSWERS_WITHIN_S) as answer:
            accounts = json.load(answer)["messages"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise CloudFailed(f"The local cloud at {cloud_url} does not answer.") from error
    messages = [_message(record) for records in accounts.values() for record in records]
    return sorted(messages, key=lambda message: message.sent_at)[::-1]


def matching(messages: Sequence[Message], words: str) -> list[Message]:
    """Return the messages with these words in a recipient or in the subject, in any case, in the same order."""
    wanted = words.casefold()
    return [message for message in messages if wanted in f"{message.recipients}\n{message.subject}".casefold()]


def _decoded(header: str) -> str:
    """Return a header From as a mail program shows it: its encoded words decoded, and no quotes around the name."""
    name, address = parseaddr(header)
    if not (name and address):
        return header
    try:
        return f"{make_header(decode_header(name))} <{address}>"
    except (HeaderParseError, LookupError, ValueError):
        return header


def _message(record: dict[str, Any]) -> Message:
    html = record["BodyHtml"] or ""
    declared = _LANGUAGE.search(html)
    return Message(
        id=record["MessageId"],
        sender=_decoded(record["Source"]),
        recipients=", ".join([*record["To"], *record["CC"], *record["BCC"]]),
        subject=record["Subject"],
        text=record["BodyText"] or "",
        html=html,
        sent_at=datetime.fromtimestamp(record["Timestamp"], UTC),
        language=declared[1] if declared else "",
        headers={
            "From": record["Source"],
            "To": ", ".join(record["To"]),
            "Subject": record["Subject"],
            **dict(record.get("Headers", ())),
        },
        tags={name: from_tag(value) for name, value in record.get("Tags", ())},
    )


def as_json(messages: Iterable[Message]) -> str:
    """Return the messages as `{"messages": [...]}`, in the same order, each with its headers and `sent_at` in UTC."""
    found = [
        {
            "id": message.id,
            "to": message.recipients,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": message.headers,
            "tags": message.tags,
            "sent_at": format_time(message.sent_at),
        }
        for message in messages
    ]
    return json.dumps({"messages": found})
