"""Sweeps: the marks of an address's suppression in the records of all holders who have it, a page of holders at a time.

An address can have thousands of holders. One step of a sweep reads and writes a bounded number of records. A function
makes the first step itself and hands the rest over to a queue, one message for the next step. A sweep is of one version
of the address's standing: when the standing changes, the sweep of the new version replaces it.
"""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from chalicelib.aws.queues import GroupedBody, message
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address, Entry
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.long_step import LongStep
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.times import sortable

# At most so many records are marked in a step: a second of a feedback function's time.
HOLDERS_A_STEP = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Sweep(LongStep):
    """What is left of a sweep: the holders of an address behind the entry `after`; "" is all of them."""

    version: int
    after: str = ""

    @classmethod
    def of(cls, entry: Entry, now: datetime) -> "Sweep":
        return cls(entry.address, entry.version, began_at=now)


def pack(sweep: Sweep) -> str:
    """Return the sweep as the body of a message, in the bank's message group."""
    bank, digest = sweep.address
    content = {"bank": bank, "address": digest, "version": sweep.version, "after": sweep.after}
    content["began_at"] = sortable(sweep.began_at) if sweep.began_at else None
    return GroupedBody.of(message({"sweep": content}), bank)


def unpack(body: str) -> Sweep | None:
    """Return the sweep in a message, None if the message is another one; any exception for one that can't be read."""
    content: Any = json.loads(body) if body.startswith('{"sweep":') else None
    if content is None:
        return None
    found = content["sweep"]
    address = Address(str(found["bank"]), str(found["address"]))
    began_at = datetime.fromisoformat(found["began_at"]) if found["began_at"] else None
    return Sweep(address, int(found["version"]), str(found["after"]), began_at=began_at)


def go_on_anyway() -> None:
    """Let every mark be made, however long that takes."""


class Sweeper:
    """Makes holders' records say what their address's entry says.

    `hand_over` gets what is left after a step, and sends it to a queue; without it, all steps are made at once, as
    operators' commands do. `check_time` is called before a step, before its holders are read, and before each is
    marked: what it raises ends the step half-way.
    """

    def __init__(
        self,
        addresses: AddressRepository,
        holders: HolderRepository,
        hand_over: Callable[[Sweep], None] | None = None,
    ) -> None:
        self._addresses = addresses
        self._holders = holders
        self._hand_over = hand_over

    def begin(self, entry: Entry, now: datetime, check_time: Callable[[], None] = go_on_anyway) -> None:
        """Make the first step, and if the entry isn't swept, hand over what is left and note that it is swept."""
        left = self.step(Sweep.of(entry, now), check_time)
        if entry.is_swept:
            return
        self._hand_on(left)
        # Only now: if this breaks off before, the next event of the address begins again. If it can't be noted, that
        # event does so, too: what was handed over is not handed over at each try.
        with contextlib.suppress(TemporarilyUnavailable):
            self._addresses.swept(entry)

    def go_on(self, sweep: Sweep, check_time: Callable[[], None] = go_on_anyway) -> None:
        """Make a step of a sweep that was handed over, and hand over what is left. Raises TemporarilyUnavailable."""
        self._hand_on(self.step(sweep, check_time))

    def _hand_on(self, left: Sweep | None) -> None:
        if self._hand_over is None:
            while left is not None:
                left = self.step(left)
        elif left is not None:
            self._hand_over(left)

    def step(self, sweep: Sweep, check_time: Callable[[], None] = go_on_anyway) -> Sweep | None:
        """Make one step; return what is left of the sweep, None when it is done or replaced by another one.

        Raises TemporarilyUnavailable, also half-way; making the step again completes it. A step of a sweep that was
        replaced marks its holders all the same: it may be the repetition of one that died with old marks written.
        """
        check_time()
        entry = self._addresses.entry(sweep.address)
        accounts, more = self._addresses.accounts_behind(sweep.address, sweep.after, HOLDERS_A_STEP)
        entry = self.mark(entry, accounts, check_time)
        if entry.version != sweep.version:
            return None
        if more is not None:
            return dataclasses.replace(sweep, after=more)
        if entry.has_marks_left:
            self._addresses.unmarked(entry)
        return None

    def mark(self, entry: Entry, accounts: Iterable[str], check_time: Callable[[], None] = go_on_anyway) -> Entry:
        """Make the records of these accounts' holders who have the address say what its entry says; return the entry.

        Reads the entry again after it has marked them: who has marked them by an old standing marks them by the new.
        """
        keys = sorted({account_key(entry.address.bank, account) for account in accounts})
        while True:
            suppressed = entry.standing.suppressed
            check_time()
            for key, holders in self._holders.of_accounts(keys).items():
                for holder in holders:
                    # A second call skips the holders that the first has marked, and so goes on where the first ended.
                    has_address = Address.of(entry.address.bank, holder.email) == entry.address
                    if has_address and holder.suppressed != suppressed:
                        check_time()
                        self._holders.mark(key, holder, suppressed)
            entry = self._addresses.entry(entry.address)
            if entry.standing.suppressed == suppressed:
                return entry
