"""What a bank's file says about an account, independent of the file's format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

# How SWIFT marks an entry: a credit, a debit, a reversed credit (money goes out), a reversed debit (money comes in).
CREDIT, DEBIT, REVERSED_CREDIT, REVERSED_DEBIT = "C", "D", "RC", "RD"
OPPOSITE = {CREDIT: DEBIT, DEBIT: CREDIT, REVERSED_CREDIT: REVERSED_DEBIT, REVERSED_DEBIT: REVERSED_CREDIT}
INCOMING = frozenset({CREDIT, REVERSED_DEBIT})
REVERSALS = frozenset({REVERSED_CREDIT, REVERSED_DEBIT})

# What banks write where they have no reference.
_NO_REFERENCE = frozenset(
    {
        "NONREF",
        "NOREF",
        "NONE",
        "NOTPROVIDED",
        "NOT PROVIDED",
        "UNKNOWN",
        "N/A",
        "EREF",
        "EREF+",
        "KREF",
        "KREF+",
        "CREF",
    }
)


class NotSent(Exception):
    """The entry is understood, and is not to be sent; the message is the reason."""


class NotMapped(Exception):
    """The entry can't be made into a transaction; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say about one place in the file, like `line 12` or `entry 3`."""

    place: str
    message: str


@dataclass(frozen=True, slots=True)
class Party:
    """The other side of an entry, as far as the file names it."""

    name: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """An amount before its conversion; `rate` is the rate as the file gives it."""

    amount: Decimal
    currency: str
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One booked entry of an account, or one part of a batch that is booked in one sum.

    `amount` has no sign: `mark` is C, D, RC or RD. The entry counts on `day`: its booking date, or the next best date
    that the file gives. `booked_at` is the moment of booking in UTC where the file gives it.
    `bank_reference` is the bank's own reference of the entry. Where there is none, `fingerprint` is what else tells it
    from others. `part` tells the parts of a batch apart. `references` are all references by which another entry can
    name this one. `notes` say what can't be mapped.
    """

    place: str
    amount: Decimal
    currency: str
    mark: str
    day: date
    booking_date: date | None = None
    value_date: date | None = None
    booked_at: datetime | None = None
    bank_reference: str = ""
    fingerprint: str = ""
    part: str = ""
    references: frozenset[str] = frozenset()
    reference: str = ""
    text: str = ""
    counterparty: Party = Party()
    original: Original | None = None
    merchant: Mapping[str, str] = field(default_factory=dict)
    card_last4: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def signed(self) -> Decimal:
        """The amount as the account's balance changes by it."""
        return self.amount if self.mark in INCOMING else -self.amount

    @property
    def is_reversal(self) -> bool:
        return self.mark in REVERSALS


@dataclass(frozen=True, slots=True)
class Balance:
    """A booked balance; negative when the account is overdrawn."""

    amount: Decimal
    currency: str


@dataclass(slots=True)
class Statement:
    """What a file says about one account for one period, with its booked entries in the file's order.

    `account` is as the file writes it. `issued` is the message's own reference and time. `unchecked` says why
    the balances can't be compared with the entries, if so.
    """

    name: str = ""
    account: str = ""
    issued: str = ""
    currency: str = ""
    opening: Balance | None = None
    closing: Balance | None = None
    unchecked: str = ""
    entries: list[Entry] = field(default_factory=list)
    not_sent: list[Remark] = field(default_factory=list)
    not_mapped: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)

    @property
    def read(self) -> int:
        """How many entries of the file are in here, the parts of a batch counted one by one."""
        return len(self.entries) + len(self.not_sent) + len(self.not_mapped)


def real_reference(text: str | None) -> str:
    """Return the reference without spaces around it, or "" when the text only says that there is none."""
    reference = " ".join((text or "").split())
    return "" if reference.upper() in _NO_REFERENCE or not any(map(str.isalnum, reference)) else reference
