"""The routes of a bank's settings: its flag rules, alert addresses and webhook URL."""

from chalice.app import Request, Response

from chalicelib.api.json_body import read_json
from chalicelib.api.requests import json_answer, only_parameters, sent_body
from chalicelib.banks.bank import Bank
from chalicelib.banks.endpoints import webhook_url_error
from chalicelib.banks.settings import SettingsStore, Subscriptions, load_settings, replace_settings, to_answer, to_json
from chalicelib.errors import ValidationFailed


def get_settings(bank: Bank, request: Request, *, store: SettingsStore) -> Response:
    """Answer `GET /settings`: all settings; those that the bank hasn't set have their defaults."""
    only_parameters(request)
    return json_answer(to_answer(store.settings(bank.id)))


def put_settings(
    bank: Bank, request: Request, *, store: SettingsStore, topic: Subscriptions, are_loopback_endpoints_allowed: bool
) -> Response:
    """Answer `PUT /settings`: replaces all settings; what the body leaves out is set to its default."""
    only_parameters(request)
    settings = load_settings(read_json(*sent_body(request)))
    if settings.webhook_url:
        has_secret = bank.webhook_secret_arn is not None
        refused = webhook_url_error(settings.webhook_url, has_secret, are_loopback_endpoints_allowed)
        if refused:
            raise ValidationFailed([("webhook_url", refused)])
    replace_settings(bank.id, settings, store, topic)
    return json_answer(to_json(settings))
