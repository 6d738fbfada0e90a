"""Postings: the request bodies of a run, and the right answers to each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """An HTTP status, with the stable `code` of the problem document where there is one."""

    status: int
    code: str = ""

    def __str__(self) -> str:
        return f"{self.status} {self.code}".rstrip()


CREATED = Answer(201)
QUEUED = Answer(202)
REPLAYED = Answer(200)
CONFLICT = Answer(409, "transaction_conflict")
# A 200 without the header that marks a replay, so it is no right answer.
UNMARKED = Answer(200, "without_replay_header")
# An item of a batch that was not recorded and should be sent again, like a single posting after a 503.
RETRY = Answer(503, "retry")
# A batch's answer in which `counts` and `results` disagree.
COUNTS_DIFFER = Answer(200, "counts_differ")
NO_ANSWER = Answer(0, "no_answer")

NEW = frozenset({CREATED})
NEW_OR_KNOWN = frozenset({CREATED, REPLAYED})


@dataclass(frozen=True, slots=True)
class Posting:
    """One request body, and the right answers to it where the service does not queue it.

    `repeats` says that an earlier posting has the same id: that one must be answered first.
    """

    body: bytes
    id: str
    account: str
    expected: frozenset[Answer]
    repeats: bool = False

    @property
    def is_valid(self) -> bool:
        """Whether the body should pass the schema."""
        return all(answer.status != 400 for answer in self.expected)


def to_bytes(body: Mapping[str, Any]) -> bytes:
    """Return the body as JSON. A Decimal at the top level is a number with exactly its digits."""
    members = (
        f"{json.dumps(name)}: {f'{value:f}' if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)}"
        for name, value in body.items()
    )
    return f"{{{', '.join(members)}}}".encode()
