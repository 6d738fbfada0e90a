"""Errors as RFC 9457 problem documents: only here do the domain's errors get an HTTP status."""

import functools
import itertools
from collections.abc import Callable, Iterable

from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.aws.telemetry import count, logger

CONTENT_TYPE = "application/problem+json"

# Each domain error's status and title. The title is for people; programs use the error's `code`.
ANSWERS: dict[type[errors.DomainError], tuple[int, str]] = {
    errors.MalformedBody: (400, "The body can't be read"),
    errors.ValidationFailed: (400, "The request breaks a rule"),
    errors.CardNumberRefused: (400, "Full card numbers are refused"),
    errors.InvalidCursor: (400, "The cursor is not valid"),
    errors.UnknownApiKey: (401, "The API key is missing or unknown"),
    errors.InvalidSignature: (401, "The signature is missing, wrong or too old"),
    errors.TransactionNotFound: (404, "There is no such transaction"),
    errors.HolderNotFound: (404, "There is no such holder"),
    errors.NotSuppressed: (404, "The holder's address is not suppressed"),
    errors.TooManyHolders: (409, "The account has as many holders as it can"),
    errors.TransactionConflict: (409, "The id is taken by another transaction"),
    errors.BodyTooLarge: (413, "The body is too large"),
    errors.UnsupportedMediaType: (415, "The body must be application/json"),
    errors.LiftedLately: (429, "The suppression was lifted within the last day"),
    errors.TemporarilyUnavailable: (503, "The service is temporarily unavailable"),
}

# The code and title for errors that Chalice answers by itself, by status.
_CHALICE_ANSWERS = {
    403: ("forbidden", "The request is not allowed"),
    404: ("route_not_found", "There is nothing at this path"),
    405: ("method_not_allowed", "The method is not allowed here"),
    415: ("unsupported_media_type", "The body must be application/json"),
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
                # Only the exception's type is logged: its message could have content of the request.
                logger.error(
                    "unexpected_error",
                    extra={
                        "error": type(error).__name__,
                        "at": _origin(error),
                        "request_id": request_id(request()),
                    },
                )
                count("UnexpectedErrors")
                return problem(request(), 500, "internal_error", _CHALICE_ANSWERS[500][1])

        return wrapper

    return decorate


def problem_for(error: errors.DomainError, request: Request) -> Response:
    """Return the problem of a domain error."""
    status, title = ANSWERS[type(error)]
    headers: dict[str, str] = {}
    match error:
        case errors.TemporarilyUnavailable() | errors.LiftedLately():
            headers["Retry-After"] = str(error.retry_after_s)
        case errors.UnknownApiKey():
            headers["WWW-Authenticate"] = 'ApiKey header="x-api-key"'
        case errors.InvalidSignature():
            headers["WWW-Authenticate"] = 'StandardWebhooks header="webhook-signature"'
    return problem(request, status, error.code, title, str(error), details(error), headers)


def details(error: errors.DomainError) -> list[dict[str, str]]:
    """Return the `errors` of a problem: a field and a message for each field that the error names."""
    found: list[tuple[str, str]] = []
    match error:
        case errors.ValidationFailed():
            found = error.errors
        case errors.TransactionConflict():
            found = [(field, "Differs from what is recorded.") for field in error.differing]
        case errors.CardNumberRefused(field=field) if field:
            found = [(field, "Looks like a full card number.")]
    return named(found)


def named(found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return what is said of single fields as answers have it: no more of it than an answer can hold."""
    return [
        {"field": field[: errors.MAX_FIELD], "message": message}
        for field, message in itertools.islice(found, errors.MAX_ERRORS)
    ]


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


def reform(request: Request, response: Response) -> Response:
    """Return the response; Chalice's own error body, `{"Code", "Message"}`, is replaced by a problem."""
    if response.status_code < 400 or not (isinstance(response.body, dict) and "Code" in response.body):
        return response
    code, title = _CHALICE_ANSWERS.get(response.status_code, ("bad_request", "The request can't be answered"))
    kept = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    return problem(request, response.status_code, code, title, headers=kept)


def _path(request: Request) -> str:
    # Chalice's `path` is the route, like `/transactions/{id}`. The parameters are URL-encoded; the gateway limits them.
    path: str = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", value)
    return path


def request_id(request: Request) -> str:
    """Return the request's id in the log: API Gateway's, or the function's if there is no gateway."""
    own = getattr(request.lambda_context, "aws_request_id", "")
    return str(request.context.get("requestId", own))


def _origin(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
