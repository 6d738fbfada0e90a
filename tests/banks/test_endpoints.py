"""The endpoint of a bank's webhooks: which URLs it may have, and where it is found and disabled."""

import dataclasses
import string
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.banks.endpoints import Endpoint, EndpointDirectory, webhook_url_error
from chalicelib.banks.repository import BankRepository
from chalicelib.banks.schemas import LOOPBACK_URL, NO_ENDPOINT, URL
from chalicelib.banks.settings import CACHE_FOR, BankSettings, SettingsDirectory, StoredSettings
from chalicelib.banks.webhook_endpoints import CHOICES, EndpointState, NamedEndpoint, Status
from chalicelib.banks.webhook_endpoints import TRANSACTION_FLAGGED as FLAGGED
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import Failing, refusal

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
HOOKS, OTHER_HOOKS = "https://hooks.bank.example/", "https://other.bank.example/"
BANK = Bank("eazycard", "EAZYCard", "EUR", "standard", webhook_secret_arn="arn:webhooks")


# Which URLs


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://hooks.bank.example/notifications", True),
        ("https://bank.example", True),
        ("https://bank.example/", True),
        ("https://Bank.Example:8443/a/b?c=d&e=%20", True),
        ("https://bank.example?token=x", True),
        ("https://xn--bnk-qla.example/", True),
        ("http://bank.example/", False),
        ("HTTPS://bank.example/", False),
        ("ftp://bank.example/", False),
        ("//bank.example/", False),
        ("bank.example", False),
        ("https://", False),
        ("https:///path", False),
        ("https://localhost/", False),
        ("https://bank/", False),
        ("https://127.0.0.1/", False),
        ("https://8.8.8.8/", False),
        ("https://0x7f.1/", False),
        ("https://2130706433/", False),
        ("https://[::1]/", False),
        ("https://user@bank.example/", False),
        ("https://user:secret@bank.example/", False),
        ("https://bank.example:0/", False),
        ("https://bank.example:/", False),
        ("https://bank.example:1/", True),
        ("https://bank.example:65535/", True),
        ("https://bank.example:65536/", False),
        ("https://bank.example:70000/", False),
        ("https://bank.example:443443/", False),
        ("https://bank.example/#part", False),
        ("https://bank.example/a b", False),
        ("https://bank.example/%", False),
        ("https://bank.example/%4", False),
        ("https://bank.example/?a=%zz", False),
        ("https://bank.example/?a=?b", True),
        ("https://bank.example/\r\nhost: other", False),
        ("https://bank.example/\n", False),
        ("https://bank.example\\@other.example/", False),
        ("https://bänk.example/", False),
        ("https://-bank.example/", False),
        ("https://bank-.example/", False),
        ("https://bank..example/", False),
        ("https://bank.example./", False),
        (f"https://{'b' * 64}.example/", False),
    ],
)
def test_a_url_must_be_https_with_a_host_s_name(url: str, is_taken: bool) -> None:
    assert webhook_url_error(url, has_secret=True, is_loopback_allowed=False) == (None if is_taken else NO_ENDPOINT)
    assert bool(URL.fullmatch(url)) is is_taken


def test_loopback_is_accepted_only_where_it_is_allowed() -> None:
    url = "http://127.0.0.1:8026/webhooks"
    assert webhook_url_error(url, has_secret=True, is_loopback_allowed=True) is None
    assert webhook_url_error(url, has_secret=True, is_loopback_allowed=False) == NO_ENDPOINT
    for other in ("http://127.0.0.2/", "http://localhost/", "http://127.0.0.1.example/", "http://10.0.0.1/"):
        assert webhook_url_error(other, has_secret=True, is_loopback_allowed=True) == NO_ENDPOINT


def test_a_bank_without_a_secret_is_told_to_get_a_secret_first() -> None:
    refused = webhook_url_error("https://bank.example/", has_secret=False, is_loopback_allowed=False)
    assert refused is not None
    assert "secret" in refused


@given(st.text(string.printable, max_size=60))
def test_text_after_the_host_cannot_change_the_host(rest: str) -> None:
    url = f"https://bank.example{rest}"
    if URL.fullmatch(url):
        parts = urlsplit(url)
        assert (parts.scheme, parts.username, parts.fragment) == ("https", None, "")
        assert parts.hostname is not None
        assert parts.hostname.startswith("bank.example")
        assert LOOPBACK_URL.fullmatch(url) is None


# Where it is found


class Directory(EndpointDirectory):
    """A directory on a table, at a time that the test sets; the bank has an endpoint."""

    def __init__(self, client: Any) -> None:
        self.now, self.client = NOW, client
        self.store = BankRepository(client, "BanksTable")
        clock = lambda: self.now  # noqa: E731
        super().__init__(SettingsDirectory(self.store, clock), BankDirectory(self.store, clock), self.store)

    def put(self, url: str | None = HOOKS, bank: Bank | None = BANK) -> None:
        """Store the bank, and settings with this URL."""
        if bank is not None:
            self.store.put_bank(bank)
        version = self.store.settings("eazycard").version + 1
        self.store.put_settings("eazycard", StoredSettings(BankSettings(webhook_url=url), {}, version))

    def put_states(self, settings: BankSettings, *in_use: NamedEndpoint | str) -> None:
        """Store the bank and settings of which these endpoints are in use, and the others unproved."""
        self.store.put_bank(BANK)
        urls = {one if isinstance(one, str) else one.url for one in in_use}
        states = {
            key: EndpointState(one.url, Status.IN_USE, NOW)
            if one.url in urls
            else EndpointState(one.url, Status.UNPROVED)
            for key, one in settings.endpoints.items()
        }
        version = self.store.settings("eazycard").version + 1
        self.store.put_settings("eazycard", StoredSettings(settings, {}, version, states))
        self.forget("eazycard")


@pytest.fixture
def directory(each_dynamodb: Any) -> Directory:
    return Directory(each_dynamodb)


def test_an_endpoint_has_the_url_of_the_settings_and_the_bank_s_secret(directory: Directory) -> None:
    directory.put()
    assert directory.of("eazycard") == [Endpoint(HOOKS, "arn:webhooks", is_bank_disabled=False, version=1)]
    assert directory.of("other-bank") == []


@pytest.mark.parametrize(
    ("bank", "endpoints"),
    [
        (dataclasses.replace(BANK, webhook_secret_arn=None), [Endpoint(HOOKS, None, False, 1)]),
        (dataclasses.replace(BANK, disabled=True), [Endpoint(HOOKS, "arn:webhooks", True, 1)]),
        (None, []),
    ],
    ids=["no secret", "disabled", "no bank"],
)
def test_webhooks_wait_for_a_bank_that_is_disabled_or_has_no_secret(
    directory: Directory, bank: Bank | None, endpoints: list[Endpoint]
) -> None:
    directory.put(bank=bank)
    assert directory.of("eazycard") == endpoints


def test_settings_without_a_url_name_no_endpoint(directory: Directory) -> None:
    directory.put(None)
    assert directory.of("eazycard") == []


def test_a_change_has_effect_within_a_minute_and_at_once_when_it_is_forgotten(directory: Directory) -> None:
    directory.put()
    directory.of("eazycard")
    directory.put(OTHER_HOOKS, dataclasses.replace(BANK, disabled=True))
    directory.now += CACHE_FOR - timedelta(microseconds=1)
    assert directory.of("eazycard") == [Endpoint(HOOKS, "arn:webhooks", False, 1)]
    directory.forget("eazycard")
    assert directory.of("eazycard") == [Endpoint(OTHER_HOOKS, "arn:webhooks", True, 2)]
    directory.put()
    directory.now += CACHE_FOR
    assert directory.of("eazycard") == [Endpoint(HOOKS, "arn:webhooks", False, 3)]


# Several, each with the types that it wants


FLAGS, ALL = NamedEndpoint("https://flags.example/", (FLAGGED,)), NamedEndpoint("https://all.example/", CHOICES)


def test_each_endpoint_gets_the_types_that_it_wants_once_it_is_in_use(directory: Directory) -> None:
    directory.put_states(BankSettings(webhook_url=HOOKS, webhooks=(FLAGS, ALL)), FLAGS, HOOKS)
    assert [one.url for one in directory.of("eazycard")] == [HOOKS, FLAGS.url, ALL.url]
    assert [one.url for one in directory.wanting("eazycard", FLAGGED)] == [FLAGS.url]
    assert [one.url for one in directory.wanting("eazycard", "holder.changed")] == [HOOKS]
    assert directory.wanting("eazycard", "alert.answered") == []  # ALL wants it, but is unproved
    directory.prove("eazycard", directory.of("eazycard")[2], NOW)
    assert [one.url for one in directory.wanting("eazycard", FLAGGED)] == [FLAGS.url, ALL.url]
    assert directory.store.settings("eazycard").states[ALL.id] == EndpointState(ALL.url, Status.IN_USE, NOW)


def test_two_endpoints_that_prove_themselves_at_once_are_both_in_use(directory: Directory) -> None:
    directory.put_states(BankSettings(webhooks=(FLAGS, ALL)))
    first, second = directory.of("eazycard")
    other = Directory(directory.client)
    other.of("eazycard")  # cached, before the first is proved
    directory.prove("eazycard", first, NOW)
    other.prove("eazycard", second, NOW)
    directory.forget("eazycard")
    assert [one.status for one in directory.of("eazycard")] == [Status.IN_USE] * 2


def test_an_endpoint_that_the_settings_name_no_longer_is_not_proved(directory: Directory) -> None:
    directory.put_states(BankSettings(webhook_url=HOOKS))
    (endpoint,) = directory.of("eazycard")
    directory.put_states(BankSettings(webhook_url=OTHER_HOOKS))
    directory.prove("eazycard", endpoint, NOW)
    assert [one.status for one in directory.of("eazycard")] == [Status.UNPROVED]


def test_what_was_queued_for_the_short_form_finds_the_endpoint_in_the_long_form(directory: Directory) -> None:
    directory.put_states(BankSettings(webhooks=(FLAGS, ALL)), FLAGS, ALL)
    found = directory.find("eazycard", "default", "notification.bounced")
    assert found is not None
    assert found.url == ALL.url
    assert directory.find("eazycard", "ep_other", FLAGGED) is None
    exact = directory.find("eazycard", FLAGS.id, FLAGGED)
    assert exact is not None
    assert exact.url == FLAGS.url


# Gone


def test_a_disabled_endpoint_gets_nothing_until_settings_are_stored(directory: Directory) -> None:
    directory.put()
    (endpoint,) = directory.of("eazycard")
    directory.disable("eazycard", endpoint, NOW)
    assert directory.wanting("eazycard", "holder.changed") == []
    assert directory.store.settings("eazycard").webhooks_disabled_at == NOW
    directory.put()
    directory.now += CACHE_FOR
    assert directory.wanting("eazycard", "holder.changed") == [Endpoint(HOOKS, "arn:webhooks", False, 3)]


def test_settings_that_were_stored_meanwhile_are_not_disabled(directory: Directory) -> None:
    directory.put()
    (endpoint,) = directory.of("eazycard")
    directory.put(OTHER_HOOKS)
    directory.disable("eazycard", endpoint, NOW)
    assert directory.of("eazycard") == [Endpoint(OTHER_HOOKS, "arn:webhooks", False, 2)]


def test_a_table_that_throttles_is_temporarily_unavailable_and_nothing_is_cached(each_dynamodb: Any) -> None:
    Directory(each_dynamodb).put()
    directory = Directory(Failing(each_dynamodb, refusal("ThrottlingException")))
    with pytest.raises(TemporarilyUnavailable):
        directory.of("eazycard")
    assert directory.of("eazycard") != []
