"""The console's own files, with a sign-in and `/staff` routes behind it that answer from a world of samples."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.api import console
from tests.console.sign_in import SignIn
from tests.console.world import NOW, World

# As on AWS, where a stage's name stands before the path.
STAGE = "/api"


class Served:
    """What a test has in hand: the page's URL, the sign-in, the world behind `/staff`, and what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}{STAGE}/console"
        self.sign_in = SignIn(url, NOW.timestamp())
        self.world = World()
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    served: Served
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        pairs = parse_qsl(parts.query)
        query = dict(pairs)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        self.served.asked.append(f"{self.command} {self.path}")
        path = parts.path
        if path.startswith(f"{STAGE}/console"):
            self._console(path.removeprefix(STAGE), query)
        elif path.startswith(f"{STAGE}/staff/") and len(query) < len(pairs):
            answer = self.served.world.problem(400, "validation_failed", "Given more than once.")
            self._send(answer.status, json.dumps(answer.body), answer.headers)
        elif path.startswith(f"{STAGE}/staff/"):
            self._staff(path.removeprefix(f"{STAGE}/staff/"), query, body)
        elif path == "/oauth2/authorize":
            self._send(302, "", {"Location": self.served.sign_in.authorize(query)})
        elif path == "/oauth2/token":
            status, answer = self.served.sign_in.exchange(dict(parse_qsl(body)))
            self._send(status, json.dumps(answer), {"Content-Type": "application/json"})
        elif path == "/oauth2/revoke":
            self.served.sign_in.refresh_tokens.discard(dict(parse_qsl(body))["token"])
            self._send(200, "", {})
        elif path == "/logout":
            self.served.sign_in.ended.append(query["client_id"])
            self._send(302, "", {"Location": query["logout_uri"]})
        else:
            self._send(404, "", {})

    def _console(self, path: str, query: dict[str, str]) -> None:
        if path == "/console/config.json":
            self._send(200, json.dumps(self.served.sign_in.config()), {"Content-Type": "application/json"})
            return
        request: Any = SimpleNamespace(
            context={"path": f"{STAGE}{path}", "requestId": "r"},
            headers={name.lower(): value for name, value in self.headers.items()},
            query_params=query,
            path=path,
            uri_params={},
        )
        name = path.removeprefix("/console").removeprefix("/")
        answer = console.asset(name, request) if name else console.page(request)
        body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        self._send(answer.status_code, body, answer.headers)

    def _staff(self, path: str, query: dict[str, str], body: str) -> None:
        sent = self.headers.get("authorization", "").removeprefix("Bearer ")
        if sent not in self.served.sign_in.tokens or self.served.sign_in.is_refused:
            answer = self.served.world.problem(401, "not_signed_in", "Sign in again.")
        else:
            answer = self.served.world.answer(
                self.served.sign_in.member,
                self.command,
                path,
                query,
                json.loads(body) if body else None,
                {name.lower(): value for name, value in self.headers.items()},
            )
        self._send(answer.status, "" if answer.body is None else json.dumps(answer.body), answer.headers)

    def _send(self, status: int, body: str, headers: Any) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(content)


@contextlib.contextmanager
def serving() -> Iterator[Served]:
    """Yield a console that is served on a port of its own."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served = Served(f"http://127.0.0.1:{server.server_address[1]}")
    handler.served = served
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
