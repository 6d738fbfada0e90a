"""Problems: what each error is answered with, and what no answer and no log line says."""

from types import SimpleNamespace
from typing import Any

import pytest
from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.api.problems import ANSWERS, CONTENT_TYPE, answered, details, problem_for, reform, request_id

SECRET = "what the client has sent"


def request(path: str = "/transactions/{id}", **parameters: str) -> Any:
    """Return a request as Chalice hands it to a view."""
    return SimpleNamespace(
        path=path,
        uri_params=parameters,
        context={"requestId": "gateway-1"},
        lambda_context=SimpleNamespace(aws_request_id="function-1"),
    )


ERRORS: list[tuple[errors.DomainError, list[dict[str, str]]]] = [
    (errors.MalformedBody("The body is no JSON."), []),
    (errors.BodyTooLarge(256 * 1024), []),
    (errors.UnsupportedMediaType(), []),
    (
        errors.ValidationFailed([("amount", "Must be over 0."), ("id", "Required.")]),
        [{"field": "amount", "message": "Must be over 0."}, {"field": "id", "message": "Required."}],
    ),
    (errors.CardNumberRefused("name"), [{"field": "name", "message": "Looks like a full card number."}]),
    (errors.CardNumberRefused(""), []),
    (errors.TransactionConflict("t1", ["amount"]), [{"field": "amount", "message": "Differs from what is recorded."}]),
    (errors.TemporarilyUnavailable(7), []),
    (errors.UnknownApiKey(), []),
    (errors.InvalidSignature(), []),
]


@pytest.mark.parametrize(("error", "named"), ERRORS, ids=lambda value: type(value).__name__)
def test_a_domain_error_becomes_the_problem_of_its_type(error: errors.DomainError, named: list[dict[str, str]]) -> None:
    response = problem_for(error, request(id="t%201"))
    status, title = ANSWERS[type(error)]
    assert response.status_code == status
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert response.body == {
        "type": f"urn:transaction-notifier:problem:{error.code}",
        "title": title,
        "status": status,
        "detail": str(error),
        "instance": "/transactions/t%201",
        "code": error.code,
        "request_id": "gateway-1",
        "errors": named,
    }
    assert details(error) == named


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (errors.TemporarilyUnavailable(7), "Retry-After", "7"),
        (errors.UnknownApiKey(), "WWW-Authenticate", 'ApiKey header="x-api-key"'),
        (errors.InvalidSignature(), "WWW-Authenticate", 'StandardWebhooks header="webhook-signature"'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_answer_says_in_a_header_what_to_do(error: errors.DomainError, header: str, value: str) -> None:
    assert problem_for(error, request()).headers[header] == value


def answer_of(view: Any) -> Response:
    return answered(request)(view)()


def test_what_a_view_answers_goes_through_unchanged() -> None:
    response = Response({"id": "1"}, {}, 201)
    assert answer_of(lambda: response) is response


def test_a_view_that_raises_a_domain_error_is_answered_with_its_problem() -> None:
    def view() -> Response:
        raise errors.HolderNotFound

    assert (answer_of(view).status_code, answer_of(view).body["code"]) == (404, "holder_not_found")


def test_any_other_exception_is_a_500_that_says_nothing_and_a_log_line_without_its_message(logged: Any) -> None:
    def view() -> Response:
        raise KeyError(SECRET)

    response = answer_of(view)
    assert (response.status_code, response.body["code"]) == (500, "internal_error")
    assert SECRET not in str(response.body)
    assert "KeyError" not in str(response.body)
    text = logged()
    assert "unexpected_error" in text
    assert "KeyError" in text
    assert "view" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "forbidden"),
        (404, "route_not_found"),
        (405, "method_not_allowed"),
        (415, "unsupported_media_type"),
        (500, "internal_error"),
        (400, "bad_request"),
    ],
)
def test_an_error_that_chalice_answers_by_itself_is_reformed_and_keeps_its_headers(status: int, code: str) -> None:
    own = Response({"Code": "Some", "Message": "x"}, {"Allow": "GET", "Content-Type": "application/json"}, status)
    response = reform(request(), own)
    assert (response.status_code, response.body["code"]) == (status, code)
    assert response.headers == {"Content-Type": CONTENT_TYPE, "Allow": "GET"}


@pytest.mark.parametrize(
    "own",
    [
        Response({"Code": "x"}, {}, 200),
        Response({"code": "transaction_not_found"}, {}, 404),
        Response("<html>", {}, 400),
    ],
    ids=["no error", "a problem already", "a page"],
)
def test_what_is_not_chalice_s_own_error_is_left_as_it_is(own: Response) -> None:
    assert reform(request(), own) is own


def test_the_request_s_id_is_the_gateway_s_and_without_a_gateway_the_function_s() -> None:
    with_gateway: Request = request()
    assert request_id(with_gateway) == "gateway-1"
    without: Any = SimpleNamespace(context={}, lambda_context=SimpleNamespace(aws_request_id="function-1"))
    assert request_id(without) == "function-1"
