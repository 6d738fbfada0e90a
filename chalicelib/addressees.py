"""Whom the mailer tells: a transaction's notice, and one of the holders of its account."""

from dataclasses import dataclass, replace

from chalicelib.holders import Holder
from chalicelib.notices import Notice
from chalicelib.notifications import NotificationKey
from chalicelib.repository import transaction_key


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
