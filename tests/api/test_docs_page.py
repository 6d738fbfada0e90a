"""The page at /docs and the description at /openapi.json, over HTTP and in a browser."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from infra.package import PROJECT_DIR
from openapi.__main__ import OPENAPI
from tests.api_server import KEY, serving
from tests.browser import (
    Watched,
    browser,  # noqa: F401
)
from tests.cloud import CloudUnderTest

# Where an API may be: `chalice local`, a stage on AWS, the local cloud.
BASES = ["", "/prod", "/_aws/execute-api/a1b2c3/local"]
ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui.js": "text/javascript; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}
DESCRIPTION = json.loads((PROJECT_DIR / OPENAPI).read_text())
OPERATIONS = [
    operation
    for part in ("paths", "webhooks")
    for operations in DESCRIPTION[part].values()
    for operation in operations.values()
]


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with serving() as url:
        yield url


class Answered(NamedTuple):
    status: int
    headers: Message
    body: str


def get(url: str, **headers: str) -> Answered:
    parts = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = connection.getresponse()
        return Answered(answer.status, answer.headers, answer.read().decode())


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_shows_every_operation_and_asks_no_other_host(
    browser: Browser,  # noqa: F811
    base: str,
    path: str,
    tmp_path: Path,
) -> None:
    with serving(base) as url, browser.new_page() as page:
        watched = Watched(page)
        page.goto(url + path)
        summaries = page.locator(".opblock-summary-description")
        expect(summaries).to_have_count(len(OPERATIONS))
        page.wait_for_load_state("networkidle")
        page.screenshot(path=tmp_path / "docs.png", full_page=True)
        assert sorted(summaries.all_inner_texts()) == sorted(operation["summary"] for operation in OPERATIONS)
        assert page.title() == "Transaction notifier: the API"
        assert page.locator("html").get_attribute("lang") == "en"
        assert watched.said == []
        assert f"{url}/openapi.json" in watched.urls
        assert [asked for asked in watched.urls if not asked.startswith((f"{url}/", "data:"))] == []


def test_an_operation_is_tried_out_with_the_bank_s_key(browser: Browser) -> None:  # noqa: F811
    with serving("/prod") as url, browser.new_page() as page:
        watched = Watched(page)
        page.goto(f"{url}/docs")
        page.get_by_role("button", name="Authorize").click()
        page.get_by_role("textbox").fill(KEY)
        page.get_by_role("button", name="Apply credentials").click()
        page.get_by_role("button", name="Close").first.click()
        operation = page.locator("#operations-Transactions-recordTransaction")
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        answer = operation.locator(".live-responses-table")
        expect(answer.locator(".response-col_status").last).to_contain_text("201")
        expect(answer).to_contain_text('"amount": "250.50"')
        assert watched.urls[-1].partition("?")[0] == f"{url}/transactions"
        assert watched.said == []


@pytest.mark.cloud
def test_the_page_is_whole_behind_a_gateway_and_from_the_package_that_ships(
    browser: Browser,  # noqa: F811
    cloud: CloudUnderTest,
) -> None:
    url = cloud.deployed.api_url
    with browser.new_page() as page:
        watched = Watched(page)
        page.goto(f"{url}/docs")
        expect(page.locator(".opblock")).to_have_count(len(OPERATIONS), timeout=30_000)
        assert watched.said == []
        assert [asked for asked in watched.urls if not asked.startswith((f"{url}/", "data:"))] == []
    assert get(f"{url}/openapi.json").body == (PROJECT_DIR / OPENAPI).read_text()
    assert get(f"{url}/docs/unknown.js").status == 404


def test_no_link_makes_the_page_show_another_description(browser: Browser, api_url: str) -> None:  # noqa: F811
    elsewhere = "https://elsewhere.example/openapi.json"
    with browser.new_page() as page:
        watched = Watched(page)
        page.goto(f"{api_url}/docs?url={elsewhere}&configUrl={elsewhere}")
        expect(page.locator(".opblock")).to_have_count(len(OPERATIONS))
        assert not [asked for asked in watched.urls if asked.startswith(elsewhere)]


def test_the_page_runs_no_script_but_its_own_files(api_url: str) -> None:
    answer = get(f"{api_url}/docs")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    assert "<script>" not in answer.body


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
        *((f"/docs/{name}", content_type) for name, content_type in ASSETS.items()),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html,image/avif,*/*;q=0.8", "image/png", "application/octet-stream"])
def test_whatever_is_accepted_each_is_answered_as_what_it_is(
    api_url: str, path: str, content_type: str, accept: str
) -> None:
    answer = get(api_url + path, Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.body


def test_the_description_is_answered_as_it_was_generated(api_url: str) -> None:
    assert get(f"{api_url}/openapi.json").body == (PROJECT_DIR / OPENAPI).read_text()


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_is_kept_for_good_as_the_version_that_it_is(api_url: str, name: str) -> None:
    page = get(f"{api_url}/docs").body
    (link,) = [part for part in page.split('"') if f"/{name}?" in part]
    assert "immutable" in get(f"{api_url}/{link}").headers["Cache-Control"]
    for other in (f"docs/{name}", f"docs/{name}?v=of-another-release"):
        assert get(f"{api_url}/{other}").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["unknown.js", "docs.html", "openapi.json", "..%2Fopenapi.json", "docs.js%00", "%2e"])
def test_another_asset_is_not_found(api_url: str, name: str) -> None:
    answer = get(f"{api_url}/docs/{name}")
    problem = json.loads(answer.body)
    assert (answer.status, problem["code"]) == (404, "route_not_found")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_files_are_found_without_the_framework_that_they_came_with() -> None:
    script = (
        "import sys\n"
        "from types import SimpleNamespace\n"
        "from chalicelib.api import documentation\n"
        "page = documentation.page(SimpleNamespace(context={'path': '/docs'}))\n"
        "print(page.status_code, 'aws_lambda_powertools.event_handler' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "200 False"
