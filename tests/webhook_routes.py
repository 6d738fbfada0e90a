"""What tests of the routes of webhooks share: endpoints instead of the internet, and attempts in the log."""

from datetime import timedelta

import pytest

import app as app_module
from chalicelib.aws.secret_store import SecretStore
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.attempt import Attempt
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.records import Record, Standing
from chalicelib.webhooks.signed_poster import SignedPoster
from chalicelib.webhooks.webhook import Webhook, webhook_about
from tests.app_bench import Bench
from tests.webhook_desk import OLD, TAKEN, FakeEndpoints, FakeSecrets

URL = "https://hooks.bank.example/"


@pytest.fixture
def endpoints(bench: Bench) -> FakeEndpoints:
    """Endpoints instead of the internet."""
    services, secrets, found = app_module.services, FakeSecrets(), FakeEndpoints()
    secrets.store("webhook-secret", OLD)
    store = SecretStore(lambda: secrets, lambda: bench.now)
    services.__dict__["_signed_poster"] = SignedPoster(services.endpoints, store, found, lambda: bench.now)
    return found


def log(bench: Bench) -> AttemptLog:
    return AttemptLog(bench.dynamodb, "DeferralsTable")


def tried(bench: Bench, bank: str, number: int, answer: Answer = TAKEN) -> Webhook:
    """Log an attempt to deliver a webhook of the bank's."""
    key = NotificationKey(bank, f"t-{number}", "awa")
    webhook = webhook_about(
        key, "notification.bounced", "2026-01-10T14:00:00Z", {"transaction": key.transaction}, bench.now
    )
    standing = Standing.DELIVERED if answer.is_accepted else Standing.WAITING
    record = Record(key, webhook.id, webhook.type, standing, str(answer), 1, bench.now)
    log(bench).note([Attempt(webhook, None, answer)], [record], bench.now)
    bench.now += timedelta(seconds=1)
    return webhook
