"""Errors as RFC 9457 problem documents: only here do the domain's errors get an HTTP status.

`completed` completes every answer of the app, good or bad: its request id, and what `HEAD` leaves out.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.aws.telemetry import count, logger, note, of_request
from chalicelib.cases import refusals as case_refusals
from chalicelib.staff import refusals
from chalicelib.webhooks import refusals as webhook_refusals

CONTENT_TYPE = "application/problem+json"
REQUEST_ID = "x-request-id"
STAFF = "/staff/"  # what these routes answer is on no disk behind the member's screen

# Each domain error's status and title. The title is for people; programs use the error's `code`.
ANSWERS: dict[type[errors.DomainError], tuple[int, str]] = {
    errors.MalformedBody: (400, "The body can't be read"),
    errors.ValidationFailed: (400, "The request breaks a rule"),
    errors.CardNumberRefused: (400, "Full card numbers are refused"),
    errors.InvalidCursor: (400, "The cursor is not valid"),
    errors.RangeTooLarge: (400, "The range has more than one request adds up"),
    errors.UnknownApiKey: (401, "The API key is missing or unknown"),
    errors.InvalidSignature: (401, "The signature is missing, wrong or too old"),
    refusals.NotSignedIn: (401, "Nobody is signed in"),
    refusals.GroupRequired: (403, "The member of staff may not do this"),
    errors.TransactionNotFound: (404, "There is no such transaction"),
    errors.HolderNotFound: (404, "There is no such holder"),
    errors.NotSuppressed: (404, "The holder's address is not suppressed"),
    errors.NoEndpoint: (404, "The bank has no endpoint for webhooks"),
    errors.WebhookNotFound: (404, "There is no such webhook"),
    webhook_refusals.NoWebhookSecret: (404, "The bank has no webhook secret"),
    case_refusals.CaseNotFound: (404, "There is no such case"),
    case_refusals.NoOpenCase: (404, "No case waits"),
    case_refusals.CaseClaimed: (409, "A colleague works on the case"),
    case_refusals.CaseClosed: (409, "The case is closed"),
    case_refusals.CaseFull: (409, "The case holds as many notes as it can"),
    case_refusals.CaseNotYours: (409, "The case is not yours"),
    errors.TooManyHolders: (409, "The account has as many holders as it can"),
    errors.TransactionConflict: (409, "The id is taken by another transaction"),
    errors.PreconditionFailed: (412, "It was changed since"),
    errors.BodyTooLarge: (413, "The body is too large"),
    errors.UnsupportedMediaType: (415, "The body's type is not taken here"),
    errors.LiftedLately: (429, "The suppression was lifted within the last day"),
    errors.OverQuota: (429, "The plan's quota is used up"),
    errors.TriedLately: (429, "It was tried a moment ago"),
    refusals.ReadLimitReached: (429, "The member's requests of this hour are used up"),
    webhook_refusals.TooManySecrets: (429, "The bank has as many webhook secrets as it can"),
    errors.TemporarilyUnavailable: (503, "The service is temporarily unavailable"),
}

# The code and title for errors that Chalice answers by itself, by status.
_CHALICE_ANSWERS = {
    403: ("forbidden", "The request is not allowed"),
    404: ("route_not_found", "No route has this path and method"),
    405: ("method_not_allowed", "The method is not allowed here"),
    500: ("internal_error", "Something went wrong on our side"),
}


def answered(request: Callable[[], Request]) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Return the decorator of all routes: a domain error becomes its problem, any other exception a 500.

    `request` returns the current request. The problem of a 500 doesn't say what went wrong; the log does.
    """

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapper(**path: str) -> Response:
            try:
                return view(**path)
            except errors.DomainError as error:
                return problem_for(error, request())
            except Exception as error:
                return _unexpected(error, request())

        return wrapper

    return decorate


def problem_for(error: errors.DomainError, request: Request) -> Response:
    """Return the problem of a domain error."""
    status, title = ANSWERS[type(error)]
    headers: dict[str, str] = {}
    match error:
        case (
            errors.TemporarilyUnavailable()
            | errors.LiftedLately()
            | errors.TriedLately()
            | errors.OverQuota()
            | refusals.ReadLimitReached()
            | webhook_refusals.TooManySecrets()
        ):
            headers["Retry-After"] = str(error.retry_after_s)
        case errors.UnknownApiKey():
            headers["WWW-Authenticate"] = 'ApiKey header="x-api-key"'
        case errors.InvalidSignature():
            headers["WWW-Authenticate"] = 'StandardWebhooks header="webhook-signature"'
        case refusals.NotSignedIn():
            headers["WWW-Authenticate"] = "Bearer"
    return problem(request, status, error.code, title, str(error), details(error), headers)


def details(
    error: errors.DomainError, most: int = errors.MAX_ERRORS, longest: int = errors.MAX_FIELD
) -> list[dict[str, str]]:
    """Return the `errors` of a problem: a field and a message for each field that the error names, as `named`."""
    found: list[tuple[str, str]] = []
    match error:
        case errors.ValidationFailed():
            found = error.errors
        case errors.TransactionConflict():
            found = [(field, "Differs from what is recorded.") for field in error.differing]
        case errors.RangeTooLarge(last=last) if last:
            found = [("to", f"Must be {last} at most.")]
        case errors.CardNumberRefused(field=field) if field:
            found = [(field, "Looks like a full card number.")]
    return named(found, most, longest)


def named(
    found: Sequence[tuple[str, str]], most: int = errors.MAX_ERRORS, longest: int = errors.MAX_FIELD
) -> list[dict[str, str]]:
    """Return what is said of single fields as answers have it: at most so many, and so much of each field's name.

    If there are more, the last one names no field and says how many are left out.
    """
    told = [*found[: most - 1], ("", f"And {len(found) - most + 1} more.")] if len(found) > most else found
    return [{"field": field[:longest], "message": message} for field, message in told]


def problem(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str | None = None,
    field_errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return a problem document (RFC 9457). Without a `detail`, it has the title as its detail."""
    note(code=code)
    body = {
        "type": f"urn:transaction-notifier:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or f"{title}.",
        "instance": _path(request),
        "code": code,
        "request_id": request_id(request),
        "errors": field_errors or [],
    }
    return Response(body, {"Content-Type": CONTENT_TYPE, **(headers or {})}, status)


def route_not_found(request: Request) -> Response:
    """Return the problem of a path at which there is nothing."""
    detail = "No route has this path and method. GET /openapi.json lists all routes."
    return problem(request, 404, *_CHALICE_ANSWERS[404], detail)


def completed(
    request: Request, get_response: Callable[[Request], Response], routes: Mapping[str, Mapping[str, Any]]
) -> Response:
    """Return the app's answer to a request, complete: all that is logged of it, and the answer, have the request's id.

    `routes` are Chalice's, by path and method. An answer to `HEAD` has no body.
    """
    with of_request(request_id(request)):
        try:
            response = reform(request, get_response(request), routes)
        except Exception as error:
            response = _unexpected(error, request)
        # Chalice's `path` is the route: a path that was sent has ids, and may have a link's token.
        note(method=request.method, route=request.path, status=response.status_code)
    response.headers[REQUEST_ID] = request_id(request)
    if request.path.startswith(STAFF):
        response.headers["Cache-Control"] = "no-store"
    return _without_body(response, request) if request.method == "HEAD" else response


def reform(request: Request, response: Response, routes: Mapping[str, Mapping[str, Any]]) -> Response:
    """Return the response; Chalice's own error body, `{"Code", "Message"}`, is replaced by a problem."""
    status = response.status_code
    if status < 400 or not (isinstance(response.body, dict) and "Code" in response.body):
        return response
    kept = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    if status == 415:
        sent = request.headers.get("content-type", "").partition(";")[0].strip()
        accepted = tuple(routes[request.path][request.method].content_types)
        return problem_for(errors.UnsupportedMediaType(sent, accepted=accepted), request)
    code, title = _CHALICE_ANSWERS.get(status, ("bad_request", "The request can't be answered"))
    detail = f"This path takes {kept['Allow']} only." if status == 405 and "Allow" in kept else None
    return problem(request, status, code, title, detail, headers=kept)


def _unexpected(error: Exception, request: Request) -> Response:
    # Only the exception's type is logged: its message could have content of the request.
    logger.error("unexpected_error", extra={"error": type(error).__name__, "at": _origin(error)})
    count("UnexpectedErrors")
    return problem(request, 500, "internal_error", _CHALICE_ANSWERS[500][1])


def _without_body(response: Response, request: Request) -> Response:
    """Return the answer to `HEAD`: what `GET` answers, but for the body."""
    body = response.to_dict()["body"]
    headers = dict(response.headers)
    # `chalice local` adds a length of its own, 0, and a second one would make the answer unreadable.
    if "requestId" in request.context:
        headers["Content-Length"] = str(len(body.encode()))
    return Response("", headers, response.status_code)


def _path(request: Request) -> str:
    # Chalice's `path` is the route, like `/transactions/{id}`. The parameters are URL-encoded; the gateway limits them.
    path: str = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", value)
    return path


def request_id(request: Request) -> str:
    """Return the one id of the request: API Gateway's, or the function's where no gateway is (`chalice local`).

    What a client sends as `x-request-id` is no id here: it could be any text, and another request's.
    """
    own = getattr(request.lambda_context, "aws_request_id", "")
    return str(request.context.get("requestId", own))


def _origin(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
