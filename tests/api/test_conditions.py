"""Entity tags and If-Match (RFC 9110)."""

from typing import Any, NamedTuple

import pytest

from chalicelib.api.conditions import check_match, entity_tag
from chalicelib.errors import PreconditionFailed

ANSWER = {"id": "h1", "name": "Awa"}
TAG = entity_tag(ANSWER)
OTHER = entity_tag({"id": "h2"})


class Sent(NamedTuple):
    """A request as far as its headers go."""

    headers: dict[str, str]


def matches(if_match: str | None, answer: dict[str, str] | None = ANSWER) -> bool:
    request: Any = Sent({} if if_match is None else {"if-match": if_match})
    try:
        check_match(request, answer)
    except PreconditionFailed:
        return False
    return True


def test_a_tag_is_of_the_content_and_not_of_its_order() -> None:
    assert TAG == entity_tag({"name": "Awa", "id": "h1"}) != OTHER
    assert TAG[0] == TAG[-1] == '"'
    assert len(TAG) == 34


@pytest.mark.parametrize(
    "if_match",
    [
        None,
        "*",
        " * ",
        TAG,
        f" {TAG} ",
        f"{OTHER}, {TAG}",
        f"{TAG},{OTHER}",
        f",, {OTHER} , ,{TAG},",
        f'W/{OTHER}, "a,b", {TAG}',
        f'"", {TAG}',
    ],
)
def test_what_is_so_still_matches(if_match: str | None) -> None:
    assert matches(if_match)


@pytest.mark.parametrize(
    "if_match",
    [
        "",
        ",",
        OTHER,
        f"W/{TAG}",  # If-Match compares strongly
        f"{OTHER}, W/{TAG}",
        TAG.strip('"'),
        TAG[:-1],
        f"{TAG} {OTHER}",
        f"{TAG};q=1",
        f"w/{TAG}",
        "**",
        f"*, {TAG}",
        TAG.upper(),
        '"' * 8000,
        '"a" ' + " " * 8000,
    ],
)
def test_another_tag_a_weak_one_and_what_is_none_match_nothing(if_match: str) -> None:
    assert not matches(if_match)


@pytest.mark.parametrize(("if_match", "is_match"), [(None, True), ("*", False), (TAG, False), (OTHER, False)])
def test_nothing_matches_what_is_not_there(if_match: str | None, is_match: bool) -> None:
    assert matches(if_match, None) == is_match
