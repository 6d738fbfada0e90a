"""Errors as RFC 9457 problem documents: the one place where the domain's errors get their HTTP status."""

import functools
import itertools
from collections.abc import Callable, Iterable

from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.aws.telemetry import count, logger

CONTENT_TYPE = "application/problem+json"

# Each domain error's status and title. `code` is what programs may rely on; the title is for people.
ANSWERS: dict[type[errors.DomainError], tuple[int, str]] = {
    errors.MalformedBody: (400, "The body can't be read"),
    errors.ValidationFailed: (400, "The request breaks a rule"),
    errors.CardNumberRefused: (400, "Full card numbers are refused"),
    errors.InvalidCursor: (400, "The cursor is not valid"),
    errors.UnknownApiKey: (401, "The API key is missing or unknown"),
    errors.InvalidSignature: (401, "The signature is missing, wrong or too old"),
    errors.TransactionNotFound: (404, "There is no such transaction"),
    errors.HolderNotFound: (404, "There is no such holder"),
    errors.TooManyHolders: (409, "The account has as many holders as it can"),
    errors.TransactionConflict: (409, "The id is taken by another transaction"),
    errors.BodyTooLarge: (413, "The body is too large"),
    errors.UnsupportedMediaType: (415, "The body must be application/json"),
    errors.TemporarilyUnavailable: (503, "The service is temporarily unavailable"),
}

# What Chalice itself answers before or instead of a view, by its status.
_CHALICE_ANSWERS = {
    403: ("forbidden", "The request is not allowed"),
    404: ("route_not_found", "There is nothing at this path"),
    405: ("method_not_allowed", "The method is not allowed here"),
    415: ("unsupported_media_type", "The body must be application/json"),
    500: ("internal_error", "Something went wrong on our side"),
}


def answered(request: Callable[[], Request]) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Return the decorator under the routes: domain errors become problems, and anything else an opaque 500."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def wrapper(**path: str) -> Response:
            try:
                return view(**path)
            except errors.DomainError as error:
                return problem_for(error, request())
            except Exception as error:
                # Only the type: a message could carry what was sent.
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
    """Return the answer to a domain error."""
    status, title = ANSWERS[type(error)]
    headers: dict[str, str] = {}
    match error:
        case errors.TemporarilyUnavailable():
            headers["Retry-After"] = str(error.retry_after_s)
        case errors.UnknownApiKey():
            headers["WWW-Authenticate"] = 'ApiKey header="x-api-key"'
        case errors.InvalidSignature():
            headers["WWW-Authenticate"] = 'StandardWebhooks header="webhook-signature"'
    return problem(request, status, error.code, title, str(error), details(error), headers)


def details(error: errors.DomainError) -> list[dict[str, str]]:
    """Return what an error says of single fields."""
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
    """Return a problem document (RFC 9457)."""
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
    """Return the response with Chalice's own `{"Code", "Message"}` body turned into a problem."""
    if response.status_code < 400 or not (isinstance(response.body, dict) and "Code" in response.body):
        return response
    code, title = _CHALICE_ANSWERS.get(response.status_code, ("bad_request", "The request can't be answered"))
    kept = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    return problem(request, response.status_code, code, title, headers=kept)


def _path(request: Request) -> str:
    # Chalice's `path` is the route; the parameters are still encoded, and bounded by the gateway.
    path: str = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", value)
    return path


def request_id(request: Request) -> str:
    """Return the id under which the request is logged: API Gateway's; the function's where there is no gateway."""
    own = getattr(request.lambda_context, "aws_request_id", "")
    return str(request.context.get("requestId", own))


def _origin(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
