"""The index of statements: which holder gets which statement, ordered by when it is due.

Each holder who wants statements has one entry, for the next statement. When the entry is due, the job reads whether the
holder still wants the statement. So an entry too many does no harm, but a missing entry would lose a statement: the
entry is written before the holder's record.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.holders.holder import Holder
from chalicelib.ledger.keys import account_key
from chalicelib.notifications.due import DueEntry, DueRepository
from chalicelib.statements.periods import Period, period_at, period_named, wanted_kind

# The job goes on from hour to hour and doesn't come back. So no entry is put into an hour that a run may have finished,
# also if the run's clock is a few minutes fast.
LEAST_WAIT = timedelta(minutes=15)
# AWS refuses requests of a machine whose clock is wrong by more than this.
_CLOCKS_DIFFER_BY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Expected:
    """A statement that a holder, named by id, is to get.

    `put_off_since` is when SES first put it off, if it did. `again` is for a dead letter that an operator sends through
    again: the statement is sent although its notification has failed.
    """

    bank: str
    account: str
    holder: str
    period: Period
    put_off_since: datetime | None = None
    again: bool = False

    @property
    def id(self) -> str:
        """The statement's id, in the place of a transaction's: `statement@A123@2026-W23` (see `state.STATEMENT_ID`)."""
        return f"statement@{self.account}@{self.period.name}"

    @property
    def name(self) -> str:
        """What it is called among all that are expected."""
        return f"{self.bank}#{self.account}#{self.holder}#{self.period.name}"

    @property
    def account_key(self) -> str:
        return account_key(self.bank, self.account)

    def of(self, period: Period) -> "Expected":
        """Return the holder's statement of another period, which nothing has happened to."""
        return replace(self, period=period, put_off_since=None, again=False)

    def to_json(self) -> dict[str, Any]:
        """Return the stored form, as JSON values. `expected_in` reads it."""
        put_off = {"put_off_since": self.put_off_since.isoformat()} if self.put_off_since else {}
        again = {"again": True} if self.again else {}
        who = {"bank": self.bank, "account": self.account, "holder": self.holder}
        return {**who, "period": self.period.name, **put_off, **again}


def expected_in(text: str) -> Expected:
    """Return the statement in its stored form (JSON); raises KeyError, TypeError or ValueError if it is malformed."""
    values = json.loads(text)
    bank, account, holder = (str(values[name]) for name in ("bank", "account", "holder"))
    since = values.get("put_off_since")
    period, put_off_since = period_named(values["period"]), datetime.fromisoformat(since) if since else None
    return Expected(bank, account, holder, period, put_off_since, values.get("again") is True)


def distinct(statements: Iterable[Expected]) -> list[Expected]:
    """Return each statement once; of two entries of a statement, one that says `again` wins."""
    found: dict[str, Expected] = {}
    for expected in statements:
        if expected.again or expected.name not in found:
            found[expected.name] = expected
    return list(found.values())


class StatementIndex:
    """The entries of the statements that are to be sent. All methods raise TemporarilyUnavailable."""

    def __init__(self, repository: DueRepository) -> None:
        self._repository = repository

    def enter(self, bank: str, account: str, holder: Holder, now: datetime) -> None:
        """Put the entry for the holder's statement of the current week or month, if the holder wants statements.

        Call it before the holder's record is written. Calling it again changes nothing.
        """
        kind = wanted_kind(holder.preferences)
        if kind is not None:
            period = period_at(kind, now, holder.timezone)
            self.put([(Expected(bank, account, holder.id, period), period.due(holder.timezone))], now)

    def put(self, statements: Iterable[tuple[Expected, datetime]], now: datetime) -> None:
        """Put the statements, each with the time from which it is due; the earliest is 15 minutes from now."""
        self._put((expected, max(until, now + LEAST_WAIT)) for expected, until in statements)

    def put_again(self, expected: Expected, now: datetime) -> None:
        """Put a statement that failed, so that it is sent now; in the last five minutes of an hour, at its end.

        Calling it several times sends the statement once.
        """
        # A run may have finished every hour that is over by a clock that is at most five minutes fast.
        hour = (now + _CLOCKS_DIFFER_BY).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._put([(replace(expected, put_off_since=None, again=True), max(now, hour))])

    def _put(self, statements: Iterable[tuple[Expected, datetime]]) -> None:
        entries = [DueEntry(until, expected.name, json.dumps(expected.to_json())) for expected, until in statements]
        # A batch must not have a key twice.
        self._repository.put({(entry.until, entry.name): entry for entry in entries}.values())
