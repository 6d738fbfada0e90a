"""Batches: many postings in one request, and the answer to each of them."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from bank_simulator.bank_api import Reply, code_word
from bank_simulator.postings import CREATED, QUEUED, REPLAYED, RETRY, Answer, Posting

PATH = "/transactions/batch"
MAX_BATCH = 500
PREFER_ASYNC = {"prefer": "respond-async"}

_PLAIN = {"created": CREATED, "replayed": REPLAYED, "queued": QUEUED, "retry": RETRY}
_REFUSALS = {"conflict": 409, "invalid": 400}
_MALFORMED = "malformed_results"


class Answers(NamedTuple):
    """The answer to each posting, in the form of a single POST's, and whether the batch's counts agree with them."""

    of_postings: list[Answer]
    counts_agree: bool = True


def to_body(postings: Sequence[Posting]) -> bytes:
    """Return the request's body, which contains each posting's bytes unchanged."""
    return b'{"transactions": [' + b", ".join(posting.body for posting in postings) + b"]}"


def breaks(posting: Posting) -> bool:
    """Whether the posting is no JSON, so that a batch with it can't be read."""
    try:
        json.loads(posting.body)
    except ValueError:
        return True
    return False


def answers(postings: Sequence[Posting], reply: Reply, respond_async: bool) -> Answers:
    """Return the reply's answer to each posting, in their order.

    A batch that is refused as a whole is the refusal of each posting. A result that does not belong to its posting is
    200 malformed_results.
    """
    status = reply.answer.status
    if not 200 <= status < 300:
        return Answers([reply.answer] * len(postings))
    malformed = Answer(status, _MALFORMED)
    applied = reply.headers.get("preference-applied")
    if (status, applied) != ((202, "respond-async") if respond_async else (200, None)):
        return Answers([malformed] * len(postings))
    try:
        body = json.loads(reply.data)
        results, counts = body["results"], body["counts"]
        statuses = Counter(result["status"] for result in results)
        counts_agree = {name: count for name, count in counts.items() if count} == statuses
    except (ValueError, KeyError, TypeError, AttributeError):
        return Answers([malformed] * len(postings))
    if len(results) != len(postings):
        return Answers([malformed] * len(postings), counts_agree)
    found = [_answer(result, index, postings[index]) or malformed for index, result in enumerate(results)]
    return Answers(found, counts_agree)


def _answer(result: dict[str, Any], index: int, posting: Posting) -> Answer | None:
    status, its_id = result["status"], result.get("id")
    if result.get("index") != index or not (its_id == posting.id or (its_id is None and status == "invalid")):
        return None
    if status in _REFUSALS:
        return Answer(_REFUSALS[status], code_word(result.get("code")))
    return _PLAIN.get(status)
