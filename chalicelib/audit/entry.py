"""An entry of the audit trail: who changes what of which bank's data. Pure.

An entry names what is changed, never a value from before or after. It names a holder by a keyed hash (`trail`).
"""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.ledger.times import format_time

# The kinds of authors.
API_KEY, OPERATOR, HOLDER, STAFF = "api_key", "operator", "holder", "staff"
# What an operator changes of the whole stage is kept under this name. No bank's id has capital letters.
STAGE = "STAGE"
MOST_FIELDS = 100  # of an entry that are shown


@dataclasses.dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and by which request.

    `id` is the beginning of an API key's hash, as `operations.banks show` prints it, the ARN of an operator's
    principal, the hash of the holder whose link was opened, or a member of staff's subject. `request_id` is that of the
    API's answer and log lines.
    """

    kind: str
    id: str
    source_ip: str = ""
    request_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A change by an author, as it was about to be made.

    `action` is like `holder.put`. `subject` is the hash of what is changed, empty when that is the bank itself.
    `fields` are the names of what is changed of it, as far as that is known before the change.
    """

    id: str
    bank: str
    at: datetime
    author: Author
    action: str
    subject: str
    fields: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return {
            "id": self.id,
            "bank": self.bank,
            "at": format_time(self.at),
            "author": {"kind": self.author.kind, "id": self.author.id},
            "action": self.action,
            "subject": self.subject or None,
            "fields": list(self.fields[:MOST_FIELDS]),
            "source_ip": self.author.source_ip or None,
            "request_id": self.author.request_id or None,
        }


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the fields that differ, in their order; a field of an object is like `preferences.muted`."""
    return tuple(dict.fromkeys(_changed(before, after, "")))


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in sorted({**before, **after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if not path and (isinstance(old, Mapping) or isinstance(new, Mapping)):
            yield from _changed(old or {}, new or {}, f"{name}.")
        else:
            yield f"{path}{name}"
