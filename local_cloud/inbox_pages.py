"""The pages of the inbox: the list of e-mails, one e-mail, and the received webhooks.

E-mails count as hostile: their HTML is shown in a sandboxed frame without scripts and remote loads, and all other parts
are escaped.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local_cloud import one_click, webhook_receiver
from local_cloud.messages import Message, as_json, matching, newest_messages
from local_cloud.server import Keys
from local_cloud.webhook_receiver import Receiver

PAGE_SIZE = 100
TEMPLATES = Path(__file__).parent / "templates"
_ASSETS = {"/inbox.css": "text/css", "/refresh.js": "text/javascript"}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"
)
_templates = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


class NoSuchPage(Exception):
    """The inbox has no such page. The message names what was asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request. `policy` is its Content-Security-Policy."""

    body: str
    status: int = 200
    content_type: str = "text/html"
    policy: str = _PAGE_POLICY


def answer_to(target: str, cloud_url: str, keys: Keys, receiver: Receiver, now: datetime) -> Answer:
    """Return the answer to a GET of this path and query. Raises NoSuchPage, and CloudFailed when the cloud is down."""
    path, _, query_string = target.partition("?")
    query = {name: values[0].strip() for name, values in parse_qs(query_string).items()}
    if path == "/":
        return _list(newest_messages(cloud_url, keys), query.get("q", ""), query.get("page", ""), now)
    if path == "/messages.json":
        found = matching(newest_messages(cloud_url, keys), query.get("q", ""))
        return Answer(as_json(found), content_type="application/json")
    if path == "/health":
        return Answer("ok", content_type="text/plain")
    if path in _ASSETS:
        return Answer((TEMPLATES / path[1:]).read_text("utf-8"), content_type=_ASSETS[path])
    if path == webhook_receiver.PATH:
        rows = [(webhook, ago(webhook.received_at, now)) for webhook in receiver.newest()]
        return page("webhooks.html", rows=rows)
    if path == f"{webhook_receiver.PATH}.json":
        return Answer(webhook_receiver.as_json(receiver.newest()), content_type="application/json")
    match [unquote(part) for part in path.split("/")]:
        case ["", "messages", message_id]:
            message = _with_id(message_id, cloud_url, keys)
            part = query.get("part") or ("html" if message.html else "text")
            link = one_click.link_in(message, cloud_url)
            return page("message.html", message=message, part=part, ago=ago(message.sent_at, now), one_click=link)
        case ["", "messages", message_id, "html"]:
            return Answer(_with_id(message_id, cloud_url, keys).html, policy=_MAIL_POLICY)
        case ["", "messages", message_id, "text"]:
            return Answer(_with_id(message_id, cloud_url, keys).text, content_type="text/plain", policy=_MAIL_POLICY)
    raise NoSuchPage(path)


def unsubscribed(message_id: str, cloud_url: str, keys: Keys) -> Answer:
    """Post to the message's link for one click, and return a page with the answer. Raises NoSuchPage, CloudFailed."""
    message = _with_id(message_id, cloud_url, keys)
    link = one_click.link_in(message, cloud_url)
    if link is None:
        raise NoSuchPage(f"a link for one click in message {message_id}")
    return page("one_click.html", message=message, pressed=one_click.press(link))


def page(template: str, status: int = 200, **context: Any) -> Answer:
    """Return a page made from a template."""
    return Answer(_templates.get_template(template).render(context), status)


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago the moment was, in its largest whole unit: 3 s ago, 5 min ago, 2 h ago, 4 d ago."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def _list(messages: Sequence[Message], words: str, number: str, now: datetime) -> Answer:
    found = matching(messages, words)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    shown_page = min(max(1, int(number)), pages) if re.fullmatch("[0-9]{1,9}", number) else 1
    shown = found[(shown_page - 1) * PAGE_SIZE : shown_page * PAGE_SIZE]
    return page(
        "list.html",
        rows=[(message, ago(message.sent_at, now)) for message in shown],
        words=words,
        found=len(found),
        total=len(messages),
        number=shown_page,
        pages=pages,
    )


def _with_id(message_id: str, cloud_url: str, keys: Keys) -> Message:
    for message in newest_messages(cloud_url, keys):
        if message.id == message_id:
            return message
    raise NoSuchPage(f"message {message_id}")
