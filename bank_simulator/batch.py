"""Many postings in one request, and what the answer to it says of each."""

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
    """What each posting was answered, as if it had been sent alone, and whether the batch's counts say the same."""

    of_postings: list[Answer]
    counts_agree: bool = True


def to_body(postings: Sequence[Posting]) -> bytes:
    """Return the request's body; each posting's own bytes are in it as they are."""
    return b'{"transactions": [' + b", ".join(posting.body for posting in postings) + b"]}"


def breaks(posting: Posting) -> bool:
    """Whether the posting is so wrong that a batch around it could not be read."""
    try:
        json.loads(posting.body)
    except ValueError:
        return True
    return False


def answers(postings: Sequence[Posting], reply: Reply, respond_async: bool) -> Answers:
    """Return what the reply says of each posting, in their order.

    A batch refused as a whole refuses each posting; a result that is not that of its posting is 200 malformed_results.
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
