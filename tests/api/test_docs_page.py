"""The page at /docs and the description at /openapi.json, over HTTP and in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from chalicelib.api import documentation
from chalicelib.api.documentation import SERVER
from infra.package import PROJECT_DIR
from tests.api_server import KEY, serving
from tests.browser import (
    Watched,
    browser,  # noqa: F401
)
from tests.described import OPERATIONS, SCHEMAS, described_at
from tests.fetched import get

# Where an API may be: `chalice local`, a stage on AWS, the local cloud.
BASES = ["", "/prod", "/_aws/execute-api/a1b2c3/local"]
ASSETS = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with serving() as url:
        yield url


CHECKS = (PROJECT_DIR / "tests" / "page_checks.js").read_text()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_shows_every_operation_and_schema_and_asks_no_other_host(
    browser: Browser,  # noqa: F811
    base: str,
    path: str,
) -> None:
    with serving(base) as url, browser.new_page() as page:
        watched = Watched(page)
        page.goto(url + path)
        shown = page.locator("article > h3").all_inner_texts()
        assert sorted(shown) == sorted([*(operation["summary"] for operation in OPERATIONS), *SCHEMAS])
        assert page.title() == "Transaction notifier: the API"
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.locator("main").evaluate("element => getComputedStyle(element).paddingLeft") != "0px"
        link = page.get_by_role("link", name="openapi.json").evaluate("element => element.href")
        assert link == f"{url}/openapi.json"
        assert watched.said == []
        assert [asked for asked in watched.urls if not asked.startswith((f"{url}/", "data:"))] == []


@pytest.mark.parametrize("base", ["", "/prod"])
def test_an_operation_is_tried_out_with_the_bank_s_key_and_the_keyboard_alone(
    browser: Browser,  # noqa: F811
    base: str,
) -> None:
    with serving(base) as url, browser.new_page() as page:
        watched = Watched(page)
        page.goto(f"{url}/docs")
        page.get_by_label("API key").focus()
        page.keyboard.type(KEY)
        operation = page.get_by_role("article", name="Record a transaction", exact=True)
        operation.get_by_text("Try it").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == "dry_run"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == "Prefer"
        page.keyboard.press("Tab")
        assert '"account"' in page.evaluate("document.activeElement.value")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        answer = operation.get_by_role("status")
        expect(answer).to_contain_text("201")
        expect(answer).to_contain_text('"amount": "250.50"')
        assert watched.urls[-1] == f"{url}/transactions"
        assert watched.said == []


def test_what_an_operation_is_tried_out_with_goes_to_its_place(browser: Browser) -> None:  # noqa: F811
    with serving() as url, browser.new_page() as page:
        page.goto(f"{url}/docs")
        page.get_by_label("API key").fill(KEY)
        operation = page.get_by_role("article", name="List an account's transactions")
        operation.get_by_text("Try it").click()
        operation.get_by_label("account", exact=True).fill("A 1/2")
        operation.get_by_label("limit").fill("7")
        with page.expect_request("**/accounts/**") as sent:
            operation.get_by_role("button", name="Send").click()
        assert sent.value.url == f"{url}/accounts/A%201%2F2/transactions?limit=7"
        assert sent.value.headers["x-api-key"] == KEY
        expect(operation.get_by_role("status")).to_contain_text("validation_failed")


def test_the_page_is_read_without_its_script(browser: Browser, api_url: str) -> None:  # noqa: F811
    with browser.new_context(java_script_enabled=False) as context, context.new_page() as page:
        page.goto(f"{api_url}/docs")
        expect(page.locator("article > h3")).to_have_count(len(OPERATIONS) + len(SCHEMAS))
        expect(page.get_by_text("Try it").first).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_is_readable(
    browser: Browser,  # noqa: F811
    api_url: str,
    scheme: Literal["light", "dark"],
    width: int,
    tmp_path: Path,
) -> None:
    size: ViewportSize = {"width": width, "height": 800}
    with browser.new_context(color_scheme=scheme, viewport=size) as context, context.new_page() as page:
        page.goto(f"{api_url}/docs")
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.screenshot(path=tmp_path / "docs.png")
        found = page.evaluate(CHECKS)
    assert len(found["texts"]) > 1000
    assert [one for one in found["texts"] if one["contrast"] < 4.5] == []
    assert [one for one in found["controls"] if not one["name"] or one["contrast"] < 3 or one["height"] < 24] == []
    assert found["dangling"] == []
    assert len(found["ids"]) == len(set(found["ids"]))
    assert found["headings"] == 1
    assert found["scrollWidth"] <= width


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Browser, api_url: str) -> None:  # noqa: F811
    with browser.new_page() as page:
        page.goto(f"{api_url}/docs")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the description"
        expect(page.get_by_role("link", name="Skip to the description")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => [document.querySelector('main').contains(document.activeElement),"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert focused == [True, "solid"]
        hidden = page.evaluate("() => document.querySelectorAll('[tabindex]:not([tabindex=\"0\"], main)').length")
        assert hidden == 0


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


def test_the_description_is_answered_as_it_was_generated_with_the_url_where_it_was_asked_for(api_url: str) -> None:
    assert get(f"{api_url}/openapi.json").body == described_at(api_url)


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


@pytest.mark.parametrize(
    ("headers", "server"),
    [
        ({"host": "a1.execute-api.us-east-2.amazonaws.com", "x-forwarded-proto": "https"}, None),
        ({"host": 'x"y'}, SERVER),
        ({}, SERVER),
    ],
)
def test_a_stage_is_described_at_its_own_url(headers: dict[str, str], server: str | None) -> None:
    request = SimpleNamespace(headers=headers, context={"path": "/prod/openapi.json", "apiId": "a1"})
    described = documentation.description(request, "", is_emulated=False)
    assert json.loads(described.body)["servers"] == [{"url": server or f"https://{headers['host']}/prod"}]
    described = documentation.description(request, "https://alerts.bank.example", is_emulated=False)
    assert json.loads(described.body)["servers"] == [{"url": "https://alerts.bank.example"}]


def test_the_page_and_its_parts_are_light(api_url: str) -> None:
    bodies = [get(api_url + path).body for path in ("/docs", *(f"/docs/{name}" for name in ASSETS))]
    assert sum(len(body.encode()) for body in bodies) < 480_000
