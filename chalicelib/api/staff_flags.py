"""The routes about flags for a bank's staff: how often each rule was right, and what other thresholds would flag."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalice.app import Request, Response

from chalicelib.api.json_body import read_json
from chalicelib.api.requests import date_range, json_answer, only_parameters, seconds_left, sent_body
from chalicelib.api.settings import patched_settings
from chalicelib.banks.settings import SettingsStore
from chalicelib.banks.thresholds import FLAGS
from chalicelib.cases.alarms import TrialAlarms
from chalicelib.cases.precision import precision_of
from chalicelib.errors import ValidationFailed
from chalicelib.flags.trial import FlagTrial
from chalicelib.ledger.messages import unknown
from chalicelib.ledger.search import Search
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction
from chalicelib.staff.member import StaffMember

if TYPE_CHECKING:
    from chalicelib.cases.labels_repository import Labels
    from chalicelib.ledger.search_repository import SearchRepository

# Each day is at least one read.
MAX_DAYS_OF_PRECISION = 92
MAX_DAYS_OF_TRIAL = 31
DEFAULT_DAYS_OF_TRIAL = 14
MOST_IN_TRIAL = 5_000
_A_PAGE = 500
# Judging 5,000 transactions and reading what is known of them takes about a second; slow reads take more.
_KEPT_SECONDS = 6.0
_TRIAL_FIELDS = ("settings", "days")


def get_precision(member: StaffMember, request: Request, *, labels: "Labels", today: date) -> Response:
    """Answer `GET /staff/flags/precision`: what became of each rule's flags of some days."""
    only_parameters(request, "from", "to")
    errors: list[tuple[str, str]] = []
    first, last = date_range(request, today, errors)
    if (last - first).days >= MAX_DAYS_OF_PRECISION and not errors:
        errors.append(("from", f"The range must be of at most {MAX_DAYS_OF_PRECISION} days."))
    if errors:
        raise ValidationFailed(errors)
    flagged, is_complete = labels.between(member.bank.id, first, last)
    rules = precision_of(flagged.values(), FLAGS)
    return json_answer(
        {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "is_complete": is_complete,
            "rules": {name: counted.to_json() for name, counted in rules.items()},
        }
    )


def try_settings(
    member: StaffMember,
    request: Request,
    *,
    store: SettingsStore,
    search: "SearchRepository",
    labels: "Labels",
    are_loopback_endpoints_allowed: bool,
    now: datetime,
) -> Response:
    """Answer `POST /staff/flags/trial`: what changed settings would have flagged of the bank's last transactions.

    Nothing is written. Raises ValidationFailed: where `PATCH /settings` refuses the change, too.
    """
    only_parameters(request)
    patch, days = trial_in(read_json(*sent_body(request)))
    bank = member.bank
    present = store.settings(bank.id).settings
    changed = patched_settings(bank, present, patch, are_loopback_endpoints_allowed)
    start = now - timedelta(days=days)
    transactions, reached = newest(search, bank.id, start, now, lambda: seconds_left(request.lambda_context))
    known, is_all_known = labels.between(bank.id, (reached or start).date(), now.date())
    trial = FlagTrial(present.thresholds, changed.thresholds)
    alarms = TrialAlarms(FLAGS)
    for one in sorted(transactions, key=lambda one: (one.recorded_at, one.id)):
        alarms.add(known.get(one.id), *trial.judge(one))
    return json_answer(
        {
            "transactions": trial.transactions,
            "from": format_time(reached or start),
            "to": format_time(now),
            "is_complete": reached is None and is_all_known,
            "rules": {
                name: {"now": both.now.to_json(), "then": both.then.to_json()} for name, both in alarms.rules.items()
            },
        }
    )


def trial_in(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Return the change of settings and the number of days that a body names; raises ValidationFailed."""
    errors = [(name, unknown("field", name, _TRIAL_FIELDS)) for name in body if name not in _TRIAL_FIELDS]
    patch, days = body.get("settings"), body.get("days", DEFAULT_DAYS_OF_TRIAL)
    if "settings" not in body:
        errors.append(("settings", "Is required."))
    elif not isinstance(patch, dict):
        errors.append(("settings", "Must be an object."))
    if isinstance(days, bool) or days not in range(1, MAX_DAYS_OF_TRIAL + 1):
        errors.append(("days", f"Must be a whole number from 1 to {MAX_DAYS_OF_TRIAL}."))
    if errors or not isinstance(patch, dict):
        raise ValidationFailed(errors)
    return patch, int(days)


def newest(
    search: "SearchRepository", bank: str, start: datetime, end: datetime, left: Callable[[], float]
) -> tuple[list[Transaction], datetime | None]:
    """Return the bank's newest transactions of a time span, and how far back they go; None: to its start.

    They are cut at 5,000, and when the invocation has no time for more.
    """
    found: list[Transaction] = []
    before: str | None = None
    reached = end
    while len(found) < MOST_IN_TRIAL and left() > _KEPT_SECONDS:
        limit = min(_A_PAGE, MOST_IN_TRIAL - len(found))
        page = search.find(bank, Search(start=start, end=end, limit=limit, before=before))
        found += page.transactions
        if page.next_position is None:
            return found, None
        before = page.next_position
        reached = datetime.fromisoformat(before.partition("#")[0])
    return found, reached
