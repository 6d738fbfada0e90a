"""Secrets: read when they are needed, kept for five minutes, and fresher for a caller who asks for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.aws.secret_store import CACHE_FOR, SecretNotFound, SecretStore
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, refusal


class Vault:
    """Two secrets at moto's Secrets Manager, read by a store on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 10, tzinfo=UTC)
        self.client = boto3.client("secretsmanager")
        self.arn, self.other_arn = (
            self.client.create_secret(Name=name, SecretString=f"{name} 1")["ARN"] for name in ("links", "cursors")
        )
        self.clients_made = self.reads = 0
        self.store = SecretStore(self.make_client, lambda: self.now)

    def make_client(self) -> Any:
        self.clients_made += 1
        return self

    def get_secret_value(self, **arguments: str) -> Any:
        self.reads += 1
        return self.client.get_secret_value(**arguments)

    def put_secret_value(self, **arguments: str) -> Any:
        return self.client.put_secret_value(**arguments)

    def rotate(self) -> None:
        self.client.put_secret_value(SecretId=self.arn, SecretString="links 2")


@pytest.fixture
def vault() -> Any:
    with mock_aws():
        yield Vault()


def test_a_store_that_is_not_asked_makes_no_client(vault: Vault) -> None:
    assert vault.clients_made == 0


def test_each_secret_is_read_once_and_kept_apart(vault: Vault) -> None:
    for _ in range(3):
        assert vault.store.get(vault.arn) == "links 1"
        assert vault.store.get(vault.other_arn) == "cursors 1"
    assert vault.reads == 2


def test_a_rotated_secret_is_used_after_five_minutes_and_not_before(vault: Vault) -> None:
    vault.store.get(vault.arn)
    vault.rotate()
    vault.now += CACHE_FOR - timedelta(microseconds=1)
    assert vault.store.get(vault.arn) == "links 1"
    vault.now += timedelta(microseconds=1)
    assert vault.store.get(vault.arn) == "links 2"
    assert timedelta(minutes=5) == CACHE_FOR


def test_a_caller_who_wants_it_fresher_gets_the_rotated_secret_at_once(vault: Vault) -> None:
    vault.store.get(vault.arn)
    vault.rotate()
    vault.now += timedelta(seconds=10)
    assert vault.store.get(vault.arn, timedelta(seconds=11)) == "links 1"
    assert vault.store.get(vault.arn, timedelta(seconds=10)) == "links 2"
    assert vault.store.get(vault.arn) == "links 2"


def test_a_secret_that_does_not_exist_is_refused_and_looked_for_again(vault: Vault) -> None:
    for _ in range(2):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            vault.store.get("no-such-secret")
    assert vault.reads == 2


def test_a_throttled_read_is_temporarily_unavailable_and_not_kept(vault: Vault) -> None:
    throttled = Failing(vault, refusal("ThrottlingException"))
    store = SecretStore(lambda: throttled, lambda: vault.now)
    with pytest.raises(TemporarilyUnavailable):
        store.get(vault.arn)
    assert store.get(vault.arn) == "links 1"


def test_a_value_that_is_read_as_it_is_now_or_was_put_is_never_an_old_one(vault: Vault) -> None:
    vault.store.get(vault.arn)
    vault.rotate()
    assert vault.store.read(vault.arn) == "links 2"
    vault.store.put(vault.arn, "links 3")
    assert vault.store.read(vault.arn) == vault.store.get(vault.arn) == "links 3"
    assert vault.store.get(vault.other_arn) == "cursors 1"
    with pytest.raises(SecretNotFound):
        vault.store.read("no-such-secret")
