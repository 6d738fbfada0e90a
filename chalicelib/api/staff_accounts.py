"""Staff's page of an account: its holders, its usual amounts and its newest transactions."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalice.app import Request, Response

from chalicelib.api import cursors
from chalicelib.api.requests import identifier, json_answer, only_parameters
from chalicelib.api.staff_requests import author_of_staff
from chalicelib.api.staff_search import search_cursor_of
from chalicelib.api.transactions import with_flags
from chalicelib.audit.looks import Looks
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.repository import FlagRepository
from chalicelib.flags.usual import usual_amounts
from chalicelib.holders.holder import Holder, to_json
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.search import Search
from chalicelib.ledger.search_repository import SearchRepository
from chalicelib.ledger.times import format_time
from chalicelib.staff.member import StaffMember
from chalicelib.statements.periods import period_at, wanted_kind

NEWEST = 20


def get_account(
    member: StaffMember,
    account: str,
    request: Request,
    *,
    search: SearchRepository,
    flags: FlagRepository,
    baselines: BaselineRepository,
    holders: HolderRepository,
    looks: Looks,
    cursor_secret: Callable[[], str],
    now: datetime,
) -> Response:
    """Answer `GET /staff/accounts/{account}`: an unknown account has neither holders nor transactions.

    `next_cursor` continues the search for the account's transactions. The look is noted in the audit trail.
    """
    only_parameters(request)
    bank, wanted = member.bank, identifier("account", account)
    seen_by = looks.note(author_of_staff(request, member), bank.id, "account.viewed", "account", wanted)
    key = account_key(bank.id, wanted)
    baseline = baselines.of([key]).get(key)
    newest = search.find(bank.id, Search(accounts=(wanted,), limit=NEWEST))
    answer = {
        "account": wanted,
        "usual": usual_amounts(baseline) if baseline else [],
        "holders": [_shown(holder, now) for holder in holders.of_account(bank.id, wanted)],
        "transactions": with_flags(newest.transactions, flags),
        "seen_by": [look.to_json() for look in seen_by],
    }
    if newest.next_position is not None:
        issued_for = search_cursor_of(bank, {"account": wanted})
        answer["next_cursor"] = cursors.sign(cursor_secret(), issued_for, newest.next_position)
    return json_answer(answer)


def _shown(holder: Holder, now: datetime) -> dict[str, Any]:
    """Return the holder as the bank sees it, and the statement that is sent next."""
    shown = to_json(holder.as_of(now))
    kind = wanted_kind(holder.preferences)
    if kind is not None:
        due = period_at(kind, now, holder.timezone).due(holder.timezone)
        shown["statement"] = {"period": kind, "next_due": format_time(due)}
    return shown
