"""The sign of life of commands that work in silence."""

import re
import sys
import time

import pytest

from infra.patience import sign_of_life


def test_a_command_that_says_nothing_is_told_to_work(capsys: pytest.CaptureFixture[str]) -> None:
    with sign_of_life("things", 0.05):
        time.sleep(0.3)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"(things: working, \d+ s …\n)+", err)


def test_in_a_log_the_lines_after_the_first_come_less_often(capsys: pytest.CaptureFixture[str]) -> None:
    with sign_of_life("things", 0.02):
        time.sleep(0.3)
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_command_that_prints_is_left_alone(stream: str, capsys: pytest.CaptureFixture[str]) -> None:
    with sign_of_life("things", 0.5):
        for _ in range(20):
            print("line", file=getattr(sys, stream))
            time.sleep(0.05)
    assert "working" not in capsys.readouterr().err


def test_the_streams_are_as_before_whatever_happens() -> None:
    before = sys.stdout, sys.stderr
    during = []

    def fails() -> None:
        with sign_of_life("things"):
            during.append(sys.stdout)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert during[0] is not before[0]
    assert (sys.stdout, sys.stderr) == before
