"""An honest small API of our own over real HTTP, for tests of what calls it."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.api.transaction_body import read_transaction
from chalicelib.errors import DomainError
from chalicelib.ledger.posted import load_transaction
from chalicelib.ledger.times import parse_time
from chalicelib.ledger.transaction import Transaction, to_json

KEY = "the-bank-s-key"

Reaction = tuple[int, dict[str, str], dict[str, Any]]


class FakeBankApi:
    """A bank API that validates as the real one does, stores by id, and lists; it can be told to misbehave.

    `before` and `after` see each POST, by its number from 0, before and after it is recorded; what they return is
    answered instead, and DROP breaks the connection without an answer. `is_throttled` sees each item of a batch, by
    its number from 0. What is queued is recorded by and by: some with every look at a page.
    """

    DROP: Reaction = (0, {}, {})
    WORKED_OFF_BY_A_LOOK = 7

    def __init__(self) -> None:
        self.before: Callable[[int], Reaction | None] = lambda number: None
        self.after: Callable[[int], Reaction | None] = lambda number: None
        self.alter: Callable[[dict[str, Any]], dict[str, Any]] = lambda listed: listed
        self.is_throttled: Callable[[int], bool] = lambda number: False
        self.signing_secret: str | None = None
        self.delay_s = 0.0
        self.stored: dict[str, Transaction] = {}
        self.arrived: dict[str, datetime] = {}
        self.posts = 0
        self.most_at_once = 0
        self._under_way = 0
        self.items = 0
        self.batches: list[list[str | None]] = []
        self.queue: list[bytes] = []
        self.webhook_ids: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.miscounts = 0
        self.enrolled: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def post(self, raw: bytes, headers: Mapping[str, str], path: str = "/transactions") -> Reaction:
        with self._lock:
            number = self.posts
            self.posts += 1
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        time.sleep(self.delay_s)
        with self._lock:
            self._under_way -= 1
        if headers["x-api-key"] != KEY:
            return problem(403, "forbidden")
        if self.signing_secret is not None:
            self.webhook_ids.append(headers["webhook-id"])
            try:
                Webhook(self.signing_secret).verify(raw, dict(headers), json_parse=False)
            except WebhookVerificationError:
                return problem(401, "invalid_signature")
        instead = self.before(number)
        if instead is None:
            is_batch = path == "/transactions/batch"
            recorded = self._record_batch(raw, headers.get("prefer")) if is_batch else self.record(raw)
            instead = self.after(number) or recorded
        return instead

    def record(self, raw: bytes) -> Reaction:
        now = datetime.now(UTC)
        try:
            transaction = load_transaction(read_transaction(raw), "bank", "EUR", now, [])
        except DomainError as error:
            return problem(400, error.code)
        with self._lock:
            known = self.stored.setdefault(transaction.id, transaction)
            self.arrived.setdefault(transaction.id, now)
        if transaction is known:
            return 201, {"Location": f"/transactions/{known.id}"}, to_json(known)
        if transaction.differing(known):
            return problem(409, "transaction_conflict")
        return 200, {"Idempotency-Replayed": "true"}, to_json(known)

    def _record_batch(self, raw: bytes, prefer: str | None) -> Reaction:
        try:
            ids = [item.get("id") if isinstance(item, dict) else None for item in json.loads(raw)["transactions"]]
        except ValueError:
            return problem(400, "malformed_body")
        with self._lock:
            self.batches.append(ids)
        results = [
            {"index": index, "id": ids[index], **self._result(item, prefer)}
            for index, item in enumerate(items_of(raw.decode()))
        ]
        body = {"results": results, "counts": dict(Counter(result["status"] for result in results))}
        if prefer == "respond-async":
            return 202, {"Preference-Applied": "respond-async"}, body
        return 200, {"Retry-After": "0"} if "retry" in body["counts"] else {}, body

    def _result(self, item: bytes, prefer: str | None) -> dict[str, Any]:
        with self._lock:
            number = self.items
            self.items += 1
        try:
            load_transaction(read_transaction(item), "bank", "EUR", datetime.now(UTC), [])
        except DomainError as error:
            return {"status": "invalid", "code": error.code, "errors": []}
        if self.is_throttled(number):
            return {"status": "retry"}
        if prefer == "respond-async":
            self.queue.append(item)
            return {"status": "queued"}
        status, _, body = self.record(item)
        if status == 409:
            return {"status": "conflict", "code": body["code"], "errors": []}
        return {"status": {201: "created", 200: "replayed"}[status]}

    def page(self, account: str, query: dict[str, list[str]]) -> Reaction:
        with self._lock:
            due, self.queue = self.queue[: self.WORKED_OFF_BY_A_LOOK], self.queue[self.WORKED_OFF_BY_A_LOOK :]
        for queued in due:
            self.record(queued)
        start = parse_time(query["from"][0]) if "from" in query else datetime.min.replace(tzinfo=UTC)
        of_account = [
            transaction
            for transaction in list(self.stored.values())
            if transaction.account == account and transaction.timestamp >= start
        ]
        first = int(query.get("cursor", ["0"])[0])
        after = first + int(query["limit"][0])
        found = [self.alter(to_json(transaction)) for transaction in of_account[first:after]]
        next_cursor = str(after) if after < len(of_account) else None
        return 200, {}, {"transactions": found, "next_cursor": next_cursor}

    def enrol(self, path: str, body: dict[str, Any]) -> Reaction:
        """Answer the `PUT` of a holder."""
        self.enrolled[path] = body
        return 201, {}, body

    def feed(self) -> Reaction:
        """Answer `GET /notifications`: all that was told, each time."""
        return 200, {}, {"notifications": self.told, "next_cursor": "again"}

    def analytics(self) -> Reaction:
        """Answer `GET /analytics` with what is stored, and so many more as it miscounts."""
        totals: dict[str, dict[str, Any]] = {}
        for one in self.stored.values():
            if one.status == "settled":
                sums = totals.setdefault(one.currency, {"count": self.miscounts, "credit": 0, "debit": 0})
                sums["count"] += 1
                sums[one.type] += one.amount
        found = [
            {
                "currency": currency,
                "count": sums["count"],
                "credit": {"amount": str(sums["credit"])},
                "debit": {"amount": str(sums["debit"])},
            }
            for currency, sums in totals.items()
        ]
        return 200, {}, {"totals": found}


def items_of(batch: str) -> Iterator[bytes]:
    """Return each item of a batch as it was written."""
    place = batch.index("[") + 1
    while batch[place] != "]":
        if batch[place] in ", ":
            place += 1
        else:
            _, end = json.JSONDecoder().raw_decode(batch, place)
            yield batch[place:end].encode()
            place = end


def problem(status: int, code: str, **headers: str) -> Reaction:
    return status, headers, {"code": code, "detail": "never shown"}


@contextlib.contextmanager
def served(api: FakeBankApi) -> Iterator[str]:
    """Serve the API on a free loopback port and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out in one piece

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(*api.post(raw, headers, self.path.removeprefix("/stage")))

        def do_PUT(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            self._answer(*api.enrol(self.path.removeprefix("/stage"), json.loads(raw)))

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/stage/health":
                self._answer(200, {}, {"status": "ok"})
            elif url.path == "/stage/notifications":
                self._answer(*api.feed())
            elif url.path == "/stage/analytics":
                self._answer(*api.analytics())
            else:
                self._answer(*api.page(url.path.split("/")[3], parse_qs(url.query)))

        def _answer(self, status: int, headers: dict[str, str], body: dict[str, Any]) -> None:
            if status == 0:
                self.close_connection = True
                return
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as url:
        yield f"{url}/stage"


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Have the handler answer on a free loopback port and give its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
