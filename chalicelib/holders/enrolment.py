"""Enrolment of holders, confirmation of their addresses, and suppression after a hard bounce or a complaint.

A suppression and a confirmation concern all of the bank's holders with the address. Each gets e-mails again when the
bank enrols the holder with another address, when the suppression is lifted, and when it lapses.
"""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime

from chalicelib.aws.batching import batches
from chalicelib.errors import DomainError, HolderNotFound, NotSuppressed, TemporarilyUnavailable
from chalicelib.holders.address import Address, Entry
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.choice import replaced
from chalicelib.holders.confirmation import with_confirmation
from chalicelib.holders.entries import Entries
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from chalicelib.holders.suppression import LIFTED_AT_MOST_EACH
from chalicelib.holders.sweep import Sweep, Sweeper, go_on_anyway
from chalicelib.ledger.email_address import same_address
from chalicelib.ledger.keys import account_key

_ACCOUNTS_A_CALL = 100
# Raises if the record from before (None if there is none) may not become the other one.
Check = Callable[[Holder | None, Holder], None]
# Raises if the stored record (None if it can't be read) may not be changed.
CheckStored = Callable[[Holder | None], None]


def _allow(_before: Holder | None, _after: Holder) -> None:
    """Allow every change."""


def _allow_stored(_stored: Holder | None) -> None:
    """Allow every change."""


class Enrolment:
    """Keeps the holders' records and the addresses' entries in step, without locks.

    `enrol` writes the address's entry and the holder's record, and then reads whether the address is suppressed or
    confirmed. `suppress`, `lift` and `confirm` write the address's standing, and then read which holders have it. Each
    writes before it reads, so when two run at the same time, at least one sees the other's write. The first two read
    the standing again after they have marked the holders: who has marked them by an old standing marks them by the new
    one.

    Holders are marked in steps (`Sweeper`, which `hand_over` is for).
    """

    def __init__(
        self,
        addresses: AddressRepository,
        holders: HolderRepository,
        hand_over: Callable[[Sweep], None] | None = None,
    ) -> None:
        self._addresses = addresses
        self._holders = holders
        self._entries = Entries(addresses, holders)
        self._sweeper = Sweeper(addresses, holders, hand_over)

    def enrol(
        self, bank: str, account: str, holder: Holder, check: Check = _allow, *, must_confirm: bool = False
    ) -> tuple[Holder, bool]:
        """Enrol or replace a holder; return the holder as recorded, and True if the account didn't have it before.

        What the holder has chosen stays. If the address is suppressed, the recorded holder is too. `check` gets the
        record from before (None if there is none) and the new one, before anything is written; it is called again when
        another writer comes between. What it raises ends the enrolment. `must_confirm` says whether a holder with a new
        address must confirm it: see `confirmation`. Raises TooManyHolders, TemporarilyUnavailable.
        """

        def change(before: Holder | None) -> Holder:
            return replaced(before, holder)

        before, recorded = self._record(bank, account, holder.id, change, check, must_confirm)
        return recorded, before is None

    def amend(
        self,
        bank: str,
        account: str,
        holder_id: str,
        change: Callable[[Holder], Holder],
        check: Check = _allow,
        *,
        must_confirm: bool = False,
    ) -> Holder:
        """Write what `change` makes of the holder's record; return the holder as recorded.

        `check` and `must_confirm` are those of `enrol`. Raises HolderNotFound, TemporarilyUnavailable, and what
        `change` raises.
        """

        def of_enrolled(before: Holder | None) -> Holder:
            if before is None:
                raise HolderNotFound
            return change(before)

        return self._record(bank, account, holder_id, of_enrolled, check, must_confirm)[1]

    def erase(self, bank: str, account: str, holder_id: str, now: datetime, check: CheckStored = _allow_stored) -> None:
        """Erase a holder's data, unless `check`, which gets the record (None if it can't be read), raises.

        A suppression of the address stays: it is stored by the address's hash. Raises HolderNotFound,
        TemporarilyUnavailable.
        """
        found: list[Holder] = []

        def checked(stored: Holder | None) -> None:
            check(stored)
            if stored is not None and stored not in found:
                found.append(stored)

        before = self._entries.find(bank, account, holder_id)
        if before is not None:
            checked(before)
            # Before the record, so that an erasure that breaks off can be repeated: without it, nothing leads here.
            self._addresses.forget(bank, account, before)
        try:
            self._holders.delete(bank, account, holder_id, now, checked)
        finally:
            # Others may have changed the record meanwhile: what was deleted is the last one found. Or nothing was.
            self._entries.put_right(bank, account, holder_id, found)
        if found:
            self._forget_confirmation(bank, found[-1])

    def suppress(
        self,
        address: Address,
        suppressed: Suppressed,
        now: datetime,
        check_time: Callable[[], None] = go_on_anyway,
    ) -> None:
        """Suppress the address for its bank, and mark all of its holders who have it, or hand that over.

        When that was done before, looks at the first page of holders only. What happened before the last lifting
        changes nothing, and a suppression that outweighs this one stays. Raises TemporarilyUnavailable, and what
        `check_time` raises (`Sweeper`), also half-way; calling it again completes it.
        """
        # The sweep's time begins now: what SES told may be of yesterday.
        self._sweeper.begin(self._addresses.suppress(address, suppressed), now, check_time)

    def confirm(self, address: Address, now: datetime) -> None:
        """Note that the address was confirmed, for all of the bank's holders who have it, `first_at` last.

        Raises TemporarilyUnavailable, also half-way; calling it again completes it.
        """
        confirmed_at = self._addresses.confirm(address, now)
        for key, holder in self._holders_at(address, is_last_first=True):
            if holder.awaits_confirmation:
                self._holders.confirm(key, holder, confirmed_at)

    def first_at(self, address: Address) -> Holder:
        """Return the first of the bank's holders who have the address, by account. Raises HolderNotFound."""
        for account in self._addresses.accounts_at(address):
            for holder in self._holders.of_account(address.bank, account):
                if Address.of(address.bank, holder.email) == address:
                    return holder
        raise HolderNotFound

    def lift(self, bank: str, account: str, holder_id: str, now: datetime, check: CheckStored = _allow_stored) -> None:
        """End the suppression of the holder's address, for all of the bank's holders who have it.

        `check` gets the holder before anything is changed; what it raises ends the lifting. Raises HolderNotFound,
        NotSuppressed, LiftedLately, TemporarilyUnavailable; the last also half-way, and calling it again completes it.
        """
        holder = self._entries.find(bank, account, holder_id)
        if holder is None:
            raise HolderNotFound
        check(holder)
        address = Address.of(bank, holder.email)
        try:
            entry = self._addresses.lift(address, now, LIFTED_AT_MOST_EACH)
        except NotSuppressed:
            # An earlier call may have ended it and broken off, or its sweep hasn't come to this holder.
            entry = self._addresses.entry(address)
            if holder.suppression(now) is None and (entry.is_swept or not entry.has_marks_left):
                raise
        self._sweeper.begin(self._sweeper.mark(entry, [account]), now)

    def lift_address(self, address: Address, now: datetime) -> bool:
        """End the suppression of an address, however lately one was lifted; return whether there was one.

        Raises TemporarilyUnavailable, also half-way; calling it again completes it.
        """
        try:
            self._sweeper.begin(self._addresses.lift(address, now), now)
        except NotSuppressed:
            self._sweeper.begin(self._addresses.entry(address), now)
            return False
        return True

    def complete_lift(self, entry: Entry, now: datetime) -> None:
        """Make holders' records say what the entry does, where the sweep of a lifting, or of what lapsed, broke off."""
        self._sweeper.begin(entry._replace(is_swept=False), now)

    def sweep(self, sweep: Sweep, check_time: Callable[[], None] = go_on_anyway) -> None:
        """Make a step of a sweep that was handed over, and hand over what is left. Raises as `suppress` does."""
        self._sweeper.go_on(sweep, check_time)

    def _holders_at(self, address: Address, is_last_first: bool = False) -> Iterator[tuple[str, Holder]]:
        """Yield the holders who have the address, each with the account's key, by account."""
        accounts = sorted(set(self._addresses.accounts_at(address)), reverse=is_last_first)
        for part in batches((account_key(address.bank, account) for account in accounts), _ACCOUNTS_A_CALL):
            for key, holders in self._holders.of_accounts(part).items():
                yield from ((key, one) for one in holders if Address.of(address.bank, one.email) == address)

    def _record(
        self,
        bank: str,
        account: str,
        holder_id: str,
        change: Callable[[Holder | None], Holder],
        check: Check,
        must_confirm: bool,
    ) -> tuple[Holder | None, Holder]:
        entered: list[Holder] = []

        def prepared(before: Holder | None) -> Holder:
            holder = change(before)
            check(before, holder)
            self._addresses.enter(bank, account, holder)
            entered.append(holder)
            standing = self._addresses.standing(Address.of(bank, holder.email))
            holder = dataclasses.replace(holder, suppressed=standing.suppressed)
            return with_confirmation(before, holder, standing.confirmed_at, must_confirm)

        try:
            before, recorded = self._holders.change(bank, account, holder_id, prepared)
        except TemporarilyUnavailable:
            raise
        except DomainError:
            if entered:
                self._entries.put_right(bank, account, holder_id, entered)
            raise
        recorded = self._entries.follow_standing(bank, account, recorded)
        for holder in (*([before] if before else []), *entered):
            if not same_address(holder.email, recorded.email):
                self._addresses.leave(bank, account, holder)
        if before is not None and not same_address(before.email, recorded.email):
            self._forget_confirmation(bank, before)
        return before, recorded

    def _forget_confirmation(self, bank: str, holder: Holder) -> None:
        """Remove that the address was confirmed which the holder had, if nobody else at the bank has it."""
        if holder.address_confirmed_at is not None:
            self._addresses.forget_confirmation(Address.of(bank, holder.email))
