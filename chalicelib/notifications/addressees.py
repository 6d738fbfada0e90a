"""Whom the mailer tells: a transaction's notice, and one of the holders of its account."""

from dataclasses import dataclass, replace

from chalicelib.holders.holder import Holder
from chalicelib.ledger.keys import transaction_key
from chalicelib.notifications.notice import Notice
from chalicelib.notifications.state import NotificationKey, Outcome, State


@dataclass(frozen=True, slots=True)
class Addressed:
    """A notice and one holder whom it is for."""

    notice: Notice
    holder: Holder

    @property
    def key(self) -> NotificationKey:
        transaction = self.notice.transaction
        return NotificationKey(transaction_key(transaction.bank, transaction.id), self.holder.id)

    @property
    def alone(self) -> Notice:
        """The notice for this holder only."""
        return replace(self.notice, holders=(self.holder.id,))

    def outcome(self, state: State, reason: str | None = None, message_id: str | None = None) -> Outcome:
        """Return what is to be noted of it. It has been to be told since the transaction was recorded."""
        return Outcome(self.key, state, reason, message_id, self.notice.transaction.recorded_at)
