"""Asking a holder to confirm an address: whether an e-mail may go out now, and the e-mail.

An address gets one from a bank in 14 days, whatever number of holders, notices and functions there are at once: the
first notice has the address's turn (`asked_repository`), and only the notice that has it sends. It keeps the turn when
its function dies or SES puts the e-mail off, so that it is tried again.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from chalicelib.banks.bank import BankDirectory
from chalicelib.changes.asked_repository import AskedRepository, Turn
from chalicelib.changes.change_notice import ChangeNotice
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links, LinksFor
from chalicelib.ledger.email_address import same_address
from chalicelib.mail.confirmation_mail import render_confirmation
from chalicelib.mail.parts import email_to
from chalicelib.mail.ses import Email
from chalicelib.notifications.email_quota import OVER_QUOTA

ASKED_LATELY = "asked_lately"


class NoLink(Exception):
    """The link can't be made now, and an e-mail without it asks nothing."""


class Confirming:
    """Asks holders to confirm their addresses.

    `links_for` and `confirmation_link` make the e-mail's links, the second one of an address. `allowed_emails` takes so
    many e-mails of a bank's quota of today, and returns how many it may send.
    """

    def __init__(
        self,
        asked: AskedRepository,
        banks: BankDirectory,
        links_for: LinksFor,
        confirmation_link: Callable[[Address], str | None],
        allowed_emails: Callable[[str, int], int],
    ) -> None:
        self._asked = asked
        self._banks = banks
        self._links_for = links_for
        self._confirmation_link = confirmation_link
        self._allowed_emails = allowed_emails

    def why_not(self, notice: ChangeNotice, holder: Holder, now: datetime) -> str | None:
        """Return why no e-mail goes to the holder, as the record is now; None if one may, which is then counted."""
        told = notice.told
        if not same_address(holder.email, told.holder.email):
            return "address_changed"
        if not holder.awaits_confirmation:
            return "not_asked" if holder.address_confirmed_at is None else "confirmed"
        if holder.preferences.get("muted"):
            return "muted"
        address, name = Address.of(told.bank, holder.email), _name_of(notice)
        turn = self._asked.take(address, name, now)
        if turn is Turn.FIRST and not self._allowed_emails(told.bank, 1):
            self._asked.give_back(address, name)
            return OVER_QUOTA
        return ASKED_LATELY if turn is Turn.TAKEN else None

    def email(self, notice: ChangeNotice, holder: Holder) -> Email:
        """Return the e-mail with the link. Raises NoLink, TemporarilyUnavailable.

        It has no link to the page of preferences: it may have gone to somebody else's address.
        """
        told = notice.told
        link = self._confirmation_link(Address.of(told.bank, holder.email))
        if link is None:
            raise NoLink
        mail = render_confirmation(holder, self._banks.name_of(told.bank), link)
        one_click = Links(unsubscribe=self._links_for(told.bank, told.account, holder).unsubscribe)
        return email_to(holder, mail, one_click, told.bank, told.id)


def _name_of(notice: ChangeNotice) -> str:
    """Return the notice's name in the table, without anybody's id."""
    return hashlib.sha256(f"{notice.told.id}/{notice.key.holder}".encode()).hexdigest()[:24]
