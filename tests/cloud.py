"""The local cloud for tests: started on a free port, both stacks deployed to it, ended with the test run."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from chalicelib.banks.bank import Bank
from local_cloud.deploy import STAGE, Deployed, deploy_stage
from local_cloud.logs import API
from local_cloud.server import PROJECT_DIR, free_port, start
from local_cloud.switches import Switches
from operations.bank_registry import Registry, registry

# Kept between runs, so that the requirements for Lambda are downloaded once.
BUILD = PROJECT_DIR / ".local" / "build" / "tests"


@dataclass
class BankClient:
    """A bank as it drives the API over HTTP."""

    api_url: str
    api_key: str

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Return the answer; `body` is sent as it is if it is bytes, as JSON otherwise."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"x-api-key": self.api_key, "content-type": "application/json", **(headers or {})}
        return urllib3.request(method, self.api_url + path, body=content, headers=sent, timeout=60, retries=False)

    def enrol(self, account: str, holder: str = "h", locale: str = "fr", **fields: Any) -> None:
        body = {"name": "Awa Ndiaye", "email": f"{account}.{holder}@example.com".lower(), "locale": locale, **fields}
        answer = self("PUT", f"/accounts/{account}/holders/{holder}", body)
        assert answer.status in (200, 201), answer.data

    def tell_each_alone(self) -> None:
        """Set the bank up so that its holders get an e-mail about each transaction: no digest, no alerts in one."""
        quiet = {"velocity": {"mode": "off"}, "duplicate_suspect": {"mode": "off"}}
        answer = self("PUT", "/settings", {"digest_after": 1_000, "flags": quiet})
        assert answer.status == 200, answer.data

    def post(self, **fields: Any) -> urllib3.BaseHTTPResponse:
        return self("POST", "/transactions", fields)


@dataclass
class CloudUnderTest:
    deployed: Deployed
    banks: Registry
    log: Path

    def client(self, service: str) -> Any:
        return self.deployed.cloud.session().client(service)

    def use_by_commands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the operators' commands, run in this process, work on this cloud."""
        monkeypatch.setenv("AWS_ENDPOINT_URL", self.deployed.cloud.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", self.deployed.cloud.keys.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", self.deployed.cloud.keys.secret_access_key)

    def start_anew(self, *functions: str) -> None:
        """Let functions, by their names in `app.py`, begin anew, so that they know what was changed at once.

        What they have read of a bank they keep for a minute. That the minute ends is tested where time can be set
        (tests/banks), so that no test has to wait for it here.
        """
        client = self.client("lambda")
        for function in functions:
            suffix = "" if function == API else f"-{function}"
            name = f"transaction-notifier-{STAGE}{suffix}"
            timeout = client.get_function_configuration(FunctionName=name)["Timeout"]
            client.update_function_configuration(FunctionName=name, Timeout=timeout)

    def new_bank(self, bank_id: str, currency: str = "EUR", plan: str = "volume") -> BankClient:
        key = self.banks.create(Bank(bank_id, bank_id.title(), currency, plan))
        return BankClient(self.deployed.api_url, key)

    def mails(self, to: str = "") -> list[dict[str, Any]]:
        """Return what SES took, oldest first, for the addresses that begin with `to`."""
        url = f"{self.deployed.cloud.endpoint_url}/_ministack/ses/messages?{urlencode({'to': to})}"
        answer = urllib3.request("GET", url, headers=self.deployed.cloud.keys.headers, timeout=30)
        return [mail for of_account in answer.json()["messages"].values() for mail in of_account]

    @property
    def switches(self) -> Switches:
        return Switches(self.deployed.cloud.endpoint_url, self.deployed.cloud.keys)

    def waiting(self, queue: str) -> int:
        """Return how many messages a queue has, visible or not, by the name of its output."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.deployed.outputs[queue], AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def dead_letters(self, queue: str) -> list[dict[str, Any]]:
        """Return and remove the dead letters of a queue, named by its output, like StreamDeadLetterQueueUrl."""
        sqs, url, found = self.client("sqs"), self.deployed.outputs[queue], []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found


def eventually(what: Callable[[], Any], timeout_s: float = 60, every_s: float = 0.2) -> Any:
    """Return what `what` returns once it is true; fail with its last value when that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not (found := what()):
        assert time.monotonic() < deadline, f"never came true; last: {found!r}"
        time.sleep(every_s)
    return found


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    """A running local cloud with both stacks."""
    folder = tmp_path_factory.mktemp("cloud")
    os.environ.setdefault("GATE_WAITS_S", "55")  # A machine that runs many tests at once is no slow app.
    running = start(free_port(), folder)
    try:
        deployed = deploy_stage(running, BUILD)
        yield CloudUnderTest(deployed, registry(deployed.stage), folder / "cloud.log")
    finally:
        running.stop()
