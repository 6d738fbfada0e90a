"""Which of the expected statements are sent now, later, or not at all, by the holders as they are now. Pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.aws.dead_letters import Letter, SetAside
from chalicelib.holders.holder import Holder
from chalicelib.holders.preferences import quiet_until
from chalicelib.notifications.state import NotificationKey, State, StateChange
from chalicelib.statements.index import Expected
from chalicelib.statements.periods import Period, period_at, wanted_kind


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement to be sent now to a holder who wants it, and the period of the holder's next statement."""

    expected: Expected
    holder: Holder
    following: Period

    @property
    def key(self) -> NotificationKey:
        expected = self.expected
        return NotificationKey(expected.bank, expected.id, self.holder.notified_as, expected.account)

    @property
    def put_off_since(self) -> datetime | None:
        return self.expected.put_off_since

    def change(self, state: State, reason: str | None = None, message_id: str | None = None) -> StateChange:
        due = self.expected.period.due(self.holder.timezone)
        return StateChange(self.key, state, reason, message_id, due, kind="statement")


@dataclass(slots=True)
class Selection:
    """The expected statements by what is done with them: sent now, looked at `later` (from when on), or `dropped`.

    `letters` are of statements whose holder's record is malformed.
    """

    ready: dict[NotificationKey, Ready] = field(default_factory=dict)
    later: list[tuple[Expected, datetime]] = field(default_factory=list)
    dropped: int = 0
    letters: list[Letter] = field(default_factory=list)


def select(statements: Iterable[Expected], holders: Mapping[str, Sequence[Holder]], now: datetime) -> Selection:
    """Select the statements that are sent now. `holders` are those of the statements' accounts, by account key.

    A statement is dropped if its holder was erased, or doesn't want statements of its kind any more. It is sent later
    if it isn't due by the holder's present time zone, or if the holder's quiet hours are on. Of a period of which the
    holder isn't told, the next period's comes later.
    """
    selection = Selection()
    for expected in statements:
        of_account = holders.get(expected.account_key, ())
        holder = next((holder for holder in of_account if holder.id == expected.holder), None)
        if holder is None or wanted_kind(holder.preferences) != expected.period.kind:
            selection.dropped += 1  # a holder who chooses statements again gets a new entry
            continue
        with SetAside(selection.letters, expected.to_json(), "malformed_holder"):
            following = _following(expected, holder, now)
            if not holder.hears_of(expected.period.bounds(holder.timezone)[1]):
                # Another person's, who had the same id.
                selection.later.append((expected.of(following), following.due(holder.timezone)))
                continue
            until = _not_before(expected, holder, now)
            if until > now:
                selection.later.append((expected, until))
            else:
                ready = Ready(expected, holder, following)
                selection.ready[ready.key] = ready
    return selection


def _not_before(expected: Expected, holder: Holder, now: datetime) -> datetime:
    """Return when the holder is to get the statement, by the holder's present time zone and quiet hours."""
    due = expected.period.due(holder.timezone)
    if due > now or "quiet_hours" not in holder.preferences:
        return due
    return quiet_until(holder.preferences["quiet_hours"], holder.timezone, now) or now


def _following(expected: Expected, holder: Holder, now: datetime) -> Period:
    """Return the period of the holder's statement after this one.

    A statement that is sent `again` failed at its time. The following periods were put into the index then, unless the
    holder's record couldn't be read; so the next one is the current period, and what lies between is not sent now.
    """
    return period_at(expected.period.kind, now, holder.timezone) if expected.again else expected.period.next
