"""The search for the worst body: what it compares with is ordinary, and what it tries fits into a request."""

import random

import pytest

from bench import bodies
from chalicelib.api import batch, json_body
from chalicelib.api.batch import Loaded, load_item


def test_the_ordinary_body_uses_every_text_field_to_its_end_and_is_taken() -> None:
    body = bodies.ordinary(batch.MAX_BYTES)
    assert 0.7 * batch.MAX_BYTES < len(body) <= batch.MAX_BYTES
    items = batch.items_of(json_body.parse_json(body, "application/json", batch.MAX_BYTES))
    found = [load_item(item, bodies.BANK, bodies.NOW, is_strict=True, may_be_large=True) for item in items[:3]]
    assert len(items) == batch.MAX_ITEMS
    assert all(isinstance(one, Loaded) for one in found), found


@pytest.mark.parametrize("shape", bodies.SHAPES)
@pytest.mark.parametrize("pieces", [("4", " "), ("carte ", "\uff14", "FR76")])
def test_a_candidate_fills_a_request_and_not_more(shape: str, pieces: tuple[str, ...]) -> None:
    for size in (256 * 1024, batch.MAX_BYTES):
        body = bodies.Candidate(shape, pieces).body(size)
        assert size / 8 < len(body) <= size


def test_the_search_finds_a_dearer_body_than_an_ordinary_one() -> None:
    (cost, candidate), *_ = bodies.search(2, random.Random(1))
    assert candidate.shape in bodies.SHAPES
    assert cost > bodies.cpu_s(bodies.ordinary(256 * 1024), 3)
