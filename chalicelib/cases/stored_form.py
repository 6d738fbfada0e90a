"""The stored form of cases: the items of the table, and the rows of its indexes.

The index by_queue has a bank's cases by state, in the order in which each state is worked on: open ones by weight and
then age, claimed ones by who has claimed them, closed ones by time. The index by_day has them, and what rules in shadow
alone have flagged, by the day of the transaction's own time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from chalicelib.aws.dynamo import Item, to_item
from chalicelib.aws.telemetry import Read, all_readable
from chalicelib.cases.case import Actor, Case, Event, Outcome, State, What
from chalicelib.cases.weight import MOST, NOT_RECOGNIZED
from chalicelib.flags.answers import Answer, HolderAnswer, to_value
from chalicelib.flags.repository import Flagging
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.times import format_time, sortable

# The highest weight has the lowest rank.
_RANKS_BELOW = MOST + 1
# All open cases whose holder says that it wasn't them have a rank below this one.
RANK_OF_NOT_RECOGNIZED = f"{_RANKS_BELOW - NOT_RECOGNIZED:05d}~"


def queue_key(bank: str, state: State) -> str:
    """Return the partition of the index by_queue that has the bank's cases in this state."""
    return f"{bank}#{state}"


def day_key(bank: str, day: date) -> str:
    """Return the partition of the index by_day that has the bank's cases of this day."""
    return f"{bank}#{day.isoformat()}"


def claimed_by_rank(subject: str) -> str:
    """Return how the ranks begin of the cases that this member of staff has claimed."""
    return f"{subject}#"


def rank_of(case: Case) -> str:
    """Return the case's place among the bank's cases in its state."""
    if case.state is State.CLAIMED and case.claimed_by and case.claimed_at:
        return f"{claimed_by_rank(case.claimed_by.id)}{sortable(case.claimed_at)}#{case.id}"
    if case.state is State.CLOSED and case.closed_at:
        return f"{sortable(case.closed_at)}#{case.id}"
    return f"{_RANKS_BELOW - case.weight:05d}#{sortable(case.opened_at)}#{case.id}"


def case_item(case: Case) -> Item:
    """Return the stored form of a case."""
    return to_item(
        {
            "case_key": case.key.stored,
            "bank": case.bank,
            "id": case.id,
            "queue": queue_key(case.bank, case.state),
            "rank": rank_of(case),
            "day": day_key(case.bank, case.timestamp.date()),
            "flags": list(case.flags),
            "shadow": list(case.shadow),
            "facts": {
                "account": case.account,
                "amount": case.amount,
                "currency": case.currency,
                "type": case.type,
                **({"merchant": case.merchant} if case.merchant else {}),
                "timestamp": format_time(case.timestamp),
                "flags_weight": case.flags_weight,
                "opened_at": format_time(case.opened_at),
            },
            "work": _work(case),
            "answers": {holder: to_value(given) for holder, given in case.answers.items()},
            "history": [_event_values(event) for event in case.history],
            "version": case.version,
        }
    )


def sighting_item(flagging: Flagging) -> Item:
    """Return the stored form of what rules in shadow alone have flagged: no case, but counted with them."""
    transaction = flagging.transaction
    return to_item(
        {
            "case_key": transaction.key.stored,
            "bank": transaction.bank,
            "id": transaction.id,
            "day": day_key(transaction.bank, transaction.timestamp.date()),
            "flags": [],
            "shadow": sorted(flagging.flags),
        }
    )


def is_case(values: Mapping[str, Any]) -> bool:
    """Whether stored values are of a case, and not of what rules in shadow alone have flagged."""
    return "work" in values


def all_readable_rows(read: Callable[[Mapping[str, Any]], Read], rows: Iterable[Mapping[str, Any]]) -> Iterator[Read]:
    """Yield what rows of the table of cases are, as `read` reads them, without those that can't be read."""
    return all_readable(read, rows, "malformed_case", "MalformedCases", "case_key")


def case_of_values(values: Mapping[str, Any]) -> Case:
    """Return the case of plain stored values; a row of the index by_queue has no history and no shadow flags."""
    facts, work = values["facts"], values["work"]
    return Case(
        bank=values["bank"],
        id=values["id"],
        account=facts["account"],
        amount=facts["amount"],
        currency=facts["currency"],
        type=facts["type"],
        merchant=facts.get("merchant", ""),
        timestamp=datetime.fromisoformat(facts["timestamp"]),
        flags=tuple(values["flags"]),
        shadow=tuple(values.get("shadow", ())),
        flags_weight=int(facts["flags_weight"]),
        opened_at=datetime.fromisoformat(facts["opened_at"]),
        state=State(work["state"]),
        claimed_by=_actor(work.get("claimed_by")),
        claimed_at=_time(work.get("claimed_at")),
        outcome=Outcome(work["outcome"]) if "outcome" in work else None,
        closed_by=_actor(work.get("closed_by")),
        closed_at=_time(work.get("closed_at")),
        answers=answers_of_values(values),
        history=tuple(_event(event) for event in values.get("history", ())),
        version=int(values["version"]),
    )


def answers_of_values(values: Mapping[str, Any]) -> dict[str, HolderAnswer]:
    """Return the holders' answers among a case's stored values."""
    return {
        holder: HolderAnswer(
            holder,
            Answer(given["answer"]),
            datetime.fromisoformat(given["at"]),
            datetime.fromisoformat(given["first_at"]),
        )
        for holder, given in values["answers"].items()
    }


def key_of(key: TransactionKey) -> Item:
    """Return the key of the case of a transaction."""
    return to_item({"case_key": key.stored})


def _work(case: Case) -> dict[str, Any]:
    found = {
        "state": str(case.state),
        "claimed_by": _actor_values(case.claimed_by) if case.claimed_by else None,
        "claimed_at": format_time(case.claimed_at) if case.claimed_at else None,
        "outcome": str(case.outcome) if case.outcome else None,
        "closed_by": _actor_values(case.closed_by) if case.closed_by else None,
        "closed_at": format_time(case.closed_at) if case.closed_at else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _actor_values(actor: Actor) -> dict[str, str]:
    return {"kind": actor.kind, "id": actor.id, **({"name": actor.name} if actor.name else {})}


def _actor(values: Mapping[str, str] | None) -> Actor | None:
    return Actor(values["kind"], values["id"], values.get("name", "")) if values else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _event_values(event: Event) -> dict[str, Any]:
    found = {
        "at": format_time(event.at),
        "by": _actor_values(event.by),
        "what": str(event.what),
        "note": event.note,
        "detail": event.detail,
    }
    return {name: value for name, value in found.items() if value != ""}


def _event(values: Mapping[str, Any]) -> Event:
    by = values["by"]
    return Event(
        datetime.fromisoformat(values["at"]),
        Actor(by["kind"], by["id"], by.get("name", "")),
        What(values["what"]),
        values.get("note", ""),
        values.get("detail", ""),
    )
