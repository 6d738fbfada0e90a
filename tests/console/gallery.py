"""Takes pictures of every view of the console for docs/console/, with a headless Chromium.

The bank, its staff and its transactions are samples: `make console-gallery` runs it.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import launch
from tests.console.server import Served, serving
from tests.console.world import NOW

FOLDER = Path("docs/console")
SIZES = {"wide": (1366, 900), "phone": (360, 740)}
TAKEN = [("wide", "light", "en"), ("phone", "dark", "fr")]
# Views that are also taken in the other light.
BOTH = {"today", "cases", "case"}


def _trial(page: Page) -> None:
    page.get_by_role("button", name="Change").or_(page.get_by_role("button", name="Changer")).click()
    page.locator("#velocity-count").fill("10")
    page.locator(".trial button[type=submit]").click()
    page.locator(".trial table").wait_for()


VIEWS: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "today": ("#/today", None),
    "search": ("#/search?account=237-0041-8823", None),
    "transaction": ("#/transactions/card-88120", None),
    "cases": ("#/cases", None),
    "case": ("#/cases/card-88120", lambda page: page.keyboard.press("c")),
    "account": ("#/accounts/237-0041-8823", None),
    "holder": ("#/accounts/237-0041-8823/holders/paul", None),
    "flags": ("#/flags", None),
    "trial": ("#/flags", _trial),
    "webhooks": ("#/webhooks", None),
    "audit": ("#/audit", None),
    "quota": ("#/quota", None),
}


def open_page(browser: Browser, size: str, scheme: str, language: str) -> Page:
    """Return a page of this size, in this light and language, at the samples' time."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale={"en": "en-GB", "fr": "fr-CM"}[language],
        timezone_id="Africa/Douala",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.clock.install(time=NOW)
    return page


def show(page: Page, served: Served, view: str) -> None:
    """Open a view, signed in, and wait until all of it is there."""
    address, then = VIEWS[view]
    page.goto(f"{served.url}{address}")
    page.locator("main h1").wait_for()
    page.wait_for_function("() => !document.querySelector('.waiting')")
    if then:
        then(page)
        page.wait_for_timeout(100)
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")


def main(folder: Path = FOLDER) -> int:
    """Write a picture of every view to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        taken = [(view, *one) for view in VIEWS for one in TAKEN]
        taken += [(view, *one) for view in sorted(BOTH) for one in (("wide", "dark", "fr"), ("phone", "light", "en"))]
        for view, size, scheme, language in taken:
            with serving() as served:
                served.sign_in.member = "adam"
                page = open_page(browser, size, scheme, language)
                show(page, served, view)
                page.screenshot(path=folder / f"{view}-{size}-{scheme}.png", full_page=True)
                page.context.close()
        browser.close()
    print(f"{folder}: {len(taken)} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
