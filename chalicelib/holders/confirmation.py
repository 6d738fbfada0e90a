"""The rules of confirming an address: who is asked, when again, and what counts as confirmed.

On the trial plan, and at a bank that has chosen so (`confirm_addresses`), a holder first gets one e-mail that asks to
confirm the address, and nothing else until that is done. What is confirmed is the address, for one bank: all of the
bank's holders who have it are confirmed together.

Pure: records in, records out.
"""

import dataclasses
from datetime import datetime, timedelta

from chalicelib.holders.holder import Holder
from chalicelib.ledger.email_address import same_address

# What the notification of a holder says who has not confirmed the address.
NOT_CONFIRMED = "not_confirmed"
# An address gets one such e-mail from a bank in this time, however often the bank enrols, erases and enrols it again.
# The link in the e-mail is valid for as long.
ASKED_AT_MOST_EACH = timedelta(days=14)
# A bank that sends an unconfirmed holder again has the service look again whether an e-mail may go, after this time: so
# one that was over the day's quota goes on another day.
LOOKED_AT_AGAIN_AFTER = timedelta(days=1)


def with_confirmation(
    before: Holder | None, after: Holder, confirmed_at: datetime | None, must_confirm: bool
) -> Holder:
    """Return the record that the bank writes, with what is known of its address.

    `before` is the record until now; `confirmed_at` is when the address was confirmed for the bank, None if it wasn't.
    `must_confirm` says whether the bank's holders confirm their addresses. A holder who was enrolled before they had to
    stays as the holder is, until the address changes.
    """
    of_address = before if before is not None and same_address(before.email, after.email) else None
    asked_at = of_address.confirmation_asked_at if of_address else None
    if of_address is not None and not of_address.awaits_confirmation:
        confirmed_at = of_address.address_confirmed_at
    elif not must_confirm:
        asked_at = confirmed_at = None
    elif confirmed_at is None and (asked_at is None or after.changed_at - asked_at >= LOOKED_AT_AGAIN_AFTER):
        asked_at = after.changed_at
    return dataclasses.replace(after, confirmation_asked_at=asked_at, address_confirmed_at=confirmed_at)
