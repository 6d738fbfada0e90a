"""Looks: which member of staff looked at what of a holder's. A look is an entry of the audit trail, like a change."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.audit.entry import Author
from chalicelib.audit.repository import AuditRepository
from chalicelib.audit.trail import Trail
from chalicelib.ledger.times import format_time

# A page that is looked at again within this time, or reads itself anew, is the same look.
SAME_LOOK_FOR = timedelta(minutes=15)
MOST_LOOKS = 20


class Look(NamedTuple):
    """Who looked, and when. `subject` is the member's id in the user pool."""

    subject: str
    at: datetime

    def to_json(self) -> dict[str, str]:
        """Return the look as the API answers it."""
        return {"subject": self.subject, "at": format_time(self.at)}


class Looks:
    """The looks in a trail. Before anything is shown, the look is stored: what can't be noted isn't shown."""

    def __init__(self, trail: Trail, entries: AuditRepository, clock: Callable[[], datetime]) -> None:
        self._trail = trail
        self._entries = entries
        self._clock = clock

    def note(self, author: Author, bank: str, action: str, *names: str, fields: Iterable[str] = ()) -> list[Look]:
        """Note that the author looks at what the names name; return who looked before, newest first, at most 20.

        `action` is like `transaction.viewed`; `fields` are shown in the entry. Raises TemporarilyUnavailable.
        """
        subject = self._trail.hashed(bank, *names)
        since = self._clock() - SAME_LOOK_FOR
        before: list[Look] = []
        for one in self._entries.of_subject(bank, subject, action):
            # All of the last minutes count, however many they are: one of them may be this member's.
            if len(before) >= MOST_LOOKS and one.at <= since:
                break
            before.append(Look(one.author.id, one.at))
        if not any(look.subject == author.id and look.at > since for look in before):
            self._trail.add(author, bank, action, subject, fields)
        return before[:MOST_LOOKS]
