"""What can be done with a case, and what it is afterwards: the state machine of cases. Pure.

A move that changes nothing returns the case itself, so that a request that is sent twice is answered twice.

    open -- claim --> claimed -- close --> closed
      ^               |                      |
      +-- release ----+                      |
      +-- reopen, or a holder's "it wasn't me" after another outcome than fraud
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.cases.case import HOLDER, SYSTEM, Actor, Case, Event, Outcome, State, What
from chalicelib.cases.refusals import CaseClaimed, CaseClosed, CaseFull, CaseNotYours
from chalicelib.flags.answers import Answer, HolderAnswer

MAX_EVENTS = 200
MAX_NOTES = 150
MAX_NOTE = 2_000  # characters
# A DynamoDB item holds 400 KB.
MAX_NOTES_BYTES = 100_000


def claim(case: Case, by: Actor, now: datetime) -> Case:
    """Give the case to a member of staff. Raises CaseClaimed if a colleague has it, and CaseClosed."""
    if case.state is State.CLOSED:
        raise CaseClosed
    if case.claimed_by is not None:
        if _is(case.claimed_by, by):
            return case
        raise CaseClaimed(case.claimed_by.name, case.claimed_at or now)
    return _after(case, Event(now, by, What.CLAIMED), state=State.CLAIMED, claimed_by=by, claimed_at=now)


def release(case: Case, by: Actor, now: datetime, is_admin: bool = False) -> Case:
    """Put the case back into the queue. Raises CaseNotYours, if a colleague has it and `by` is no admin; CaseClosed."""
    if case.state is State.CLOSED:
        raise CaseClosed
    if case.claimed_by is None:
        return case
    if not (is_admin or _is(case.claimed_by, by)):
        raise CaseNotYours
    return _after(case, Event(now, by, What.RELEASED), state=State.OPEN, claimed_by=None, claimed_at=None)


def note(case: Case, by: Actor, now: datetime, text: str) -> Case:
    """Add a note, whatever the state. Raises CaseFull."""
    return _after(case, Event(now, by, What.NOTED, text))


def close(case: Case, by: Actor, now: datetime, outcome: Outcome, text: str = "") -> Case:
    """Close the case that the member has claimed. Raises CaseNotYours, CaseClosed and CaseFull."""
    if case.state is State.CLOSED:
        if case.outcome is outcome and case.closed_by is not None and _is(case.closed_by, by):
            return case
        raise CaseClosed
    if case.claimed_by is None or not _is(case.claimed_by, by):
        raise CaseNotYours
    event = Event(now, by, What.CLOSED, text, str(outcome))
    return _after(
        case,
        event,
        state=State.CLOSED,
        claimed_by=None,
        claimed_at=None,
        outcome=outcome,
        closed_by=by,
        closed_at=now,
    )


def reopen(case: Case, by: Actor, now: datetime) -> Case:
    """Put a closed case back into the queue, without an outcome."""
    if case.state is not State.CLOSED:
        return case
    return _after(case, Event(now, by, What.REOPENED), state=State.OPEN, outcome=None, closed_by=None, closed_at=None)


def answered(case: Case, answers: Iterable[HolderAnswer], now: datetime) -> Case:
    """Add holders' answers, each holder's latest, in whatever order and however often they come.

    "It wasn't me" puts a case back into the queue that was closed as anything but fraud: whoever closed it can't have
    known.
    """
    for given in answers:
        known = case.answers.get(given.holder)
        if known is not None and known.at >= given.at:
            continue
        event = Event(given.at, Actor(HOLDER, given.holder), What.ANSWERED, detail=str(given.answer))
        case = _after(case, event, answers={**case.answers, given.holder: given})
        is_denied = given.answer is Answer.NOT_RECOGNIZED
        if is_denied and case.state is State.CLOSED and case.outcome is not Outcome.FRAUD:
            case = reopen(case, SYSTEM, max(now, given.at))
    return case


def _is(one: Actor, other: Actor) -> bool:
    # A name can change.
    return (one.kind, one.id) == (other.kind, other.id)


def _after(case: Case, event: Event, **changes: Any) -> Case:
    notes = [one.note for one in (*case.history, event) if one.note]
    is_too_much = len(notes) > MAX_NOTES or sum(len(one.encode()) for one in notes) > MAX_NOTES_BYTES
    if event.note and is_too_much:
        raise CaseFull
    history = sorted((*case.history, event), key=lambda one: (one.what is not What.OPENED, one.at))
    return replace(case, history=tuple(_bounded(history)), version=case.version + 1, **changes)


def _bounded(history: list[Event]) -> list[Event]:
    """Return the history without the oldest events over the limit that have no note; the opening stays.

    The audit trail has what staff did for years.
    """
    excess = len(history) - MAX_EVENTS
    kept = []
    for event in history:
        if excess > 0 and not event.note and event.what is not What.OPENED:
            excess -= 1
        else:
            kept.append(event)
    return kept
