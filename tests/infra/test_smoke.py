"""The smoke test of a release: silent about an app that is right, a line for each thing that is wrong."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from infra.smoke import CHECKS, smoke_test
from tests.api_server import serving
from tests.inbox_server import serving as served

PROBLEM = b'{"code": "unknown_api_key", "status": 401, "request_id": "r"}'
Answer = Callable[[str, str], tuple[int, bytes]]


@pytest.fixture
def url_of() -> Iterator[Callable[[Answer], str]]:
    """Starts an API that answers each method and path as a test says."""
    from contextlib import ExitStack

    with ExitStack() as servers:

        def started(answer: Answer) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    status, body = answer(self.command, self.path)
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                do_POST = do_GET  # noqa: N815

                def log_message(self, *_: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            servers.enter_context(served(server))
            return f"http://127.0.0.1:{server.server_address[1]}/prod/"

        yield started


def right(_method: str, path: str) -> tuple[int, bytes]:
    if path in ("/prod/health", "/prod/openapi.json"):
        return 200, b"{}"
    if path.startswith("/prod/preferences/"):
        return 400, b"<html>"
    return (404 if path == "/prod/no-such-path" else 401), PROBLEM


def test_the_app_passes_on_every_check() -> None:
    with serving() as url:
        assert smoke_test(url) == []


def test_an_api_that_answers_right_is_right_behind_a_stage_s_name_too(url_of: Callable[[Answer], str]) -> None:
    assert smoke_test(url_of(right)) == []


def test_an_api_that_lets_a_request_without_a_key_in_is_found_out(url_of: Callable[[Answer], str]) -> None:
    wrong = smoke_test(url_of(lambda method, path: (201, b"{}") if method == "POST" else right(method, path)))
    assert wrong == [
        "a transaction without a key is refused: no, the status is 201",
        "a transaction with a wrong key is refused: no, the status is 201",
    ]


def test_a_refusal_that_is_no_problem_document_is_found_out(url_of: Callable[[Answer], str]) -> None:
    wrong = smoke_test(
        url_of(
            lambda method, path: (
                (403, b'{"message": "Forbidden"}') if path == "/prod/analytics" else right(method, path)
            )
        )
    )
    assert wrong == ["reading without a key is refused: no, the answer is no problem document"]


def test_an_api_that_can_t_be_reached_fails_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib3.Retry, "sleep", lambda *_: None)  # three seconds for each check
    assert len(smoke_test("http://127.0.0.1:1/prod")) == len(CHECKS)
