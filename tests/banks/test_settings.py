"""A bank's settings: their rules, their forms, how they are stored, replaced and remembered."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.api.json_body import read_json
from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.banks.repository import BankRepository
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
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS, FLAGS, MAX_RECENT
from chalicelib.errors import TemporarilyUnavailable, ValidationFailed
from chalicelib.ledger.money import CURRENCY_DECIMALS, excess_decimals

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
TABLE = "BanksTable"
WHOLE: dict[str, Any] = {
    "flags": {
        "large_amount": {"mode": "shadow", "thresholds": {"EUR": "1500.00", "KWD": "400.000", "XAF": "750000"}},
        "velocity": {"mode": "off", "count": 8, "minutes": 15},
        "unusual_amount": {"mode": "on", "times": "2.5", "deviations": "0", "min_count": 30},
        "duplicate_suspect": {"mode": "shadow", "minutes": 2},
        "new_country": {"mode": "on", "min_count": 1},
    },
    "alert_addresses": ["fraud@bank.example", "night@bank.example"],
}


def load(body: Any) -> BankSettings:
    """Load settings as they come in a request."""
    return load_settings(read_json(json.dumps(body).encode()))


def refused(body: Any) -> dict[str, str]:
    with pytest.raises(ValidationFailed) as error:
        load(body)
    return dict(error.value.errors)


# Rules


def test_nothing_given_is_everything_by_default() -> None:
    assert load({}) == load({"flags": {}}) == load({"flags": {"velocity": {}}}) == BankSettings()
    assert BankSettings().thresholds is DEFAULT_THRESHOLDS


def test_every_rule_is_on_by_default_and_knows_likely_currencies() -> None:
    assert DEFAULT_THRESHOLDS.in_mode("on") == FLAGS
    large = DEFAULT_THRESHOLDS.large_amounts
    assert {"EUR", "USD", "XAF", "XOF"} <= large.keys() <= CURRENCY_DECIMALS.keys()
    assert not any(excess_decimals(amount, currency) for currency, amount in large.items())


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


def test_no_more_attempts_can_be_asked_for_than_a_baseline_remembers() -> None:
    assert load({"flags": {"velocity": {"count": MAX_RECENT - 1}}}).thresholds.velocity_count == MAX_RECENT - 1
    assert refused({"flags": {"velocity": {"count": MAX_RECENT}}})


WHOLE_NUMBER = "Must be a whole number from {} to {}."


@pytest.mark.parametrize(
    ("flag", "name", "value", "message"),
    [
        ("velocity", "mode", "maybe", "Must be one of: on, shadow, off."),
        ("velocity", "mode", None, "Field may not be null."),
        ("velocity", "count", 0, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", 2.5, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", "5", WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", True, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", [], WHOLE_NUMBER.format(1, 15)),
        ("velocity", "count", 1e300, WHOLE_NUMBER.format(1, 15)),
        ("velocity", "minutes", 61, WHOLE_NUMBER.format(1, 60)),
        ("velocity", "seconds", 5, "Unknown field."),
        ("unusual_amount", "times", "0.9", "Must be from 1 to 100."),
        ("unusual_amount", "times", 101, "Must be from 1 to 100."),
        ("unusual_amount", "times", "3.125", "Must have at most 2 decimals."),
        ("unusual_amount", "times", "three", "Must be a number, or a string that holds one."),
        ("unusual_amount", "deviations", -1, "Must be from 0 to 100."),
        ("unusual_amount", "min_count", 1, WHOLE_NUMBER.format(2, 1000)),
        ("duplicate_suspect", "minutes", 0, WHOLE_NUMBER.format(1, 60)),
        ("new_country", "min_count", 1001, WHOLE_NUMBER.format(1, 1000)),
        ("large_amount", "thresholds", {"EUR": 0}, "Must be over 0."),
        ("large_amount", "thresholds", {"EUR": "1.005"}, "EUR has 2 decimals: must have no more."),
        ("large_amount", "thresholds", {"XAF": "1.0"}, "XAF has 0 decimals: must have no more."),
        ("large_amount", "thresholds", {"XXX": 1}, "Must be an active ISO 4217 code."),
        ("large_amount", "thresholds", [], "Not a valid mapping type."),
    ],
)
def test_a_rule_that_is_broken_is_named_with_its_dotted_field(flag: str, name: str, value: Any, message: str) -> None:
    field = f"flags.{flag}.{name}"
    if isinstance(value, dict):
        field = f"{field}.{next(iter(value))}"
    assert refused({"flags": {flag: {name: value}}}) == {field: message}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"flag": {}}, "flag"),
        ({"flags": {"theft": {}}}, "flags.theft"),
        ({"flags": []}, "flags"),
        ({"flags": {"velocity": 5}}, "flags.velocity"),
        ({"flags": None}, "flags"),
        ({"alert_addresses": None}, "alert_addresses"),
        ({"alert_addresses": "fraud@bank.example"}, "alert_addresses"),
        ({"alert_addresses": ["fraud@bank.example", "fraud"]}, "alert_addresses.1"),
        ({"alert_addresses": ["fraud@localhost"]}, "alert_addresses.0"),
        ({"alert_addresses": ["é@bank.example"]}, "alert_addresses.0"),
        ({"alert_addresses": ["Fraud@bank.example", "fraud@Bank.example"]}, "alert_addresses"),
        ({"alert_addresses": [f"fraud-{n}@bank.example" for n in range(11)]}, "alert_addresses"),
    ],
)
def test_another_shape_is_refused_naming_the_field(body: Any, field: str) -> None:
    assert list(refused(body)) == [field]


def test_all_that_is_wrong_is_named_at_once() -> None:
    body = {"flags": {"velocity": {"count": 0, "mode": "x"}, "new_country": {"min_count": 0}}, "alert_addresses": [1]}
    assert set(refused(body)) == {
        "flags.velocity.count",
        "flags.velocity.mode",
        "flags.new_country.min_count",
        "alert_addresses.0",
    }


# Stored


@pytest.fixture
def store(each_dynamodb: Any) -> BankRepository:
    return BankRepository(each_dynamodb, TABLE)


def test_a_bank_that_has_stored_none_has_the_defaults(store: BankRepository) -> None:
    assert store.settings("eazycard") == StoredSettings()


def test_settings_are_read_back_as_they_were_stored(store: BankRepository) -> None:
    stored = StoredSettings(load(WHOLE), {"fraud@bank.example": "arn:1"}, 1)
    store.put_settings("eazycard", stored)
    assert store.settings("eazycard") == stored
    assert store.settings("other-bank") == StoredSettings()
    assert store.bank("eazycard") is None


def test_an_endpoint_is_disabled_once_and_enabled_by_what_is_stored_next(store: BankRepository) -> None:
    url, at = "https://bank.example/", datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
    stored = StoredSettings(load({**WHOLE, "webhook_url": url}), {"fraud@bank.example": "arn:1"}, 1)
    store.put_settings("eazycard", stored)
    store.disable_webhooks("eazycard", 0, at)  # what was sent by settings before
    assert store.settings("eazycard") == stored
    store.disable_webhooks("eazycard", 1, at)
    store.disable_webhooks("eazycard", 1, at + timedelta(hours=1))
    assert store.settings("eazycard") == dataclasses.replace(stored, webhooks_disabled_at=at)
    store.put_settings("eazycard", dataclasses.replace(stored, version=2))
    assert store.settings("eazycard") == dataclasses.replace(stored, version=2)
    store.disable_webhooks("other-bank", 1, at)
    assert store.settings("other-bank") == StoredSettings()


def test_of_two_changes_at_once_one_is_to_be_made_again(store: BankRepository) -> None:
    store.put_settings("eazycard", StoredSettings(load(WHOLE), {}, 1))
    with pytest.raises(TemporarilyUnavailable):
        store.put_settings("eazycard", StoredSettings(BankSettings(), {}, 1))
    assert store.settings("eazycard").settings == load(WHOLE)
    store.put_settings("eazycard", StoredSettings(BankSettings(), {}, 2))
    assert store.settings("eazycard").version == 2


def test_settings_that_are_none_are_logged_and_taken_for_the_defaults(store: BankRepository, logged: Any) -> None:
    store.put_settings("eazycard", StoredSettings(load(WHOLE), {"fraud@bank.example": "arn:1"}, 1))
    item = {"entry": "settings#eazycard", "settings": {"flags": {"velocity": {"mode": "what is in it"}}}}
    client = store._client
    client.put_item(TableName=TABLE, Item=to_item({**item, "subscriptions": {"fraud@bank.example": "a"}, "version": 2}))
    assert store.settings("eazycard") == StoredSettings(BankSettings(), {"fraud@bank.example": "a"}, 2)
    assert "malformed_settings" in (text := logged())
    assert "flags.velocity.mode" in text
    assert "what is in it" not in text


def test_a_stored_url_that_is_none_any_more_takes_no_other_setting_with_it(store: BankRepository, logged: Any) -> None:
    settings = load({**WHOLE, "webhook_url": "https://bank.example/"})
    store.put_settings(
        "eazycard", StoredSettings(dataclasses.replace(settings, webhook_url="https://10.0.0.1/"), {}, 1)
    )
    assert store.settings("eazycard").settings == load(WHOLE)
    assert "malformed_settings" in logged()


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

    def subscribe(self, bank: str, address: str) -> str:
        if address in self.foreign:
            raise NotSubscribable
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
    assert office.log == ["subscribe b", "subscribe c", "store", "unsubscribe a", "store"]
    assert office.topic.subscribed == office.known == {"b", "c"}
    assert office.store.stored.subscriptions["c"] == "arn:eazycard:c"


def test_settings_without_addresses_touch_no_topic(office: Office) -> None:
    office.replace()
    assert office.log == ["store"]


def test_the_same_again_changes_nothing_but_brings_back_what_an_operator_has_ended(office: Office) -> None:
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
def test_whatever_breaks_half_way_the_same_again_completes_it(office: Office, breaks: Callable[[Office], None]) -> None:
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


def test_a_subscription_that_cannot_be_ended_yet_is_kept_in_mind_and_ended_later(office: Office) -> None:
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


# Remembered


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
