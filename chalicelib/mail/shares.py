"""How the banks share SES's send rate. Pure: `book` says what a bank gets, and what is booked then.

Each bank that has something to send gets an equal share of the rate. Of a bank's share, alerts get three quarters and
ordinary mail one quarter while both have something to send. So a bank whose settings make everything an alert gets no
more than any other bank, and its ordinary mail still moves. What a bank doesn't use, the others use.

All e-mails are sent one after the other, at the time that `booked_until` says. Besides, each flow (a bank's alerts, or
its other e-mails) is booked at the rate of its share. It may book

- as long as the flow has nothing booked, whatever the others have booked: this is its floor;
- as long as little is booked, its own and in all;
- when nothing at all is booked: nobody else wants the time.

A booking is of one second's share at most, and of one e-mail at least. So with n banks, the time that is booked stays
below `longest_queue_s`.
"""

import dataclasses
import math
from collections.abc import Mapping
from enum import StrEnum

# What a flow books ahead of now, at most, beyond its floor.
AHEAD_S = 1.0
# A flow that asked so lately has something to send: what finds no time comes back in between.
ACTIVE_FOR_S = 3.0
_SECOND_MS = 1000


class Lane(StrEnum):
    """Which of a bank's e-mails; the values are stored."""

    ALERTS = "alerts"
    ORDINARY = "mail"

    @property
    def part(self) -> float:
        """The part of its bank's share that it gets while the other lane has something to send too."""
        return 0.75 if self is Lane.ALERTS else 0.25

    @property
    def other(self) -> "Lane":
        return Lane.ORDINARY if self is Lane.ALERTS else Lane.ALERTS


@dataclasses.dataclass(frozen=True, slots=True)
class Flow:
    """Until when a flow is booked, and when it asked last, in milliseconds since 1970."""

    until_ms: int
    asked_ms: int

    def is_active(self, now_ms: int) -> bool:
        return self.until_ms > now_ms or self.asked_ms > now_ms - ACTIVE_FOR_S * _SECOND_MS


@dataclasses.dataclass(frozen=True, slots=True)
class Booked:
    """What is booked: in all, and by flow. `version` counts the changes."""

    until_ms: int = 0
    flows: Mapping[tuple[str, Lane], Flow] = dataclasses.field(default_factory=dict)
    version: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Grant:
    """How many e-mails may be sent, none included, from when on; and what is booked then."""

    count: int
    start_ms: int
    booked: Booked


def share(booked: Booked, bank: str, lane: Lane, rate: float, now_ms: int) -> float:
    """Return how many e-mails a second the bank's lane may send, of `rate` in all."""
    banks = {of for (of, _), flow in booked.flows.items() if flow.is_active(now_ms)} | {bank}
    other = booked.flows.get((bank, lane.other))
    part = lane.part if other is not None and other.is_active(now_ms) else 1.0
    return rate / len(banks) * part


def book(booked: Booked, bank: str, lane: Lane, count: int, rate: float, now_ms: int) -> Grant:
    """Book time for at most `count` e-mails of a bank's lane, at `rate` e-mails a second in all."""
    flows = {key: flow for key, flow in booked.flows.items() if flow.is_active(now_ms)}
    own_rate = share(booked, bank, lane, rate, now_ms)
    until_ms = max(now_ms, flows[bank, lane].until_ms) if (bank, lane) in flows else now_ms
    start_ms = max(now_ms, booked.until_ms)
    latest_ms = now_ms + AHEAD_S * _SECOND_MS
    is_free = until_ms == now_ms or start_ms == now_ms or max(until_ms, start_ms) <= latest_ms
    granted = min(count, max(1, math.floor(own_rate))) if is_free else 0
    if granted:
        # Nobody else wanted what a flow got beyond its share: it doesn't owe more than that for long.
        until_ms = min(until_ms, math.ceil(latest_ms)) + math.ceil(granted * _SECOND_MS / own_rate)
    flows[bank, lane] = Flow(until_ms, now_ms)
    booked_until_ms = start_ms + math.ceil(granted * _SECOND_MS / rate)
    return Grant(granted, start_ms, Booked(booked_until_ms, flows, booked.version + 1))


def longest_queue_s(banks: int, rate: float) -> float:
    """Return a bound of the time that is booked when so many banks send: a booking begins at most so late.

    Worst is that all begin at once: the first books two seconds, the second half a second of its half, and so on, each
    of them in both lanes, and one e-mail at least.
    """
    return 1 + AHEAD_S + 2 * sum(1 / number for number in range(1, banks + 1)) + 2 * banks / rate
