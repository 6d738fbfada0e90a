"""The entries of one holder's address and id, in step with the holder's stored record, whoever else writes it."""

import dataclasses
from collections.abc import Iterable

from chalicelib.holders.address import Address
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.holder import Holder
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key


class Entries:
    """Compares a record with its entries. All methods raise TemporarilyUnavailable."""

    def __init__(self, addresses: AddressRepository, holders: HolderRepository) -> None:
        self._addresses = addresses
        self._holders = holders

    def find(self, bank: str, account: str, holder_id: str) -> Holder | None:
        """Return the stored record, None if there is none or it can't be read. Reads consistently."""
        return next((holder for holder in self._holders.of_account(bank, account) if holder.id == holder_id), None)

    def follow_standing(self, bank: str, account: str, recorded: Holder) -> Holder:
        """Mark the stored record as the address stands; return it."""
        key, address = account_key(bank, account), Address.of(bank, recorded.email)
        while (standing := self._addresses.standing(address)).suppressed != recorded.suppressed:
            recorded = dataclasses.replace(recorded, suppressed=standing.suppressed)
            self._holders.mark(key, recorded, standing.suppressed)
        if recorded.awaits_confirmation and standing.confirmed_at is not None:
            recorded = dataclasses.replace(recorded, address_confirmed_at=standing.confirmed_at)
            self._holders.confirm(key, recorded, standing.confirmed_at)
        return recorded

    def put_right(self, bank: str, account: str, holder_id: str, outdated: Iterable[Holder]) -> None:
        """Remove the entries of records that may not be stored, and enter the record that is stored, if any."""
        for one in outdated:
            self._addresses.forget(bank, account, one)
        stored = self.find(bank, account, holder_id)
        while stored is not None:
            self._addresses.enter_again(bank, account, stored)
            entered, stored = stored, self.find(bank, account, holder_id)
            if stored is not None and (stored.email, stored.enrolled_at) == (entered.email, entered.enrolled_at):
                self.follow_standing(bank, account, stored)
                return
            self._addresses.forget(bank, account, entered)
