"""The holders of the banks' accounts: what they want to hear of and when, and how their records change."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.holders.holder import Holder, load_holder
from simulation.requests import form, request
from simulation.services import SentEmail
from simulation.stage import Stage

_TRIES = 60  # of a request that is refused in passing
ZONES = {"UTC": timedelta(), "Africa/Douala": timedelta(hours=1)}  # zones that never change their clocks
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Enrolled:
    """A holder, and what they want to hear of. `emails` are the addresses, the newest one last; `alias` is what
    notifications name them. `quiet` are the quiet hours in the holder's zone, by the clock: from and to. `must_confirm`
    says that nothing may come to an address before it is confirmed."""

    bank: str
    account: str
    id: str
    emails: list[str]
    types: frozenset[str]
    is_muted: bool
    zone: str
    quiet: tuple[str, str] | None
    statement: str
    must_confirm: bool = False
    alias: str = ""
    has_clicked: bool = False  # to unsubscribe, at any time
    is_unsubscribed: bool = False  # the page said so
    is_moved: bool = False  # the bank was answered that the newest address is stored

    @property
    def name(self) -> str:
        return f"{self.id} of {self.account} of {self.bank}"

    @property
    def zone_offset(self) -> timedelta:
        return ZONES[self.zone]

    def wants(self, type_: str) -> bool:
        """Return whether they are to be told of an ordinary transaction of this type."""
        return not self.is_muted and type_ in self.types

    @property
    def may_bounce(self) -> bool:
        """Whether one of the addresses has no mailbox."""
        return any(email.startswith("bounce") for email in self.emails)

    def is_quiet(self, moment: datetime) -> bool:
        """Return whether the holder is not to be disturbed then."""
        if self.quiet is None:
            return False
        (start, end), clock = self.quiet, f"{moment + self.zone_offset:%H:%M}"
        return start <= clock < end if start <= end else clock >= start or clock < end

    def record(self) -> dict[str, Any]:
        """Return the holder's record as the bank puts it."""
        quiet = {"quiet_hours": dict(zip(("from", "to"), self.quiet, strict=True))} if self.quiet else {}
        return {
            "name": f"Holder-of-{self.account}",
            "email": self.emails[-1],
            "locale": "fr" if self.id == "h0" else "en",
            "timezone": self.zone,
            "preferences": {
                "types": sorted(self.types),
                "muted": self.is_muted,
                "statement": self.statement,
                **quiet,
            },
        }


class Holders:
    """All holders of a run."""

    def __init__(self, stage: Stage, start: datetime) -> None:
        self.all: list[Enrolled] = []
        self._stage = stage
        self._start = start
        self._chance = stage.scheduler.random

    def enrol_some(self, bank: str, account: str, must_confirm: bool) -> None:
        """Enrol up to two holders of an account."""
        for number in range(self._chance.choice((0, 1, 1, 2))):
            holder = self._made_up(bank, account, number)
            holder.must_confirm = must_confirm
            own = self._stage.own
            loaded = load_holder(holder.record(), holder.id, self._start - _DAY)
            own.statement_index.enter(bank, account, loaded, self._start)
            own.enrolment.enrol(bank, account, loaded, must_confirm=must_confirm)
            holder.alias = self.stored(holder).alias
            self.all.append(holder)

    def move_some(self, over_s: float, after_s: float) -> None:
        """Let some holders have another address within so many seconds. Some of these click to unsubscribe just then,
        and some whose address bounces have another one just when that is heard of."""
        for holder in self.all:
            if self._chance.random() < 0.2:
                at = after_s + self._chance.uniform(0, over_s)
                self._stage.scheduler.after(at, self._mover(holder))
                if self._chance.random() < 0.5:
                    soon = at + self._chance.uniform(-0.1, 0.2)
                    self._stage.scheduler.after(soon, partial(self._unsubscribe, holder))
        self._stage.ses.bounced.append(self._move_who_bounces)

    def named(self, bank: str, alias: str) -> Enrolled | None:
        """Return the holder whom notifications name so."""
        return next((one for one in self.all if (one.bank, one.alias) == (bank, alias)), None)

    def stored(self, holder: Enrolled) -> Holder:
        """Return the holder's record as it is now."""
        of_account: list[Holder] = self._stage.own.holders.of_account(holder.bank, holder.account)
        return next(one for one in of_account if one.id == holder.id)

    def move(self, holder: Enrolled, after_s: float) -> None:
        """Let the bank give the holder another address then, if it is the first time."""
        if len(holder.emails) == 1:
            self._stage.scheduler.after(after_s, self._mover(holder))

    def _move_who_bounces(self, email: SentEmail) -> None:
        holder = self.named(email.bank, email.holder)
        if holder is not None and self._chance.random() < 0.5:
            self.move(holder, self._chance.uniform(0, 0.5))

    def _unsubscribe(self, holder: Enrolled) -> None:
        """Let the holder's mail program unsubscribe with one click."""
        link = self._stage.own.links.links_for(holder.bank, holder.account, self.stored(holder)).unsubscribe
        token = str(link).rpartition("/")[2]
        holder.has_clicked = True

        def answered(result: Any, error: Any) -> None:
            # A link to an address that is the holder's no more opens nothing; who is put off doesn't click again.
            holder.is_unsubscribed |= error is None and result["statusCode"] == 200

        sent = form("/preferences/{token}", {"List-Unsubscribe": "One-Click"}, {"token": token})
        self._stage.invoke("api_handler", sent, answered)

    def _made_up(self, bank: str, account: str, number: int) -> Enrolled:
        chance = self._chance
        types = chance.choice((("credit", "debit"), ("debit",), ("credit",)))
        kind = "bounce" if chance.random() < 0.15 else "awa"
        email = f"{kind}.{account}.{number}@{bank}.example.com".lower()
        zone = chance.choice(list(ZONES))
        # Soon after the beginning, for minutes or an hour; or at night.
        begins = self._start + ZONES[zone]
        first, last = (begins + timedelta(minutes=minutes) for minutes in (2, chance.choice((9, 60))))
        quiet = chance.choice((None, None, (f"{first:%H:%M}", f"{last:%H:%M}"), ("22:00", "07:00")))
        statement = chance.choice(("none", "weekly", "weekly", "monthly"))
        is_muted = chance.random() < 0.15
        return Enrolled(bank, account, f"h{number}", [email], frozenset(types), is_muted, zone, quiet, statement)

    def _mover(self, holder: Enrolled) -> Callable[[], None]:
        def move() -> None:
            holder.emails.append(f"moved.{holder.account}.{holder.id}@{holder.bank}.example.com".lower())
            send(0)

        def send(tries: int) -> None:
            def answered(result: Any, error: Any) -> None:
                status = result["statusCode"] if error is None else 502
                if status >= 500 and tries < _TRIES:
                    self._stage.scheduler.after(self._chance.uniform(0.5, 10), lambda: send(tries + 1))
                elif status not in (200, 201, 502, 503):
                    raise AssertionError(f"answered {status}: {result['body']}")
                holder.is_moved |= status < 500

            path = {"account": holder.account, "holder": holder.id}
            sent = request(holder.bank, "PUT", "/accounts/{account}/holders/{holder}", holder.record(), path)
            self._stage.invoke("api_handler", sent, answered)

        return move
