"""The code that says which of its statements are reached does what it did before."""

import builtins
from typing import Any

import pytest

from mutants.instrumented import instrumented

SOURCE = b'''"""Text."""

from __future__ import annotations


def sign(number):
    """Text."""
    if number < 0:
        return -1
    elif number > 0:
        return 1
    try:
        raise ValueError
    except ValueError:
        return 0
'''


@pytest.mark.parametrize(("number", "reached"), [(-5, {8, 9}), (5, {8, 10, 11}), (0, {8, 10, 12, 13, 15})])
def test_it_notes_the_lines_that_are_reached(number: int, reached: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    noted: dict[str, set[int]] = {}
    monkeypatch.setattr(builtins, "_mutants_reached", noted, raising=False)
    module: dict[str, Any] = {}
    exec(instrumented(SOURCE, "sign.py"), module)

    assert module["sign"](number) == (number > 0) - (number < 0)
    assert noted == {"sign.py": reached}


def test_in_a_process_that_notes_nothing_it_does_the_same() -> None:
    module: dict[str, Any] = {}
    exec(instrumented(SOURCE, "sign.py"), module)

    assert module["sign"](3) == 1
