"""Unsubscribing with one click (RFC 8058), as a mail program does it, from the inbox."""

import re
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from local_cloud.messages import Message

_TAKES_AT_MOST_S = 30
_LINK = re.compile(r"<(https?://[^<>\s]+)>")
_BODY = b"List-Unsubscribe=One-Click"


@dataclass(frozen=True, slots=True)
class Pressed:
    """What the link answered: its status (0 if there was no answer), and its page without tags."""

    link: str
    status: int
    text: str


def link_in(message: Message, cloud_url: str) -> str | None:
    """Return the link that a mail program would post to; None if there is none, or if it leads out of the cloud.

    E-mails count as hostile: without that limit, an e-mail could have the inbox post to any address.
    """
    headers = {name.lower(): value for name, value in message.headers.items()}
    found = _LINK.search(headers.get("list-unsubscribe", ""))
    is_one_click = headers.get("list-unsubscribe-post", "").strip() == _BODY.decode()
    return found[1] if found and is_one_click and found[1].startswith(f"{cloud_url}/") else None


def press(link: str) -> Pressed:
    """Post to the link as a mail program does, and return the answer."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        # An answer that leads elsewhere is shown as it is: a mail program may not follow it.
        answer = urllib3.request(
            "POST", link, body=_BODY, headers=headers, timeout=_TAKES_AT_MOST_S, redirect=False, retries=False
        )
    except HTTPError as error:
        return Pressed(link, 0, str(error))
    return Pressed(link, answer.status, _text(answer.data))


def _text(page: bytes) -> str:
    without_style = re.sub(r"(?s)<(style|title).*?</\1>", " ", page.decode("utf-8", "replace"))
    return " ".join(re.sub(r"<[^>]*>", " ", without_style).split())[:2_000]
