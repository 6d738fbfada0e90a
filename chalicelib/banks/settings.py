"""A bank's own settings: its flag rules and thresholds, the addresses of its alerts, the endpoints of its webhooks."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from marshmallow import ValidationError

from chalicelib.aws.caching import TimedCache
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.schemas import BankSettingsSchema
from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS, FLAGS, Thresholds, thresholds_of
from chalicelib.banks.webhook_endpoints import EndpointState, NamedEndpoint, Status, named, states_after
from chalicelib.errors import TemporarilyUnavailable, ValidationFailed
from chalicelib.ledger.email_address import canonical
from chalicelib.ledger.fields import field_errors
from chalicelib.ledger.money import format_amount
from chalicelib.ledger.times import format_time

CACHE_FOR = timedelta(seconds=60)
DEFAULT_DIGEST_AFTER = 20


@dataclasses.dataclass(frozen=True, slots=True)
class BankSettings:
    """What a bank chooses. `alert_addresses` are e-mail addresses of the bank's operators.

    So many e-mails within an hour come to a holder one by one as `digest_after` says; what follows comes as a digest.
    """

    thresholds: Thresholds = DEFAULT_THRESHOLDS
    alert_addresses: tuple[str, ...] = ()
    webhook_url: str | None = None
    digest_after: int = DEFAULT_DIGEST_AFTER
    webhooks: tuple[NamedEndpoint, ...] = ()
    confirm_addresses: bool = False

    @property
    def endpoints(self) -> dict[str, NamedEndpoint]:
        """All endpoints of the bank's webhooks, by id: `webhooks`, and the one in the short form (`webhook_url`)."""
        return named(self.webhook_url, self.webhooks)


@dataclasses.dataclass(frozen=True, slots=True)
class StoredSettings:
    """A bank's settings as they are stored.

    `subscriptions` has the ARN of each alert address's subscription; it may also have addresses that were removed from
    the settings, as long as SNS doesn't let their subscriptions be ended. `version` is 1 more after each change, and 0
    for a bank that has stored no settings. `endpoint_states` has the state of each endpoint by id; it is None for
    settings that were stored before endpoints had to prove themselves: theirs is in use.
    """

    settings: BankSettings = BankSettings()
    subscriptions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    version: int = 0
    endpoint_states: Mapping[str, EndpointState] | None = None

    @property
    def states(self) -> Mapping[str, EndpointState]:
        if self.endpoint_states is not None:
            return self.endpoint_states
        return {key: EndpointState(one.url, Status.IN_USE) for key, one in self.settings.endpoints.items()}

    @property
    def webhooks_disabled_at(self) -> datetime | None:
        """When the first of those endpoints that are gone answered so (410); None if none is gone."""
        return min((one.since for one in self.states.values() if one.since and one.status is Status.GONE), default=None)


class SettingsStore(Protocol):
    """Where banks' settings are stored: see `repository.BankRepository`."""

    def settings(self, bank_id: str) -> StoredSettings: ...
    def put_settings(self, bank_id: str, stored: StoredSettings) -> None: ...


class Subscriptions(Protocol):
    """Who gets a bank's alerts by e-mail: see `flags.alert_topic`."""

    def subscribe(self, bank: str, address: str, known: str = "") -> str: ...
    def unsubscribe(self, subscription: str) -> bool: ...


_SCHEMA = BankSettingsSchema()
# Settings that are objects, and are set as a whole.
_WHOLE = ("thresholds",)
_ENDPOINTS = {"webhook_url", "webhooks"}


def load_settings(body: Mapping[str, Any]) -> BankSettings:
    """Return the settings in a request's body (JSON values); a field that is absent gets its default.

    Raises ValidationFailed, naming every field that breaks a rule.
    """
    try:
        values = _SCHEMA.load(body)
    except ValidationError as error:
        raise ValidationFailed(field_errors(error, _SCHEMA)) from None
    addresses = tuple(values.get("alert_addresses", ()))
    digest_after = values.get("digest_after", DEFAULT_DIGEST_AFTER)
    webhooks = tuple(
        NamedEndpoint(one["url"], tuple(dict.fromkeys(one["types"]))) for one in values.get("webhooks", ())
    )
    thresholds = thresholds_of(values.get("flags", {}))
    url, confirm = values.get("webhook_url"), values.get("confirm_addresses", False)
    return BankSettings(thresholds, addresses, url, digest_after, webhooks, confirm)


def read_settings(values: Mapping[str, Any], bank_id: str) -> BankSettings:
    """Return the settings in their stored form, as `to_json` writes it.

    If stored settings break a rule, logs and counts that (an alarm watches the metric) and returns the defaults; if
    only its webhooks' endpoints break one, all other settings are kept.
    """
    try:
        return load_settings(values)
    except ValidationFailed as error:
        fields = [field for field, _ in error.errors]
        logger.error("malformed_settings", extra={"bank": bank_id, "fields": fields})
        count("MalformedSettings")
        broken = {field.partition(".")[0] for field in fields}
        others = {name: value for name, value in values.items() if name not in broken}
        return load_settings(others) if broken <= _ENDPOINTS else BankSettings()


def to_json(settings: BankSettings) -> dict[str, Any]:
    """Return all settings as JSON values, also those that have their defaults. `load_settings` reads them."""
    thresholds = settings.thresholds
    large_amounts = sorted(thresholds.large_amounts.items())
    numbers: dict[str, dict[str, Any]] = {
        "large_amount": {"thresholds": {code: format_amount(amount, code) for code, amount in large_amounts}},
        "velocity": {"count": thresholds.velocity_count, "minutes": thresholds.velocity_minutes},
        "unusual_amount": {
            "times": f"{thresholds.unusual_times:f}",
            "deviations": f"{thresholds.unusual_deviations:f}",
            "min_count": thresholds.unusual_min_count,
        },
        "duplicate_suspect": {"minutes": thresholds.duplicate_minutes},
        "new_country": {"min_count": thresholds.new_country_min_count},
    }
    return {
        "flags": {name: {"mode": thresholds.modes[name], **numbers[name]} for name in FLAGS},
        "alert_addresses": list(settings.alert_addresses),
        "confirm_addresses": settings.confirm_addresses,
        "digest_after": settings.digest_after,
        "webhooks": [{"url": one.url, "types": list(one.types)} for one in settings.webhooks],
        **({"webhook_url": settings.webhook_url} if settings.webhook_url else {}),
    }


def to_answer(stored: StoredSettings) -> dict[str, Any]:
    """Return all settings as the API answers them, with the time since when webhooks are disabled, if they are."""
    disabled_at = stored.webhooks_disabled_at
    return to_json(stored.settings) | ({"webhooks_disabled_at": format_time(disabled_at)} if disabled_at else {})


def reset_by(body: Mapping[str, Any], before: BankSettings) -> list[str]:
    """Return the fields that a request's body sets to their default by leaving them out, although they were set."""
    return list(_left_out(body, to_json(before), to_json(BankSettings()), ""))


def _left_out(
    body: Mapping[str, Any], before: Mapping[str, Any], defaults: Mapping[str, Any], path: str
) -> Iterator[str]:
    for name, value in before.items():
        given, default = body.get(name), defaults.get(name)
        if isinstance(value, dict) and isinstance(default, dict) and name not in _WHOLE:
            yield from _left_out(given or {}, value, default, f"{path}{name}.")
        elif name not in body and value != default:
            yield f"{path}{name}"


def replace_settings(
    bank_id: str,
    settings: BankSettings,
    store: SettingsStore,
    topics: Subscriptions,
    before: StoredSettings | None = None,
    check: Callable[[StoredSettings], None] = lambda _: None,
) -> StoredSettings:
    """Store the bank's settings, and subscribe exactly their alert addresses to the bank's alerts.

    `before` are the settings as they were read for this change, by default as they are now. If somebody has changed
    them since, nothing is stored: `check` gets what is stored instead, and may raise; otherwise, this raises
    TemporarilyUnavailable.

    A subscription that there is stays as it is, and one that its owner has ended is renewed. Raises
    ValidationFailed, and stores nothing, if an address can't be subscribed. Raises TemporarilyUnavailable; calling it
    again is safe and completes the change.
    """
    if before is None:
        before = store.settings(bank_id)
    # An address that is only spelt otherwise keeps its subscription: its owner need not confirm another.
    spelt = {canonical(address): address for address in before.subscriptions}
    wanted, errors = {}, []
    for index, address in enumerate(settings.alert_addresses):
        address = spelt.get(canonical(address), address)
        try:
            wanted[address] = topics.subscribe(bank_id, address, before.subscriptions.get(address, ""))
        except NotSubscribable as refused:
            errors.append((f"alert_addresses.{index}", str(refused)))
    if errors:
        raise ValidationFailed(errors)
    unwanted = {address: arn for address, arn in before.subscriptions.items() if address not in wanted}
    # Stored before the unwanted subscriptions are ended: if this function dies there, the next call still knows them.
    states = states_after(settings.endpoints, before.states)
    after = StoredSettings(settings, {**unwanted, **wanted}, before.version + 1, states)
    try:
        store.put_settings(bank_id, after)
    except TemporarilyUnavailable:
        stored = store.settings(bank_id)
        if stored != after:  # otherwise the first answer was lost, and the call's own second try was refused
            check(stored)
            raise
    left = {address: arn for address, arn in unwanted.items() if not topics.unsubscribe(arn)}
    if left != unwanted:
        after = StoredSettings(settings, {**left, **wanted}, after.version + 1, states)
        store.put_settings(bank_id, after)
    return after


class NotSubscribable(Exception):
    """This address can't be subscribed for this bank; the text says why."""


class SettingsDirectory:
    """Finds a bank's settings. Answers are cached for a minute, so a change takes up to a minute to have effect."""

    def __init__(self, store: SettingsStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._cache = TimedCache[str, StoredSettings](CACHE_FOR, clock)

    def of(self, bank_id: str) -> BankSettings:
        """Return the bank's settings; the defaults if it has stored none. Raises TemporarilyUnavailable."""
        return self.stored(bank_id).settings

    def stored(self, bank_id: str) -> StoredSettings:
        """Return the bank's settings with their version and subscriptions. Raises TemporarilyUnavailable."""
        return self._cache.get(bank_id, lambda: self._store.settings(bank_id))

    def forget(self, bank_id: str) -> None:
        """Drop the bank's settings from the cache, so that they are read again the next time."""
        self._cache.forget(bank_id)
