"""The inbox: a local page with every e-mail that the local cloud's SES took, and the webhooks that a bank received.

A developer's tool, never deployed.

    python -m local_cloud.inbox --port 8025 --cloud http://127.0.0.1:4566

E-mails count as hostile: their HTML is shown in a sandboxed frame without scripts and remote loads, the rest of
them is escaped, and only a browser that asks for this machine by a loopback name is answered.
"""

import argparse
import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local_cloud import webhook_receiver
from local_cloud.server import PROJECT_DIR, CloudFailed, answers, end_process, is_free
from local_cloud.webhook_receiver import Receiver

DEFAULT_PORT = 8025
PAGE_SIZE = 100
TEMPLATES = Path(__file__).parent / "templates"

_START_TAKES_AT_MOST_S = 20
_CLOUD_ANSWERS_WITHIN_S = 10
_PORT_TAKEN = "Port {port} is taken by another program: end it, or give the inbox another port."
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?", re.IGNORECASE)
_LANGUAGE = re.compile(r"""<html\b[^>]*?\slang=["']?([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)""", re.IGNORECASE)
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
# Straight to the local cloud, whatever proxy the environment names.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoSuchPage(Exception):
    """The inbox has no such page; the message says what was asked for."""


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail that SES took. `language` is what its HTML part declares (BCP 47), empty when it doesn't."""

    id: str
    sender: str
    recipients: str
    subject: str
    text: str
    html: str
    sent_at: datetime
    language: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with; `policy` is its Content-Security-Policy."""

    body: str
    status: int = 200
    content_type: str = "text/html"
    policy: str = _PAGE_POLICY


_FOREIGN_NAME = Answer("The inbox answers to 127.0.0.1 and localhost only.\n", 403, "text/plain")


def newest_messages(cloud_url: str) -> list[Message]:
    """Return every e-mail that the local cloud's SES took, newest first. Raises CloudFailed when it doesn't answer."""
    try:
        with _direct.open(f"{cloud_url}/_ministack/ses/messages", timeout=_CLOUD_ANSWERS_WITHIN_S) as answer:
            accounts = json.load(answer)["messages"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise CloudFailed(f"The local cloud at {cloud_url} does not answer.") from error
    messages = [_message(record) for records in accounts.values() for record in records]
    return sorted(messages, key=lambda message: message.sent_at)[::-1]


def matching(messages: Sequence[Message], words: str) -> list[Message]:
    """Return the messages with these words in a recipient or in the subject, in any case, in the same order."""
    wanted = words.casefold()
    return [message for message in messages if wanted in f"{message.recipients}\n{message.subject}".casefold()]


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago the moment was, in its largest whole unit: 3 s ago, 5 min ago, 2 h ago, 4 d ago."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def answer_to(target: str, cloud_url: str, receiver: Receiver, now: datetime) -> Answer:
    """Return the answer to a GET of this path and query. Raises NoSuchPage, and CloudFailed when the cloud is down."""
    path, _, query_string = target.partition("?")
    query = {name: values[0].strip() for name, values in parse_qs(query_string).items()}
    if path == "/":
        return _list(newest_messages(cloud_url), query.get("q", ""), query.get("page", ""), now)
    if path == "/health":
        return Answer("ok", content_type="text/plain")
    if path in _ASSETS:
        return Answer((TEMPLATES / path[1:]).read_text("utf-8"), content_type=_ASSETS[path])
    if path == webhook_receiver.PATH:
        received = receiver.newest()
        return _page("webhooks.html", rows=[(one, ago(one.received_at, now)) for one in received])
    if path == f"{webhook_receiver.PATH}.json":
        return Answer(webhook_receiver.as_json(receiver.newest()), content_type="application/json")
    match [unquote(part) for part in path.split("/")]:
        case ["", "messages", message_id]:
            message = _with_id(message_id, cloud_url)
            part = query.get("part") or ("html" if message.html else "text")
            return _page("message.html", message=message, part=part, ago=ago(message.sent_at, now))
        case ["", "messages", message_id, "html"]:
            return Answer(_with_id(message_id, cloud_url).html, policy=_MAIL_POLICY)
        case ["", "messages", message_id, "text"]:
            return Answer(_with_id(message_id, cloud_url).text, content_type="text/plain", policy=_MAIL_POLICY)
    raise NoSuchPage(path)


class InboxServer(ThreadingHTTPServer):
    """The inbox's HTTP server, on loopback only. Raises CloudFailed when the port is taken.

    The file `webhook_secret` holds what webhooks are verified by.
    """

    daemon_threads = True

    def __init__(self, port: int, cloud_url: str, webhook_secret: Path | None = None) -> None:
        self.cloud_url = cloud_url
        self.receiver = Receiver(webhook_secret)
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise CloudFailed(_PORT_TAKEN.format(port=port)) from error


def start(port: int, cloud_url: str, folder: Path) -> int:
    """Start the inbox as a process of its own, return its id when it answers; its log goes into `folder`.

    Webhooks are verified by the secret in the folder's file `webhook_receiver.SECRET_FILE`, once there is one.
    `local_cloud.server.end_process` ends it. Raises CloudFailed when the port is taken or it doesn't come up.
    """
    if not is_free(port):
        raise CloudFailed(_PORT_TAKEN.format(port=port))
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "inbox.log"
    secret = folder / webhook_receiver.SECRET_FILE
    options = ["--port", str(port), "--cloud", cloud_url, "--webhook-secret", str(secret)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_cloud.inbox", *options],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_TAKES_AT_MOST_S
    while process.poll() is None and time.monotonic() < deadline:
        if answers(f"http://127.0.0.1:{port}/health"):
            process.returncode = 0  # It is meant to outlive this program: Popen would warn of a child left behind.
            return process.pid
        time.sleep(0.05)
    end_process(process.pid)
    process.wait()
    raise CloudFailed(f"The inbox did not come up within {_START_TAKES_AT_MOST_S} s; {log} may say why.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the inbox until SIGTERM or Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud.inbox", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="where the inbox listens (%(default)s)")
    parser.add_argument("--cloud", default="http://127.0.0.1:4566", help="the local cloud's URL (%(default)s)")
    parser.add_argument(
        "--webhook-secret", type=Path, metavar="FILE", help="holds the secret that webhooks are verified by"
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server = InboxServer(options.port, options.cloud.rstrip("/"), options.webhook_secret)
        with contextlib.suppress(KeyboardInterrupt), server:
            print(f"The inbox is at http://127.0.0.1:{options.port}/ (Ctrl-C ends it).", flush=True)
            server.serve_forever()
    except CloudFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class _Handler(BaseHTTPRequestHandler):
    server: InboxServer
    timeout = 30  # Browsers open connections ahead of need and may never use them.

    def do_GET(self) -> None:
        self._send(self._answer())

    def do_POST(self) -> None:
        self._send(self._taken())

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode("utf-8", "replace")
        headers = {
            "Content-Type": f"{answer.content_type}; charset=utf-8",
            **({} if answer.status == 204 else {"Content-Length": str(len(body))}),
            "Content-Security-Policy": answer.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        with contextlib.suppress(ConnectionError):  # The reader went on to another page.
            self.end_headers()
            self.wfile.write(body)

    def _answer(self) -> Answer:
        # A foreign page whose name was re-bound to loopback must not read the e-mails.
        if not self._is_asked_for_by_own_name():
            return _FOREIGN_NAME
        try:
            return answer_to(self.path, self.server.cloud_url, self.server.receiver, datetime.now(UTC))
        except NoSuchPage as error:
            return _page("not_found.html", 404, what=str(error))
        except CloudFailed as error:
            return _page("cloud_down.html", 503, reason=str(error))

    def _taken(self) -> Answer:
        if not self._is_asked_for_by_own_name():
            return _FOREIGN_NAME
        if self.path != webhook_receiver.PATH:
            return Answer(f"Only {webhook_receiver.PATH} takes anything.\n", 404, "text/plain")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length):
            return Answer("The request's length is missing.\n", 411, "text/plain")
        if int(length) > webhook_receiver.MAX_BODY:
            return Answer("No webhook is that large.\n", 413, "text/plain")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        status = self.server.receiver.take(headers, body, datetime.now(UTC))
        return Answer("" if status == 204 else "The signature is not valid.\n", status, "text/plain")

    def _is_asked_for_by_own_name(self) -> bool:
        return bool(_OWN_HOST.fullmatch(self.headers.get("Host", "")))


def _list(messages: Sequence[Message], words: str, page: str, now: datetime) -> Answer:
    found = matching(messages, words)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(1, int(page)), pages) if re.fullmatch("[0-9]{1,9}", page) else 1
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return _page(
        "list.html",
        rows=[(message, ago(message.sent_at, now)) for message in shown],
        words=words,
        found=len(found),
        total=len(messages),
        number=number,
        pages=pages,
    )


def _message(record: dict[str, Any]) -> Message:
    html = record["BodyHtml"] or ""
    declared = _LANGUAGE.search(html)
    return Message(
        id=record["MessageId"],
        sender=record["Source"],
        recipients=", ".join([*record["To"], *record["CC"], *record["BCC"]]),
        subject=record["Subject"],
        text=record["BodyText"] or "",
        html=html,
        sent_at=datetime.fromtimestamp(record["Timestamp"], UTC),
        language=declared[1] if declared else "",
    )


def _with_id(message_id: str, cloud_url: str) -> Message:
    for message in newest_messages(cloud_url):
        if message.id == message_id:
            return message
    raise NoSuchPage(f"message {message_id}")


def _page(template: str, status: int = 200, **context: Any) -> Answer:
    return Answer(_templates.get_template(template).render(context), status)


if __name__ == "__main__":
    sys.exit(main())
