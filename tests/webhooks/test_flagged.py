"""Webhooks about flagged transactions: from the stream handler, through the webhook queue, as all others."""

import json
from typing import Any

import pytest

from chalicelib.banks.bank import Bank
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.banks.webhook_endpoints import NamedEndpoint
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.webhooks.webhook import unpack
from tests.fakes import Failing, refusal
from tests.samples import transaction
from tests.stream_world import LARGE, Stream, records

FLAGS = NamedEndpoint("https://flags.bank.example/", ("transaction.flagged",))


@pytest.fixture
def stream(dynamodb: Any, table_names: dict[str, str]) -> Stream:
    found = Stream(dynamodb, table_names)
    found.banks.put_bank(Bank("eazycard", "EAZYCard", "XAF", "standard", webhook_secret_arn="secret"))
    return found


def name(stream: Stream, settings: BankSettings) -> None:
    stream.banks.put_settings("eazycard", StoredSettings(settings, {}, stream.banks.settings("eazycard").version + 1))


def flag(stream: Stream, **clients: Any) -> None:
    large = transaction(id="t-large", amount=LARGE, currency="XAF", type="debit")
    stream.store(large)
    stream.handle(records(large), **clients)


def test_a_flagged_transaction_is_told_to_the_endpoint_that_wants_it(stream: Stream) -> None:
    name(stream, BankSettings(webhook_url="https://hooks.bank.example/", webhooks=(FLAGS,)))
    flag(stream)
    (webhook,) = map(unpack, stream.webhooks.bodies)
    assert (webhook.endpoint, webhook.type, webhook.bank) == (FLAGS.id, "transaction.flagged", "eazycard")
    body = json.loads(webhook.body)
    (event,) = [json.loads(entry["Detail"]) for entry in stream.events.accepted]
    assert body["timestamp"] == event["flagged_at"]
    assert body["data"]["flags"] == event["flags"]
    assert body["data"]["transaction"] == event["transaction"]["id"] == "t-large"
    assert body["data"]["amount"] == event["transaction"]["amount"]


def test_a_batch_that_comes_again_makes_the_same_webhook(stream: Stream) -> None:
    name(stream, BankSettings(webhooks=(FLAGS,)))
    large = transaction(id="t-large", amount=LARGE, currency="XAF", type="debit")
    stream.store(large)
    for _ in range(2):
        stream.handle(records(large))
    first, second = map(unpack, stream.webhooks.bodies)
    assert (first.id, first.body) == (second.id, second.body)


@pytest.mark.parametrize("settings", [BankSettings(), BankSettings(webhook_url="https://hooks.bank.example/")])
def test_a_bank_that_does_not_want_it_gets_no_webhook(stream: Stream, settings: BankSettings) -> None:
    name(stream, settings)
    flag(stream)
    assert stream.webhooks.bodies == []
    assert len(stream.events.accepted) == 1


def test_a_webhook_queue_that_is_down_makes_the_stream_bring_the_batch_again(stream: Stream) -> None:
    name(stream, BankSettings(webhooks=(FLAGS,)))
    with pytest.raises(TemporarilyUnavailable):
        flag(stream, webhooks=Failing(stream.webhooks, refusal("ThrottlingException")))
    assert stream.alerts.bodies != []  # the holder's alert didn't wait for it
