"""A browser on the console, and what it may not do there: break the content policy, or keep people out."""

import base64
import functools
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Watched
from tests.console.gallery import open_page
from tests.console.server import Served, serving
from tests.console.sign_in import CLIENT

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}

Open = Callable[..., Page]


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def _come_back(page: Page, served: Served, address: str) -> None:
    """Open the console as the sign-in page sends a member back to it.

    To load it first only to leave for the sign-in page takes as long again. What proves the code (PKCE) is kept while
    the member is away, in the form of oidc-client-ts.
    """
    verifier, state = secrets.token_hex(48), secrets.token_hex(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": CLIENT, "redirect_uri": served.url, "response_type": "code", "state": state}
    config = served.sign_in.config()
    kept = {
        "id": state,
        "created": int(served.sign_in.now),
        "request_type": "si:r",
        "data": address,
        "authority": config["issuer"],
        "client_id": CLIENT,
        "redirect_uri": served.url,
        "scope": "openid email profile",
        "code_verifier": verifier,
    }
    keep = f"sessionStorage.setItem({json.dumps(f'oidc.{state}')}, {json.dumps(json.dumps(kept))})"
    page.add_init_script(f"if (location.search.includes({json.dumps(state)})) {keep}")
    page.goto(served.sign_in.authorize({**asked, "code_challenge": challenge, "code_challenge_method": "S256"}))


@contextmanager
def opened(
    browser: Browser,
    served: Served,
    address: str = "",
    *,
    member: str = "ines",
    size: str = "wide",
    scheme: str = "light",
    language: str = "en",
    leaves_to_sign_in: bool = False,
) -> Iterator[Page]:
    """Yield a page on which the member is signed in; at the end, its console has said nothing.

    The page has left for the sign-in page by itself if `leaves_to_sign_in`; else the test has in its place.
    """
    served.sign_in.member = member
    page = open_page(browser, size, scheme, language)
    watched = Watched(page)
    if leaves_to_sign_in:
        page.goto(served.url + address)
    else:
        _come_back(page, served, address)
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".waiting")).to_have_count(0)
    yield page
    # The browser itself tells of each answer of 400 and above; a broken policy is told too.
    assert [said for said in watched.said if not said.startswith("Failed to load resource")] == []
    page.context.close()


@pytest.fixture(scope="module")
def reading(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """What gives the page in a language, one for all tests of a file: they ask its modules, and leave it as it is."""
    with ExitStack() as kept:

        @functools.cache
        def page(language: str) -> Page:
            return kept.enter_context(opened(browser, kept.enter_context(serving()), language=language))

        yield page


def until(page: Page, holds: Callable[[], object]) -> None:
    """Wait until something holds that the page brings about, and shows nowhere: a request, most often.

    It takes as long as it takes: what comes in 20 milliseconds here needs a second on a machine that does other work.
    """
    for _ in range(500):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("It did not come about within 10 seconds.")


def requests(served: Served, part: str) -> list[str]:
    """Return the requests so far that have this part in their method and path."""
    return [one for one in served.asked if part in one]


def violations(page: Page) -> list[str]:
    """Return what axe finds: the rule, and the first element that breaks it."""
    page.evaluate(_AXE)
    found: list[dict[str, Any]] = page.evaluate("async rules => (await axe.run(document, rules)).violations", _RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0]['any'][:1]}" for one in found]


def _module(page: Page, name: str) -> str:
    """Return the URL of one of the console's modules, in the page's version."""
    return str(page.locator(f'link[href*="/{name}?"]').evaluate("one => one.href"))


def in_module(page: Page, name: str, call: str, given: Any) -> Any:
    """Return what an expression on a module of the page, `m`, and on what is given, `x`, comes to."""
    return page.evaluate(
        f"async ([url, x]) => {{ const m = await import(url); return {call}; }}", [_module(page, name), given]
    )
