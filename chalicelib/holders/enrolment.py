"""Enrolling holders, and suppressing addresses: where an e-mail bounced for good or was complained of, no more go.

That is for all holders of the bank who have the address, until the bank enrols another one for them.
"""

import dataclasses
from collections.abc import Iterable

from chalicelib.aws.batching import batches
from chalicelib.errors import TooManyHolders
from chalicelib.holders.addresses import AddressRepository, same_address
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key

_ACCOUNTS_A_CALL = 100


class Enrolment:
    """Keeps holders' records and the addresses' entries together.

    Both sides write first and look then: who enrols writes the entry and the record and looks whether the address is
    suppressed; who suppresses writes that and looks who has the address. So one of two at once sees the other.
    """

    def __init__(self, addresses: AddressRepository, holders: HolderRepository) -> None:
        self._addresses = addresses
        self._holders = holders

    def enrol(self, bank: str, account: str, holder: Holder) -> tuple[Holder, bool]:
        """Enrol or replace a holder; return the holder as recorded, and whether new to the account.

        Raises TooManyHolders. A suppressed address stays suppressed, whoever is enrolled with it.
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
        """Erase a holder's data; raises HolderNotFound. That an address is suppressed is kept, by its hash."""
        before = self._find(bank, account, holder_id)
        if before is not None:
            self._addresses.leave(bank, account, before)
        self._holders.delete(bank, account, holder_id)

    def suppress(self, bank: str, email: str, suppressed: Suppressed) -> None:
        """Let no e-mail of the bank go to the address any more. To be repeated if it raises; that changes no more."""
        self._addresses.suppress(bank, email, suppressed)
        kept = self._addresses.suppressed(bank, email) or suppressed
        accounts = sorted(set(self._addresses.accounts_at(bank, email)))
        for part in batches((account_key(bank, account) for account in accounts), _ACCOUNTS_A_CALL):
            self._mark(part, email, kept)

    def _mark(self, account_keys: Iterable[str], email: str, suppressed: Suppressed) -> None:
        for key, holders in self._holders.of_accounts(account_keys).items():
            for holder in holders:
                # Those who are marked are passed over, so that a repetition goes on where the last one ended.
                if same_address(holder.email, email) and holder.suppressed != suppressed:
                    self._holders.suppress(key, holder, suppressed)

    def _find(self, bank: str, account: str, holder_id: str) -> Holder | None:
        return next((one for one in self._holders.of_account(bank, account) if one.id == holder_id), None)
