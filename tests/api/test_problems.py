"""Problems: what each error is answered with, and what no answer and no log line says."""

from types import SimpleNamespace
from typing import Any

import pytest
from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.api.problems import (
    ANSWERS,
    CONTENT_TYPE,
    REQUEST_ID,
    answered,
    completed,
    details,
    problem_for,
    reform,
    request_id,
)

SECRET = "what the client has sent"


def request(path: str = "/transactions/{id}", **parameters: str) -> Any:
    """Return a request as Chalice hands it to a view."""
    return SimpleNamespace(
        path=path,
        method="GET",
        uri_params=parameters,
        headers={},
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


ROUTES = {"/transactions/{id}": {"GET": SimpleNamespace(content_types=["text/x", "text/y"])}}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "forbidden"),
        (404, "route_not_found"),
        (405, "method_not_allowed"),
        (500, "internal_error"),
        (400, "bad_request"),
    ],
)
def test_an_error_that_chalice_answers_by_itself_is_reformed_and_keeps_its_headers(status: int, code: str) -> None:
    own = Response({"Code": "Some", "Message": "x"}, {"Allow": "GET", "Content-Type": "application/json"}, status)
    response = reform(request(), own, ROUTES)
    assert (response.status_code, response.body["code"]) == (status, code)
    assert response.headers == {"Content-Type": CONTENT_TYPE, "Allow": "GET"}


def test_a_wrong_method_is_answered_with_the_right_ones() -> None:
    own = Response({"Code": "MethodNotAllowedError", "Message": "x"}, {"Allow": "GET, HEAD"}, 405)
    assert reform(request(), own, ROUTES).body["detail"] == "This path takes GET, HEAD only."


@pytest.mark.parametrize(
    ("sent", "named"),
    [("text/plain", ", not text/plain"), ("text/plain; charset=x", ", not text/plain"), ("<b>", ""), ("", "")],
)
def test_a_wrong_type_is_answered_with_what_was_sent_and_what_the_route_takes(sent: str, named: str) -> None:
    asked = request()
    asked.headers = {"content-type": sent}
    response = reform(asked, Response({"Code": "UnsupportedMediaType"}, {}, 415), ROUTES)
    assert (response.status_code, response.body["code"]) == (415, "unsupported_media_type")
    assert response.body["detail"].startswith(f"The body must be text/x or text/y{named}: ")


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
    assert reform(request(), own, ROUTES) is own


@pytest.mark.parametrize(
    "own",
    [
        Response({"id": "1"}, {}, 201),
        Response("<html>", {"Content-Type": "text/html"}, 200),
        Response({"Code": "NotFoundError"}, {}, 404),
        Response("", {}, 204),
    ],
    ids=["JSON", "a page", "an error of Chalice's", "nothing"],
)
def test_every_answer_has_the_request_s_id(own: Response) -> None:
    assert completed(request(), lambda _: own, ROUTES).headers[REQUEST_ID] == "gateway-1"


def test_what_breaks_beside_the_views_is_a_500_too_and_logged_under_the_request_s_id(logged: Any) -> None:
    def breaks(_: Request) -> Response:
        raise KeyError(SECRET)

    response = completed(request(), breaks, ROUTES)
    assert (response.status_code, response.body["code"], response.headers[REQUEST_ID]) == (
        500,
        "internal_error",
        "gateway-1",
    )
    lines = [line for line in logged().splitlines() if line.startswith('{"')]
    assert lines
    assert all('"request_id":"gateway-1"' in line for line in lines)
    assert SECRET not in "".join(lines)


def test_a_head_has_what_a_get_has_but_for_the_body() -> None:
    def view(_: Request) -> Response:
        return Response({"é": "x"}, {"Content-Type": "application/json", "ETag": "1"}, 200)

    asked = request()
    asked.method = "HEAD"
    response = completed(asked, view, ROUTES)
    assert (response.body, response.status_code) == ("", 200)
    length = str(len(view(asked).to_dict()["body"].encode()))
    assert response.headers == {
        "Content-Type": "application/json",
        "ETag": "1",
        "Content-Length": length,
        REQUEST_ID: "gateway-1",
    }


def test_a_head_without_a_gateway_leaves_the_length_to_the_server() -> None:
    asked = request()
    asked.method, asked.context = "HEAD", {}
    assert "Content-Length" not in completed(asked, lambda _: Response("x", {}, 200), ROUTES).headers


def test_the_request_s_id_is_the_gateway_s_and_without_a_gateway_the_function_s() -> None:
    with_gateway: Request = request()
    assert request_id(with_gateway) == "gateway-1"
    without: Any = SimpleNamespace(context={}, lambda_context=SimpleNamespace(aws_request_id="function-1"))
    assert request_id(without) == "function-1"
