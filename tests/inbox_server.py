"""The inbox over HTTP, on a stand-in for the local cloud's list of e-mails."""

import contextlib
import http.client
import re
import threading
from collections.abc import Iterator
from email.message import Message as Headers
from http.server import ThreadingHTTPServer


class Answered:
    """What the inbox answered to a GET."""

    def __init__(self, status: int, headers: Headers, body: str) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def subjects(self) -> list[str]:
        return re.findall(r'<a class="subject"[^>]*><bdi>(.*?)</bdi>', self.body)


class InboxOverHttp:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, host: str = "127.0.0.1") -> Answered:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers, answer.read().decode())

    def post(self, path: str, headers: dict[str, str]) -> Answered:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("POST", path, b"", {"Host": f"127.0.0.1:{self.port}", **headers})
            answer = connection.getresponse()
            return Answered(answer.status, answer.headers, answer.read().decode())


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
