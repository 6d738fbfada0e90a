"""The report of a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from load import report
from load.counting import Account
from load.scenarios import SCENARIOS
from mail_gallery.browsers import find_browser

NOISY = SCENARIOS["noisy"]
ACCOUNT = Account(
    bank="noisy",
    posted=100,
    recorded=100,
    stored=100,
    differences=[],
    told={"sent": 97, "skipped": 3},
    missing=0,
    is_added_up=True,
    answers={"created": 100},
    mail_s=[0.25] * 94 + [2.0] * 3,
    post_ms=[10.0] * 99 + [500.0],
)
LOST = replace(ACCOUNT, bank="<quiet>", stored=99, differences=["t: not stored"], missing=2, is_added_up=False)
LOCUST_PAGE = "<!doctype html><html><body><p>Locust's charts</p></body></html>"


def test_a_row_says_what_became_of_everything() -> None:
    (row,) = report.rows([ACCOUNT])
    assert row == ("noisy", "100", "100", "97 sent, 3 skipped", "exactly", "10 / 10 / 500", "0.25 / 0.25 / 2")


def test_what_is_wrong_stands_out() -> None:
    (row,) = report.rows([LOST])
    assert row[2:5] == ("99, 1 DIFFERENT", "97 sent, 3 skipped, 2 MISSING", "WRONG")
    assert report.as_text(NOISY, 9, [ACCOUNT, LOST]).endswith("NOT all is as it should be.")
    assert report.as_text(NOISY, 9, [ACCOUNT]).endswith("Every transaction is accounted for.")


def test_a_bank_without_holders_has_nobody_to_tell() -> None:
    (row,) = report.rows([replace(ACCOUNT, told={}, mail_s=[])])
    assert (row[3], row[6]) == ("nobody to tell", "-")


def test_the_page_has_the_counts_above_locust_s_charts(tmp_path: Path) -> None:
    if find_browser() is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    locust_page = tmp_path / "locust.html"
    locust_page.write_text(LOCUST_PAGE)
    written = report.write(tmp_path, locust_page, NOISY, 9.04, [ACCOUNT, LOST])
    assert [path.name for path in written] == ["report.json", "report.html", "report.png"]
    page = written[1].read_text()
    assert page.index("97 sent, 3 skipped") < page.index("Locust's charts")
    assert "&lt;quiet&gt;" in page
    assert "<quiet>" not in page
    assert written[2].read_bytes().startswith(b"\x89PNG")
    counts = json.loads(written[0].read_text())
    assert (counts["scenario"], counts["seconds"]) == ("noisy", 9.0)
    assert [one["right"] for one in counts["banks"]] == [True, False]


def test_without_a_browser_there_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_browser", lambda: None)
    (tmp_path / "locust.html").write_text(LOCUST_PAGE)
    written = report.write(tmp_path, tmp_path / "locust.html", NOISY, 9, [ACCOUNT])
    assert [path.name for path in written] == ["report.json", "report.html"]
