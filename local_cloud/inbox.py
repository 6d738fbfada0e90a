"""The inbox: a local page with every e-mail that the local cloud's SES accepted, and the webhooks that a bank received.

A developer's tool, never deployed.

    python -m local_cloud.inbox --port 8025 --cloud http://127.0.0.1:4566

The environment names the local cloud's keys, as `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.

It listens on loopback only, and answers only requests that name a loopback host.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from local_cloud import webhook_receiver
from local_cloud.inbox_pages import Answer, NoSuchPage, answer_to, page, unsubscribed
from local_cloud.server import PROJECT_DIR, CloudFailed, Keys, answers, end_process, is_free
from local_cloud.webhook_receiver import Receiver

DEFAULT_PORT = 8025
_START_TAKES_AT_MOST_S = 20
# Where it finds the local cloud's keys. A command line can be seen by others.
_KEY_ID, _SECRET_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
_PORT_TAKEN = "Another program uses port {port}: end it, or give the inbox another port."
_ONE_CLICK = re.compile(r"/messages/([^/?]+)/one-click")
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?", re.IGNORECASE)
_FOREIGN_NAME = Answer("The inbox answers to 127.0.0.1 and localhost only.\n", 403, "text/plain")


class InboxServer(ThreadingHTTPServer):
    """The inbox's HTTP server, on loopback only. Raises CloudFailed when another program uses the port.

    The file `webhook_secret` holds the secret that verifies webhooks.
    """

    daemon_threads = True

    def __init__(self, port: int, cloud_url: str, keys: Keys, webhook_secret: Path | None = None) -> None:
        self.cloud_url = cloud_url
        self.keys = keys
        self.receiver = Receiver(webhook_secret)
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise CloudFailed(_PORT_TAKEN.format(port=port)) from error


def start(port: int, cloud_url: str, folder: Path, keys: Keys) -> int:
    """Start the inbox as its own process and return the process id when it answers; its log is in `folder`.

    The secret that verifies webhooks is in the folder's file `webhook_receiver.SECRET_FILE`, which may come later.
    `local_cloud.server.end_process` ends the process. Raises CloudFailed when the port is used or there is no answer.
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
            env={**os.environ, _KEY_ID: keys.access_key_id, _SECRET_KEY: keys.secret_access_key},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_TAKES_AT_MOST_S
    while process.poll() is None and time.monotonic() < deadline:
        if answers(f"http://127.0.0.1:{port}/health"):
            process.returncode = 0  # The inbox outlives this program. Without this, Popen warns of a running child.
            return process.pid
        time.sleep(0.05)
    end_process(process.pid)
    process.wait()
    raise CloudFailed(f"The inbox did not start within {_START_TAKES_AT_MOST_S} s; {log} may say why.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the inbox until SIGTERM or Ctrl-C; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud.inbox", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="the inbox's port (%(default)s)")
    parser.add_argument("--cloud", default="http://127.0.0.1:4566", help="the local cloud's URL (%(default)s)")
    parser.add_argument(
        "--webhook-secret", type=Path, metavar="FILE", help="the file with the secret that verifies webhooks"
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        keys = Keys(os.environ.get(_KEY_ID, ""), os.environ.get(_SECRET_KEY, ""))
        server = InboxServer(options.port, options.cloud.rstrip("/"), keys, options.webhook_secret)
        with contextlib.suppress(KeyboardInterrupt), server:
            print(f"The inbox is at http://127.0.0.1:{options.port}/ (Ctrl-C ends it).", flush=True)
            server.serve_forever()
    except CloudFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class _Handler(BaseHTTPRequestHandler):
    server: InboxServer
    timeout = 30  # Browsers open connections that they may never use.

    def do_GET(self) -> None:
        self._send(self._page())

    def do_POST(self) -> None:
        pressed = _ONE_CLICK.fullmatch(self.path)
        self._send(self._press(unquote(pressed[1])) if pressed else self._receive_webhook())

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
        with contextlib.suppress(ConnectionError):  # The browser went on to another page.
            self.end_headers()
            self.wfile.write(body)

    def _page(self) -> Answer:
        # DNS rebinding: a foreign page whose host name was made to mean loopback must not read the e-mails.
        if not self._names_loopback():
            return _FOREIGN_NAME
        return self._answered(
            lambda: answer_to(
                self.path, self.server.cloud_url, self.server.keys, self.server.receiver, datetime.now(UTC)
            )
        )

    def _answered(self, answer: Callable[[], Answer]) -> Answer:
        try:
            return answer()
        except NoSuchPage as error:
            return page("not_found.html", 404, what=str(error))
        except CloudFailed as error:
            return page("cloud_down.html", 503, reason=str(error))

    def _press(self, message_id: str) -> Answer:
        # Another site's page could send a form here: the browser says so.
        origin = self.headers.get("Origin")
        if not self._names_loopback() or origin not in (None, f"http://{self.headers.get('Host')}"):
            return _FOREIGN_NAME
        return self._answered(lambda: unsubscribed(message_id, self.server.cloud_url, self.server.keys))

    def _receive_webhook(self) -> Answer:
        if not self._names_loopback():
            return _FOREIGN_NAME
        if self.path != webhook_receiver.PATH:
            return Answer(f"Only {webhook_receiver.PATH} takes a POST.\n", 404, "text/plain")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length):
            return Answer("The request has no Content-Length.\n", 411, "text/plain")
        if int(length) > webhook_receiver.MAX_BODY:
            return Answer("The body is larger than any webhook.\n", 413, "text/plain")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        status = self.server.receiver.take(headers, body, datetime.now(UTC))
        return Answer("" if status == 204 else "The signature is not valid.\n", status, "text/plain")

    def _names_loopback(self) -> bool:
        return bool(_OWN_HOST.fullmatch(self.headers.get("Host", "")))


if __name__ == "__main__":
    sys.exit(main())
