"""What a holder's preferences say of one transaction: told now, not told, or told when the quiet hours are over."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.ledger.transaction import Transaction

SECURITY_ALERT = "security_alert"


@dataclass(frozen=True, slots=True)
class Tell:
    """The holder is to be told now."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The holder is not to be told; `preference` is the one that says so."""

    preference: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The holder is to be told, but not before `until` (UTC); `preference` is the one that says so."""

    until: datetime
    preference: str


def decide(
    preferences: Mapping[str, Any],
    timezone: str,
    transaction: Transaction,
    kind: str,
    now: datetime,
) -> Tell | Skip | Wait:
    """Return whether, and when, a holder in this time zone is to be told of the transaction by an e-mail of this kind.

    The first of these that applies:

    1. `muted`: nothing is told, security alerts neither.
    2. A security alert is told at once: what follows speaks of ordinary transactions, and what is more specific wins.
    3. `types`: a type that isn't listed is not told.
    4. `min_amount`: less than the minimum in the transaction's own currency is not told; without one, all is.
    5. `quiet_hours`: what is told waits until they are over.
    """
    if preferences.get("muted"):
        return Skip("muted")
    if kind == SECURITY_ALERT:
        return Tell()
    if "types" in preferences and transaction.type not in preferences["types"]:
        return Skip("types")
    minimum = preferences.get("min_amount", {}).get(transaction.currency)
    if minimum is not None and transaction.amount < Decimal(minimum):
        return Skip("min_amount")
    if "quiet_hours" in preferences:
        until = quiet_until(preferences["quiet_hours"], timezone, now)
        if until is not None:
            return Wait(until, "quiet_hours")
    return Tell()


def quiet_until(hours: Mapping[str, str], timezone: str, now: datetime) -> datetime | None:
    """Return the moment (UTC) at which the quiet hours that are on now end, None when none are on.

    They are on as long as a clock on the holder's wall shows `from` or later, and not yet `to`: over midnight when
    `to` is the earlier one, and never when both are the same. So an hour that the clock skips in spring ends them at
    once if they were to end within it, and one that it shows twice in autumn is quiet twice.
    """
    start, end = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"])
    zone = ZoneInfo(timezone)
    moment = now.astimezone(UTC)
    while _is_between(start, end, (wall := moment.astimezone(zone).replace(tzinfo=None)).time()):
        ends = datetime.combine(wall, end)
        if ends <= wall:
            ends += timedelta(days=1)
        straight = moment + (ends - wall)
        moment = _first_shift(zone, moment, straight) or straight
    return moment if moment > now else None


def _is_between(start: time, end: time, shown: time) -> bool:
    return start <= shown < end if start <= end else shown >= start or shown < end


def _first_shift(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return when the zone's offset changes between the two moments, None if it is the same at both."""
    before = zone.utcoffset(after.astimezone(zone))
    if zone.utcoffset(until.astimezone(zone)) == before:
        return None
    # Zones shift at whole seconds.
    same, shifted = math.floor(after.timestamp()), math.ceil(until.timestamp())
    while shifted - same > 1:
        middle = (same + shifted) // 2
        if zone.utcoffset(datetime.fromtimestamp(middle, zone)) == before:
            same = middle
        else:
            shifted = middle
    return datetime.fromtimestamp(shifted, UTC)
