"""Staff's routes of webhooks: what an admin has sent again or tested is noted in the audit trail."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import cursors, webhooks
from chalicelib.api.json_body import read_json
from chalicelib.api.requests import json_answer, only_parameters, sent_body, time_span
from chalicelib.api.staff_requests import author_of_staff
from chalicelib.audit.looks import Looks
from chalicelib.audit.trail import Trail
from chalicelib.aws.queues import Queue
from chalicelib.banks.webhook_endpoints import WEBHOOK_TEST
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.messages import unknown
from chalicelib.ledger.times import format_time
from chalicelib.staff.member import StaffMember

if TYPE_CHECKING:
    from chalicelib.webhooks.attempts_repository import AttemptLog
    from chalicelib.webhooks.resending import Resender
    from chalicelib.webhooks.secret_replacing import SecretReplacer
    from chalicelib.webhooks.tester import EndpointTester

_FIELDS = ("from", "to", "cursor")


def test_endpoints(member: StaffMember, request: Request, *, tester: "EndpointTester", trail: Trail) -> Response:
    """Answer `POST /staff/webhooks/test`, like `POST /webhooks/test`."""
    trail.by(author_of_staff(request, member), member.bank.id).of_bank("webhook.test")
    return webhooks.test_endpoints(member.bank, request, tester=tester)


def resend(
    member: StaffMember,
    webhook_id: str,
    request: Request,
    *,
    log: "AttemptLog",
    queue: Queue,
    trail: Trail,
    now: datetime,
) -> Response:
    """Answer `POST /staff/webhooks/{id}/resend`, like `POST /webhooks/{id}/resend`."""
    trail.by(author_of_staff(request, member), member.bank.id).of_bank("webhook.resend")
    return webhooks.resend(member.bank, webhook_id, request, log=log, queue=queue, now=now)


def get_body(
    member: StaffMember, webhook_id: str, request: Request, *, log: "AttemptLog", looks: Looks, now: datetime
) -> Response:
    """Answer `GET /staff/webhooks/{id}/body`: what was posted at each try, without the headers and their signature.

    It may say as much of a transaction as the transaction's page, so it is noted like a look at that.
    Raises WebhookNotFound.
    """
    only_parameters(request)
    webhook = log.get(member.bank.id, unquote(webhook_id), now)
    if webhook.type != WEBHOOK_TEST:
        author = author_of_staff(request, member)
        looks.note(author, member.bank.id, "transaction.viewed", "transaction", webhook.key.transaction)
    return json_answer({"id": webhook.id, "type": webhook.type, "endpoint": webhook.endpoint, "body": webhook.body})


def resend_span(
    member: StaffMember,
    request: Request,
    *,
    resender: "Resender",
    trail: Trail,
    cursor_secret: Callable[[], str],
) -> Response:
    """Answer `POST /staff/webhooks/resend`: queues what was tried in the time span and isn't delivered, 100 at most.

    Raises ValidationFailed, InvalidCursor.
    """
    only_parameters(request)
    body = read_json(*sent_body(request))
    first, last = span_in(body)
    issued_for = [member.bank.id, "resend", body["from"], body["to"]]
    before = cursors.position_in(body["cursor"], cursor_secret(), issued_for) if "cursor" in body else ""
    trail.by(author_of_staff(request, member), member.bank.id).of_bank("webhook.resend")
    resent, more = resender.resend(member.bank.id, first, last, before)
    cursor = {"next_cursor": cursors.sign(cursor_secret(), issued_for, more)} if more else {}
    return json_answer({"resent": resent, **cursor})


def replace_secret(member: StaffMember, request: Request, *, replacer: "SecretReplacer", trail: Trail) -> Response:
    """Answer `POST /staff/webhooks/secret`: a new secret, which no other answer ever shows.

    Raises NoWebhookSecret, TooManySecrets and TriedLately.
    """
    only_parameters(request)
    changes = trail.by(author_of_staff(request, member), member.bank.id)
    replaced = replacer.replace(member.bank, lambda: changes.of_bank("webhook_secret.issue", ["webhook_secret"]))
    until = format_time(replaced.previous_valid_until)
    return json_answer({"secret": replaced.secret, "previous_valid_until": until})


def span_in(body: dict[str, Any]) -> tuple[datetime, datetime]:
    """Return the time span that a body names; raises ValidationFailed."""
    errors = [(name, unknown("field", name, _FIELDS)) for name in body if name not in _FIELDS]
    errors += [(name, "Is required.") for name in ("from", "to") if name not in body]
    errors += [(name, "Must be a text.") for name in _FIELDS if name in body and not isinstance(body[name], str)]
    first, last = (None, None) if errors else time_span(body, errors)
    if errors or first is None or last is None:
        raise ValidationFailed(errors)
    return first, last
