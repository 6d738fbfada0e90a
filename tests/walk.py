"""One transaction from `POST /transactions` to the bank's webhook, through each function of the app in turn."""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from inspect import CO_OPTIMIZED
from types import CodeType, FrameType
from typing import Any

import boto3
import pytest
from chalice.local import LambdaContext

import app as app_module
from tests.app_bench import AWS, CLIENT, PROJECT, SMALLEST, Bench
from tests.fakes import FakeSes
from tests.mail_world import ses_event
from tests.webhook_endpoint import SECRET, Endpoint

ID, HOLDER, ADDRESS = "t0", "h1", "a0.awa@example.com"
EVENTS = boto3.client("events")
QUEUES = ("NOTIFICATION_QUEUE_URL", "ALERT_QUEUE_URL", "WEBHOOK_QUEUE_URL")


class Walk:
    """The app with one bank, one holder and the bank's endpoint. Each of the `steps` runs one function of the app."""

    def __init__(self, bench: Bench, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LOCAL_ENDPOINTS", "true")  # the endpoint is on this machine
        monkeypatch.setenv("PUBLIC_URL", "https://alerts.example")
        for name in QUEUES:
            AWS["sqs"].create_queue(QueueName=os.environ[name].rpartition("/")[2])
        secret = json.dumps({"secrets": [{"secret": SECRET}]})
        AWS["secretsmanager"].create_secret(Name="webhook-secret", SecretString=secret)
        self.bench = bench
        bench.now = datetime.now(UTC)  # the endpoint refuses old signatures
        bench.restart(sesv2=FakeSes(), events=EVENTS)
        settings = {"webhook_url": f"http://127.0.0.1:{endpoint.port}/webhooks"}
        assert bench.request("PUT", "/settings", settings).status_code == 200
        self._deliver("webhook_sender", bench.queued("WEBHOOK_QUEUE_URL"))
        assert bench.put_holder(HOLDER, {"name": "Awa Ndiaye", "email": ADDRESS}).status_code == 201
        alias = bench.alias_of(HOLDER)
        bench.restart(sesv2=FakeSes(), events=EVENTS)
        self.steps: list[Callable[[], None]] = [
            self._post,
            lambda: self._deliver_new_items("transaction_stream", "TransactionsTable"),
            lambda: self._deliver("mailer", self.bench.queued("NOTIFICATION_QUEUE_URL")),
            lambda: self._deliver("feedback", [ses_event("delivery", ADDRESS, transaction=ID, holder=alias)]),
            lambda: self._deliver_new_items("webhook_feeder", "NotificationsTable", "feed#"),
            lambda: self._deliver("webhook_sender", self.bench.queued("WEBHOOK_QUEUE_URL")),
        ]

    def _post(self) -> None:
        assert self.bench.post({**SMALLEST, "id": ID}).status_code == 201

    def _deliver(self, function: str, bodies: list[str]) -> None:
        _invoke(function, CLIENT.events.generate_sqs_event(bodies, queue_name=function))

    def _deliver_new_items(self, function: str, table: str, prefix: str = "") -> None:
        """Deliver the table's items whose keys begin with `prefix`, as the table's stream does."""
        items = self.bench.dynamodb.scan(TableName=table)["Items"]
        images = [item for item in items if item["transaction_key"]["S"].startswith(prefix)]
        assert images
        _invoke(function, {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": image}} for image in images]})


def _invoke(function: str, event: Any) -> None:
    # The test client's own `invoke` gives a function three seconds, in which the mailer begins nothing.
    app_module.app.handler_map[function](event, LambdaContext(function, 512, max_runtime_ms=60_000))


@contextmanager
def functions_called() -> Iterator[list[str]]:
    """Yield a list to which the name of each of the app's functions is added, as `module:function`, at its first call.

    Calls in new threads count too. What Python runs to import a module is not the call of a function.
    """
    called: list[str] = []
    seen: dict[int, CodeType] = {}  # by identity: to compare code takes long, and this is done at every call
    folder = f"{PROJECT}{os.sep}"

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if id(code) in seen:
            return
        seen[id(code)] = code
        path = code.co_filename.removeprefix(folder)
        is_ours = path == "app.py" or (path.startswith(f"chalicelib{os.sep}") and path.endswith(".py"))
        if is_ours and code.co_flags & CO_OPTIMIZED:
            module = path.removesuffix(".py").removeprefix(f"chalicelib{os.sep}").replace(os.sep, ".")
            name = f"{module}:{code.co_qualname}"
            if name not in called:
                called.append(name)

    # A trace, and no profile: that would also be asked at each return, and at each call of what is written in C.
    before = sys.gettrace(), threading.gettrace()
    threading.settrace(note)
    sys.settrace(note)
    try:
        yield called
    finally:
        sys.settrace(before[0])
        threading.settrace(before[1])  # type: ignore[arg-type]
