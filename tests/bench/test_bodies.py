"""The search for the worst body: what it compares with is ordinary, and what it tries fits into a request."""

import random
import sys
import time
from types import FrameType
from typing import Any

import pytest

from bench import bodies
from chalicelib.api import batch, json_body
from chalicelib.api.batch import Loaded, load_item

SIZE = 256 * 1024
# The dearest of each shape that long searches found.
WORST = (
    bodies.Candidate("misspelt fields of several objects", ("x",)),
    bodies.Candidate("values in an account", ("1.111,", "2026-01-10", "2026-01-10", "0", "RF18")),
    bodies.Candidate(
        "values in the metadata", ("3782 822463 1000", "3782 822463 1000", "RF18 5390 0754 7033 ", "1-1-")
    ),
    bodies.Candidate("values in a merchant", ("550e8400-e29b-41d4-a716-446655440000", "1.111,", "carte")),
    bodies.Candidate("metadata", ("a\u0301",)),
    bodies.Candidate("metadata", ("4112 ",)),
    bodies.Candidate("metadata", ("\u0664 ",)),
    bodies.Candidate("metadata with long names", ("-", "19-200014539/0800", "\u4e8c", "7777 4112 1111 1111 1111 ")),
    bodies.Candidate("short texts", (",", "6011", "7777 4112 1111 1111 1111 ")),
    bodies.Candidate("descriptions", ("4111 1111 1111 111", "_", "\uff14", "FR76", "FR76", "9", "4", "RF18")),
    bodies.Candidate("descriptions", ("\u0301", "\u0316")),
    bodies.Candidate("all fields wrong", ("4112 ",)),
    bodies.Candidate("pairs", ("x", "\u2003")),
)


def test_the_ordinary_body_uses_every_text_field_to_its_end_and_is_taken() -> None:
    body = bodies.ordinary(batch.MAX_BYTES)
    assert 0.7 * batch.MAX_BYTES < len(body) <= batch.MAX_BYTES
    items = batch.items_of(json_body.parse_json(body, "application/json", batch.MAX_BYTES))
    found = [load_item(item, bodies.BANK, bodies.NOW, is_strict=True, may_be_large=True) for item in items[:3]]
    assert len(items) == batch.MAX_ITEMS
    assert all(isinstance(one, Loaded) for one in found), found


@pytest.mark.parametrize("shape", bodies.SHAPES)
@pytest.mark.parametrize("pieces", [("4", " "), ("carte ", "\uff14", "FR76"), ('"', "\\", "\n", "\U0001f4b3")])
def test_a_candidate_fits_a_request(shape: str, pieces: tuple[str, ...]) -> None:
    for size in (SIZE, batch.MAX_BYTES):
        body = bodies.Candidate(shape, pieces).body(size)
        assert size / 20 < len(body) <= size


def calls(body: bytes) -> int:
    """Return how many functions are called to read the body, Python's own among them: the same on every machine."""
    count = 0

    def on_event(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    bodies.read(body)
    sys.setprofile(on_event)
    try:
        bodies.read(body)
    finally:
        sys.setprofile(None)
    return count


def test_no_body_makes_four_times_the_calls_of_an_ordinary_one() -> None:
    # Three times the time: the calls of an ordinary body are longer ones, in longer texts.
    usual = calls(bodies.ordinary(SIZE))
    found = {candidate: calls(candidate.body(SIZE)) / usual for candidate in WORST}
    assert {candidate: ratio for candidate, ratio in found.items() if ratio > 4} == {}


def test_no_body_takes_three_times_the_time_of_an_ordinary_one() -> None:
    usual = bodies.cpu_s(bodies.ordinary(SIZE), 5)
    for candidate in WORST:
        body = candidate.body(SIZE)
        # Other programs can slow one try, and not all of them.
        assert any(bodies.cpu_s(body, 3) <= bodies.MOST * usual for _ in range(4)), candidate


def test_the_search_keeps_the_dearest_of_each_shape_and_ends_in_time() -> None:
    began = time.monotonic()
    found = bodies.search(2, random.Random(1))
    assert time.monotonic() - began < 20
    assert [cost for cost, _ in found] == sorted((cost for cost, _ in found), reverse=True)
    assert len({candidate.shape for _, candidate in found}) == len(found) > 3
