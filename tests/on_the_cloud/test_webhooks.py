"""Webhooks on the local cloud, IAM enforced: from what SES tells to a bank's endpoint, and the operators' command."""

import json
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from bank_simulator.bank_api import Target
from chalicelib.banks.schemas import NO_ENDPOINT
from local_cloud import bounces, mailbox_simulator, webhook_demo, webhook_receiver
from local_cloud.deploy import STAGE
from local_cloud.inbox import InboxServer
from operations.bank_registry import BankRefused
from operations.webhooks import main
from tests.cloud import BankClient, CloudUnderTest, eventually
from tests.inbox_server import serving

pytestmark = pytest.mark.cloud
Command = Callable[..., list[str]]


class Endpoint(ThreadingHTTPServer):
    """A bank's endpoint: gives these answers, one after the other, and 204 from then on; keeps what it was asked.

    It accepts every test.
    """

    daemon_threads = True

    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), _EndpointHandler)
        self.answers = list(answers)
        self.tests: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []  # method, path, headers, body

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks?of=bank"

    def told(self) -> list[tuple[str, str]]:
        """Return the type and the transaction of each webhook, in the order in which they came."""
        bodies = [json.loads(body) for *_, body in self.asked]
        return [(body["type"], body["data"]["transaction"]) for body in bodies]


class _EndpointHandler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:  # how a redirect that is followed would come
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.command == "POST" and json.loads(body)["type"] == "webhook.test":
            self.server.tests.append((headers, body))
            self.send_response_only(204)
            self.end_headers()
            return
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.server.asked.append((self.command, self.path, headers, body))
        self.send_response_only(status)
        if status in (302, 307):
            self.send_header("Location", "/elsewhere")
        self.end_headers()


@dataclass
class Told:
    """A bank, its endpoint, and the secret by which it verifies what comes there."""

    bank: BankClient
    endpoint: Endpoint
    secret: str

    def hears(self, number: int) -> list[tuple[str, str]]:
        eventually(lambda: len(self.endpoint.asked) >= number)
        return self.endpoint.told()

    def verify_all(self) -> None:
        assert self.endpoint.tests
        for headers, body in [*self.endpoint.tests, *((headers, body) for _, _, headers, body in self.endpoint.asked)]:
            Webhook(self.secret).verify(body, headers)


@pytest.fixture
def command(cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the operators' command and returns the lines of its output, without the header of a list."""
    cloud.use_by_commands(monkeypatch)

    def run(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert main(["--stage", STAGE, *arguments]) == 0, capsys.readouterr().err
        lines = capsys.readouterr().out.splitlines()
        return lines[1:] if arguments[0] in ("list", "show") else lines

    return run


@contextmanager
def told_bank(cloud: CloudUnderTest, command: Command, bank_id: str, *answers: int) -> Iterator[Told]:
    """A new bank that has named an endpoint, which gives these answers first."""
    bank = cloud.new_bank(bank_id)
    secret = command("secret", bank_id)[0].rpartition(" ")[2]
    endpoint = Endpoint(*answers)
    thread = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        answer = bank("PUT", "/settings", {"webhook_url": endpoint.url})
        assert answer.status == 200, answer.data
        eventually(lambda: statuses(bank) == ["in_use"])  # the queued test was accepted
        yield Told(bank, endpoint, secret)
    finally:
        endpoint.shutdown()
        thread.join()
        endpoint.server_close()


def tell(cloud: CloudUnderTest, bank: BankClient, transaction_id: str, address: str = "success") -> None:
    """Have SES tell what became of a transaction's e-mail to an address of the mailbox simulator."""
    account = f"HOOK-{transaction_id}"
    bank.enrol(account, email=f"{address}+{transaction_id}@simulator.amazonses.com")
    body = {"id": transaction_id, "account": account, "amount": "12.50", "type": "debit"}
    assert bank.post(**body, timestamp=datetime.now(UTC).isoformat()).status == 201
    eventually(lambda: [one["state"] for one in notifications(bank, transaction_id)] == ["sent"])
    mailbox_simulator.play(cloud.deployed.cloud)


def notifications(bank: BankClient, transaction_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bank("GET", f"/transactions/{transaction_id}/notifications").json()["notifications"]
    return found


def statuses(bank: BankClient) -> list[str]:
    return [endpoint["status"] for endpoint in bank("GET", "/webhooks/attempts").json()["endpoints"]]


def tried(lines: list[str]) -> str:
    """Return the first line that `show` printed, empty while the webhook in it has not been tried."""
    return lines[0] if lines and "never_tried" not in lines[0] else ""


def test_what_becomes_of_an_e_mail_arrives_signed_at_its_banks_endpoint_only(
    cloud: CloudUnderTest, command: Command
) -> None:
    with told_bank(cloud, command, "hook-bank") as told, told_bank(cloud, command, "other-hook-bank") as other:
        tell(cloud, told.bank, "bounced", "bounce")
        assert told.hears(1) == [("notification.bounced", "bounced")]
        tell(cloud, told.bank, "delivered")
        assert told.hears(2)[1:] == [("notification.delivered", "delivered")]
        tell(cloud, other.bank, "others")
        assert other.hears(1) == [("notification.delivered", "others")]

        assert len(told.endpoint.asked) == 2
        told.verify_all()
        other.verify_all()
        method, path, headers, body = told.endpoint.asked[0]
        assert (method, path) == ("POST", "/hooks?of=bank")
        assert headers["content-type"] == "application/json; charset=utf-8"
        (notification,) = notifications(told.bank, "bounced")
        assert json.loads(body)["data"] == {
            "transaction": "bounced",
            **{name: notification[name] for name in ("holder", "state", "reason", "message_id")},
        }
    assert cloud.dead_letters("WebhookDeadLetterQueueUrl") == []


def test_endpoint_that_fails_at_first_is_tried_again_and_told_once(cloud: CloudUnderTest, command: Command) -> None:
    with told_bank(cloud, command, "failing-hook-bank", 500) as told:
        tell(cloud, told.bank, "tried-twice")

        told.hears(1)
        line = eventually(lambda: tried(command("show", "failing-hook-bank", "tried-twice")))
        assert line.split("\t")[1:7] == ["tried-twice", "h", "notification.delivered", "waiting", "500", "1"]
        assert told.hears(2) == [("notification.delivered", "tried-twice")] * 2
        told.verify_all()
        first, second = told.endpoint.asked
        assert first[2]["webhook-id"] == second[2]["webhook-id"]
        assert first[3] == second[3]

        (line,) = eventually(lambda: [one for one in command("list", "failing-hook-bank") if one.split("\t")[6] == "2"])
        assert command("list", "failing-hook-bank", "--hours", "1", "--undelivered") == []
        assert line.split("\t")[:7] == [
            first[2]["webhook-id"],
            "tried-twice",
            "h",
            "notification.delivered",
            "delivered",
            "204",
            "2",
        ]
        assert command("show", "failing-hook-bank", "tried-twice") == [f"{line}\t{first[3].decode()}"]
        assert len(told.endpoint.asked) == 2


def test_endpoint_that_is_gone_is_left_alone_until_the_bank_puts_its_settings_again(
    cloud: CloudUnderTest, command: Command
) -> None:
    with told_bank(cloud, command, "gone-hook-bank", 410) as told:
        tell(cloud, told.bank, "gone")

        told.hears(1)
        settings = eventually(
            lambda: (found := told.bank("GET", "/settings").json()).get("webhooks_disabled_at") and found
        )
        (line,) = eventually(lambda: command("list", "gone-hook-bank", "--undelivered"))
        assert line.split("\t")[4:7] == ["not_sent", "410", "1"]
        assert main(["--stage", STAGE, "resend", "gone-hook-bank"]) == 1

        enabled = told.bank("PUT", "/settings", settings)
        assert enabled.status == 200, enabled.data
        assert told.bank("GET", "/settings").json() == enabled.json()
        assert "webhooks_disabled_at" not in enabled.json()
        assert command("resend", "gone-hook-bank") == ["1 queued; `list` shows their delivery status."]
        told.hears(2)
        eventually(lambda: command("list", "gone-hook-bank", "--undelivered") == [])

        assert command("resend", "gone-hook-bank") == ["There is nothing to send."]
        assert command("resend", "gone-hook-bank", "gone") == ["1 queued; `list` shows their delivery status."]
        assert told.hears(3) == [("notification.delivered", "gone")] * 3
        assert len({headers["webhook-id"] for _, _, headers, _ in told.endpoint.asked}) == 1
        told.verify_all()


def test_redirect_is_not_followed(cloud: CloudUnderTest, command: Command) -> None:
    with told_bank(cloud, command, "redirecting-hook-bank", 307, 302) as told:
        tell(cloud, told.bank, "redirected")

        told.hears(1)
        line = eventually(lambda: tried(command("show", "redirecting-hook-bank", "redirected")))
        assert line.split("\t")[4:6] == ["waiting", "307"]
        for number in (2, 3):  # the next try is not waited for
            assert command("resend", "redirecting-hook-bank", "redirected")[0].startswith("1 queued")
            told.hears(number)
        assert {(method, path) for method, path, _, _ in told.endpoint.asked} == {("POST", "/hooks?of=bank")}


def test_endpoint_on_a_private_address_or_without_tls_is_refused(cloud: CloudUnderTest, command: Command) -> None:
    bank = cloud.new_bank("refused-hook-bank")
    command("secret", "refused-hook-bank")

    for url in ("http://10.0.0.1/hooks", "https://127.0.0.1/hooks", "http://bank.example/hooks"):
        answer = bank("PUT", "/settings", {"webhook_url": url})
        assert answer.json()["errors"] == [{"field": "webhook_url", "message": NO_ENDPOINT}]


def test_bank_without_a_secret_is_told_what_is_missing(cloud: CloudUnderTest) -> None:
    bank = cloud.new_bank("secretless-hook-bank")

    answer = bank("PUT", "/settings", {"webhook_url": "https://bank.example/hooks"})

    assert answer.status == 400
    assert "webhook secret" in answer.json()["errors"][0]["message"]
    assert "webhook_url" not in bank("GET", "/settings").json()


def test_demo_names_its_endpoint_and_hears_there_of_a_bounce_and_a_delivery(
    cloud: CloudUnderTest, tmp_path: Path
) -> None:
    bank = cloud.new_bank("demo-hook-bank")
    target = Target(bank.api_url, bank.api_key)
    assert webhook_demo.keep_secret(cloud.deployed, "demo-hook-bank", tmp_path)
    kept = tmp_path / webhook_receiver.SECRET_FILE
    secret = kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not webhook_demo.keep_secret(cloud.deployed, "demo-hook-bank", tmp_path)
    assert kept.read_text() == secret
    with pytest.raises(BankRefused, match="no bank nobody"):
        webhook_demo.keep_secret(cloud.deployed, "nobody", tmp_path)

    assert bank("PUT", "/settings", {"flags": {"velocity": {"count": 7}}}).status == 200
    server = InboxServer(0, cloud.deployed.cloud.endpoint_url, cloud.deployed.cloud.keys, kept)
    with serving(server):
        inbox_url = f"http://127.0.0.1:{server.server_address[1]}/"
        assert webhook_demo.name_endpoint(target, inbox_url)
        assert not webhook_demo.name_endpoint(target, inbox_url)
        settings = bank("GET", "/settings").json()
        assert settings["webhook_url"] == f"{inbox_url}webhooks"
        assert settings["flags"]["velocity"]["count"] == 7

        bounce = bounces.show(cloud.deployed, bank.api_key, datetime.now(UTC))
        received = webhook_demo.received(inbox_url, bounce.webhooks, bounce.published_at)

    assert bounce.is_as_expected, bounce
    assert [(one.type, one.is_signature_valid) for one in received] == [
        ("notification.bounced", True),
        ("notification.delivered", True),
    ]
    assert all(0 < one.after_s < 60 for one in received)
