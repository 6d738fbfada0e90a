"""Who of a bank's staff sends a request: what the routes under `/staff` share."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from chalice.app import CognitoUserPoolAuthorizer, Request, Response

from chalicelib.api.requests import author_of, json_answer, only_parameters
from chalicelib.audit.entry import STAFF, Author
from chalicelib.aws import telemetry
from chalicelib.staff.member import Group, StaffMember
from chalicelib.staff.refusals import GroupRequired, NotSignedIn

if TYPE_CHECKING:
    from chalicelib.staff.reading import ReadLimits
    from chalicelib.staff.tokens import StaffTokens  # PyJWT and `cryptography`, which a bank's request doesn't load

# What a request costs of what a member may ask in an hour (`staff.reading`), where it isn't one unit: a page about
# people, and a search, which may read as much as many pages.
PAGE, SEARCH = 5, 10


def staff_member(
    request: Request,
    tokens: "Callable[[], StaffTokens]",
    group: Group,
    limits: "Callable[[], ReadLimits]",
    units: int = 1,
) -> StaffMember:
    """Return the member of staff whose ID token came with the request, which costs so many units of the member's hour.

    Raises NotSignedIn, GroupRequired if the member's groups don't include `group`, ReadLimitReached and
    TemporarilyUnavailable.
    """
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn
    member = tokens().member(token.strip())
    telemetry.note(bank=member.bank.id)
    if group not in member.groups:
        raise GroupRequired(group)
    limits().take(member.bank.id, member.subject, units)
    return member


def author_of_staff(request: Request, member: StaffMember) -> Author:
    """Return who changes or reads something with this request, for the audit trail."""
    return author_of(STAFF, member.subject, request)


def authorizer(pool_arn: str) -> CognitoUserPoolAuthorizer | None:
    """Return API Gateway's own check of staff's tokens, None where there is no user pool, or nothing is deployed.

    Only deployment reads it: a running function doesn't need it, and Chalice's local server, which verifies no token,
    would fail at one that it can't decode.
    """
    return CognitoUserPoolAuthorizer("staff", provider_arns=[pool_arn]) if pool_arn else None


def get_me(member: StaffMember, request: Request) -> Response:
    """Answer `GET /staff/me`: who is signed in, for which bank, and in which groups."""
    only_parameters(request)
    return json_answer(
        {
            "subject": member.subject,
            "name": member.name,
            "email": member.email,
            "bank": member.bank.id,
            "bank_name": member.bank.name,
            "groups": [group for group in Group if group in member.groups],
            "currency": member.bank.default_currency,
        }
    )
