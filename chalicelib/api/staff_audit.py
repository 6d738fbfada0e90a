"""The audit trail and the quotas of a bank, as its staff reads them."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from chalice.app import Request, Response

from chalicelib.api import cursors
from chalicelib.api.requests import DEFAULT_DAYS, MAX_DAYS, json_answer, only_parameters, page_limit, time_span
from chalicelib.audit.repository import AuditRepository
from chalicelib.banks.plans import Metered, limit_of
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.times import format_time, shifted
from chalicelib.staff.member import StaffMember


def list_entries(
    member: StaffMember,
    request: Request,
    *,
    entries: AuditRepository,
    cursor_secret: Callable[[], str],
    now: datetime,
) -> Response:
    """Answer `GET /staff/audit`: the bank's entries, newest first; of the last 31 days unless others are asked for.

    Raises ValidationFailed for more than 366 days, and InvalidCursor.
    """
    only_parameters(request, "from", "to", "limit", "cursor")
    parameters, bank = request.query_params or {}, member.bank.id
    errors: list[tuple[str, str]] = []
    start, end = time_span(parameters, errors)
    limit = page_limit(parameters, errors)
    last = min(end or now, now)
    first = start or shifted(last, -timedelta(days=DEFAULT_DAYS))
    if (last - first).days >= MAX_DAYS:
        errors.append(("from", f"The range must be of at most {MAX_DAYS} days."))
    if errors:
        raise ValidationFailed(errors)
    issued_for = [bank, "audit", parameters.get("from"), parameters.get("to")]
    before = cursors.position_in(parameters["cursor"], cursor_secret(), issued_for) if "cursor" in parameters else ""
    found, more = entries.newest(bank, first, last, limit, before) if first <= last else ([], None)
    cursor = {"next_cursor": cursors.sign(cursor_secret(), issued_for, more)} if more else {}
    return json_answer({"entries": [entry.to_json() for entry in found], **cursor})


def get_quota(member: StaffMember, request: Request, *, used: QuotaRepository, now: datetime) -> Response:
    """Answer `GET /staff/quota`: how much of the day's quotas is taken. What has no limit isn't counted: null."""
    only_parameters(request)
    bank, day = member.bank, now.date()
    listed = []
    for metered in Metered:
        limit = limit_of(bank, metered)
        taken = None if limit is None else used.used(bank.id, metered, day).taken
        listed.append({"what": metered.value, "used": taken, "limit": limit})
    resets_at = datetime.combine(day + timedelta(days=1), time(), UTC)
    return json_answer({"plan": bank.plan, "resets_at": format_time(resets_at), "quotas": listed})
