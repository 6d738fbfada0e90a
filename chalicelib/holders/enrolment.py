"""Enrolment of holders, and suppression of addresses after a hard bounce or a complaint.

A suppression concerns all of the bank's holders with the address. Each gets e-mails again when the bank enrols the
holder with another address.
"""

import dataclasses
from collections.abc import Iterable

from chalicelib.aws.batching import batches
from chalicelib.errors import TooManyHolders
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.email_address import same_address
from chalicelib.ledger.keys import account_key

_ACCOUNTS_A_CALL = 100


class Enrolment:
    """Keeps the holders' records and the addresses' entries in step, without locks.

    `enrol` writes the address's entry and the holder's record, and then reads whether the address is suppressed.
    `suppress` writes the suppression, and then reads which holders have the address. Each writes before it reads, so
    when both run at the same time, at least one sees the other's write and marks the holder.
    """

    def __init__(self, addresses: AddressRepository, holders: HolderRepository) -> None:
        self._addresses = addresses
        self._holders = holders

    def enrol(self, bank: str, account: str, holder: Holder) -> tuple[Holder, bool]:
        """Enrol or replace a holder; return the holder as recorded, and True if the account didn't have it before.

        If the address is suppressed, the recorded holder is too. Raises TooManyHolders, TemporarilyUnavailable.
        """
        before = self._find(bank, account, holder.id)
        self._addresses.enter(bank, account, holder)
        recorded = dataclasses.replace(holder, suppressed=self._addresses.suppressed(bank, holder.email))
        try:
            is_new = self._holders.put(bank, account, recorded)
        except TooManyHolders:
            self._addresses.leave(bank, account, holder)
            raise
        if recorded.suppressed is None and (suppressed := self._addresses.suppressed(bank, holder.email)):
            recorded = dataclasses.replace(recorded, suppressed=suppressed)
            self._holders.suppress(account_key(bank, account), recorded, suppressed)
        if before is not None and not same_address(before.email, holder.email):
            self._addresses.leave(bank, account, before)
        return recorded, is_new

    def erase(self, bank: str, account: str, holder_id: str) -> None:
        """Erase a holder's data. A suppression of the address stays: it is stored by the address's hash.

        Raises HolderNotFound, TemporarilyUnavailable.
        """
        before = self._find(bank, account, holder_id)
        if before is not None:
            self._addresses.leave(bank, account, before)
        self._holders.delete(bank, account, holder_id)

    def suppress(self, bank: str, email: str, suppressed: Suppressed) -> None:
        """Suppress the address for the bank, and mark all of its holders who have it.

        Raises TemporarilyUnavailable, also half-way; calling it again completes it.
        """
        self._addresses.suppress(bank, email, suppressed)
        kept = self._addresses.suppressed(bank, email) or suppressed
        accounts = sorted(set(self._addresses.accounts_at(bank, email)))
        for part in batches((account_key(bank, account) for account in accounts), _ACCOUNTS_A_CALL):
            self._suppress_holders(part, email, kept)

    def _suppress_holders(self, account_keys: Iterable[str], email: str, suppressed: Suppressed) -> None:
        for key, holders in self._holders.of_accounts(account_keys).items():
            for holder in holders:
                # A second call skips the holders that the first has marked, and so goes on where the first ended.
                if same_address(holder.email, email) and holder.suppressed != suppressed:
                    self._holders.suppress(key, holder, suppressed)

    def _find(self, bank: str, account: str, holder_id: str) -> Holder | None:
        return next((holder for holder in self._holders.of_account(bank, account) if holder.id == holder_id), None)
