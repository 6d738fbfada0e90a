"""A stub of AWS over HTTP, in its own process: one bank, one holder of each account, nothing is stored.

python -m bench.stub_server     prints its URL, and ends with its standard input
"""

import contextlib
import json
import socketserver
import subprocess
import sys
import threading
from binascii import crc32
from collections.abc import Iterator
from typing import Any

from bench.own_process import PROJECT


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run the stub, and yield its URL."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield str(server.stdout and server.stdout.readline().strip())
        server.communicate()


def answer_to(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a call: `operation` is the target of a JSON protocol, or the path of SES."""
    from bench.stubs import StubClient, holder_of

    match operation.rpartition(".")[2]:
        case "GetItem":
            return StubClient().get_item(**asked) if "entry" in asked["Key"] else holder_of(asked["Key"])
        case "UpdateItem":
            return StubClient().update_item()
        case "BatchGetItem":
            found = {table: part["Keys"] for table, part in asked["RequestItems"].items()}
            items = {table: [holder_of(key).get("Item") for key in keys] for table, keys in found.items()}
            return {"Responses": {table: list(filter(None, some)) for table, some in items.items()}}
        case "Query":
            return {"Items": [], "Count": 0, "ScannedCount": 0}
        case "SendMessageBatch":
            taken = [{"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0"} for entry in asked["Entries"]]
            return {"Successful": taken, "Failed": []}
        case "PutEvents":
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in asked["Entries"]]}
        case "GetSecretValue":
            return {"SecretString": json.dumps({"newest": "k" * 48, "older": []})}
        case "/v2/email/account":
            return {"SendQuota": {"MaxSendRate": 1000.0, "Max24HourSend": 1e6, "SentLast24Hours": 0.0}}
        case "/v2/email/outbound-bulk-emails":
            return {
                "BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "m"} for _ in asked["BulkEmailEntries"]]
            }
    return {}


class _Stub(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline().strip():
            path = line.decode().split()[1]
            headers = self._headers()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            answer = answer_to(headers.get("x-amz-target", path), json.loads(body or b"{}"))
            content = json.dumps(answer).encode()
            head = (
                "HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Fri, 30 Jan 2026 12:00:00 GMT\r\n"
                "Content-Type: application/x-amz-json-1.0\r\nConnection: keep-alive\r\n"
                "x-amzn-RequestId: 3B8N3F4Q2A7VJ9K0S5L6M1P2C3VV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
                f"x-amz-crc32: {crc32(content)}\r\nContent-Length: {len(content)}\r\n\r\n"
            )
            self.wfile.write(head.encode() + content)

    def _headers(self) -> dict[str, str]:
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return headers


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


def _serve() -> None:
    with _Server(("127.0.0.1", 0), _Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    _serve()
