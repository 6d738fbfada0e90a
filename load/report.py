"""The report of a run: lines for people, a page with Locust's charts and the counts, and a picture of it."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as BrowserFailed
from playwright.sync_api import sync_playwright

from load.counting import Account
from load.scenarios import Scenario
from mail_gallery.browsers import BROWSER_ARGUMENTS, find_browser

COLUMNS = ("bank", "posted", "stored", "told", "added up", "POST ms p50 / p95 / max", "POST to SES s p50 / p95 / max")
_STYLE = "margin:24px;font:15px Helvetica,Arial,sans-serif;color:#111;background:#fff"
_CELL = "border:1px solid #bbb;padding:4px 10px;text-align:left"


def rows(accounts: Sequence[Account]) -> list[tuple[str, ...]]:
    """Return a row of the table for each bank, in the order of COLUMNS."""
    found = []
    for account in accounts:
        values = account.to_json()
        told = ", ".join(f"{count} {state}" for state, count in sorted(account.told.items())) or "nobody to tell"
        if account.missing:
            told += f", {account.missing} MISSING"
        stored = str(account.stored) + (f", {len(account.differences)} DIFFERENT" if account.differences else "")
        added_up = "exactly" if account.is_added_up else "WRONG"
        times = [_times(values[name]) for name in ("post_ms", "post_to_ses_s")]
        found.append((account.bank, str(account.posted), stored, told, added_up, *times))
    return found


def as_text(scenario: Scenario, seconds: float, accounts: Sequence[Account]) -> str:
    """Return the table as lines for a terminal."""
    table = [COLUMNS, *rows(accounts)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    head = f"{scenario.name}: {sum(one.posted for one in accounts)} transactions in {seconds:.0f} s"
    verdict = (
        "Every transaction is accounted for."
        if all(one.is_right for one in accounts)
        else "NOT all is as it should be."
    )
    return "\n".join([head, *(f"  {line}" for line in lines), verdict])


def write(
    folder: Path, locust_page: Path, scenario: Scenario, seconds: float, accounts: Sequence[Account]
) -> list[Path]:
    """Write `report.json`, `report.html` and, where there is a Chromium, `report.png`; return what was written."""
    counts: dict[str, Any] = {
        "scenario": scenario.name,
        "seconds": round(seconds, 1),
        "banks": [account.to_json() for account in accounts],
    }
    json_path, html_path, picture = (folder / f"report.{kind}" for kind in ("json", "html", "png"))
    json_path.write_text(json.dumps(counts, indent=2) + "\n")
    section = _section(scenario, seconds, accounts)
    html_path.write_text(locust_page.read_text().replace("<body>", f"<body>{section}", 1))
    written = [json_path, html_path]
    executable = find_browser()
    if executable is not None and _photographed(executable, html_path, picture):
        written.append(picture)
    return written


def _section(scenario: Scenario, seconds: float, accounts: Sequence[Account]) -> str:
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in COLUMNS)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows(accounts)
    )
    says = f"{escape(scenario.says)}. {seconds:.0f} seconds."
    return (
        f'<section style="{_STYLE}"><h1>{escape(scenario.name)}</h1><p>{says}</p>'
        f'<table style="border-collapse:collapse"><tr>{head}</tr>{body}</table></section>'
    )


def _photographed(executable: str, page_path: Path, picture: Path) -> bool:
    """Take the picture; return False if the browser can't."""
    try:
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS) as browser,
            browser.new_page(viewport={"width": 1200, "height": 800}) as page,
        ):
            page.goto(page_path.as_uri())
            page.wait_for_timeout(2_000)  # the charts are drawn in steps
            page.screenshot(path=picture, full_page=True)
    except BrowserFailed:
        return False
    return True


def _times(spread: dict[str, float] | None) -> str:
    return "-" if spread is None else f"{spread['p50']:g} / {spread['p95']:g} / {spread['max']:g}"
