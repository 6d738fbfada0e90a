"""The benchmark of the mailer: what it compares does the same work."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import mails

PROJECT = Path(__file__).parents[2]


class KeepingSes(mails.StubSes):
    """Keeps whom it was told to send what."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []

    def send_email(self, **call: Any) -> dict[str, Any]:
        (address,) = call["Destination"]["ToAddresses"]
        self.sent.append((address, call["Content"]["Simple"]["Body"]["Html"]["Data"]))
        return super().send_email(**call)

    def send_bulk_email(self, **call: Any) -> dict[str, Any]:
        for entry in call["BulkEmailEntries"]:
            (address,) = entry["Destination"]["ToAddresses"]
            data = entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
            self.sent.append((address, json.loads(data)["html"]))
        return super().send_bulk_email(**call)


@pytest.mark.parametrize(("work", "calls"), [(mails.ours, 2), (mails.naive, 100)])
def test_each_mailer_tells_all_hundred_of_their_own_amounts(work: Callable[[Any], Any], calls: int) -> None:
    ses = KeepingSes()
    work(ses)()
    assert ses.calls == calls
    assert len(ses.sent) == 100
    assert {address for address, _ in ses.sent} == {"grace@example.com"}
    for one, (_, html) in zip(mails.transactions(), ses.sent, strict=True):
        assert f"{one.amount:,}" in html
        assert one.id in html


def test_the_wait_for_ses_is_added_for_each_call_and_the_figures_follow() -> None:
    alone, with_ses = mails._notifications(1)
    assert with_ses.measured == pytest.approx(alone.measured + 2 * mails.SES_ANSWERS_S)
    assert with_ses.beside_measured == pytest.approx(alone.beside_measured + 100 * mails.SES_ANSWERS_S)
    assert (alone.target, with_ses.target) == (0.35, 0.05)
    for line in (alone, with_ses):
        assert line.figure == pytest.approx(line.measured / line.beside_measured)


def test_the_command_says_what_it_can_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.mails", "--help"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "--quick" in done.stdout
