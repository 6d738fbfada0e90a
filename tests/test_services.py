"""The composition root: everything that `app.py` calls can be made, once, and only from the stage's settings."""

import base64
import json
import os
from functools import cached_property
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.aws.stage import Settings, from_environment
from chalicelib.banks.bank import Bank
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.state import NotificationKey
from chalicelib.services import Services
from chalicelib.staff_services import StaffServices
from chalicelib.stores import Stores
from chalicelib.webhooks.records import WebhookRecords
from chalicelib.webhooks.webhook import Webhook, pack
from local_cloud.server import free_port
from tests.app_bench import AWS, NOW
from tests.tables import create_tables

PARTS = sorted(
    name
    for part in (Stores, StaffServices, Services)
    for name, value in vars(part).items()
    if isinstance(value, cached_property)
)


class Clients:
    """Clients that are made by name, and counted; none may be called while parts are made."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, service: str) -> Any:
        self.made.append(service)
        return f"client of {service}"


def services(clients: Any, **changes: str) -> Services:
    settings: Settings = from_environment({**os.environ, **changes})
    return Services(settings, clients, lambda: NOW)


def test_nothing_is_made_before_it_is_used() -> None:
    clients = Clients()
    services(clients)
    assert clients.made == []


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_made_once_without_a_call_to_aws(part: str) -> None:
    made = services(Clients())
    first = getattr(made, part)
    assert getattr(made, part) is first


@pytest.mark.parametrize("name", ["mailer", "alert_mailer"])
def test_each_mailer_names_itself_in_its_dead_letters(name: str) -> None:
    with mock_aws():
        create_tables(AWS["dynamodb"])
        url = AWS["sqs"].create_queue(QueueName="notifications-dead")["QueueUrl"]
        getattr(services(AWS.get, MAIL_RATE="1000"), name).handle(["no notice"], lambda: 20)
        (message,) = AWS["sqs"].receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["source"] == name


@pytest.mark.parametrize(("local_endpoints", "answer"), [("", "private_address"), ("yes", "unreachable")])
def test_only_a_stage_with_local_endpoints_posts_webhooks_to_its_own_machine(local_endpoints: str, answer: str) -> None:
    key = NotificationKey("eazycard", "t1", "awa")
    with mock_aws():
        create_tables(AWS["dynamodb"])
        AWS["sqs"].create_queue(QueueName="webhooks")
        secret = json.dumps({"secrets": [{"secret": f"whsec_{base64.b64encode(bytes(32)).decode()}"}]})
        arn = AWS["secretsmanager"].create_secret(Name="hooks", SecretString=secret)["ARN"]
        made = services(AWS.get, LOCAL_ENDPOINTS=local_endpoints)
        made.bank_store.put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard", webhook_secret_arn=arn))
        here = BankSettings(webhook_url=f"http://127.0.0.1:{free_port()}/")
        made.bank_store.put_settings("eazycard", StoredSettings(here, {}, 1))
        made.webhook_sender.handle([pack(Webhook("msg_1", key, "notification.delivered", "{}", NOW))])
        records = WebhookRecords(AWS["dynamodb"], os.environ["NOTIFICATIONS_TABLE"])
        (record,) = records.of_transaction(TransactionKey("eazycard", "t1"))
    assert record.answer == answer


def test_clients_of_aws_are_the_process_s_own_by_default() -> None:
    with mock_aws():
        made = Services(from_environment(os.environ))
        assert made.client("sqs") is made.client("sqs")
        assert made.now().tzinfo is not None
