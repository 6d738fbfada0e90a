"""The life of a purchase: it is authorized, then settled or reversed. Each holder is notified of each step once.

| transaction | e-mail |
|---|---|
| a settlement as it was authorized | none: `skipped`, `told_as_authorization` |
| a settlement of another amount or currency | the final amount |
| a settlement whose authorization isn't recorded yet | a debit or credit; none follows for the authorization |
| a settlement after the authorization was settled or reversed | a debit or credit: it is another payment |
| a reversal | says what it reverses; if that is recorded later, none follows for it |
| a refund, or a transaction that names no authorization of the account | by itself |

A holder who was enrolled after the authorization was recorded may not have heard of it, and is notified of the
settlement. A flagged transaction is a security alert, whatever came before.

    recipients ─ read what they name ─ what would each close? ─┬─ nothing: its story
                                                               └─ ask Closings ─┬─ it closes: its story, or told before
                        ┌── once more: the authorization has come meanwhile ────┤
                        └───────────────────────────────────────────────────────┴─ busy: later
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.ledger.fields import TYPES
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction, is_as_authorized, named_by, settles
from chalicelib.mail.story import Story, story_of
from chalicelib.notifications.closings import Closing, Closings, How, Other
from chalicelib.notifications.notice import Notice, Recipient
from chalicelib.notifications.state import NotificationKey

_REASONS = {"settled": "told_as_settlement", "reversed": "told_as_reversal"}


@dataclass(slots=True)
class Stories:
    """What to tell, by notification; what its authorization has told already; and what another mailer is busy with."""

    by_key: dict[NotificationKey, Story] = field(default_factory=dict)
    told_before: set[NotificationKey] = field(default_factory=set)
    busy: set[NotificationKey] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether a recipient's transaction closes its authorization. `related` is that authorization, if it is stored."""

    recipient: Recipient
    closing: Closing
    related: Transaction | None


class Purchases:
    def __init__(self, transactions: TransactionRepository, closings: Closings) -> None:
        self._transactions = transactions
        self._closings = closings

    def stories(self, recipients: Iterable[Recipient], now: datetime) -> Stories:
        """Return what to tell these recipients, and keep what that decides for their authorizations.

        Makes one call to read the authorizations that are named, and one to keep the decisions.
        """
        found = Stories()
        # The second look is for authorizations that came between the first one and the note that they were not there.
        unsettled = self._look(list(recipients), found, now, may_stand_in=True)
        unsettled = self._look(unsettled, found, now, may_stand_in=False)
        found.busy.update(recipient.key for recipient in unsettled)
        return found

    def _look(
        self, recipients: Sequence[Recipient], found: Stories, now: datetime, *, may_stand_in: bool
    ) -> list[Recipient]:
        """Add the stories of the recipients; return those who have to be looked at once more."""
        stored = self._stored(recipient.notice.transaction for recipient in recipients)
        questions = []
        for recipient in recipients:
            question = _question(recipient, stored, may_stand_in=may_stand_in)
            if isinstance(question, _Question):
                questions.append(question)
            else:
                found.by_key[recipient.key] = question
        standings = self._closings.close([question.closing for question in questions], now) if questions else []
        again = []
        for question, standing in zip(questions, standings, strict=True):
            if standing is Other.IS_TOLD:
                again.append(question.recipient)
            else:
                _settle(question, standing, found)
        return again

    def _stored(self, transactions: Iterable[Transaction]) -> dict[TransactionKey, Transaction]:
        """Return those of the named transactions that are stored."""
        keys = {key for transaction in transactions if (key := named_by(transaction))}
        if not keys:
            return {}
        try:
            return self._transactions.stored(keys)
        except (KeyError, TypeError, ValueError):
            # Written past the API: a record that can't be read counts as not stored, and the others are read.
            return {key: one for key in keys if (one := self._readable(key)) is not None}

    def _readable(self, key: TransactionKey) -> Transaction | None:
        try:
            return self._transactions.stored([key]).get(key)
        except (KeyError, TypeError, ValueError):
            return None


def subject_of(notice: Notice) -> str:
    """Return what a closing that comes first has to be about to have told this transaction too.

    Empty if the transaction must be told whatever came before: only an authorization can be told by what closes it,
    and an alert tells more than that.
    """
    transaction = notice.transaction
    is_authorization = transaction.status == "authorized" and not notice.flags
    return f"{transaction.account}#{transaction.type}" if is_authorization else ""


def _question(
    recipient: Recipient, stored: Mapping[TransactionKey, Transaction], *, may_stand_in: bool
) -> _Question | Story:
    """Return what Closings has to decide for the recipient, or what to tell if there is nothing to decide."""
    transaction = recipient.notice.transaction
    key = named_by(transaction)
    named = stored.get(key) if key else None
    related = named if named is not None and _is_about(transaction, named) else None
    if key is None or (named is not None and (named.status != "authorized" or related is None)):
        return story_of(transaction, recipient.notice.flags, related)
    return _Question(recipient, _closing(recipient, key, named, may_stand_in=may_stand_in), related)


def _closing(recipient: Recipient, key: TransactionKey, named: Transaction | None, *, may_stand_in: bool) -> Closing:
    transaction = recipient.notice.transaction
    authorization = NotificationKey(*key, recipient.holder.id)
    if named is None:
        # Banks differ in which type they give a reversal.
        types = TYPES if transaction.status == "reversed" else (transaction.type,)
        told_for = frozenset(f"{transaction.account}#{type_}" for type_ in types) if may_stand_in else frozenset()
        return Closing(authorization, transaction.id, How.BY_ITSELF, told_for, _REASONS[transaction.status])
    is_told_already = (
        settles(transaction, named)
        and is_as_authorized(transaction, named)
        and recipient.holder.enrolled_at <= named.recorded_at
        and not recipient.notice.flags
    )
    return Closing(authorization, transaction.id, How.AS_AUTHORIZATION if is_told_already else How.BY_ITSELF)


def _settle(question: _Question, standing: How | Other, found: Stories) -> None:
    recipient, related = question.recipient, question.related
    transaction, flags = recipient.notice.transaction, recipient.notice.flags
    if standing is Other.BUSY:
        found.busy.add(recipient.key)
    elif standing is How.AS_AUTHORIZATION:
        found.told_before.add(recipient.key)
    elif standing is Other.CLOSED_BEFORE and transaction.status == "settled":
        found.by_key[recipient.key] = story_of(transaction, flags)
    else:
        found.by_key[recipient.key] = story_of(transaction, flags, related)


def _is_about(transaction: Transaction, named: Transaction) -> bool:
    is_reversal = transaction.status == "reversed" and transaction.account == named.account
    return is_reversal or settles(transaction, named)
