"""The life of a purchase: it is authorized, and then settled or reversed. Each of its holders hears each thing once.

| what is to be told | it is told |
|---|---|
| a settlement as it was authorized | not again: `skipped`, `told_as_authorization` |
| a settlement of another amount or currency | as the final amount |
| a settlement whose authorization isn't recorded yet | as a debit or credit; the authorization won't be told any more |
| a settlement of what was settled or reversed before | as a debit or credit: it is another one |
| a reversal | with what it reverses; if that comes later, it won't be told any more |
| a refund, or what names no authorization of the account | by itself |

A holder who was enrolled after the authorization was recorded may not have heard of it, and is told of the settlement.
What is flagged is told as an alert, whatever was told before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.ledger.fields import TYPES
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import _TOLD_BY, Transaction, is_as_authorized, named_by, settles
from chalicelib.mail.story import Story, story_of
from chalicelib.notifications.addressees import Addressed
from chalicelib.notifications.closings import Closing, Closings, How, Other
from chalicelib.notifications.notice import Notice
from chalicelib.notifications.state import NotificationKey


@dataclass(slots=True)
class Tellings:
    """What there is to tell, by notification; what its authorization has told; and what another one is busy with."""

    stories: dict[NotificationKey, Story] = field(default_factory=dict)
    told_before: set[NotificationKey] = field(default_factory=set)
    busy: set[NotificationKey] = field(default_factory=set)


class Purchases:
    def __init__(self, transactions: TransactionRepository, closings: Closings) -> None:
        self._transactions = transactions
        self._closings = closings

    def tellings(self, people: Iterable[Addressed], now: datetime) -> Tellings:
        """Return what these people are to be told, and keep what that decides for their authorizations.

        For what names authorizations: a call to read them, and one to keep the decisions.
        """
        found = Tellings()
        pending = list(people)
        # The second look is for authorizations that came between the first one and the note that they were not there.
        for is_second in (False, True):
            recorded = self._recorded(person.notice.transaction for person in pending)
            asked: list[tuple[Addressed, Transaction | None, Closing]] = []
            for person in pending:
                transaction = person.notice.transaction
                named = recorded.get(named_by(transaction))
                closing = _closing(person, named, may_stand_in=not is_second)
                related = named if named is not None and _is_about(transaction, named) else None
                if closing is None:
                    found.stories[person.key] = story_of(transaction, person.notice.flags, related)
                else:
                    asked.append((person, related, closing))
            standings = self._closings.close([closing for _, _, closing in asked], now) if asked else []
            pending = []
            for (person, related, _), standing in zip(asked, standings, strict=True):
                transaction = person.notice.transaction
                if standing is Other.IS_TOLD:
                    pending.append(person)
                elif standing is Other.BUSY:
                    found.busy.add(person.key)
                elif standing is How.AS_AUTHORIZATION:
                    found.told_before.add(person.key)
                elif standing is Other.CLOSED_BEFORE and transaction.status == "settled":
                    found.stories[person.key] = story_of(transaction, person.notice.flags)
                else:
                    found.stories[person.key] = story_of(transaction, person.notice.flags, related)
        found.busy.update(person.key for person in pending)
        return found

    def _recorded(self, transactions: Iterable[Transaction]) -> dict[str, Transaction]:
        keys = {key for transaction in transactions if (key := named_by(transaction))}
        if not keys:
            return {}
        try:
            return self._transactions.stored(keys)
        except (KeyError, TypeError, ValueError):
            # Written past the API: what can't be read counts as not there, and harms no other.
            return {key: one for key in keys if (one := self._readable(key)) is not None}

    def _readable(self, key: str) -> Transaction | None:
        try:
            return self._transactions.stored([key]).get(key)
        except (KeyError, TypeError, ValueError):
            return None


def subject_of(notice: Notice) -> str:
    """Return what a closing that comes first has to be about, for it to have told this transaction, too.

    Nothing if it must be told whatever came before: only an authorization can be told by what closes it, and an alert
    tells more than that.
    """
    transaction = notice.transaction
    return (
        f"{transaction.account}#{transaction.type}" if transaction.status == "authorized" and not notice.flags else ""
    )


def _is_about(transaction: Transaction, named: Transaction) -> bool:
    is_reversal = transaction.status == "reversed" and transaction.account == named.account
    return is_reversal or settles(transaction, named)


def _closing(person: Addressed, named: Transaction | None, *, may_stand_in: bool) -> Closing | None:
    """Return what this person's transaction closes; None if there is nothing to close."""
    transaction = person.notice.transaction
    key = named_by(transaction)
    if not key:
        return None
    authorization = NotificationKey(key, person.holder.id)
    if named is None:
        # Banks differ in what type they give a reversal.
        types = TYPES if transaction.status == "reversed" else (transaction.type,)
        told_for = frozenset(f"{transaction.account}#{type_}" for type_ in types) if may_stand_in else frozenset()
        return Closing(authorization, transaction.id, How.BY_ITSELF, told_for, _TOLD_BY[transaction.status])
    if named.status != "authorized" or not _is_about(transaction, named):
        return None
    is_told_again = (
        settles(transaction, named)
        and is_as_authorized(transaction, named)
        and person.holder.enrolled_at <= named.recorded_at
        and not person.notice.flags
    )
    return Closing(authorization, transaction.id, How.AS_AUTHORIZATION if is_told_again else How.BY_ITSELF)
