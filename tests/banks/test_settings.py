"""A bank's settings: loaded with their defaults, replaced together with the subscriptions, and cached."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.banks.settings import (
    CACHE_FOR,
    BankSettings,
    NotSubscribable,
    SettingsDirectory,
    StoredSettings,
    load_settings,
    replace_settings,
    to_json,
)
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS
from chalicelib.errors import TemporarilyUnavailable, ValidationFailed
from tests.bank_settings import WHOLE, load

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


# Loaded and answered


def test_nothing_given_is_everything_by_default() -> None:
    assert load({}) == load({"flags": {}}) == load({"flags": {"velocity": {}}}) == BankSettings()
    assert BankSettings().thresholds is DEFAULT_THRESHOLDS


def test_the_defaults_are_settings_that_a_bank_could_send() -> None:
    assert load(to_json(BankSettings())) == BankSettings()


def test_settings_are_answered_as_they_were_sent() -> None:
    assert to_json(load(WHOLE)) == WHOLE


def test_what_is_absent_stays_by_default_beside_what_is_given() -> None:
    thresholds = load({"flags": {"velocity": {"count": 9}}}).thresholds
    assert thresholds == dataclasses.replace(DEFAULT_THRESHOLDS, velocity_count=9)


def test_thresholds_replace_those_of_all_currencies() -> None:
    assert load({"flags": {"large_amount": {"thresholds": {"XAF": 5}}}}).thresholds.large_amounts == {"XAF": Decimal(5)}
    assert load({"flags": {"large_amount": {"thresholds": {}}}}).thresholds.large_amounts == {}


def test_amounts_are_answered_with_all_of_their_decimals() -> None:
    answered = to_json(load({"flags": {"large_amount": {"thresholds": {"EUR": 1500.5, "XAF": "2e3"}}}}))
    assert answered["flags"]["large_amount"]["thresholds"] == {"EUR": "1500.50", "XAF": "2000"}


def test_numbers_are_stored_as_dynamodb_keeps_them_exactly() -> None:
    values = from_item(to_item({"settings": to_json(load(WHOLE))}))
    assert load_settings(values["settings"]) == load(WHOLE)


# Replaced


class Store:
    """One bank's settings in memory, with what is done to them in order."""

    def __init__(self, log: list[str]) -> None:
        self.stored = StoredSettings()
        self.reads = 0
        self.refuses = False
        self._log = log

    def settings(self, bank_id: str) -> StoredSettings:
        self.reads += 1
        return self.stored

    def put_settings(self, bank_id: str, stored: StoredSettings) -> None:
        if self.refuses or stored.version != self.stored.version + 1:
            raise TemporarilyUnavailable
        self.stored = stored
        self._log.append("store")


class Topic:
    """A topic that keeps subscriptions, and refuses when told to."""

    def __init__(self, log: list[str]) -> None:
        self.subscribed: set[str] = set()
        self.waiting: set[str] = set()  # for confirmation, which keeps a subscription from being ended
        self.foreign: set[str] = set()
        self.fails_at: str | None = None
        self._log = log

    def subscribe(self, bank: str, address: str, known: str = "") -> str:
        if known and address in self.subscribed:
            return known
        if address in self.foreign:
            raise NotSubscribable("Can't be subscribed: use another address.")
        self._do("subscribe", address)
        self.subscribed.add(address)
        return f"arn:{bank}:{address}"

    def unsubscribe(self, subscription: str) -> bool:
        address = subscription.rpartition(":")[2]
        self._do("unsubscribe", address)
        if address in self.waiting:
            return False
        self.subscribed.discard(address)
        return True

    def _do(self, action: str, address: str) -> None:
        if self.fails_at == f"{action} {address}":
            raise TemporarilyUnavailable
        self._log.append(f"{action} {address}")


class Office:
    """A bank's settings and the topic of its alerts, both as they can be met."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.store = Store(self.log)
        self.topic = Topic(self.log)

    def replace(self, *addresses: str) -> None:
        replace_settings("eazycard", BankSettings(alert_addresses=addresses), self.store, self.topic)

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.store.stored.settings.alert_addresses

    @property
    def known(self) -> set[str]:
        """Addresses whose subscription is remembered."""
        return set(self.store.stored.subscriptions)


@pytest.fixture
def office() -> Office:
    return Office()


def test_new_addresses_are_subscribed_before_and_old_ones_ended_after_the_settings_are_stored(office: Office) -> None:
    office.replace("a", "b")
    office.log.clear()
    office.replace("b", "c")
    assert office.log == ["subscribe c", "store", "unsubscribe a", "store"]
    assert office.topic.subscribed == office.known == {"b", "c"}
    assert office.store.stored.subscriptions["c"] == "arn:eazycard:c"


def test_settings_without_addresses_touch_no_topic(office: Office) -> None:
    office.replace()
    assert office.log == ["store"]


def test_an_address_that_is_only_spelt_otherwise_keeps_its_subscription(office: Office) -> None:
    office.replace("Fraud@Bank.example")
    office.replace("fraud@bank.example")
    assert office.topic.subscribed == office.known == {"Fraud@Bank.example"}
    assert office.addresses == ("fraud@bank.example",)


def test_the_same_settings_again_only_renew_subscriptions_that_an_operator_has_ended(office: Office) -> None:
    office.replace("a")
    office.topic.subscribed.clear()
    office.replace("a")
    assert office.topic.subscribed == office.known == {"a"}


STEPS: list[tuple[str, Callable[[Office], None]]] = [
    ("the first subscription", lambda office: setattr(office.topic, "fails_at", "subscribe b")),
    ("a later subscription", lambda office: setattr(office.topic, "fails_at", "subscribe c")),
    ("storing", lambda office: setattr(office.store, "refuses", True)),
    ("ending one", lambda office: setattr(office.topic, "fails_at", "unsubscribe a")),
    ("ending a later one", lambda office: setattr(office.topic, "fails_at", "unsubscribe z")),
]


@pytest.mark.parametrize("breaks", [step for _, step in STEPS], ids=[name for name, _ in STEPS])
def test_after_a_failure_at_any_step_the_same_settings_again_complete_the_change(
    office: Office, breaks: Callable[[Office], None]
) -> None:
    office.replace("a", "z")
    breaks(office)
    with pytest.raises(TemporarilyUnavailable):
        office.replace("b", "c")
    # Nobody that the topic has is forgotten, but those of a change that is not stored yet.
    assert office.topic.subscribed - {"b", "c"} <= office.known
    office.topic.fails_at, office.store.refuses = None, False
    office.replace("b", "c")
    assert office.addresses == ("b", "c")
    assert office.topic.subscribed == office.known == {"b", "c"}


def test_settings_whose_storing_was_answered_with_a_refusal_are_stored_if_they_are_there(office: Office) -> None:
    class AnswerLost(Store):
        def put_settings(self, bank_id: str, stored: StoredSettings) -> None:
            super().put_settings(bank_id, stored)
            raise TemporarilyUnavailable

    store = AnswerLost([])
    checked: list[StoredSettings] = []
    stored = replace_settings("eazycard", BankSettings(), store, office.topic, None, checked.append)
    assert (stored, checked) == (store.stored, [])


def test_settings_that_somebody_else_has_stored_meanwhile_are_checked_and_left(office: Office) -> None:
    before = office.store.settings("eazycard")
    office.replace("a")
    checked: list[StoredSettings] = []
    with pytest.raises(TemporarilyUnavailable):
        replace_settings("eazycard", BankSettings(), office.store, office.topic, before, checked.append)
    assert checked == [office.store.stored]
    assert office.addresses == ("a",)


def test_a_subscription_that_cannot_be_ended_yet_is_stored_and_ended_later(office: Office) -> None:
    office.replace("a", "b")
    office.topic.waiting = {"a"}
    office.replace("b")
    assert office.addresses == ("b",)
    assert office.known == {"a", "b"}
    office.topic.waiting = set()
    office.replace("b")
    assert office.topic.subscribed == office.known == {"b"}


def test_an_address_that_cannot_be_subscribed_is_named_and_nothing_is_stored(office: Office) -> None:
    office.topic.foreign = {"b"}
    with pytest.raises(ValidationFailed) as error:
        office.replace("a", "b")
    assert error.value.errors == [("alert_addresses.1", "Can't be subscribed: use another address.")]
    assert office.store.stored == StoredSettings()


# Cached


class Directory(SettingsDirectory):
    """A directory at a time that the test sets."""

    def __init__(self) -> None:
        self.store = Store([])
        self.now = NOW
        super().__init__(self.store, lambda: self.now)


def test_settings_are_read_once_a_minute() -> None:
    directory = Directory()
    assert directory.of("eazycard") == BankSettings()
    changed = load(WHOLE)
    directory.store.stored = StoredSettings(changed, {}, 1)
    directory.now = NOW + CACHE_FOR - timedelta(microseconds=1)
    assert directory.of("eazycard") == BankSettings()
    assert directory.store.reads == 1
    directory.now = NOW + CACHE_FOR
    assert directory.of("eazycard") == changed
    assert directory.store.reads == 2


def test_a_type_that_is_named_twice_is_one() -> None:
    types = ["holder.changed", "webhook.test", "holder.changed"]
    (endpoint,) = load({"webhooks": [{"url": "https://hooks.bank.example/", "types": types}]}).webhooks
    assert endpoint.types == ("holder.changed", "webhook.test")
