"""Banks, their keys and settings in DynamoDB, on both engines."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamo import to_item
from chalicelib.banks.bank import ApiKey, Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.settings import BankSettings, StoredSettings
from chalicelib.banks.webhook_endpoints import EndpointState, Status
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.times import format_time
from tests.bank_settings import WHOLE, load

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


@pytest.fixture
def banks(each_dynamodb: Any) -> BankRepository:
    return BankRepository(each_dynamodb, "BanksTable")


def test_a_bank_and_its_keys_are_read_back_as_they_were_put(banks: BankRepository) -> None:
    bank = Bank("eazycard", "EAZYCard é", "XAF", "standard")
    lasting = ApiKey("a" * 64, "eazycard", "gateway-1")
    ending = ApiKey("b" * 64, "eazycard", "gateway-2", NOW)
    banks.put_bank(bank)
    banks.put_api_key(lasting)
    banks.put_api_key(ending)
    assert banks.bank("eazycard") == bank
    assert banks.api_key("a" * 64) == lasting
    assert banks.api_key("b" * 64) == ending
    banks.put_bank(dataclasses.replace(bank, disabled=True))
    assert banks.bank("eazycard") == dataclasses.replace(bank, disabled=True)
    banks.delete_api_key("a" * 64)
    banks.delete_api_key("a" * 64)
    assert banks.api_key("a" * 64) is None


def test_a_bank_is_not_read_as_a_key_or_a_key_as_a_bank(banks: BankRepository) -> None:
    banks.put_bank(Bank("eazycard", "EAZYCard", "XAF", "standard"))
    banks.put_api_key(ApiKey("a" * 64, "eazycard", "gateway-1"))
    assert banks.api_key("eazycard") is None
    assert banks.bank("a" * 64) is None


def test_only_the_named_values_of_a_bank_are_changed_and_none_takes_one_away(banks: BankRepository) -> None:
    bank = Bank("eazycard", "EAZYCard", "XAF", "standard", signing_secret_arn="arn:signing")
    banks.put_bank(bank)
    banks.change_bank("eazycard", disabled=True, webhook_secret_arn="arn:webhooks", signing_secret_arn=None)
    assert banks.bank("eazycard") == Bank("eazycard", "EAZYCard", "XAF", "standard", True, None, "arn:webhooks")
    banks.change_bank("eazycard", webhook_secret_arn=None)
    assert banks.bank("eazycard") == Bank("eazycard", "EAZYCard", "XAF", "standard", True)
    banks.change_bank("eazycard", emails_per_day=300)
    limited = banks.bank("eazycard")
    assert limited is not None
    assert isinstance(limited.emails_per_day, int)
    assert limited.emails_per_day == 300
    banks.change_bank("eazycard", disabled=False, emails_per_day=None)
    assert banks.bank("eazycard") == dataclasses.replace(bank, signing_secret_arn=None)


def test_a_bank_that_is_not_there_is_not_made_by_a_change(banks: BankRepository) -> None:
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        banks.change_bank("eazycard", disabled=True)
    assert banks.bank("eazycard") is None


# Settings


def test_a_bank_that_has_stored_none_has_the_defaults(banks: BankRepository) -> None:
    assert banks.settings("eazycard") == StoredSettings()


def test_settings_are_read_back_as_they_were_stored(banks: BankRepository) -> None:
    stored = StoredSettings(load(WHOLE), {"fraud@bank.example": "arn:1"}, 1)
    banks.put_settings("eazycard", stored)
    assert banks.settings("eazycard") == stored
    assert banks.settings("other-bank") == StoredSettings()
    assert banks.bank("eazycard") is None


def test_the_states_of_endpoints_are_stored_in_the_version_for_which_they_were_made(banks: BankRepository) -> None:
    url, at = "https://bank.example/", datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
    stored = StoredSettings(load({**WHOLE, "webhooks": [], "webhook_url": url}), {"fraud@bank.example": "arn:1"}, 1)
    banks.put_settings("eazycard", stored)
    assert banks.settings("eazycard").states == {"default": EndpointState(url, Status.IN_USE)}
    gone = {"default": EndpointState(url, Status.GONE, at)}
    assert not banks.put_endpoint_states("eazycard", gone, 0)  # what was sent by settings before
    assert banks.settings("eazycard") == stored
    assert banks.put_endpoint_states("eazycard", gone, 1)
    assert not banks.put_endpoint_states("eazycard", {}, 1)
    found = banks.settings("eazycard")
    assert found == dataclasses.replace(stored, version=2, endpoint_states=gone)
    assert found.webhooks_disabled_at == at
    unproved = {"default": EndpointState(url, Status.UNPROVED)}
    banks.put_settings("eazycard", dataclasses.replace(stored, version=3, endpoint_states=unproved))
    assert banks.settings("eazycard").states == unproved
    assert not banks.put_endpoint_states("other-bank", gone, 1)
    assert banks.settings("other-bank") == StoredSettings()


def test_an_endpoint_that_was_disabled_before_endpoints_had_states_stays_disabled(banks: BankRepository) -> None:
    at = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
    banks.put_settings("eazycard", StoredSettings(load({"webhook_url": "https://bank.example/"}), {}, 1))
    banks._client.update_item(
        TableName="BanksTable",
        Key={"entry": {"S": "settings#eazycard"}},
        UpdateExpression="SET webhooks_disabled_at = :at",
        ExpressionAttributeValues={":at": {"S": format_time(at)}},
    )
    assert banks.settings("eazycard").states == {"default": EndpointState("https://bank.example/", Status.GONE, at)}


def test_of_two_changes_of_the_same_version_the_second_is_refused(banks: BankRepository) -> None:
    banks.put_settings("eazycard", StoredSettings(load(WHOLE), {}, 1))
    with pytest.raises(TemporarilyUnavailable):
        banks.put_settings("eazycard", StoredSettings(BankSettings(), {}, 1))
    assert banks.settings("eazycard").settings == load(WHOLE)
    banks.put_settings("eazycard", StoredSettings(BankSettings(), {}, 2))
    assert banks.settings("eazycard").version == 2


def test_malformed_settings_are_logged_and_read_as_the_defaults(
    banks: BankRepository, each_dynamodb: Any, logged: Any
) -> None:
    banks.put_settings("eazycard", StoredSettings(load(WHOLE), {"fraud@bank.example": "arn:1"}, 1))
    item = {
        "entry": "settings#eazycard",
        "settings": {"flags": {"velocity": {"mode": "what is in it"}}},
        "subscriptions": {"fraud@bank.example": "a"},
        "version": 2,
    }
    each_dynamodb.put_item(TableName="BanksTable", Item=to_item(item))
    assert banks.settings("eazycard") == StoredSettings(BankSettings(), {"fraud@bank.example": "a"}, 2)
    assert "malformed_settings" in (text := logged())
    assert "flags.velocity.mode" in text
    assert "what is in it" not in text


def test_a_stored_url_that_is_not_allowed_any_more_is_dropped_and_the_other_settings_are_kept(
    banks: BankRepository, logged: Any
) -> None:
    settings = load({**WHOLE, "webhook_url": "https://bank.example/"})
    banks.put_settings(
        "eazycard", StoredSettings(dataclasses.replace(settings, webhook_url="https://10.0.0.1/"), {}, 1)
    )
    assert banks.settings("eazycard").settings == load(WHOLE)
    assert "malformed_settings" in logged()
