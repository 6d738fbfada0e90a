"""Measures the console: its bytes, how soon it shows something, and how often it asks the API.

python -m tests.console.figures
"""

import gzip
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import launch
from tests.console.gallery import open_page
from tests.console.pages import requests
from tests.console.server import Served, serving

FOLDER = Path("chalicelib/api/console_files")
LOADS = 7


def sizes() -> dict[str, int]:
    """Return the compressed bytes of what a browser loads in one language, of libraries and of the console's own."""
    found = {"libraries": 0, "own scripts": 0, "styles": 0, "page": 0}
    kinds = {".js": "own scripts", ".css": "styles", ".html": "page"}
    for path in FOLDER.iterdir():
        if path.suffix in kinds and path.name != "fr.js":
            kind = "libraries" if path.name.startswith("vendor-") else kinds[path.suffix]
            found[kind] += len(gzip.compress(path.read_bytes(), 9))
    return found


def paints(browser: Browser, served: Served) -> tuple[float, float]:
    """Return the seconds to the first paint and to the first figures, from the return of the sign-in page on."""
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    page.goto(served.url)
    page.locator(".figure").first.wait_for()
    first = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    figures = page.evaluate("() => Math.max(...performance.getEntriesByType('resource').map((one) => one.responseEnd))")
    context.close()
    return first / 1000, figures / 1000


def requests_a_minute(browser: Browser, served: Served, idle: bool) -> int:
    """Return how many requests of the API a console on Today sends in a minute."""
    page = open_page(browser, "wide", "light", "en")
    page.goto(served.url)
    page.locator(".figure").first.wait_for()
    page.mouse.move(5, 5)
    for _ in range(45 if idle else 0):
        page.clock.run_for(4_000)
        time.sleep(0.02)
    before = len(requests(served, "/staff/"))
    for step in range(60):
        if not idle:
            page.mouse.move(5 + step, 5)
        page.clock.run_for(1_000)
        time.sleep(0.05)
    asked = len(requests(served, "/staff/")) - before
    page.context.close()
    return asked


def main() -> int:
    """Print the figures."""
    print({**sizes(), "all": sum(sizes().values())})
    with sync_playwright() as playwright, serving() as served:
        browser = launch(playwright)
        measured = [paints(browser, served) for _ in range(LOADS)]
        for name, values in zip(("first paint", "first figures"), zip(*measured, strict=True), strict=True):
            print(f"{name}: median {statistics.median(values):.2f} s, worst of {LOADS} {max(values):.2f} s")
        for idle in (False, True):
            print(f"requests a minute, {'idle' if idle else 'busy'}: {requests_a_minute(browser, served, idle)}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
