"""The routes of a bank's webhooks: the attempts to deliver them, a test of its endpoints, and one more try."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import cursors
from chalicelib.api.requests import json_answer, only_parameters, page_limit
from chalicelib.aws.queues import Queue
from chalicelib.banks.bank import Bank
from chalicelib.banks.settings import SettingsStore, StoredSettings
from chalicelib.banks.webhook_endpoints import status_of
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.times import format_time

if TYPE_CHECKING:
    from chalicelib.webhooks.attempts_repository import AttemptLog
    from chalicelib.webhooks.tester import EndpointTester


def list_attempts(
    bank: Bank,
    request: Request,
    *,
    store: SettingsStore,
    log: "AttemptLog",
    cursor_secret: Callable[[], str],
    now: datetime,
) -> Response:
    """Answer `GET /webhooks/attempts`: the endpoints with their status, and the last days' attempts, newest first.

    Raises InvalidCursor.
    """
    only_parameters(request, "cursor", "limit")
    parameters = request.query_params or {}
    errors: list[tuple[str, str]] = []
    limit = page_limit(parameters, errors)
    if errors:
        raise ValidationFailed(errors)
    issued_for = [bank.id, "webhooks"]
    position = ""
    if "cursor" in parameters:
        position = cursors.position_in(parameters["cursor"], cursor_secret(), issued_for)
    attempts, following = log.newest(bank.id, position, limit, now)
    cursor = cursors.sign(cursor_secret(), issued_for, following) if following else None
    answer = {"endpoints": _endpoints(store.settings(bank.id)), "attempts": attempts}
    return json_answer(answer | ({"next_cursor": cursor} if cursor else {}))


def test_endpoints(bank: Bank, request: Request, *, tester: "EndpointTester") -> Response:
    """Answer `POST /webhooks/test`: posts a signed test to each endpoint, and says what each of them answered.

    Raises NoEndpoint and TriedLately.
    """
    only_parameters(request)
    attempts = tester.test(bank.id)
    tests = [
        {
            "id": attempt.webhook.id,
            "endpoint": attempt.webhook.endpoint,
            "url": attempt.endpoint.url,
            "answer": str(attempt.answer),
            "accepted": attempt.answer.is_accepted,
        }
        for attempt in attempts
        if attempt.endpoint is not None
    ]
    return json_answer({"tests": tests})


def resend(
    bank: Bank, webhook_id: str, request: Request, *, log: "AttemptLog", queue: Queue, now: datetime
) -> Response:
    """Answer `POST /webhooks/{id}/resend`: queues the webhook once more, also if it was delivered.

    Raises WebhookNotFound and TriedLately.
    """
    only_parameters(request)
    from chalicelib.webhooks.webhook import pack

    webhook = log.take_again(bank.id, unquote(webhook_id), now)
    queue.send([pack(replace(webhook, again=True, first_at=now, not_before=None))])
    return json_answer({"id": webhook.id, "type": webhook.type, "endpoint": webhook.endpoint, "state": "queued"})


def _endpoints(stored: StoredSettings) -> list[dict[str, Any]]:
    found = []
    for key, named in stored.settings.endpoints.items():
        state, status = stored.states.get(key), status_of(stored.states, key, named)
        since = {"since": format_time(state.since)} if state and state.since else {}
        found.append({"id": key, "url": named.url, "types": list(named.types), "status": status.value, **since})
    return found
