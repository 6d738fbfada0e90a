"""A bank's own settings: its flag thresholds, which rules run, whom to alert, and where its webhooks go."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from marshmallow import ValidationError

from chalicelib.aws.caching import TimedCache
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.schemas import BankSettingsSchema
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS, FLAGS, Thresholds
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.fields import field_errors
from chalicelib.ledger.money import format_amount
from chalicelib.ledger.times import format_time

CACHE_FOR = timedelta(seconds=60)


@dataclasses.dataclass(frozen=True, slots=True)
class BankSettings:
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    alert_addresses: tuple[str, ...] = ()
    webhook_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StoredSettings:
    """A bank's settings as they are stored, with the subscription of each address that its alerts may go to.

    Among the subscriptions can be one of an address that is no longer to be alerted and couldn't be ended yet. Each
    change makes a new version; 0 is that of a bank that has stored none. Webhooks are disabled when their endpoint has
    said that it is gone; storing settings enables them.
    """

    settings: BankSettings = BankSettings()
    subscriptions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    version: int = 0
    webhooks_disabled_at: datetime | None = None


class SettingsStore(Protocol):
    def settings(self, bank_id: str) -> StoredSettings: ...
    def put_settings(self, bank_id: str, stored: StoredSettings) -> None: ...


class Subscriptions(Protocol):
    def subscribe(self, bank: str, address: str) -> str: ...
    def unsubscribe(self, subscription: str) -> bool: ...


_SCHEMA = BankSettingsSchema()


def load_settings(body: Mapping[str, Any]) -> BankSettings:
    """Return the settings that `body` describes, with the default of each that is absent.

    Raises ValidationFailed naming every field that breaks a rule.
    """
    try:
        values = _SCHEMA.load(body)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error)) from None
    addresses = tuple(values.get("alert_addresses", ()))
    return BankSettings(_thresholds(values.get("flags", {})), addresses, values.get("webhook_url"))


def stored_settings(values: Mapping[str, Any], bank_id: str) -> BankSettings:
    """Return the settings that `to_json` wrote; the defaults, and an alarm, of what is none.

    A URL that is none takes nothing else with it.
    """
    try:
        return load_settings(values)
    except ValidationFailed as error:
        fields = [field for field, _ in error.errors]
        logger.error("malformed_settings", extra={"bank": bank_id, "fields": fields})
        count("MalformedSettings")
        if fields != ["webhook_url"]:
            return BankSettings()
        return load_settings({name: value for name, value in values.items() if name != "webhook_url"})


def to_json(settings: BankSettings) -> dict[str, Any]:
    """Return all settings, the defaults too, as `load_settings` takes them."""
    of = settings.thresholds
    thresholds = {code: format_amount(amount, code) for code, amount in sorted(of.large_amounts.items())}
    numbers: dict[str, dict[str, Any]] = {
        "large_amount": {"thresholds": thresholds},
        "velocity": {"count": of.velocity_count, "minutes": of.velocity_minutes},
        "unusual_amount": {
            "times": f"{of.unusual_times:f}",
            "deviations": f"{of.unusual_deviations:f}",
            "min_count": of.unusual_min_count,
        },
        "duplicate_suspect": {"minutes": of.duplicate_minutes},
        "new_country": {"min_count": of.new_country_min_count},
    }
    return {
        "flags": {name: {"mode": of.modes[name], **numbers[name]} for name in FLAGS},
        "alert_addresses": list(settings.alert_addresses),
        **({"webhook_url": settings.webhook_url} if settings.webhook_url else {}),
    }


def answer_of(stored: StoredSettings) -> dict[str, Any]:
    """Return all settings as the API answers them, and whether their webhooks go out."""
    at = stored.webhooks_disabled_at
    return to_json(stored.settings) | ({"webhooks_disabled_at": format_time(at)} if at else {})


def _thresholds(flags: Mapping[str, Mapping[str, Any]]) -> Thresholds:
    default = DEFAULT_THRESHOLDS

    def given(flag: str, name: str, otherwise: Any) -> Any:
        return flags.get(flag, {}).get(name, otherwise)

    return Thresholds(
        modes={name: given(name, "mode", default.modes[name]) for name in FLAGS},
        large_amounts=given("large_amount", "thresholds", default.large_amounts),
        velocity_count=given("velocity", "count", default.velocity_count),
        velocity_minutes=given("velocity", "minutes", default.velocity_minutes),
        unusual_times=given("unusual_amount", "times", default.unusual_times),
        unusual_deviations=given("unusual_amount", "deviations", default.unusual_deviations),
        unusual_min_count=given("unusual_amount", "min_count", default.unusual_min_count),
        duplicate_minutes=given("duplicate_suspect", "minutes", default.duplicate_minutes),
        new_country_min_count=given("new_country", "min_count", default.new_country_min_count),
    )


def replace_settings(bank_id: str, settings: BankSettings, store: SettingsStore, topic: Subscriptions) -> None:
    """Store the bank's settings and see that its alerts go to their addresses, and to no other.

    Each address is subscribed again, which changes nothing, or brings a subscription back that its owner has ended.
    Raises ValidationFailed for an address that can't be subscribed, with nothing stored; and TemporarilyUnavailable,
    after which doing it again is safe and completes what was left undone.
    """
    before = store.settings(bank_id)
    wanted, errors = {}, []
    for index, address in enumerate(settings.alert_addresses):
        try:
            wanted[address] = topic.subscribe(bank_id, address)
        except NotSubscribable:
            errors.append((f"alert_addresses.{index}", "Can't be subscribed: use another address."))
    if errors:
        raise ValidationFailed(errors)
    unwanted = {address: one for address, one in before.subscriptions.items() if address not in wanted}
    # Stored before they are ended, so that none is forgotten if this is as far as it gets.
    after = StoredSettings(settings, {**unwanted, **wanted}, before.version + 1)
    store.put_settings(bank_id, after)
    left = {address: one for address, one in unwanted.items() if not topic.unsubscribe(one)}
    if left != unwanted:
        store.put_settings(bank_id, StoredSettings(settings, {**left, **wanted}, after.version + 1))


class NotSubscribable(Exception):
    """The topic takes no subscription of this address for this bank."""


class SettingsDirectory:
    """Answers a bank's settings, remembering them for a minute: a change takes that long to be obeyed everywhere."""

    def __init__(self, store: SettingsStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._cache = TimedCache[str, StoredSettings](CACHE_FOR, clock)

    def of(self, bank_id: str) -> BankSettings:
        """Return the bank's settings, the defaults if it has stored none; raises TemporarilyUnavailable."""
        return self.stored(bank_id).settings

    def stored(self, bank_id: str) -> StoredSettings:
        """Return the bank's settings as they are stored; raises TemporarilyUnavailable."""
        return self._cache.get(bank_id, lambda: self._store.settings(bank_id))

    def forget(self, bank_id: str) -> None:
        """Ask anew for the bank's settings the next time."""
        self._cache.forget(bank_id)
