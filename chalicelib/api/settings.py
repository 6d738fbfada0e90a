"""The routes of a bank's settings: its flag rules, alert addresses and endpoints of webhooks."""

from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Request, Response

from chalicelib.api.conditions import check_match, entity_tag
from chalicelib.api.json_body import read_json, read_patch
from chalicelib.api.problems import named
from chalicelib.api.requests import author, json_answer, only_parameters, sent_body
from chalicelib.audit.entry import Author, changed_fields
from chalicelib.audit.trail import Trail
from chalicelib.banks.bank import Bank
from chalicelib.banks.endpoints import webhook_url_error
from chalicelib.banks.plans import must_confirm_addresses
from chalicelib.banks.settings import (
    BankSettings,
    SettingsStore,
    StoredSettings,
    Subscriptions,
    load_settings,
    replace_settings,
    reset_by,
    to_answer,
    to_json,
)
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.merge_patch import merged


def get_settings(bank: Bank, request: Request, *, store: SettingsStore) -> Response:
    """Answer `GET /settings`: all settings; those that the bank hasn't set have their defaults."""
    only_parameters(request)
    stored = store.settings(bank.id)
    check_match(request, _shown(bank, stored))
    return _answer(bank, stored)


def put_settings(
    bank: Bank,
    request: Request,
    *,
    store: SettingsStore,
    topics: Subscriptions,
    trail: Trail,
    are_loopback_endpoints_allowed: bool,
    queue_tests: Callable[[StoredSettings], None],
) -> Response:
    """Answer `PUT /settings`: replaces all settings; what the body leaves out is set to its default.

    `queue_tests` queues a test for each endpoint that has not proved itself.

    What was set, and is at its default again because the body leaves it out, is in the answer's `warnings`. Raises
    PreconditionFailed.
    """
    only_parameters(request)
    body = read_json(*sent_body(request))
    settings = load_settings(body)
    _check_confirming(bank, body)
    before = store.settings(bank.id)
    _check_endpoint(bank, settings, are_loopback_endpoints_allowed)
    stored = _replace(bank, settings, before, request, store, topics, trail)
    queue_tests(stored)
    reset = [(field, "Was left out, and is set to its default.") for field in reset_by(body, before.settings)]
    return _answer(bank, stored, {"warnings": named(reset)} if reset else {})


def patch_settings(
    bank: Bank,
    request: Request,
    *,
    store: SettingsStore,
    topics: Subscriptions,
    trail: Trail,
    are_loopback_endpoints_allowed: bool,
    queue_tests: Callable[[StoredSettings], None],
    by: Author | None = None,
) -> Response:
    """Answer `PATCH /settings`: changes what the merge patch (RFC 7396) names; null sets a field to its default.

    `queue_tests` queues a test for each endpoint that has not proved itself. The author of the change is the bank's
    key, or `by`.

    Raises PreconditionFailed.
    """
    only_parameters(request)
    patch = read_patch(*sent_body(request))
    before = store.settings(bank.id)
    settings = patched_settings(bank, before.settings, patch, are_loopback_endpoints_allowed)
    stored = _replace(bank, settings, before, request, store, topics, trail, by)
    queue_tests(stored)
    return _answer(bank, stored)


def patched_settings(
    bank: Bank, before: BankSettings, patch: Mapping[str, Any], are_loopback_endpoints_allowed: bool
) -> BankSettings:
    """Return the settings that a merge patch makes of others; raises ValidationFailed where `PATCH` refuses it."""
    settings = load_settings(merged(to_json(before), patch))
    _check_confirming(bank, patch)
    if "webhook_url" in patch or "webhooks" in patch:
        _check_endpoint(bank, settings, are_loopback_endpoints_allowed)
    return settings


def _check_endpoint(bank: Bank, settings: BankSettings, are_loopback_endpoints_allowed: bool) -> None:
    has_secret = bank.webhook_secret_arn is not None
    named = {f"webhooks.{index}.url": one.url for index, one in enumerate(settings.webhooks)}
    if settings.webhook_url:
        named["webhook_url"] = settings.webhook_url
    found = {name: webhook_url_error(url, has_secret, are_loopback_endpoints_allowed) for name, url in named.items()}
    errors = [(name, refused) for name, refused in found.items() if refused]
    if errors:
        raise ValidationFailed(errors)


def _replace(
    bank: Bank,
    settings: BankSettings,
    before: StoredSettings,
    request: Request,
    store: SettingsStore,
    topics: Subscriptions,
    trail: Trail,
    by: Author | None = None,
) -> StoredSettings:
    def check(stored: StoredSettings) -> None:
        check_match(request, _shown(bank, stored))

    check(before)
    fields = changed_fields(to_json(before.settings), to_json(settings))
    trail.by(by or author(request), bank.id).of_bank(f"settings.{request.method.lower()}", fields)
    return replace_settings(bank.id, settings, store, topics, before, check)


def _check_confirming(bank: Bank, body: Mapping[str, Any]) -> None:
    if must_confirm_addresses(bank.plan) and body.get("confirm_addresses") is False:
        raise ValidationFailed([("confirm_addresses", f"Must be true on the plan {bank.plan}.")])


def _shown(bank: Bank, stored: StoredSettings) -> dict[str, Any]:
    """Return the settings as they are answered: what the plan decides is as the plan decides it."""
    is_confirming = must_confirm_addresses(bank.plan, stored.settings.confirm_addresses)
    return {**to_answer(stored), "confirm_addresses": is_confirming}


def _answer(bank: Bank, stored: StoredSettings, more: dict[str, Any] | None = None) -> Response:
    answer = _shown(bank, stored)
    return json_answer(answer | (more or {}), headers={"ETag": entity_tag(answer)})
