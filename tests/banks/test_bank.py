"""Banks: which one an API key belongs to, and for how long the answer is remembered."""

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.banks.bank import BANK_ID, CACHE_SIZE, ApiKey, Bank, BankDirectory, hash_key
from chalicelib.errors import UnknownApiKey

START = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
KEY = "tn_a-key-of-43-characters"
BANK = Bank("eazycard", "EAZYCard", "XAF", "standard")


class Store:
    """Banks and keys in memory, counting how often a key or bank was looked up."""

    def __init__(self) -> None:
        self.keys = {hash_key(KEY): ApiKey(hash_key(KEY), "eazycard", "gateway-1")}
        self.banks = {"eazycard": BANK}
        self.reads = 0

    def api_key(self, key_hash: str) -> ApiKey | None:
        self.reads += 1
        return self.keys.get(key_hash)

    def bank(self, bank_id: str) -> Bank | None:
        self.reads += 1
        return self.banks.get(bank_id)


class Directory(BankDirectory):
    """A directory at a time that the test sets."""

    def __init__(self) -> None:
        self.store = Store()
        self.now = START
        super().__init__(self.store, lambda: self.now)


@pytest.fixture
def directory() -> Directory:
    return Directory()


def test_a_key_is_stored_as_its_sha_256_only() -> None:
    assert hash_key(KEY) == hashlib.sha256(KEY.encode()).hexdigest()


def test_a_key_belongs_to_its_bank(directory: Directory) -> None:
    assert directory.resolve(KEY) == BANK


@pytest.mark.parametrize(
    "key", [None, "", "unknown", KEY.upper(), f"{KEY} ", KEY[:-1], hash_key(KEY), "x" * 10_000, "é", "\ud800"]
)
def test_a_missing_or_unknown_key_is_refused(directory: Directory, key: str | None) -> None:
    with pytest.raises(UnknownApiKey):
        directory.resolve(key)


def test_a_key_that_is_longer_than_any_is_refused_without_a_read(directory: Directory) -> None:
    with pytest.raises(UnknownApiKey):
        directory.resolve("x" * 257)
    assert directory.store.reads == 0


def test_a_stored_key_whose_own_hash_is_another_is_refused(directory: Directory) -> None:
    directory.store.keys[hash_key(KEY)] = ApiKey(hash_key("another"), "eazycard", "gateway-1")
    with pytest.raises(UnknownApiKey):
        directory.resolve(KEY)


def test_a_key_of_a_bank_that_is_gone_is_refused(directory: Directory) -> None:
    directory.store.banks.clear()
    with pytest.raises(UnknownApiKey):
        directory.resolve(KEY)


def test_an_answer_is_cached_for_a_minute(directory: Directory) -> None:
    for second in range(60):
        directory.now = START + timedelta(seconds=second)
        directory.resolve(KEY)
    assert directory.store.reads == 2  # the key and its bank
    directory.now = START + timedelta(seconds=60)
    directory.resolve(KEY)
    assert directory.store.reads == 4


def test_a_disabled_bank_is_refused_within_a_minute_and_accepted_again_when_it_is_enabled(directory: Directory) -> None:
    directory.resolve(KEY)
    directory.store.banks["eazycard"] = dataclasses.replace(BANK, disabled=True)
    directory.now = START + timedelta(seconds=60)
    with pytest.raises(UnknownApiKey):
        directory.resolve(KEY)
    directory.store.banks["eazycard"] = BANK
    assert directory.resolve(KEY) == BANK


def test_a_deleted_key_is_refused_within_a_minute(directory: Directory) -> None:
    directory.resolve(KEY)
    directory.store.keys.clear()
    directory.now = START + timedelta(seconds=60)
    with pytest.raises(UnknownApiKey):
        directory.resolve(KEY)


def test_a_rotated_key_ends_at_its_time_also_when_it_is_cached(directory: Directory) -> None:
    expires_at = START + timedelta(seconds=30)
    directory.store.keys[hash_key(KEY)] = ApiKey(hash_key(KEY), "eazycard", "gateway-1", expires_at)
    directory.now = expires_at - timedelta(microseconds=1)
    assert directory.resolve(KEY) == BANK
    directory.now = expires_at
    with pytest.raises(UnknownApiKey):
        directory.resolve(KEY)


def test_two_keys_of_a_bank_work_side_by_side(directory: Directory) -> None:
    directory.store.keys[hash_key("new")] = ApiKey(hash_key("new"), "eazycard", "gateway-2")
    assert directory.resolve("new") == directory.resolve(KEY) == BANK


def test_refused_keys_remove_no_known_key_from_the_cache(directory: Directory) -> None:
    directory.resolve(KEY)
    for number in range(CACHE_SIZE + 10):
        with pytest.raises(UnknownApiKey):
            directory.resolve(f"guess-{number}")
    reads = directory.store.reads
    directory.resolve(KEY)
    assert directory.store.reads == reads


def test_the_cache_of_keys_is_bounded(directory: Directory) -> None:
    for number in range(CACHE_SIZE + 10):
        key = f"key-{number}"
        directory.store.keys[hash_key(key)] = ApiKey(hash_key(key), "eazycard", "gateway")
        directory.resolve(key)
    # The first ones are forgotten: they are looked up again.
    reads = directory.store.reads
    directory.resolve("key-0")
    assert directory.store.reads == reads + 2


def test_a_banks_name_is_remembered_for_a_minute_and_an_unknown_banks_is_its_id(directory: Directory) -> None:
    assert [directory.name_of("eazycard") for _ in range(3)] == ["EAZYCard"] * 3
    assert directory.store.reads == 1
    directory.store.banks["eazycard"] = dataclasses.replace(BANK, name="EAZYCard SA")
    directory.now = START + timedelta(seconds=60)
    assert directory.name_of("eazycard") == "EAZYCard SA"
    assert directory.name_of("nobody") == "nobody"


def test_a_bank_is_found_by_its_id_disabled_or_not(directory: Directory) -> None:
    disabled = directory.store.banks["eazycard"] = dataclasses.replace(BANK, disabled=True)
    assert [directory.by_id("eazycard"), directory.by_id("nobody"), directory.by_id("nobody")] == [disabled, None, None]
    assert directory.store.reads == 2


def test_a_banks_id_has_no_character_that_separates_the_parts_of_a_key() -> None:
    for accepted in ("ab", "eazycard", "bank-2", "0a", "x" * 40):
        assert BANK_ID.fullmatch(accepted)
    for refused in ("", "a", "-a", "A1", "a#b", "a b", "é1", "x" * 41, "a_b"):
        assert not BANK_ID.fullmatch(refused)
