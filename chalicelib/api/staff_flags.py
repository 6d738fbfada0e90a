"""The routes about flags for a bank's staff: how often each rule was right."""

from datetime import date
from typing import TYPE_CHECKING

from chalice.app import Request, Response

from chalicelib.api.requests import date_range, json_answer, only_parameters
from chalicelib.banks.thresholds import FLAGS
from chalicelib.cases.precision import precision_of
from chalicelib.errors import ValidationFailed
from chalicelib.staff.member import StaffMember

if TYPE_CHECKING:
    from chalicelib.cases.labels_repository import Labels

# Each day is at least one read.
MAX_DAYS_OF_PRECISION = 92


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
