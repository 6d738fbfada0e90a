"""The console's page and files over HTTP: what a browser may do with them and for how long it keeps them."""

import gzip
import re
from collections.abc import Iterator

import pytest

import app as app_module
from chalicelib.api import console
from infra.package import PROJECT_DIR
from tests.api_server import serving
from tests.fetched import Answered, get

# Where an API may be: `chalice local`, a stage on AWS, the local cloud.
BASES = ["", "/prod", "/_aws/execute-api/a1b2c3/local"]
FOLDER = PROJECT_DIR / "chalicelib" / "api" / "console_files"
BUDGET = 120 * 1024


@pytest.fixture(scope="module")
def api_url() -> Iterator[str]:
    with serving() as url:
        yield url


def policy_of(answer: Answered) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


def linked(html: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', html)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("path", ["/console", "/console/"])
def test_all_that_the_page_links_is_there_wherever_the_api_is(base: str, path: str) -> None:
    with serving(base) as url:
        page = get(url + path)
        assert page.status == 200
        folder = url + ("/console/" if path.endswith("/") else "/")
        links = linked(page.body)
        assert len(links) > 20
        for link in links:
            asset = get(folder + link.removeprefix("./"))
            assert asset.status == 200, link
            assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_the_page_runs_its_own_scripts_only_and_makes_no_text_into_code(api_url: str) -> None:
    page = get(f"{api_url}/console")
    policy = policy_of(page)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert (
        policy["trusted-types"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    )
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script>" not in page.body
    assert " style=" not in page.body
    assert not re.search(r"\son\w+=", page.body)


def test_the_page_may_ask_the_sign_in_and_nobody_else(api_url: str) -> None:
    itself, sign_in = policy_of(get(f"{api_url}/console"))["connect-src"].split()
    assert (itself, sign_in) == ("'self'", app_module.services.staff_pool.sign_in_origin)
    assert "connect-src 'self' https://sign-in.example;" in console.policy(["https://sign-in.example"])
    assert "connect-src 'self';" in console.policy([])


def test_a_file_is_kept_for_good_under_its_version_only(api_url: str) -> None:
    version = console.version()
    assert get(f"{api_url}/console/app.js").headers["cache-control"] == "no-cache"
    assert get(f"{api_url}/console/app.js?v=0123456789ab").headers["cache-control"] == "no-cache"
    kept = get(f"{api_url}/console/app.js?v={version}")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"] == "text/javascript; charset=utf-8"


def test_a_file_names_the_other_files_by_their_version(api_url: str) -> None:
    for name in ("app.js", "i18n.js", "routes.js"):
        body = get(f"{api_url}/console/{name}?v={console.version()}").body
        named = re.findall(r'"\./([^"]+\.js[^"]*)"', body)
        assert named
        assert all(one.endswith(f".js?v={console.version()}") for one in named)


@pytest.mark.parametrize("path", ["/console", "/console/app.js", "/console/console.css"])
def test_what_a_browser_has_is_not_sent_again(api_url: str, path: str) -> None:
    etag = get(api_url + path).headers["etag"]
    again = get(api_url + path, **{"If-None-Match": etag})
    assert (again.status, again.body) == (304, "")
    assert get(api_url + path, **{"If-None-Match": 'W/"another"'}).status == 200


@pytest.mark.parametrize("name", ["none.js", "..", "console.html", "%2e%2e%2fopenapi.json"])
def test_no_other_file_is_served(api_url: str, name: str) -> None:
    assert get(f"{api_url}/console/{name}").status == 404


def test_all_code_and_style_is_small_when_it_is_sent() -> None:
    sizes = {
        path.name: len(gzip.compress(path.read_bytes(), 9))
        for path in FOLDER.iterdir()
        if path.suffix in (".js", ".css", ".html", ".svg")
    }
    assert sum(sizes.values()) <= BUDGET, sizes


def test_a_word_is_there_in_both_languages_and_no_other() -> None:
    keys = {
        name: re.findall(r'^  "([^"]+)": ', (FOLDER / f"{name}.js").read_text(), re.MULTILINE) for name in ("en", "fr")
    }
    assert len(keys["en"]) > 400
    assert keys["en"] == keys["fr"]
    assert len(set(keys["en"])) == len(keys["en"])


def test_every_word_that_a_file_asks_for_is_there() -> None:
    words = set(re.findall(r'^  "([^"]+)": ', (FOLDER / "en.js").read_text(), re.MULTILINE))
    for path in FOLDER.glob("*.js"):
        if not path.name.startswith(("vendor-", "en.", "fr.")):
            asked = set(re.findall(r'\bt\("([^"]+)"', path.read_text()))
            assert asked <= words, path.name


def test_no_file_of_ours_makes_markup_of_text() -> None:
    for path in FOLDER.glob("*.js"):
        if not path.name.startswith("vendor-"):
            text = path.read_text()
            for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
                assert sink not in text, path.name
            assert "http://" not in text
            assert "https://" not in text
