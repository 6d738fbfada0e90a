"""Who is to get which statement, by when it is due. One entry for each holder who wants statements: the next one.

An entry says only that somebody has to look: whether the holder still wants the statement is decided when it is due. So
one too many does no harm, and an entry is written before the holder's record, so that there is never one too few.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.holders.holder import Holder
from chalicelib.ledger.keys import account_key
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.notifications.state import NotificationKey
from chalicelib.statements.periods import Period, period_at, period_named, wanted

# Nothing is ever put into an hour that a run may be done with, whatever its clock says.
LEAST_WAIT = timedelta(minutes=15)
# AWS refuses requests from a clock that is wrong by more.
_CLOCKS_DIFFER_BY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Expected:
    """A statement that a holder is to get. `put_off_since` is when SES first put it off, if it did; `again` is for a
    dead letter that is sent through again: it is told although its notification had failed."""

    bank: str
    account: str
    holder: str
    period: Period
    put_off_since: datetime | None = None
    again: bool = False

    @property
    def id(self) -> str:
        """Its STATEMENT_ID, like `statement@A123@2026-W23`."""
        return f"statement@{self.account}@{self.period.name}"

    @property
    def key(self) -> NotificationKey:
        return NotificationKey(self.bank, self.id, self.holder)

    @property
    def account_key(self) -> str:
        return account_key(self.bank, self.account)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form; `expected_in` reads it."""
        put_off = {"put_off_since": self.put_off_since.isoformat()} if self.put_off_since else {}
        again = {"again": True} if self.again else {}
        who = {"bank": self.bank, "account": self.account, "holder": self.holder}
        return {**who, "period": self.period.name, **put_off, **again}


def expected_in(text: str) -> Expected:
    """Return the statement of a stored form in JSON; raises KeyError, TypeError or ValueError if it is none."""
    values = json.loads(text)
    bank, account, holder = (str(values[name]) for name in ("bank", "account", "holder"))
    since = values.get("put_off_since")
    period, put_off_since = period_named(values["period"]), datetime.fromisoformat(since) if since else None
    return Expected(bank, account, holder, period, put_off_since, values.get("again") is True)


class StatementIndex:
    def __init__(self, repository: DueRepository) -> None:
        self._repository = repository

    def enter(self, bank: str, account: str, holder: Holder, now: datetime) -> None:
        """See to it that the holder gets the statement of the running week or month, if one is wanted.

        To be called before the holder's record is written. Repeating it changes nothing. Raises TemporarilyUnavailable.
        """
        kind = wanted(holder.preferences)
        if kind is not None:
            period = period_at(kind, now, holder.timezone)
            self.put([(Expected(bank, account, holder.id, period), period.due(holder.timezone))], now)

    def put(self, expected: Iterable[tuple[Expected, datetime]], now: datetime) -> None:
        """Put the statements, each to be looked at from its moment on, but not within 15 minutes from now."""
        self._put((one, max(until, now + LEAST_WAIT)) for one, until in expected)

    def put_again(self, expected: Expected, now: datetime) -> None:
        """Put a statement that had failed, to be looked at now; in the last five minutes of an hour, at its end.

        However often that is done, it is told once. Raises TemporarilyUnavailable.
        """
        # A run may be done with any hour that is over on a right clock.
        hour = (now + _CLOCKS_DIFFER_BY).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._put([(replace(expected, put_off_since=None, again=True), max(now, hour))])

    def _put(self, expected: Iterable[tuple[Expected, datetime]]) -> None:
        entries = [
            DueEntry(
                until,
                f"{one.bank}#{one.account}#{one.holder}#{one.period.name}",
                json.dumps(one.to_json()),
            )
            for one, until in expected
        ]
        self._repository.put({(entry.until, entry.name): entry for entry in entries}.values())
