"""The app over HTTP on emulated AWS, as `chalice local` serves it, with the gateway's answers to what is no route."""

import contextlib
import dataclasses
import itertools
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import boto3
from chalice import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalChalice, LocalDevServer
from moto import mock_aws

import app as app_module
from chalicelib.api import staff_flags
from chalicelib.aws.stage import from_environment
from chalicelib.banks import confirmations
from chalicelib.banks.bank import ApiKey, Bank, hash_key
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.secret_rotation import first_stored, new_secret
from chalicelib.cases.case import opened
from chalicelib.cases.stored_form import case_item
from chalicelib.flags.repository import Flagging
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.ledger.transaction import Transaction
from chalicelib.services import Services
from chalicelib.staff import reading
from chalicelib.webhooks.attempt import Attempt, follow_up
from chalicelib.webhooks.poster import Answer
from infra.package import PROJECT_DIR
from tests.conftest import OneCallAtATime
from tests.links import BOUNCED_ACCOUNTS, LINK_KEYS, SERVED_ACCOUNT, SERVED_ALERT, SERVED_CASES, SERVED_HOLDER
from tests.samples import EVIDENCE
from tests.served_webhooks import TRIED_WEBHOOKS
from tests.staff_world import id_token, keys_url
from tests.tables import create_tables

KEY = "tn_key-of-eazycard"
NOW = datetime(2026, 6, 30, tzinfo=UTC)


def staff_token() -> str:
    """Return the ID token of an administrator of the served bank: valid for long, because the served time runs fast."""
    return id_token(NOW, "eazycard", ["admin"], exp=int((NOW + timedelta(days=365)).timestamp()))


# What a client that knows only the API's description would hardly come upon: a transaction of this very name, and an
# account with enough of them for a second page.
_RECORDED = [
    Transaction(
        bank="eazycard",
        id=transaction_id,
        account="A123",
        amount=Decimal("250.50"),
        type="credit",
        timestamp=NOW,
        currency="EUR",
        recorded_at=NOW,
    )
    for transaction_id in ("batch", "b2", "b3", "b4", "b5")
]


class _ServedApp(LocalChalice, Chalice):
    """The app with a current request for each thread, as `chalice local` makes it."""


class _Handler(ChaliceRequestHandler):
    base_path = ""
    # Headers and body go out in two parts; otherwise the second would wait for the first one's receipt, for 40 ms.
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        understood = super().parse_request()
        if understood and not self.path.startswith(f"{self.base_path}/"):
            self.send_error(404)
            return False
        self.path = self.path.removeprefix(self.base_path)
        return understood

    def _send_error_response(self, _error: Exception) -> None:
        template = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
        responses = template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
        response = responses["MISSING_AUTHENTICATION_TOKEN"]
        body = response["ResponseTemplates"]["application/json"]
        body = body.replace("$context.error.messageString", '"Missing Authentication Token"')
        self._send_http_response(int(response["StatusCode"]), {"Content-Type": "application/problem+json"}, body)

    def do_TRACE(self) -> None:  # noqa: N802
        self._generic_handle()

    def do_QUERY(self) -> None:  # noqa: N802
        self._generic_handle()

    def log_message(self, *_: Any) -> None:
        pass


def _add_what_a_fuzzer_uses_up() -> None:
    """Add cases to work on, and holders whose addresses bounced: one for each time that a suppression is lifted."""
    worked_on = [dataclasses.replace(_RECORDED[0], id=case_id, account="worked-on") for case_id in SERVED_CASES]
    for transaction in worked_on:
        app_module.services.intake.record(transaction)
    flaggings = [Flagging(transaction, EVIDENCE, frozenset(), NOW) for transaction in worked_on]
    app_module.services.flags.record(flaggings)
    app_module.services.case_store.put_new([case_item(opened(flagging)) for flagging in flaggings])
    for account in BOUNCED_ACCOUNTS:
        bounced = dataclasses.replace(SERVED_HOLDER, email=f"{account}@example.com")
        app_module.services.enrolment.enrol("eazycard", account, bounced)
        app_module.services.enrolment.suppress(
            Address.of("eazycard", bounced.email), Suppressed("hard_bounce", NOW), NOW
        )


@contextlib.contextmanager
def serving(base_path: str = "", *, is_fuzzed: bool = False) -> Iterator[str]:
    """Yield the URL of the app with one bank, whose key is KEY, behind `base_path`.

    The time is NOW, and a second more at every look, so that a request is told from its repetition. What only a fuzzer
    uses up is there if `is_fuzzed`: to make it takes seconds.
    """
    handler = type("Handler", (_Handler,), {"base_path": base_path})
    seconds = itertools.count()
    # A fuzzer enters more addresses than a bank, and asks more than a member of staff. moto takes milliseconds for each
    # transaction that it reads, and a trial reads thousands.
    with (
        mock_aws(),
        patch.multiple(confirmations, CONFIRMATIONS_A_DAY=10**6),
        patch.multiple(reading, UNITS_AN_HOUR=10**6),
        patch.multiple(staff_flags, MOST_IN_TRIAL=50),
    ):
        clients = {name: boto3.client(name) for name in ("dynamodb", "secretsmanager", "sns", "sqs")}
        create_tables(clients["dynamodb"])
        clients["secretsmanager"].create_secret(Name=os.environ["CURSOR_SECRET_ARN"], SecretString="a secret")
        clients["secretsmanager"].create_secret(Name=os.environ["PREFERENCES_SECRET_ARN"], SecretString=LINK_KEYS)
        clients["secretsmanager"].create_secret(Name="webhook-secret", SecretString=first_stored(new_secret()))
        for queue in ("INGEST_QUEUE_URL", "WEBHOOK_QUEUE_URL"):
            clients["sqs"].create_queue(QueueName=os.environ[queue].rpartition("/")[2])
        clients["sns"].create_topic(Name=os.environ["OPERATOR_ALERTS_TOPIC_ARN"].rpartition(":")[2])
        banks = BankRepository(clients["dynamodb"], os.environ["BANKS_TABLE"])
        banks.put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard", webhook_secret_arn="webhook-secret"))
        banks.put_api_key(ApiKey(hash_key(KEY), "eazycard", "gateway"))
        clients["dynamodb"] = OneCallAtATime(clients["dynamodb"])
        services, app = app_module.services, app_module.app
        app_class = type(app)
        app_module.services = Services(
            from_environment({**os.environ, "STAFF_URL": keys_url()}),
            clients.__getitem__,
            lambda: NOW + timedelta(seconds=next(seconds)),
        )
        asked = dataclasses.replace(_RECORDED[0], id=SERVED_ALERT, account=SERVED_ACCOUNT)
        for transaction in (*_RECORDED, asked):
            app_module.services.intake.record(transaction)
        app_module.services.flags.record([Flagging(asked, EVIDENCE, frozenset(), NOW)])
        app_module.services.enrolment.enrol("eazycard", SERVED_ACCOUNT, SERVED_HOLDER)
        if is_fuzzed:
            _add_what_a_fuzzer_uses_up()
        tried = [Attempt(webhook, None, Answer(500)) for webhook in TRIED_WEBHOOKS]
        records = [follow_up(attempt, None, NOW, 0).record for attempt in tried]
        app_module.services.attempt_log.note(tried, records, NOW - timedelta(hours=1))
        app.__class__ = _ServedApp
        server = LocalDevServer(app, Config(), "127.0.0.1", 0, handler)
        thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server.server_address[1]}{base_path}"
        finally:
            server.shutdown()
            thread.join()
            server.server.server_close()
            app.__class__ = app_class
            app_module.services = services
