"""An e-mail address of a bank's holders by its hash, what is stored of it, and the form in which it is stored."""

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.suppression import Standing
from chalicelib.ledger.email_address import canonical
from chalicelib.ledger.times import sortable

SUPPRESSION = "suppression"
_TIMES = ("since", "until", "lifted_at", "confirmed_at")


class Address(NamedTuple):
    """An address of a bank's holders, by its hash: all of its spellings are equal."""

    bank: str
    digest: str

    @classmethod
    def of(cls, bank: str, email: str) -> "Address":
        return cls(bank, hashlib.sha256(canonical(email).encode(errors="surrogatepass")).hexdigest())

    @property
    def key(self) -> str:
        return f"{self.bank}#{self.digest}"


class Entry(NamedTuple):
    """What is stored of an address. Each change of the standing makes a new version.

    `has_marks_left` is true when a lifting may have left marks in holders' records. `is_swept`: the sweep of this
    version is done, or a queue has what is left of it.
    """

    address: Address
    standing: Standing
    has_marks_left: bool = False
    version: int = 0
    is_swept: bool = False


def id_key(bank: str, holder_id: str, account: str = "") -> dict[str, str]:
    """Return the key of the entry of a holder's id for an account. No address's key has a second `#`."""
    return {"address_key": f"{bank}#holder#{holder_id}", "entry": account}


def key_of(address: Address, entry: str) -> dict[str, str]:
    return {"address_key": address.key, "entry": entry}


def entry_of(account: str, holder: Holder) -> str:
    return f"holder#{account}#{holder.id}"


def sweeps_kept(stored: dict[str, Any], *, is_same: bool) -> dict[str, Any]:
    """Return what an entry says of sweeps, when it is stored anew: nothing ends one but another suppression."""
    version = int(stored.get("version", 0))
    if not is_same:
        return {"marked_version": version + 1}
    kept: dict[str, Any] = {name: stored[name] for name in ("marks_left", "swept") if name in stored}
    return {"marked_version": stored.get("marked_version", version), **kept}


def read_entry(address: Address, values: dict[str, Any]) -> Entry:
    version = int(values.get("marked_version", values.get("version", 0)))
    return Entry(
        address, read_standing(values), "marks_left" in values, version, int(values.get("swept", -1)) == version
    )


def enrolment_of(holder: Holder) -> dict[str, str]:
    return {"enrolled_at": sortable(holder.enrolled_at)}


def standing_values(standing: Standing) -> dict[str, Any]:
    times = {"lifted_at": standing.lifted_at, "confirmed_at": standing.confirmed_at}
    values: dict[str, Any] = {name: sortable(at) if at else None for name, at in times.items()}
    if standing.suppressed is not None:
        until = standing.suppressed.until
        values |= {"reason": standing.suppressed.reason, "since": sortable(standing.suppressed.since)}
        values["until"] = sortable(until) if until else None
    return values


def read_standing(values: dict[str, Any]) -> Standing:
    times = {name: datetime.fromisoformat(values[name]) for name in _TIMES if values.get(name)}
    suppressed = None
    if "since" in times:
        suppressed = Suppressed(values["reason"], times["since"], times.get("until"))
    return Standing(suppressed, times.get("lifted_at"), times.get("confirmed_at"))
