"""The app on emulated AWS, driven by Chalice's own test client as a bank would drive it over HTTP."""

import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from chalice.test import Client, HTTPResponse
from moto import mock_aws

import app as app_module
from chalicelib.aws.stage import from_environment
from chalicelib.aws.telemetry import logger
from chalicelib.banks.bank import ApiKey, Bank, hash_key
from chalicelib.banks.repository import BankRepository
from chalicelib.holders.repository import HolderRepository
from chalicelib.services import Services
from tests.fakes import OneCallAtATime
from tests.links import LINK_KEYS
from tests.staff_world import keys_url
from tests.tables import create_tables

PROJECT = Path(__file__).parent.parent
NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
KEY, OTHER_KEY = "tn_key-of-eazycard", "tn_key-of-other-bank"
SMALLEST = {"id": "1", "account": "A123", "amount": 250.50, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}
HOLDER = {"name": "Awa Ndiaye", "email": "awa@example.com"}
CARD = "4111111111111111"
# Made once, because that takes longer than most tests; moto answers them, from nothing again in every test.
AWS = {name: boto3.client(name) for name in ("apigateway", "dynamodb", "secretsmanager", "sns", "sqs")}
CLIENT = Client(app_module.app, stage_name="test", project_dir=str(PROJECT))

# Every route that answers a bank, with a path that its router takes.
ROUTES = [
    ("POST", "/transactions"),
    ("POST", "/transactions/batch"),
    ("GET", "/transactions/batch"),
    ("GET", "/transactions/1"),
    ("GET", "/transactions/batch/notifications"),
    ("GET", "/transactions/1/notifications"),
    ("GET", "/notifications"),
    ("GET", "/accounts/A123/transactions"),
    ("GET", "/analytics"),
    ("GET", "/accounts/A123/analytics"),
    ("GET", "/accounts/A123/holders"),
    ("PUT", "/accounts/A123/holders/h1"),
    ("PATCH", "/accounts/A123/holders/h1"),
    ("GET", "/accounts/A123/holders/h1"),
    ("DELETE", "/accounts/A123/holders/h1"),
    ("DELETE", "/accounts/A123/holders/h1/suppression"),
    ("GET", "/settings"),
    ("PUT", "/settings"),
    ("PATCH", "/settings"),
]
BODIES = {
    "/transactions": SMALLEST,
    "/transactions/batch": {"transactions": [SMALLEST]},
    "/accounts/A123/holders/h1": HOLDER,
    "/settings": {"alert_addresses": ["fraud@bank.example"]},
}


class Bench:
    """The app on emulated AWS with two banks, at a time that the test sets, called as a bank would call it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.dynamodb = OneCallAtATime(AWS["dynamodb"])
        create_tables(self.dynamodb)
        AWS["secretsmanager"].create_secret(Name=os.environ["CURSOR_SECRET_ARN"], SecretString="a secret")
        AWS["sns"].create_topic(Name=os.environ["OPERATOR_ALERTS_TOPIC_ARN"].rpartition(":")[2])
        AWS["secretsmanager"].create_secret(Name=os.environ["PREFERENCES_SECRET_ARN"], SecretString=LINK_KEYS)
        self.banks = BankRepository(self.dynamodb, os.environ["BANKS_TABLE"])
        for queue in ("ingest", "ingest-dead", "webhooks"):
            AWS["sqs"].create_queue(QueueName=queue)
        self.enter("eazycard", KEY, webhook_secret_arn="webhook-secret")
        self.enter("other-bank", OTHER_KEY)
        self._monkeypatch = monkeypatch
        self.restart()

    def restart(self, **clients: Any) -> None:
        """Begin with a new function, in which these clients, by service, take the place of the real ones."""
        services = Services(
            from_environment({**os.environ, "STAFF_URL": keys_url()}),
            lambda name: {**AWS, "dynamodb": self.dynamodb, **clients}[name],
            lambda: self.now,
        )
        self._monkeypatch.setattr(app_module, "services", services)

    def enter(
        self,
        bank_id: str,
        key: str,
        *,
        disabled: bool = False,
        expires_at: datetime | None = None,
        webhook_secret_arn: str | None = None,
    ) -> None:
        bank = Bank(bank_id, bank_id.title(), "EUR", "standard", disabled, webhook_secret_arn=webhook_secret_arn)
        self.banks.put_bank(bank)
        self.banks.put_api_key(ApiKey(hash_key(key), bank_id, "gateway", expires_at))

    def request(
        self, method: str, path: str, body: Any = None, key: str | None = KEY, **headers: str | None
    ) -> HTTPResponse:
        """Send a request; a body that isn't bytes goes as JSON, `content_type=None` leaves that header out."""
        sent: dict[str, str | None] = {"content-type": "application/json", "x-api-key": key}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given_headers = {name: value for name, value in sent.items() if value is not None}
        return CLIENT.http.request(method, path, headers=given_headers, body=raw)

    def get(self, path: str, key: str | None = KEY, **query: str) -> HTTPResponse:
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path, key=key)

    def post(self, body: Any, **options: Any) -> HTTPResponse:
        return self.request("POST", "/transactions", body, **options)

    def alias_of(self, holder_id: str, account: str = "A123", bank: str = "eazycard") -> str:
        """Return what notifications and SES's tags name an enrolled holder."""
        holders = HolderRepository(self.dynamodb, "AccountsTable").of_account(bank, account)
        return next(one.notified_as for one in holders if one.id == holder_id)

    def put_holder(self, holder_id: str = "h1", body: Any = HOLDER, **options: Any) -> HTTPResponse:
        return self.request("PUT", f"/accounts/A123/holders/{holder_id}", body, **options)

    def stored(self) -> int:
        """How many transactions there are, of all banks."""
        count: int = self.dynamodb.scan(TableName="TransactionsTable", Select="COUNT")["Count"]
        return count

    def queued(self, queue: str = "INGEST_QUEUE_URL") -> list[str]:
        """Return and remove the bodies of a queue's messages."""
        sqs, url, bodies = AWS["sqs"], os.environ[queue], []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def record(self, *ids: str, key: str = KEY, **changes: Any) -> None:
        for transaction_id in ids:
            assert self.post({**SMALLEST, "id": transaction_id, **changes}, key=key).status_code == 201

    def walk(self, path: str, **query: str) -> list[list[str]]:
        """Follow the cursors from the first page; return the ids on each page."""
        pages: list[list[str]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = self.get(path, **query, **cursor)
            assert answer.status_code == 200
            pages.append([one["id"] for one in answer.json_body["transactions"]])
            if answer.json_body["next_cursor"] is None:
                return pages
            cursor = {"cursor": answer.json_body["next_cursor"]}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with mock_aws():
        yield Bench(monkeypatch)


def problem(response: HTTPResponse, status: int, code: str) -> dict[str, Any]:
    """Return the problem document after checking that it is a whole one with this status and code."""
    document: dict[str, Any] = response.json_body
    assert (response.status_code, document["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(document) == {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}
    assert document["status"] == status
    assert document["type"] == f"urn:transaction-notifier:problem:{code}"
    assert document["instance"].startswith("/")
    assert all(document[name] for name in ("title", "detail", "request_id"))
    assert all(set(error) == {"field", "message"} and error["message"] for error in document["errors"])
    return document


def fields(document: dict[str, Any]) -> list[str]:
    return [error["field"] for error in document["errors"]]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Return all that has been logged or printed until now, by the service and by libraries."""
    lines = io.StringIO()
    handler = logger.registered_handler
    before = handler.setStream(lines)

    def text() -> str:
        captured = capsys.readouterr()
        records = "\n".join(str(record.__dict__) for record in caplog.records)
        return "\n".join([lines.getvalue(), captured.out, captured.err, records])

    yield text
    handler.setStream(before)
