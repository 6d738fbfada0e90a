"""What to tell each holder of a transaction that names another one. `ledger.purchase` says what it is in the story.

| transaction | e-mail |
|---|---|
| settled as authorized, in one part | none: `skipped`, `told_as_authorization` |
| a part, the last part, a final amount that differs | says so |
| an increment, a release | says what is authorized now |
| an increment that had been settled before it came | none: `skipped`, `told_as_settlement` |
| a payment beyond or after the end, a refund | by itself |
| a payment whose authorization isn't recorded yet | by itself; none follows for the authorization |
| a release of all of an authorization that isn't recorded yet | says what it is; none follows for the authorization |
| a reversal of a settled transaction | says that the money is back, or taken back |

A holder who did not hear of the authorization (enrolled later, a minimum amount, `notify: false`) is notified of the
settlement. A flagged transaction is a security alert, whatever came before.

    recipients ─ read what they name, and who else does ─┬─ the authorization came first: its step in the story
                 ▲                                       └─ it comes first: ask StandIns ─┬─ it stands: by itself
                 └── once more, consistently: it is told, and wasn't found ───────────────┼─ the authorization is told
                                                                                          └─ busy: later

The order of a purchase's transactions was decided when they were collected, so that a notice that comes again, late or
beside others gets the same answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from chalicelib.ledger.collecting import readable
from chalicelib.ledger.purchase import Member, Role, named_by, stands_for, steps, subject
from chalicelib.ledger.purchases_repository import Members, PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.story import Story, story_of
from chalicelib.notifications.notice import Notice, Recipient
from chalicelib.notifications.stand_ins import StandIn, Standing, StandIns
from chalicelib.notifications.state import NotificationKey

_TOLD_BEFORE = {Role.AS_AUTHORIZED: "told_as_authorization", Role.COVERED: "told_as_settlement"}
# Their e-mails say how the purchase stands: as it is known by now, which may be more than when they came.
_TOLD_AS_IT_STANDS = {Role.INCREMENT, Role.RELEASE, Role.PART}


@dataclass(slots=True)
class Stories:
    """What to tell, by notification; what was told before, with the reason; and what another mailer is busy with.

    `settled` holds those of `told_before` that can be recorded without a claim: nobody ever decides otherwise.
    """

    by_key: dict[NotificationKey, Story] = field(default_factory=dict)
    told_before: dict[NotificationKey, str] = field(default_factory=dict)
    settled: set[NotificationKey] = field(default_factory=set)
    busy: set[NotificationKey] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Place:
    """A transaction among the members of its purchase; `named` is what they name, if it is found."""

    named: Transaction | None
    members: Members
    member: Member
    is_collected: bool

    @property
    def comes_first(self) -> bool:
        """Whether it came, or may have come, before what it names."""
        return self.member.is_early or (self.named is None and not self.is_collected)

    @property
    def is_missing_something(self) -> bool:
        """Whether there must be more than was found: reads that aren't consistent may be a moment behind."""
        return not self.is_collected or (self.named is None and not self.member.is_early)


class Purchases:
    def __init__(self, transactions: TransactionRepository, purchases: PurchaseRepository, stand_ins: StandIns) -> None:
        self._transactions = transactions
        self._purchases = purchases
        self._stand_ins = stand_ins

    def stories(self, recipients: Iterable[Recipient], now: datetime) -> Stories:
        """Return what to tell these recipients, and keep what that decides for their authorizations.

        Makes two calls to read what is named and who names it, and one to keep decisions if there are any.
        """
        found = Stories()
        doubtful = self._look(list(recipients), found, now, is_last=False)
        self._look(doubtful, found, now, is_last=True)
        return found

    def _look(
        self, recipients: Sequence[Recipient], found: Stories, now: datetime, *, is_last: bool
    ) -> list[Recipient]:
        """Add the stories of the recipients; return those that need another look, which is consistent."""
        keys = {key for recipient in recipients if (key := named_by(recipient.notice.transaction))}
        named = readable(self._transactions, keys, is_consistent=is_last)
        members = self._purchases.of(keys, is_consistent=is_last)
        asking: list[tuple[Recipient, _Place]] = []
        again = []
        for recipient in recipients:
            transaction = recipient.notice.transaction
            key = named_by(transaction)
            if key is None:
                found.by_key[recipient.key] = story_of(transaction, recipient.notice.flags)
                continue
            place = _place(transaction, named.get(key), members.get(key, ()))
            if place.is_missing_something and not is_last:
                again.append(recipient)
            elif place.comes_first and stands_for(transaction):
                asking.append((recipient, place))
            else:
                _tell(recipient, place, found)
        standings = self._stand_ins.ask([_stand_in(recipient) for recipient, _ in asking], now) if asking else []
        for (recipient, place), standing in zip(asking, standings, strict=True):
            if standing is Standing.BUSY:
                found.busy.add(recipient.key)
            elif standing is Standing.STANDS:
                _tell(recipient, _Place(None, (), place.member, place.is_collected), found)
            elif place.named is None and not is_last:
                again.append(recipient)
            else:
                _tell(recipient, place, found)
        return again


def subjects_of(notice: Notice) -> Sequence[str]:
    """Return for which subjects another transaction has to stand to have told this one too.

    Empty if this one must be told whatever came before: only an authorization can be told by what comes before it, and
    an alert tells more than that.
    """
    is_authorization = notice.transaction.status == "authorized" and not notice.flags
    return subject(notice.transaction) if is_authorization else ()


def _place(transaction: Transaction, named: Transaction | None, members: Members) -> _Place:
    collected = next((member for member in members if member.id == transaction.id), None)
    if collected is not None:
        return _Place(named, members, collected, is_collected=True)
    # A notice of an earlier release, or a purchase that is full.
    member = Member.of(transaction)
    return _Place(named, (*members, member), member, is_collected=False)


def _stand_in(recipient: Recipient) -> StandIn:
    transaction = recipient.notice.transaction
    authorization = replace(recipient.key, transaction=str(transaction.authorization_id))
    return StandIn(authorization, stands_for(transaction), transaction.status == "reversed")


def _tell(recipient: Recipient, place: _Place, found: Stories) -> None:
    found_steps = steps(place.named, place.members or (place.member,))
    step = found_steps[place.member.id]
    reason = _TOLD_BEFORE.get(step.role)
    if reason and not recipient.notice.flags and _has_heard(recipient, place):
        found.told_before[recipient.key] = reason
        if place.is_collected and not place.member.is_early:
            found.settled.add(recipient.key)
    else:
        if step.role in _TOLD_AS_IT_STANDS:
            *_, latest = found_steps.values()
            step = replace(latest, role=step.role, parts=step.parts)
        found.by_key[recipient.key] = story_of(recipient.notice.transaction, recipient.notice.flags, place.named, step)


def _has_heard(recipient: Recipient, place: _Place) -> bool:
    """Whether the holder wanted to hear of the authorization, or of what was added to it."""
    authorization, holder = place.named, recipient.holder
    if authorization is None or not authorization.notify or holder.enrolled_at > authorization.recorded_at:
        return False
    minimum = Decimal(holder.preferences.get("min_amount", {}).get(authorization.currency, 0))
    added = (member.amount for member in place.members if member.status == "authorized")
    return authorization.amount >= minimum or any(amount >= minimum for amount in added)
