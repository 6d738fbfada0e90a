"""The gallery of e-mails, in a real browser; and how the e-mails hold up in one."""

import dataclasses
import struct
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chalicelib.holders.conventions import masked, short_day
from chalicelib.mail.transaction_mail import render
from mail_gallery import __main__ as command
from mail_gallery.samples import BANK, KINDS, READERS, STORIES, sample
from tests.browser import browser  # noqa: F401

DOCS = Path(__file__).parents[2] / "docs"
NARROWEST = 320


def test_without_a_browser_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([], find=lambda _: None) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no Chromium" in line
    assert "apt-get install chromium" in line


def test_a_browser_that_does_not_start_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    arguments = ["--folder", str(tmp_path), "--kind", "debit"]
    assert command.main(arguments, find=lambda _: str(broken)) == 1
    assert str(broken) in capsys.readouterr().err.splitlines()[-1]


def test_a_sheet_shows_every_language_width_and_scheme(browser: Browser, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "sheet.png").write_bytes(command.sheet(browser, "debit"))
    width, height = struct.unpack(">II", (tmp_path / "sheet.png").read_bytes()[16:24])
    shown = [view for locale in READERS for view in command.VIEWS[locale]]
    assert {device for device, _ in shown} == set(command.WIDTHS)
    assert {scheme for _, scheme in shown} == {"light", "dark"}
    assert width > sum(command.WIDTHS[device] * command.SCALE for device, _ in shown)
    assert height > 300


def test_the_pictures_in_the_docs_are_of_every_kind_and_not_too_large() -> None:
    pictures = {path.stem: path.stat().st_size for path in (DOCS / "emails").glob("*.png")}
    assert set(pictures) == set(KINDS)
    assert sum(pictures.values()) < 4_800_000
    page = (DOCS / "emails.md").read_text("utf-8")
    for kind in KINDS:
        assert f"(emails/{kind}.png)" in page


@pytest.mark.parametrize("kind", KINDS)
def test_the_narrowest_phone_needs_no_scrolling_sideways(browser: Browser, kind: str) -> None:  # noqa: F811
    mails = [sample(kind, locale) for locale in READERS]
    if kind in STORIES:
        # Nothing to break a line at, wherever a bank's words are shown.
        endless = {"merchant": {"name": "x" * 140, "city": "y" * 100}, "description": "z" * 280}
        story = STORIES[kind]
        story = dataclasses.replace(story, transaction=dataclasses.replace(story.transaction, **endless))
        mails.append(render(story, dataclasses.replace(READERS["fr"], name="n" * 140), BANK * 17))
    for mail in mails:
        with browser.new_page(viewport={"width": NARROWEST, "height": 600}) as page:
            page.set_content(mail.html)
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_asked_of_anybody_when_a_mail_is_opened(browser: Browser, kind: str) -> None:  # noqa: F811
    with browser.new_page() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.set_content(sample(kind, "fr").html, wait_until="networkidle")
        assert asked == []


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(26, 33, 43)")])
def test_the_reader_s_colour_scheme_is_followed(browser: Browser, scheme: str, background: str) -> None:  # noqa: F811
    with browser.new_page(color_scheme=scheme) as page:
        page.set_content(sample("debit", "en").html)
        card = page.locator("table.c")
        assert card.evaluate("element => getComputedStyle(element).backgroundColor") == background


@pytest.mark.parametrize("text", [masked("CM21-1000-4567"), masked("SAVINGS-ACC"), short_day(date(2026, 1, 10), "fr")])
def test_what_belongs_together_stays_on_one_line_where_there_is_no_room(browser: Browser, text: str) -> None:  # noqa: F811
    count = """element => {
        const r = document.createRange(); r.selectNodeContents(element); return r.getClientRects().length }"""
    with browser.new_page() as page:
        page.set_content(f'<p style="width:1px">{text}</p><p style="width:1px">two words</p>')
        together, apart = (page.locator("p").nth(index).evaluate(count) for index in (0, 1))
    assert (together, apart) == (1, 2)


def test_no_amount_of_a_statement_is_cut_in_two_on_a_phone(browser: Browser) -> None:  # noqa: F811
    count = """() => [...document.querySelectorAll('.r td[align=right]')].map(cell => {
        const r = document.createRange(); r.selectNodeContents(cell); return r.getClientRects().length })"""
    for locale in READERS:
        with browser.new_page(viewport={"width": NARROWEST, "height": 100}) as page:
            page.set_content(sample("statement", locale).html)
            lines = page.evaluate(count)
        assert len(lines) > 10
        assert set(lines) == {1}
