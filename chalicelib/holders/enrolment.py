"""Enrolment of holders, and suppression of addresses after a hard bounce or a complaint.

A suppression concerns all of the bank's holders with the address. Each gets e-mails again when the bank enrols the
holder with another address.
"""

import dataclasses
from collections.abc import Callable, Iterable

from chalicelib.aws.batching import batches
from chalicelib.errors import DomainError, HolderNotFound, TemporarilyUnavailable
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.choice import replaced
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.email_address import same_address
from chalicelib.ledger.keys import account_key

_ACCOUNTS_A_CALL = 100
# Raises if the record from before (None if there is none) may not become the other one.
Check = Callable[[Holder | None, Holder], None]


def _allow(_before: Holder | None, _after: Holder) -> None:
    """Allow every change."""


class Enrolment:
    """Keeps the holders' records and the addresses' entries in step, without locks.

    `enrol` writes the address's entry and the holder's record, and then reads whether the address is suppressed.
    `suppress` writes the suppression, and then reads which holders have the address. Each writes before it reads, so
    when both run at the same time, at least one sees the other's write and marks the holder.
    """

    def __init__(self, addresses: AddressRepository, holders: HolderRepository) -> None:
        self._addresses = addresses
        self._holders = holders

    def enrol(self, bank: str, account: str, holder: Holder, check: Check = _allow) -> tuple[Holder, bool]:
        """Enrol or replace a holder; return the holder as recorded, and True if the account didn't have it before.

        What the holder has chosen stays. If the address is suppressed, the recorded holder is too. `check` gets the
        record from before (None if there is none) and the new one, before anything is written; it is called again when
        another writer comes between. What it raises ends the enrolment. Raises TooManyHolders, TemporarilyUnavailable.
        """
        before, recorded = self._record(bank, account, holder.id, lambda before: replaced(before, holder), check)
        return recorded, before is None

    def amend(
        self, bank: str, account: str, holder_id: str, change: Callable[[Holder], Holder], check: Check = _allow
    ) -> Holder:
        """Write what `change` makes of the holder's record; return the holder as recorded.

        `check` is that of `enrol`. Raises HolderNotFound, TemporarilyUnavailable, and what `change` raises.
        """

        def of_enrolled(before: Holder | None) -> Holder:
            if before is None:
                raise HolderNotFound
            return change(before)

        return self._record(bank, account, holder_id, of_enrolled, check)[1]

    def erase(self, bank: str, account: str, holder_id: str, check: Callable[[Holder], None] = lambda _: None) -> None:
        """Erase a holder's data, unless `check`, which gets the record, raises.

        A suppression of the address stays: it is stored by the address's hash. Raises HolderNotFound,
        TemporarilyUnavailable.
        """
        before = self._find(bank, account, holder_id)
        if before is not None:
            check(before)
            self._addresses.leave(bank, account, before)
        self._holders.delete(bank, account, holder_id, check)

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

    def _record(
        self, bank: str, account: str, holder_id: str, change: Callable[[Holder | None], Holder], check: Check
    ) -> tuple[Holder | None, Holder]:
        entered: list[Holder] = []

        def prepared(before: Holder | None) -> Holder:
            holder = change(before)
            check(before, holder)
            self._addresses.enter(bank, account, holder)
            entered.append(holder)
            return dataclasses.replace(holder, suppressed=self._addresses.suppressed(bank, holder.email))

        try:
            before, recorded = self._holders.change(bank, account, holder_id, prepared)
        except TemporarilyUnavailable:
            raise
        except DomainError:
            self._leave(bank, account, entered, self._find(bank, account, holder_id))
            raise
        if recorded.suppressed is None and (suppressed := self._addresses.suppressed(bank, recorded.email)):
            recorded = dataclasses.replace(recorded, suppressed=suppressed)
            self._holders.suppress(account_key(bank, account), recorded, suppressed)
        self._leave(bank, account, [*([before] if before else []), *entered], recorded)
        return before, recorded

    def _leave(self, bank: str, account: str, holders: Iterable[Holder], stored: Holder | None) -> None:
        """Remove the entries of addresses that were entered, or that the holder had, and that aren't the stored one."""
        for holder in holders:
            if stored is None or not same_address(holder.email, stored.email):
                self._addresses.leave(bank, account, holder)

    def _find(self, bank: str, account: str, holder_id: str) -> Holder | None:
        return next((holder for holder in self._holders.of_account(bank, account) if holder.id == holder_id), None)
