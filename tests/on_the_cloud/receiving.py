"""A bank's endpoint for webhooks that takes everything."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Takes everything, and keeps the types of what came."""

    came: list[str]

    def do_POST(self) -> None:
        self.came.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["type"])
        self.send_response_only(204)
        self.end_headers()


@contextmanager
def receiving() -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of an endpoint, and the types of what came there."""
    came: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Receiver,), {"came": came}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
