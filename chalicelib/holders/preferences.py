"""The holder's preferences: whether a holder is notified of a transaction now, later, or not at all."""

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
    """Notify the holder now."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Don't notify the holder; `preference` is the name of the preference that decides so."""

    preference: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Notify the holder, but not before `until` (UTC); `preference` is the name of the preference that decides so."""

    until: datetime
    preference: str


# Reasons for which `decide` leaves out an ordinary e-mail, and no security alert.
NOT_OF_ALERTS = ("min_amount", "muted", "types")


def decide(
    preferences: Mapping[str, Any],
    timezone: str,
    transaction: Transaction,
    kind: str,
    now: datetime,
) -> Tell | Skip | Wait:
    """Return whether and when a holder in this time zone gets an e-mail of this `kind` about the transaction.

    The first rule that applies decides:

    1. A security alert is sent now, unless `alerts` is false. All other preferences concern ordinary transactions.
    2. `muted`: the holder gets no e-mail.
    3. `types`: no e-mail about a type that isn't in the list.
    4. `min_amount`: no e-mail about less than the minimum in the transaction's currency, if there is one.
    5. `quiet_hours`: the e-mail waits until they are over.
    """
    if kind == SECURITY_ALERT:
        return Skip("alerts") if preferences.get("alerts") is False else Tell()
    if preferences.get("muted"):
        return Skip("muted")
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
    """Return when the quiet hours end (UTC), if it is quiet now; None if it isn't.

    It is quiet while the local time is at or after `from` and before `to`. If `to` is earlier than `from`, the quiet
    hours go over midnight; if both are the same, there are none. When the clock is put forward past `to`, they end at
    that moment; when it is put back, an hour that comes twice is quiet twice.
    """
    start, end = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"])
    zone = ZoneInfo(timezone)
    moment = now.astimezone(UTC)
    while _is_between(start, end, (wall := moment.astimezone(zone).replace(tzinfo=None)).time()):
        ends = datetime.combine(wall, end)
        if ends <= wall:
            ends += timedelta(days=1)
        end_without_shift = moment + (ends - wall)
        moment = _first_shift(zone, moment, end_without_shift) or end_without_shift
    return moment if moment > now else None


def _is_between(start: time, end: time, shown: time) -> bool:
    return start <= shown < end if start <= end else shown >= start or shown < end


def _first_shift(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Return when the zone's offset from UTC changes between the two moments; None if it is the same at both."""
    before = zone.utcoffset(after.astimezone(zone))
    if zone.utcoffset(until.astimezone(zone)) == before:
        return None
    # A binary search: offsets change at whole seconds.
    same, shifted = math.floor(after.timestamp()), math.ceil(until.timestamp())
    while shifted - same > 1:
        middle = (same + shifted) // 2
        if zone.utcoffset(datetime.fromtimestamp(middle, zone)) == before:
            same = middle
        else:
            shifted = middle
    return datetime.fromtimestamp(shifted, UTC)
