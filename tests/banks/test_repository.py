"""Banks, their keys and settings in DynamoDB, on both engines."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.banks.bank import ApiKey, Bank
from chalicelib.banks.repository import BankRepository

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


def test_a_bank_and_a_key_are_never_mistaken_for_each_other(banks: BankRepository) -> None:
    banks.put_bank(Bank("eazycard", "EAZYCard", "XAF", "standard"))
    banks.put_api_key(ApiKey("a" * 64, "eazycard", "gateway-1"))
    assert banks.api_key("eazycard") is None
    assert banks.bank("a" * 64) is None
