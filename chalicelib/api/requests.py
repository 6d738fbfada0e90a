"""Reading requests and forming answers: what the routes share. Nothing here knows of transactions being stored."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api.problems import request_id
from chalicelib.audit.entry import API_KEY, HOLDER, Author
from chalicelib.aws import telemetry
from chalicelib.banks.bank import Bank, BankDirectory, short_hash
from chalicelib.errors import UnsupportedMediaType, ValidationFailed
from chalicelib.ledger.keys import IDENTIFIER, IDENTIFIER_RULE
from chalicelib.ledger.messages import unknowns
from chalicelib.ledger.times import parse_time

if TYPE_CHECKING:
    from chalicelib.banks.signatures import Signatures  # loaded for a bank that signs

MAX_PAGE = 100
MAX_DAYS = 366
DEFAULT_DAYS = 31
BOUND_RULE = "Must be a date like 2026-01-31, or an RFC 3339 time with an offset."
# In a query string, + means a space.
_SPACE_FOR_PLUS = re.compile(r"[0-9] [0-9]{2}:[0-9]{2}$")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def calling_bank(request: Request, banks: BankDirectory, signatures: "Callable[[], Signatures]") -> Bank:
    """Return the bank whose API key came with the request.

    If the bank signs its requests and this is a write, its signature is checked too, and the same request isn't taken
    twice; but a transaction is, as its own replay. Raises UnknownApiKey, InvalidSignature and TemporarilyUnavailable.
    """
    bank = banks.resolve(request.headers.get("x-api-key"))
    telemetry.note(bank=bank.id)
    if bank.signing_secret_arn is not None and request.method != "GET":
        # As it was sent; `chalice local` gives the context's only.
        path = request.to_original_event().get("path") or request.context.get("path") or ""
        signatures().verify(bank.signing_secret_arn, request.raw_body, request.headers, request.method, path)
        if not request.path.startswith("/transactions"):
            signatures().take_once(bank.id, request.headers)
    return bank


def author(request: Request) -> Author:
    """Return who changes something with this request of a bank, for the audit trail."""
    return author_of(API_KEY, short_hash(request.headers["x-api-key"]), request)


def author_by_link(request: Request, holder: str) -> Author:
    """Return who changes something at a link in an e-mail; `holder` is the hash of the link's holder."""
    return author_of(HOLDER, holder, request)


def author_of(kind: str, author_id: str, request: Request) -> Author:
    """Return the author of this kind and id who sent the request."""
    source_ip = request.context.get("identity", {}).get("sourceIp") or ""
    return Author(kind, author_id, source_ip, request_id(request))


def json_answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(body, {"Content-Type": "application/json", **(headers or {})}, status)


def seconds_left(context: Any) -> float:
    """Return how many seconds the invocation of this Lambda context has left."""
    return float(context.get_remaining_time_in_millis()) / 1000


def sent_body(request: Request) -> tuple[bytes, str]:
    """Return the body as it was sent and its media type, for `json_body`."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(encoding=encoding)
    return request.raw_body, request.headers.get("content-type", "application/json")


def preferences(request: Request) -> dict[str, str]:
    """Return the preferences of the `Prefer` header (RFC 7240) by name, both in small letters; the first one counts."""
    found: dict[str, str] = {}
    for preference in request.headers.get("prefer", "").lower().split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        found.setdefault(name.strip(), value.strip().strip('"'))
    return found


def flag(request: Request, name: str) -> bool:
    """Return a query parameter that is true or false, and false unless it is given; raises ValidationFailed."""
    value = (request.query_params or {}).get(name, "false")
    if value not in ("true", "false"):
        raise ValidationFailed([(name, "Must be true or false.")])
    return bool(value == "true")


def identifier(field: str, encoded: str) -> str:
    """Return an id of the path; raises ValidationFailed naming the field."""
    value = unquote(encoded)
    if not IDENTIFIER.fullmatch(value):
        raise ValidationFailed([(field, IDENTIFIER_RULE)])
    return value


def only_parameters(request: Request, *known: str) -> None:
    """Refuse query parameters that are unknown or come twice; raises ValidationFailed."""
    given = request.query_params
    if given is None:
        return
    errors = unknowns("query parameter", sorted(set(given) - set(known)), known)
    errors += [(name, "Given more than once.") for name in known if name in given and len(given.getlist(name)) > 1]
    if errors:
        raise ValidationFailed(errors)


def moment(text: str, end_of_day: bool) -> datetime:
    """Return a bound, as UTC: a date means its whole UTC day. Raises ValueError, whose text says what it must be."""
    if _SPACE_FOR_PLUS.search(text):
        raise ValueError("Has a space where the + of its offset was: send + as %2B in a query string.")
    try:
        if not _DATE.fullmatch(text):
            return parse_time(text)
        day = datetime.combine(_day(text), time(), UTC)
    except ValueError:
        raise ValueError(BOUND_RULE) from None
    return day + timedelta(days=1, microseconds=-1) if end_of_day else day


def time_span(parameters: Mapping[str, str], errors: list[tuple[str, str]]) -> tuple[datetime | None, datetime | None]:
    """Return the bounds `from` and `to`, both inclusive, None where it is not given; what is wrong with them is added
    to `errors`."""
    found: dict[str, datetime | None] = {"from": None, "to": None}
    for name in found:
        try:
            if name in parameters:
                found[name] = moment(parameters[name], end_of_day=name == "to")
        except ValueError as error:
            errors.append((name, str(error)))
    start, end = found["from"], found["to"]
    if start and end and start > end:
        errors.append(("from", "Must not be after `to`."))
    return start, end


def choice(parameters: Mapping[str, str], name: str, known: Iterable[str], errors: list[tuple[str, str]]) -> str | None:
    """Return a query parameter that is one of the known texts, None if it is not given; another adds to `errors`."""
    value = parameters.get(name)
    if value is not None and value not in known:
        errors.append((name, f"Must be one of: {', '.join(known)}."))
    return value


def date_range(request: Request, today: date, errors: list[tuple[str, str]]) -> tuple[date, date]:
    """Return the days `from` and `to`, both inclusive: today and the 30 days before it, as far as none are given.

    What is wrong with them is added to `errors`.
    """
    given: dict[str, date] = {}
    for name in ("from", "to"):
        text = (request.query_params or {}).get(name)
        if text is not None:
            try:
                given[name] = _day(text)
            except ValueError:
                errors.append((name, "Must be a date like 2026-01-31."))
    last = given.get("to", today)
    first = given.get("from", date.fromordinal(max(1, last.toordinal() - DEFAULT_DAYS + 1)))
    if first > last:
        errors.append(("from", "Must not be after `to`."))
    if (last - first).days >= MAX_DAYS:
        errors.append(("from", f"The range must be of at most {MAX_DAYS} days."))
    return first, last


def page_limit(parameters: Mapping[str, str], errors: list[tuple[str, str]]) -> int:
    """Return the query parameter `limit`, 1 to 100, and 50 unless it is given; what is wrong is added to `errors`."""
    limit = parameters.get("limit", "50")
    if limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= MAX_PAGE:
        return int(limit)
    errors.append(("limit", f"Must be a whole number from 1 to {MAX_PAGE}."))
    return MAX_PAGE


def _day(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)
