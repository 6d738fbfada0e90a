"""What a server answers to a GET, whole."""

import contextlib
import http.client
from email.message import Message
from typing import NamedTuple
from urllib.parse import urlsplit


class Answered(NamedTuple):
    status: int
    headers: Message
    body: str


def get(url: str, **headers: str) -> Answered:
    parts = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = connection.getresponse()
        return Answered(answer.status, answer.headers, answer.read().decode())
