"""A browser on the console, and what it may not do there: break the content policy, or keep people out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Watched
from tests.console.gallery import open_page
from tests.console.server import Served, serving

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}

Open = Callable[..., Page]


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


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
) -> Iterator[Page]:
    """Yield a page on which the member is signed in; at the end, its console has said nothing."""
    served.sign_in.member = member
    page = open_page(browser, size, scheme, language)
    watched = Watched(page)
    page.goto(served.url + address)
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".waiting")).to_have_count(0)
    yield page
    # The browser itself tells of each answer of 400 and above; a broken policy is told too.
    assert [said for said in watched.said if not said.startswith("Failed to load resource")] == []
    page.context.close()


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
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, rules)", _RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0]['any'][:1]}" for one in found["violations"]]


def _module(page: Page, name: str) -> str:
    """Return the URL of one of the console's modules, in the page's version."""
    return str(page.locator(f'link[href*="/{name}?"]').evaluate("one => one.href"))


def in_module(page: Page, name: str, call: str, given: Any) -> Any:
    """Return what an expression on a module of the page, `m`, and on what is given, `x`, comes to."""
    return page.evaluate(
        f"async ([url, x]) => {{ const m = await import(url); return {call}; }}", [_module(page, name), given]
    )
