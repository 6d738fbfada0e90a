"""Suppressions that were put off: what SES told is kept already, and a message of the feedback queue has the rest."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib.aws.queues import GroupedBody, message
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.ledger.times import sortable

# A table that throttles, or is down, is back within hours.
TRIED_FOR = timedelta(days=1)


class LateSuppression(NamedTuple):
    """A suppression of an address that is still to be made, and since when it is tried.

    `began_at` is None for one that was not tried yet, or was set aside.
    """

    address: Address
    suppressed: Suppressed
    began_at: datetime | None = None

    def is_too_old(self, now: datetime) -> bool:
        return self.began_at is not None and now - self.began_at > TRIED_FOR

    def begun(self, now: datetime) -> "LateSuppression":
        return self if self.began_at else self._replace(began_at=now)

    def set_aside(self) -> "LateSuppression":
        return self._replace(began_at=None)


def pack(late: LateSuppression) -> str:
    """Return the suppression as the body of a message, in the bank's message group."""
    (bank, digest), suppressed, began_at = late
    times = {"since": suppressed.since, "until": suppressed.until, "began_at": began_at}
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
    return LateSuppression(Address(str(found["bank"]), str(found["address"])), suppressed, times.get("began_at"))
