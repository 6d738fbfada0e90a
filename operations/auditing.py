"""The audit trail as operators' commands add to it: each change has an entry with the AWS principal that makes it."""

import functools
from collections.abc import Callable, Iterable

from chalicelib.audit.entry import OPERATOR, STAGE, Author
from chalicelib.audit.trail import Changes
from chalicelib.aws.calls import call
from infra.sessions import Stage
from operations.stage_stores import stores_of


def operators_changes(stage: Stage, bank: str | None = None) -> Changes:
    """Return the trail of what this operator changes of a bank's data, or of the whole stage's.

    Raises StackFailed, TemporarilyUnavailable and botocore's ClientError: then the command changes nothing.
    """
    stores = stores_of(stage, "AuditTrail")
    principal = call(stage.session.client("sts").get_caller_identity)["Arn"]
    return stores.trail.by(Author(OPERATOR, principal), bank or STAGE)


def note_change(stage: Stage, bank: str | None, action: str, fields: Iterable[str] = ()) -> None:
    """Add an entry for a change that this operator is about to make; see `operators_changes`."""
    operators_changes(stage, bank).of_bank(action, fields)


def noted_once(stage: Stage, bank: str | None, action: str, fields: Iterable[str] = ()) -> Callable[[], None]:
    """Return what a command calls before each of its changes: the first call adds an entry, see `note_change`.

    So a command that finds nothing to change leaves no entry.
    """
    return functools.cache(lambda: note_change(stage, bank, action, fields))
