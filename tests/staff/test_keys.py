"""The pool's keys: fetched once, again when they change, never more often than agreed, and kept through an outage."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.staff.keys import FETCH_AT_MOST_EVERY, KEEP_FOR, PoolKeys, fetch, read_keys
from chalicelib.staff.refusals import NotSignedIn
from tests.staff_world import POOL_ID, jwk, key_set, keys_url, signing_key

Answer = bytes | Exception


class KeyService:
    """Answers with what the test has it publish, and counts how often it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
        self.published: Answer = key_set()
        self.asked = 0
        self.keys = PoolKeys(self._fetch, lambda: self.now)

    def _fetch(self) -> bytes:
        self.asked += 1
        if isinstance(self.published, Exception):
            raise self.published
        return self.published

    def later(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def service() -> KeyService:
    return KeyService()


def test_a_key_is_fetched_once_for_many_tokens(service: KeyService) -> None:
    numbers = {service.keys.get("key-1").public_numbers() for _ in range(100)}
    assert numbers == {signing_key().public_key().public_numbers()}
    assert service.asked == 1


def test_a_key_that_the_pool_has_changed_to_is_fetched_when_it_first_comes(service: KeyService) -> None:
    service.keys.get("key-1")
    service.published = key_set(jwk(), jwk("key-2"))
    service.later(FETCH_AT_MOST_EVERY)
    assert service.keys.get("key-2").public_numbers() == signing_key("key-2").public_key().public_numbers()
    assert service.asked == 2


def test_made_up_key_ids_fetch_at_most_once_in_half_a_minute(service: KeyService) -> None:
    for minute in range(10):
        for second in range(60):
            with pytest.raises(NotSignedIn):
                service.keys.get(f"made-up-{minute}-{second}")
            service.later(timedelta(seconds=1))
    assert service.asked == 20


def test_a_key_that_the_pool_has_withdrawn_is_trusted_for_an_hour_at_most(service: KeyService) -> None:
    service.keys.get("key-1")
    service.published = key_set(jwk("key-2"))
    service.later(KEEP_FOR - timedelta(seconds=1))
    service.keys.get("key-1")
    service.later(timedelta(seconds=1))
    with pytest.raises(NotSignedIn):
        service.keys.get("key-1")


@pytest.mark.parametrize(
    "outage", [OSError("unreachable"), HTTPException(), ValueError("status 500"), b"<html>", b"[]", b'{"keys": []}']
)
def test_while_the_keys_cant_be_had_the_kept_ones_are_used(service: KeyService, outage: Answer) -> None:
    service.keys.get("key-1")
    service.published = outage
    service.later(KEEP_FOR * 30)
    for _ in range(100):
        service.keys.get("key-1")
    assert service.asked == 2
    with pytest.raises(TemporarilyUnavailable) as unknown:
        service.keys.get("key-2")  # it may be a new one
    assert unknown.value.retry_after_s == 30


def test_without_any_keys_everyone_is_asked_to_come_again_and_the_outage_is_not_made_worse(service: KeyService) -> None:
    service.published = OSError("unreachable")
    for _ in range(100):
        with pytest.raises(TemporarilyUnavailable):
            service.keys.get("key-1")
    assert service.asked == 1
    service.published = key_set()
    service.later(FETCH_AT_MOST_EVERY)
    service.keys.get("key-1")


@pytest.mark.parametrize(
    "listed",
    [
        "no key",
        {"kid": "key-1"},
        {**jwk(), "kid": 7},
        jwk(kty="oct", k="c2VjcmV0"),
        jwk(use="enc"),
        jwk(alg="HS256"),
        jwk(alg="PS256"),
        jwk(n="!"),
        jwk(n=None),
        jwk("short", bits=1024),
    ],
    ids=range(10),
)
def test_only_rsa_keys_for_signatures_of_2048_bits_are_taken(listed: Any) -> None:
    with pytest.raises(ValueError, match="no usable key"):
        read_keys(json.dumps({"keys": [listed]}).encode())
    assert list(read_keys(json.dumps({"keys": [listed, jwk("other")]}).encode())) == ["other"]


def test_a_set_is_fetched_over_http() -> None:
    assert list(read_keys(fetch(f"{keys_url()}/{POOL_ID}/.well-known/jwks.json"))) == ["key-1"]


@pytest.mark.parametrize(
    "url", [lambda: f"{keys_url()}/other/.well-known/jwks.json", lambda: "http://127.0.0.1:9/"], ids=["404", "nobody"]
)
def test_an_answer_of_another_status_or_none_is_an_error(url: Callable[[], str]) -> None:
    with pytest.raises((ValueError, OSError)):
        fetch(url())
