"""The stores of a stage: each works on the table, queue or secret that the stage's settings name."""

import dataclasses
import json
import os
from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.aws.dead_letters import Letter
from chalicelib.aws.stage import from_environment
from chalicelib.banks.bank import ApiKey, Bank, hash_key
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.holders.holder import Holder
from chalicelib.stores import Stores
from tests.app_bench import AWS, NOW
from tests.links import LINK_KEYS
from tests.samples import transaction
from tests.tables import create_tables

AWA = Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, NOW)


@pytest.fixture
def stores() -> Iterator[Stores]:
    with mock_aws():
        create_tables(AWS["dynamodb"])
        yield Stores(from_environment(os.environ), AWS.__getitem__, lambda: NOW)


def items(table: str) -> int:
    count: int = AWS["dynamodb"].scan(TableName=os.environ[table])["Count"]
    return count


def test_banks_and_their_settings_are_found_through_their_caches(stores: Stores) -> None:
    stores.bank_store.put_bank(Bank("eazycard", "EAZYCard", "EUR", "standard"))
    stores.bank_store.put_api_key(ApiKey(hash_key("key"), "eazycard", "gateway-1"))
    stores.bank_store.put_settings("eazycard", StoredSettings(BankSettings(alert_addresses=("a@b.example",)), {}, 1))
    assert stores.banks.resolve("key").name == "EAZYCard"
    assert stores.bank_settings.of("eazycard").alert_addresses == ("a@b.example",)
    assert items("BANKS_TABLE") == 3


def test_transactions_and_holders_are_each_in_their_own_tables(stores: Stores) -> None:
    stores.transactions.add(transaction())
    stores.enrolment.enrol("eazycard", "a0", AWA)
    (stored,) = stores.holders.of_account("eazycard", "a0")
    assert dataclasses.replace(stored, alias="") == AWA
    assert stored.alias
    tables = ("TRANSACTIONS_TABLE", "ACCOUNTS_TABLE", "ADDRESSES_TABLE", "NOTIFICATIONS_TABLE")
    assert [items(table) for table in tables] == [1, 1, 2, 0]  # of the holder's address, and of the id


def test_due_notices_and_due_statements_are_kept_apart(stores: Stores) -> None:
    stores.due_statements.move_checkpoint(NOW)
    assert stores.due_statements.checkpoint() == NOW
    assert stores.due_notices.checkpoint() is None


def test_secrets_are_read_by_the_arns_of_the_settings(stores: Stores) -> None:
    AWS["secretsmanager"].create_secret(Name=os.environ["CURSOR_SECRET_ARN"], SecretString="of cursors")
    AWS["secretsmanager"].create_secret(Name=os.environ["PREFERENCES_SECRET_ARN"], SecretString=LINK_KEYS)
    assert stores.cursor_secret() == "of cursors"
    assert stores.links.links_for("eazycard", "a0", AWA).preferences is None  # the stage has no URL


@pytest.mark.parametrize(
    ("urls", "begins"),
    [
        ({"API_URL": "https://api.example/"}, "https://api.example/preferences/"),
        (
            {"API_URL": "https://api.example/", "PUBLIC_URL": "https://alerts.example"},
            "https://alerts.example/preferences/",
        ),
    ],
)
def test_links_begin_with_the_public_url_or_else_the_api_s(stores: Stores, urls: dict[str, str], begins: str) -> None:
    AWS["secretsmanager"].create_secret(Name=os.environ["PREFERENCES_SECRET_ARN"], SecretString=LINK_KEYS)
    with_urls = Stores(from_environment({**os.environ, **urls}), AWS.__getitem__, lambda: NOW)
    link = with_urls.links.links_for("eazycard", "a0", AWA).preferences
    assert link is not None
    assert link.startswith(begins)


def test_a_dead_letter_names_the_function_that_it_comes_from(stores: Stores) -> None:
    url = AWS["sqs"].create_queue(QueueName="dead")["QueueUrl"]
    stores.dead_letters(url, "mailer").put([Letter({"id": 1}, "not_rendered")])
    (message,) = AWS["sqs"].receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["source"] == "mailer"
