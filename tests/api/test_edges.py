"""What the API answers at its edges: the table in docs/api.md is what the app and the gateway's templates say."""

import json
from pathlib import Path
from typing import Any

from openapi.problems import gateway_answers
from tests.app_bench import HOLDER, KEY, SMALLEST, Bench

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
HEADING = "### What the API answers at its edges\n"
SHOWN_HEADERS = ("Allow", "Location", "Retry-After", "WWW-Authenticate")
LISTING = "/accounts/A123/transactions"


def changed(**changes: Any) -> bytes:
    return json.dumps({**SMALLEST, **changes}).encode()


# What is special, and the request: method, path, body, and headers by name (None leaves one out).
EDGES: list[tuple[str, str, str, bytes | None, dict[str, str | None]]] = [
    ("no key", "GET", "/transactions/1", None, {"key": None}),
    ("a key that no active bank has", "GET", "/transactions/1", None, {"key": "tn_other"}),
    ("a wrong method", "PATCH", "/transactions", None, {}),
    ("`HEAD` where no key is needed", "HEAD", "/health", None, {"key": None}),
    ("`HEAD` where a key is needed", "HEAD", "/transactions/1", None, {}),
    ("a slash at the end", "POST", "/transactions/", changed(id="edge-1"), {}),
    ("an unknown asset", "GET", "/docs/nothing", None, {"key": None}),
    ("a forged link", "GET", "/preferences/forged", None, {"key": None}),
    ("another type", "POST", "/transactions", b"x", {"content_type": "text/plain"}),
    ("no type, and JSON", "POST", "/transactions", changed(id="edge-2"), {"content_type": None}),
    ("another charset", "POST", "/transactions", changed(), {"content_type": "application/json; charset=iso-8859-1"}),
    ("compressed", "POST", "/transactions", changed(), {"content_encoding": "gzip"}),
    ("no body", "POST", "/transactions", b"", {}),
    ("a byte order mark", "POST", "/transactions", b"\xef\xbb\xbf{}", {}),
    ("Latin-1", "POST", "/transactions", b'{"description": "caf\xe9"}', {}),
    ("a list", "POST", "/transactions", b"[]", {}),
    ("single quotes", "POST", "/transactions", b"{'id': '1'}", {}),
    ("NaN", "POST", "/transactions", b'{"amount": NaN}', {}),
    ("1e400", "POST", "/transactions", changed().replace(b"250.5", b"1e400"), {}),
    ("the same key twice", "POST", "/transactions", b'{"id": "1", "id": "1"}', {}),
    ("an unknown field", "POST", "/transactions", changed(timestmp="2026-01-10T14:00:00Z"), {}),
    ("a currency in small letters", "POST", "/transactions", changed(currency="xaf"), {}),
    ("a wrong type of value", "POST", "/transactions", changed(account=123), {}),
    ("a field that is missing", "PUT", "/accounts/A123/holders/h1", json.dumps({"name": HOLDER["name"]}).encode(), {}),
    ("a card number", "POST", "/transactions", changed(description="4111 1111 1111 1111"), {}),
    ("over 256 KB", "POST", "/transactions", changed(description="x" * 300_000), {}),
    ("a + that became a space", "GET", f"{LISTING}?from=2026-01-01T00:00:00+01:00", None, {}),
    ("an unknown parameter", "GET", f"{LISTING}?limt=5", None, {}),
    ("a parameter twice", "GET", f"{LISTING}?limit=5&limit=6", None, {}),
    ("a forged cursor", "GET", f"{LISTING}?cursor=forged", None, {}),
]
# What API Gateway answers by itself, before the app.
OF_THE_GATEWAY = {
    "no key, or an unknown one": "INVALID_API_KEY",
    "an unknown path, or a wrong method": "MISSING_AUTHENTICATION_TOKEN",
    "over the plan's rate": "THROTTLED",
    "over the plan's day": "QUOTA_EXCEEDED",
    "over 10 MB": "REQUEST_TOO_LARGE",
}


def told(document: dict[str, Any]) -> str:
    """Return a problem's detail, and what it says of fields."""
    fields = [f"`{error['field']}`: {error['message']}" for error in document["errors"]]
    return " ".join([document["detail"], *fields])


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def answered(bench: Bench) -> list[str]:
    rows = []
    for special, method, path, body, headers in EDGES:
        options = {"key": KEY, **headers}
        response = bench.request(method, path, body, **options)
        document = response.json_body if "json" in response.headers.get("Content-Type", "") and response.body else {}
        is_problem = response.status_code >= 400 and bool(document)
        shown = [f"`{name}: {response.headers[name]}`" for name in SHOWN_HEADERS if name in response.headers]
        assert response.headers["x-request-id"]
        code = f"`{document['code']}`" if is_problem else ""
        text = told(document) if is_problem else ""
        rows.append(row(special, f"`{method} {path}`", str(response.status_code), code, "; ".join(shown), text))
    for special, name in OF_THE_GATEWAY.items():
        document = gateway_answers()[name]
        cells = ("gateway", str(document["status"]), f"`{document['code']}`", "", document["detail"])
        rows.append(row(special, *cells))
    return rows


def test_the_table_of_edges_in_the_documentation_is_what_the_api_answers(bench: Bench) -> None:
    section = DOCUMENT.read_text("utf-8").split(HEADING)[1]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1 : len(EDGES) + len(OF_THE_GATEWAY) + 1]
    assert lines == answered(bench)


def test_no_answer_at_an_edge_repeats_what_a_body_holds(bench: Bench) -> None:
    said = "\n".join(answered(bench))
    assert not [word for word in ("4111", "caf", "Awa") if word in said]
