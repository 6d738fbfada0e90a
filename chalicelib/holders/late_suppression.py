"""Suppressions that were put off: what SES told is kept already, and a message of the feedback queue has the rest."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.aws.queues import GroupedBody, message
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.long_step import LongStep
from chalicelib.ledger.times import sortable


@dataclass(frozen=True, slots=True)
class LateSuppression(LongStep):
    """A suppression of an address that is still to be made."""

    suppressed: Suppressed


def pack(late: LateSuppression) -> str:
    """Return the suppression as the body of a message, in the bank's message group."""
    (bank, digest), suppressed = late.address, late.suppressed
    times = {"since": suppressed.since, "until": suppressed.until, "began_at": late.began_at}
    content = {"bank": bank, "address": digest, "reason": suppressed.reason}
    content |= {name: sortable(at) for name, at in times.items() if at}
    return GroupedBody.of(message({"suppression": content}), bank)


def unpack(body: str) -> LateSuppression | None:
    """Return the suppression in a message, None for another message; any exception for one that can't be read."""
    content: Any = json.loads(body) if body.startswith('{"suppression":') else None
    if content is None:
        return None
    found = content["suppression"]
    times = {name: datetime.fromisoformat(found[name]) for name in ("since", "until", "began_at") if name in found}
    suppressed = Suppressed(str(found["reason"]), times["since"], times.get("until"))
    address = Address(str(found["bank"]), str(found["address"]))
    return LateSuppression(address, suppressed, began_at=times.get("began_at"))
