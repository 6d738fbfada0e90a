"""A tour of each function: through its main path and through what goes wrong, on moto, as Lambda would run it.

`Tours.all` runs every tour. Whatever a role allows has to be called by its function's tour, so a right that nothing
needs is found; and each place in the code that calls AWS has to be on some tour.
"""

import io
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from chalice.local import LambdaContext
from moto import mock_aws

import app as app_module
from chalicelib.aws.dynamo import to_item
from chalicelib.aws.telemetry import logger
from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import Metered, limit_of
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.banks.settings import StoredSettings
from chalicelib.banks.webhook_endpoints import SHORT_FORM
from chalicelib.cases.case import Outcome
from chalicelib.cases.moves import claim, close
from chalicelib.cases.stored_form import case_item
from chalicelib.flags.answers import Answer
from chalicelib.flags.repository import Flagging
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Holder, Suppressed, load_holder
from chalicelib.holders.sweep import HOLDERS_A_STEP
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.due import DueEntry
from chalicelib.notifications.notice import Notice, pack, to_payload
from chalicelib.services import Services
from chalicelib.statements.index import Expected
from chalicelib.statements.periods import period_at
from chalicelib.webhooks.webhook import pack as pack_webhook
from chalicelib.webhooks.webhook import test_of
from tests.app_bench import AWS, CLIENT, HOLDER, NOW, SMALLEST, Bench
from tests.aws_calls import RECORDER, Call
from tests.case_world import ANA, case, flagging
from tests.fakes import FakeSes, Refusing, refusal
from tests.mail_world import ses_event
from tests.samples import EVIDENCE, PROJECT_DIR, transaction
from tests.staff_world import signed_in
from tests.walk import functions_called
from tests.webhook_endpoint import SECRET, signed

BANK, ACCOUNT = "eazycard", "A123"
# In this order: some need what others leave.
TOURS = (
    "api_handler",
    "transaction_stream",
    "archiver",
    "holder_changes",
    "ingest_worker",
    "mailer",
    "alert_mailer",
    "operator_alerts",
    "release_deferred",
    "statements",
    "feedback",
    "webhook_feeder",
    "webhook_sender",
    "analytics_job",
    "nightly_reconciliation",
)
SCHEDULE = json.loads((PROJECT_DIR / "tests" / "events" / "schedule.json").read_text())
PATHS = {"/taken": 204, "/broken": 500, "/gone": 410}
EVENT = json.dumps(
    {
        "detail-type": "TransactionFlagged",
        "detail": {
            "bank": BANK,
            "transaction": {"id": "1", "account": ACCOUNT, "timestamp": "2026-01-10T14:00:00Z"},
            "flags": {"velocity": {}},
        },
    }
)
ALARMING = {"large_amount": EVIDENCE["large_amount"]}
NO_NOTICE = json.dumps({"notices": [{"nonsense": True}]})


class Tours:
    """The app with a bank that signs its requests and has webhooks. `ses` is behind a real client of SES.

    `calls` are all permissions that the tours needed, `functions_called` all functions of the code on them, `logs` all
    lines that the functions wrote, each with its function.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, endpoint: int) -> None:
        monkeypatch.setenv("LOCAL_ENDPOINTS", "true")  # the endpoint is on this machine
        monkeypatch.setenv("PUBLIC_URL", "https://alerts.example")
        self.endpoint = f"http://127.0.0.1:{endpoint}"
        self.ses = FakeSes()
        self.calls: set[Call] = set()
        self.functions_called: set[str] = set()
        self.logs: list[tuple[str, str]] = []
        self.bench = Bench(monkeypatch)
        for name, value in os.environ.items():
            if name.endswith("QUEUE_URL") and "INGEST" not in name:
                AWS["sqs"].create_queue(QueueName=value.rpartition("/")[2])
        AWS["sqs"].create_queue(QueueName=os.environ["FEEDBACK_QUEUE"])
        self.s3, self.events = boto3.client("s3"), boto3.client("events")
        self.s3.create_bucket(
            Bucket=os.environ["ARCHIVE_BUCKET"], CreateBucketConfiguration={"LocationConstraint": "us-east-2"}
        )
        self.events.create_event_bus(Name=os.environ["EVENT_BUS"])
        self.restart()
        for kind in ("signing", "webhook"):
            name = f"transaction-notifier-test-{kind}-{BANK}"
            secret = json.dumps({"secrets": [{"secret": SECRET}]})
            arn = AWS["secretsmanager"].create_secret(Name=name, SecretString=secret)["ARN"]
            self.services.bank_store.change_bank(BANK, **{f"{kind}_secret_arn": arn})
        self._set(webhook_url=f"{self.endpoint}/taken")

    def all(self) -> None:
        """Run every function of the app through its tour."""
        for function in TOURS:
            self.restart()
            getattr(self, function)()
        self.restart()
        self.one_transaction("on-its-way")

    def one_transaction(self, transaction_id: str) -> None:
        """Send a transaction on its whole way: posted, judged, mailed, delivered, and told to the bank."""
        account = f"account-{transaction_id}"
        self._enrol("h1", account)
        self._set(webhook_url=f"{self.endpoint}/taken")
        self.restart()
        queues = ("NOTIFICATION_QUEUE_URL", "WEBHOOK_QUEUE_URL")
        for queue in queues:
            self.bench.queued(queue)
        sent_at = self.now.isoformat().replace("+00:00", "Z")
        body = {**SMALLEST, "id": transaction_id, "account": account, "timestamp": sent_at}
        with self._turn_of("api_handler"):
            self._request("POST", "/transactions", body, 201)
        key = to_item({"transaction_key": f"{BANK}#{transaction_id}"})
        self._stream(
            "transaction_stream", [self.bench.dynamodb.get_item(TableName="TransactionsTable", Key=key)["Item"]]
        )
        self._deliver("mailer", self.bench.queued(queues[0]))
        tags = {"transaction": transaction_id, "holder": self._alias(account), "bank": BANK}
        self._deliver("feedback", [ses_event("delivery", f"{account}.h1@example.com", **tags)])
        items = self.bench.dynamodb.scan(TableName="NotificationsTable")["Items"]
        pages = [one for one in items if transaction_id in str(one.get("changed"))]
        self._stream("webhook_feeder", pages)
        self._deliver("webhook_sender", self.bench.queued(queues[1]))

    def api_handler(self) -> None:
        holder = f"/accounts/{ACCOUNT}/holders/h1"
        with self._turn_of("api_handler"):
            self._request("POST", "/transactions", SMALLEST, 201)
            self._request("POST", "/transactions", SMALLEST, 200)
            many = [{**SMALLEST, "id": f"b{number}"} for number in range(20)]
            self._request("POST", "/transactions/batch", {"transactions": many}, 200)
            self._request("POST", "/transactions/batch", {"transactions": many}, 202, prefer="respond-async")
            self._request("POST", "/transactions", {**SMALLEST, "id": "s1", "authorization_id": "1"}, 201)
            for path in ("/transactions/1", "/transactions/1/notifications", "/notifications"):
                self._request("GET", path)
            for path in (f"/accounts/{ACCOUNT}/transactions", "/analytics", f"/accounts/{ACCOUNT}/analytics"):
                self._request("GET", f"{path}?from=2026-01-01&to=2026-01-31" if "analytics" in path else path)
            self._request("PUT", holder, {**HOLDER, "preferences": {"statement": "weekly"}}, 201)
            self._request("PATCH", holder, {"email": "ben@example.com", "preferences": {"statement": "monthly"}})
            self._request("GET", holder)
            self._request("GET", f"/accounts/{ACCOUNT}/holders")
            for change in ({"alert_addresses": ["a@bank.example"]}, {"alert_addresses": ["b@bank.example"]}):
                self._request("PATCH", "/settings", change)
            self._request("GET", "/settings")
            flags = {"url": f"{self.endpoint}/taken?of=flags", "types": ["alert.answered", "transaction.flagged"]}
            self._request("PATCH", "/settings", {"webhooks": [flags]})
            tests = self._request("POST", "/webhooks/test")["tests"]
            assert len(tests) == 2
            self._request("GET", "/webhooks/attempts")
            self._staff_reads()
            self.bench.now += timedelta(minutes=2)
            self._request("POST", f"/webhooks/{tests[0]['id']}/resend")
            self._staff("GET", f"/staff/webhooks/{tests[0]['id']}/body")
        self._enrol_many("ben@example.com")
        self.services.enrolment.suppress(
            Address.of(BANK, "ben@example.com"), Suppressed("hard_bounce", self.now), self.now
        )
        with self._turn_of("api_handler"):
            self._request("DELETE", f"{holder}/suppression", None, 204)
        asked = transaction(id="asked", account=ACCOUNT, bank=BANK)
        self._store(asked)
        self.services.flags.record([Flagging(asked, ALARMING, frozenset(), self.now)])
        links = self.services.links.links_for(BANK, ACCOUNT, self._holder("h1"), ["asked"])
        self._enrol("h2", email="eve@example.com", must_confirm=True)
        confirm = self.services.links.confirmation_link(Address.of(BANK, "eve@example.com"))
        self.restart()
        with self._turn_of("api_handler"):
            answer = links.answers["asked"].was_not_me.removeprefix("https://alerts.example")
            form = {"content_type": "application/x-www-form-urlencoded"}
            page = self.bench.request("POST", answer, b"answer=not_recognized", key=None, **form)
            assert page.status_code == 200
            for url in (links.preferences, links.unsubscribe):
                path = str(url).removeprefix("https://alerts.example")
                assert self.bench.request("GET", path, key=None).status_code == 200
                assert self.bench.request("POST", path, b"", key=None).status_code in (200, 400)
            path = str(confirm).removeprefix("https://alerts.example")
            assert self.bench.request("POST", path, b"confirm=address", key=None, **form).status_code == 200
            # One that breaks off leaves the holder, who is entered again; then it is repeated.
            self.restart(dynamodb=Refusing(self.bench.dynamodb, refusal("ThrottlingException"), "update_item"))
            self._request("DELETE", holder, None, 503)
            self.restart()
            self._request("DELETE", holder, None, 204)
            self._request("DELETE", holder.replace("h1", "h2"), None, 204)
        self.services.case_store.put_new([case_item(case(bank=BANK))])
        self.services.flags.record([flagging(bank=BANK)])
        with self._turn_of("api_handler"):
            self._staff("GET", "/staff/cases")
            self._staff("POST", "/staff/next-case")
            self._staff("POST", "/staff/cases/t1/notes", {"text": "Called."})
            self._staff("POST", "/staff/cases/t1/close", {"outcome": "fraud"})
            self._staff("GET", "/staff/cases/t1")
            self._staff("GET", "/staff/flags/precision")
            self._staff("POST", "/staff/flags/trial", {"settings": {"flags": {"velocity": {"count": 9}}}})
        self._use_up(Metered.TRANSACTIONS)
        with self._turn_of("api_handler"):
            self._request("POST", "/transactions/batch", {"transactions": [{**SMALLEST, "id": f"q{n}"} for n in "12"]})
            self._request("POST", "/transactions", {**SMALLEST, "id": "q3"}, 429)
        self._use_no_more()

    def _staff_reads(self) -> None:
        admin = signed_in(self.bench, "admin")
        now = f"{self.now:%Y-%m-%d}"
        for path in (
            "/staff/today",
            "/staff/transactions",
            "/staff/transactions?flag=velocity",
            f"/staff/transactions?account={ACCOUNT}&status=settled",
            "/staff/transactions?holder=h1&email=ben%40example.com",
            "/staff/transactions/1",
            f"/staff/accounts/{ACCOUNT}",
            "/staff/holders?email=ben%40example.com",
            "/staff/audit",
            "/staff/quota",
        ):
            assert admin.get(path).status_code == 200, path
        assert admin.post("/staff/webhooks/resend", {"from": now, "to": now}).status_code == 200
        assert admin.post("/staff/webhooks/secret").status_code == 200

    def _use_up(self, metered: Metered) -> None:
        """Have the bank on the smallest plan, with all of its quota used but one and no warning given."""
        self.services.bank_store.change_bank(BANK, plan="trial")
        self.restart()
        limit = limit_of(Bank(BANK, BANK, "EUR", "trial"), metered)
        assert limit
        key = to_item({"due_hour": f"quota#{BANK}", "due": f"{self.now.date().isoformat()}#{metered}"})
        self.bench.dynamodb.delete_item(TableName="DeferralsTable", Key=key)
        QuotaRepository(self.bench.dynamodb, "DeferralsTable").take(BANK, metered, self.now.date(), limit - 1, limit)

    def _use_no_more(self) -> None:
        self.services.bank_store.change_bank(BANK, plan="volume")
        self.restart()

    def transaction_stream(self) -> None:
        authorized = transaction(id="auth", status="authorized", account=ACCOUNT, bank=BANK)
        settled = replace(authorized, id="settled", status="settled", authorization_id="auth")
        flagged = replace(authorized, id="flagged", amount=authorized.amount * 10_000, status="settled")
        for one in (authorized, settled, flagged):
            self._store(one)
        images = [transaction_item(one) for one in (authorized, settled, flagged)]
        self._stream("transaction_stream", images)
        self._stream("transaction_stream", [to_item({"transaction_key": "eazycard#broken", "bank": BANK})])
        answered = self._flag_row("asked")
        self._invoke("transaction_stream", {"Records": [_record(answered, answered)]})
        assert self.bench.queued("STREAM_DEAD_LETTER_QUEUE_URL")
        assert self.bench.queued("ALERT_QUEUE_URL")
        self._stream("transaction_stream", [self._flag_row("flagged"), self._flag_row("asked")])
        self._close_case("flagged")
        self.services.flags.answer(BANK, "flagged", "h1", Answer.NOT_RECOGNIZED, self.now)
        denied = self._flag_row("flagged")
        self.restart(dynamodb=_Behind(self.bench.dynamodb))
        self._invoke("transaction_stream", {"Records": [_record(denied, denied)]})
        assert self.services.case_store.get(BANK, "flagged").state == "open"
        self.services.flags.answer(BANK, "flagged", "h2", Answer.RECOGNIZED, self.now)
        self.services.flags.record([Flagging(settled, ALARMING, frozenset(), self.now)])
        recognized = self._flag_row("flagged")
        self.restart(dynamodb=Refusing(self.bench.dynamodb, refusal("ValidationException"), "transact_write_items"))
        self._invoke("transaction_stream", {"Records": [_record(recognized, recognized)]})
        self._stream("transaction_stream", [self._flag_row("settled")])
        assert len(self.services.case_store.get(BANK, "flagged").answers) == 2
        assert self.services.case_store.get(BANK, "settled").state == "open"

    def _flag_row(self, transaction_id: str) -> dict[str, Any]:
        key = to_item({"transaction_key": f"{BANK}#{transaction_id}#flags"})
        row: dict[str, Any] = self.bench.dynamodb.get_item(TableName="TransactionsTable", Key=key)["Item"]
        return row

    def _staff(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Send a request of a member of the bank's staff."""
        answer = signed_in(self.bench, "admin", bank=BANK).request(method, path, body)
        assert answer.status_code == status, (method, path, answer.body)
        return answer.json_body

    def _close_case(self, transaction_id: str) -> None:
        cases = self.services.case_store
        opened = cases.get(BANK, transaction_id)
        claimed = claim(opened, ANA, self.now)
        assert cases.replace(opened, claimed)
        assert cases.replace(claimed, close(claimed, ANA, self.now, Outcome.LEGITIMATE))

    def archiver(self) -> None:
        self._stream("archiver", [transaction_item(transaction(bank=BANK))])

    def holder_changes(self) -> None:
        before = self._enrol("c1", alerts=True)
        after = self._enrol("c1", alerts=False)
        self._invoke("holder_changes", {"Records": [_record(after, before), _record({"no_key": {"S": "x"}})]})
        assert self.bench.queued("STREAM_DEAD_LETTER_QUEUE_URL")

    def ingest_worker(self) -> None:
        later = {"transactions": [{**SMALLEST, "id": "later"}]}
        self._request("POST", "/transactions/batch", later, 202, prefer="respond-async")
        queued = self.bench.queued("INGEST_QUEUE_URL")
        self._deliver("ingest_worker", [*queued, *queued, "nonsense"])
        assert self.bench.queued("INGEST_DEAD_LETTER_QUEUE_URL")
        missing = Refusing(self.bench.dynamodb, refusal("ConditionalCheckFailedException"), "put_item")
        self.restart(dynamodb=missing)  # a refusal without the stored item, which the code doesn't count on
        self._deliver("ingest_worker", queued)

    def mailer(self) -> None:
        self._mails("mailer", "NOTIFICATION_QUEUE_URL")

    def alert_mailer(self) -> None:
        self._mails("alert_mailer", "ALERT_QUEUE_URL")

    def _mails(self, function: str, queue: str) -> None:
        """Notify a holder until the rest comes as a digest, one in quiet hours, one of a purchase, one of a change."""
        account, quiet = f"account-{function}-1", f"account-{function}-2"
        self._enrol("h1", account)
        self._enrol("h1", quiet, quiet_hours={"from": "00:00", "to": "23:59"})
        self._set(digest_after=2, webhook_url=f"{self.endpoint}/taken")
        told = [transaction(id=f"{function}-{n}", account=account, bank=BANK) for n in range(6)]
        settled = replace(told[0], id=f"{function}-s", authorization_id=f"{function}-auth")
        released = replace(told[0], id=f"{function}-r", status="reversed", authorization_id=told[1].id)
        self.ses.refuses_call_with = "TooManyRequestsException"
        self._deliver(function, _messages(told[1]))
        self.ses.refuses_call_with = None
        self._deliver(
            function, _messages(*told, settled, released, replace(told[0], account=quiet, id=f"{function}-quiet"))
        )
        alarming = [replace(one, id=f"{one.id}-a") for one in told]
        self._deliver(function, _messages(*alarming, flags=ALARMING))
        self._deliver(function, [NO_NOTICE])
        before = self._enrol("c2", account, alerts=True)
        ended = self._enrol("c2", account, alerts=False)
        asked = self._enrol("c3", account, must_confirm=True)
        self._invoke("holder_changes", {"Records": [_record(ended, before), _record(asked, ended)]})
        self._deliver(function, self.bench.queued("ALERT_QUEUE_URL"))
        self.bench.now += timedelta(hours=2)
        self._invoke("release_deferred", SCHEDULE)
        due = [*self.bench.queued("NOTIFICATION_QUEUE_URL"), *self.bench.queued("ALERT_QUEUE_URL")]
        digests = [body for body in due if '"digest"' in body]
        assert digests
        self._deliver(function, digests)
        self._deliver(function, digests)
        self._deliver(function, _messages(replace(told[0], id=f"{function}-y")), seconds=5)
        assert self._put_back(queue)
        assert self.bench.queued("NOTIFICATION_DEAD_LETTER_QUEUE_URL")
        with self._from_own_domain():
            self._deliver(function, _messages(replace(told[0], account=quiet, id=f"{function}-own"), flags=ALARMING))
        self.restart(dynamodb=_Forgetful(self.bench.dynamodb))
        self._deliver(function, _messages(replace(told[0], account=quiet, id=f"{function}-booked"), flags=ALARMING))
        self._use_up(Metered.EMAILS)
        self._enrol("h1", f"account-{function}-3")
        over = [replace(told[0], id=f"{function}-q{n}", account=f"account-{function}-3") for n in range(2)]
        self._deliver(function, _messages(*over))
        late = self._enrol("c4", f"account-{function}-3", must_confirm=True)  # what can't be sent gives its turn back
        self._invoke("holder_changes", {"Records": [_record(late)]})
        self._deliver(function, self.bench.queued("ALERT_QUEUE_URL"))
        self._use_no_more()

    def operator_alerts(self) -> None:
        self._deliver("operator_alerts", [json.dumps({"nonsense": True}), EVENT])
        assert self.bench.queued("OPERATOR_ALERTS_DEAD_LETTER_QUEUE_URL")

    def release_deferred(self) -> None:
        table = self.services.due_notices
        alert = {"digest": {"kind": "alerts"}}
        for number, payload in enumerate(["nonsense", json.dumps(alert), json.dumps({"plain": 1})]):
            table.put([DueEntry(self.now, f"n{number}", payload)])
        self._invoke("release_deferred", SCHEDULE)
        for queue in ("NOTIFICATION_QUEUE_URL", "ALERT_QUEUE_URL", "NOTIFICATION_DEAD_LETTER_QUEUE_URL"):
            assert self.bench.queued(queue), queue

    def statements(self) -> None:
        self._enrol("w1", "account-statement-1", statement="weekly")
        self._store(transaction(id="in-it", account="account-statement-1", bank=BANK))
        period = period_at("weekly", self.now - timedelta(days=7), "UTC")
        index = self.services.statement_index
        index.put_again(Expected(BANK, "account-statement-1", "w1", period), self.now)
        index.put_again(Expected(BANK, "account-statement-1", "gone", period), self.now)
        self.services.due_statements.put([DueEntry(self.now, "broken", "nonsense")])
        self.bench.now += timedelta(hours=1)
        sent = len(self.ses.accepted)
        self._invoke("statements", SCHEDULE)
        assert len(self.ses.accepted) == sent + 1
        assert self.bench.queued("NOTIFICATION_DEAD_LETTER_QUEUE_URL")
        # More than there are shards of what is due: some are sent in one call.
        together = [f"w{number}" for number in range(2, 12)]
        for holder in together:
            self._enrol(holder, "account-statement-1", statement="weekly")
            index.put_again(Expected(BANK, "account-statement-1", holder, period), self.now)
        self.bench.now += timedelta(hours=1)
        with self._from_own_domain():
            self.restart(dynamodb=_Forgetful(self.bench.dynamodb))
            self._invoke("statements", SCHEDULE)
        # Those are looked up by their claims when they come again.
        for holder in together:
            index.put_again(Expected(BANK, "account-statement-1", holder, period), self.now)
        self.bench.now += timedelta(hours=1)
        self._invoke("statements", SCHEDULE)
        assert len(self.ses.accepted) == sent + 1 + len(together)

    def feedback(self) -> None:
        self._enrol_many("account-feedback-bounce.h1@example.com")
        for name in ("bounce", "delivery"):
            one = transaction(id=f"fed-{name}", account=f"account-feedback-{name}", bank=BANK)
            self._enrol("h1", one.account)
            self._deliver("mailer", _messages(one))
            tags = {"transaction": one.id, "holder": self._alias(one.account), "bank": BANK}
            self._deliver("feedback", [ses_event(name, f"{one.account}.h1@example.com", **tags)])
        self._deliver("feedback", ["nonsense", *self._sweeps()])
        self.services.enrolment.lift_address(Address.of(BANK, "account-feedback-bounce.h1@example.com"), self.now)
        self._deliver("feedback", self._sweeps())
        assert self.bench.queued("FEEDBACK_DEAD_LETTER_QUEUE_URL")

    def _alias(self, account: str) -> str:
        """Return what SES's tags name the only holder of an account."""
        (holder,) = self.services.holders.of_account(BANK, account)
        return holder.notified_as

    def _enrol_many(self, email: str) -> None:
        """Enrol more holders with an address than one step of a sweep takes."""
        for number in range(HOLDERS_A_STEP + 1):
            holder = Holder("h1", "Awa", email, "fr", "UTC", {}, self.now)
            self.services.enrolment.enrol(BANK, f"many-{number}", holder)

    def _sweeps(self) -> list[str]:
        queued = AWS["sqs"].receive_message(QueueUrl=self.services.settings.feedback_queue_url)["Messages"]
        return [message["Body"] for message in queued]

    def webhook_feeder(self) -> None:
        items = self.bench.dynamodb.scan(TableName="NotificationsTable")["Items"]
        pages = [one for one in items if one["transaction_key"]["S"].startswith("feed#")]
        self._stream("webhook_feeder", pages)
        broken = to_item({"transaction_key": "no page", "holder": "x", "changed": "nonsense"})
        self._stream("webhook_feeder", [broken])
        assert self.bench.queued("WEBHOOK_DEAD_LETTER_QUEUE_URL")

    def webhook_sender(self) -> None:
        bodies = [body for body in self.bench.queued("WEBHOOK_QUEUE_URL") if "endpoint" not in json.loads(body)]
        assert bodies
        for path in ("/broken", "/taken", "/gone"):
            self._set(webhook_url=f"{self.endpoint}{path}")
            self.restart()
            self._deliver("webhook_sender", [json.dumps({**json.loads(body), "again": True}) for body in bodies[:2]])
        self._set(webhook_url=f"{self.endpoint}/taken")
        stored = self.services.bank_store.settings(BANK)
        unproved = replace(stored, endpoint_states={}, version=stored.version + 1)
        self.services.bank_store.put_settings(BANK, unproved)
        self.restart()
        self._deliver("webhook_sender", [pack_webhook(test_of(BANK, SHORT_FORM, self.now))])
        self._deliver("webhook_sender", ["nonsense"])
        assert self.bench.queued("WEBHOOK_DEAD_LETTER_QUEUE_URL")

    def analytics_job(self) -> None:
        self.bench.now = datetime.now(self.now.tzinfo) + timedelta(days=1)
        self._invoke("analytics_job", SCHEDULE)
        self._store(transaction(id="new", account=ACCOUNT, bank=BANK, recorded_at=self.now))
        self.bench.now += timedelta(minutes=5)
        self._invoke("analytics_job", SCHEDULE)

    def nightly_reconciliation(self) -> None:
        self.bench.now = NOW + timedelta(days=1)
        self._invoke("nightly_reconciliation", SCHEDULE)

    @contextmanager
    def _from_own_domain(self) -> Iterator[None]:
        """Let the bank send from an address of its own domain, with new functions."""
        self.services.bank_store.change_bank(BANK, sender_address="alerts@bank.example")
        self.restart()
        sent = len(self.ses.accepted)
        yield
        assert len(self.ses.accepted) > sent
        self.services.bank_store.change_bank(BANK, sender_address=None)
        self.restart()

    @property
    def now(self) -> datetime:
        return self.bench.now

    @property
    def services(self) -> Services:
        services: Services = app_module.services
        return services

    def restart(self, **clients: Any) -> None:
        """Start new functions, whose caches are empty."""
        self.bench.restart(**{"sesv2": _client_of(self.ses), "events": self.events, "s3": self.s3, **clients})

    @contextmanager
    def _turn_of(self, function: str) -> Iterator[None]:
        """Take what is called in this block for the function's."""
        with RECORDER.turn_of(function), functions_called() as called, written() as text:
            yield
        self.functions_called.update(called)
        self.logs += [(function, line) for line in text.getvalue().splitlines()]

    def _request(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        self.bench.now += timedelta(seconds=1)  # what is recorded at the same moment is the same write
        raw = json.dumps(body).encode() if body is not None else b""
        headers_of = signed(raw, f"msg_{uuid.uuid4().hex}", SECRET)
        signature = {name.replace("-", "_"): value for name, value in headers_of.items()}
        answer = self.bench.request(method, path, raw, **signature, **headers)
        assert answer.status_code == status, (method, path, answer.body)
        return answer.json_body if answer.body else None

    def _invoke(self, function: str, event: Any, seconds: int = 60) -> None:
        with self._turn_of(function):
            app_module.app.handler_map[function](event, LambdaContext(function, 512, max_runtime_ms=seconds * 1000))

    def _deliver(self, function: str, bodies: Iterable[str], seconds: int = 60) -> None:
        self._invoke(function, CLIENT.events.generate_sqs_event(list(bodies), queue_name=function), seconds)

    def _stream(self, function: str, images: Iterable[dict[str, Any]]) -> None:
        self._invoke(function, {"Records": [_record(image) for image in images]})

    def _store(self, one: Transaction) -> None:
        self.bench.dynamodb.put_item(TableName="TransactionsTable", Item=transaction_item(one))

    def _put_back(self, queue: str) -> int:
        """Return how many messages are in the queue, also of those whose delay isn't over."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        answer = AWS["sqs"].get_queue_attributes(QueueUrl=os.environ[queue], AttributeNames=asked)
        return sum(int(answer["Attributes"][name]) for name in asked)

    def _holder(self, holder_id: str, account: str = ACCOUNT) -> Holder:
        return next(one for one in self.services.holders.of_account(BANK, account) if one.id == holder_id)

    def _enrol(
        self, holder_id: str, account: str = ACCOUNT, email: str = "", must_confirm: bool = False, **preferences: Any
    ) -> dict[str, Any]:
        """Enrol a holder; return the image of the account's item."""
        body = {"name": "Awa", "email": email or f"{account}.{holder_id}@example.com", "preferences": preferences}
        holder = load_holder(body, holder_id, self.now)
        self.services.enrolment.enrol(BANK, account, holder, must_confirm=must_confirm)
        key = to_item({"account_key": account_key(BANK, account)})
        image: dict[str, Any] = self.bench.dynamodb.get_item(TableName="AccountsTable", Key=key)["Item"]
        return image

    def _set(self, **settings: Any) -> None:
        """Store these settings of the bank."""
        before = self.services.bank_store.settings(BANK)
        after = StoredSettings(replace(before.settings, **settings), before.subscriptions, before.version + 1)
        self.services.bank_store.put_settings(BANK, after)


@contextmanager
def written() -> Iterator[io.StringIO]:
    """Take all that the service logs and prints in this block."""
    text = io.StringIO()
    handler = logger.registered_handler
    before = handler.setStream(text)
    try:
        with redirect_stdout(text):
            yield text
    finally:
        handler.setStream(before)


class _Forgetful:
    """A client whose refusals come without the stored item, as DynamoDB Local's do."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **arguments: Any) -> Any:
        arguments.pop("ReturnValuesOnConditionCheckFailure", None)
        return self._client.update_item(**arguments)


class _Behind:
    """A client that reads a case as it was before its last change."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, **arguments: Any) -> Any:
        answer = self._client.batch_get_item(**arguments)
        for item in answer["Responses"].get("CasesTable", ()):
            item["version"] = {"N": str(int(item["version"]["N"]) - 1)}
        return answer


def _record(image: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    images = {"NewImage": image, **({"OldImage": before} if before else {})}
    return {"eventName": "MODIFY" if before else "INSERT", "eventID": "1", "dynamodb": images | {"SequenceNumber": "1"}}


def _messages(*told: Transaction, flags: Mapping[str, Any] | None = None) -> list[str]:
    return list(pack(to_payload(Notice(one, flags=flags or {})) for one in told))


def _client_of(ses: FakeSes) -> Any:
    """Return a real client of SES, whose calls the fake answers: moto knows no bulk e-mail."""
    client = boto3.client("sesv2")
    answers: dict[str, Callable[[dict[str, Any]], Any]] = {
        "SendBulkEmail": lambda params: ses.send_bulk_email(**params),
        "GetAccount": lambda _: ses.get_account(),
    }

    def answer(model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, Any]:
        body = json.loads(params["body"] or b"{}")
        try:
            return SimpleNamespace(status_code=200), answers[model.name](body)
        except ClientError as error:
            return SimpleNamespace(status_code=429), error.response

    client.meta.events.register("before-call.sesv2", answer)
    return client


class _Endpoint(BaseHTTPRequestHandler):
    """A bank's endpoint, which answers by the path."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(PATHS[self.path.partition("?")[0]])
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def endpoint() -> Iterator[int]:
    """Serve a bank's endpoint; give its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def toured() -> Tours:
    """Run all tours; return them, with what was called."""
    with mock_aws(), endpoint() as port, pytest.MonkeyPatch.context() as patch:
        RECORDER.taken()
        tours = Tours(patch, port)
        tours.all()
        tours.calls = RECORDER.taken()
        return tours
