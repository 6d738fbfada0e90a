"""Changes of a holder's record that the holder and the bank are told of. Pure."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.ledger.email_address import same_address
from chalicelib.ledger.times import sortable

ALERTS_ENDED, ADDRESS_CHANGED = "alerts_ended", "address_changed"
KINDS = (ADDRESS_CHANGED, ALERTS_ENDED)
# An address that its holder is to confirm. Only the holder is told.
CONFIRM_ADDRESS = "confirm_address"
BANK, HOLDER = "bank", "holder"


@dataclasses.dataclass(frozen=True, slots=True)
class HolderChange:
    """A change, made by the `bank` or the `holder` (`by`).

    `holder` is whom the e-mail goes to: the holder as before the change, with the address from before. The e-mail that
    asks to confirm an address goes to that address.
    """

    bank: str
    account: str
    kind: str
    by: str
    at: datetime
    holder: Holder

    @property
    def id(self) -> str:
        """The change's id, in the place of a transaction's: `alerts_ended@A123@20260110T140000000000Z`."""
        return f"{self.kind}@{self.account}@{sortable(self.at).translate(_WITHOUT_MARKS)}"

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON values; `from_json` reads it."""
        suppressed = self.holder.suppression(self.at)
        return {
            "bank": self.bank,
            "account": self.account,
            "kind": self.kind,
            "by": self.by,
            "at": self.at.isoformat(),
            "holder": {
                "id": self.holder.id,
                "name": self.holder.name,
                "email": self.holder.email,
                "locale": self.holder.locale,
                "timezone": self.holder.timezone,
                **({"alias": self.holder.alias} if self.holder.alias else {}),
            },
            "suppressed": suppressed.reason if suppressed else None,
            **({"not_confirmed": True} if self.holder.awaits_confirmation else {}),
        }


_WITHOUT_MARKS = str.maketrans("", "", "-:.")


def from_json(values: dict[str, Any]) -> HolderChange:
    """Return the change in its stored form; raises KeyError, TypeError or ValueError if it is malformed."""
    at = datetime.fromisoformat(values["at"])
    names = ("id", "name", "email", "locale", "timezone")
    holder_id, name, email, locale, timezone = (str(values["holder"][name]) for name in names)
    if values["kind"] not in (*KINDS, CONFIRM_ADDRESS) or values["by"] not in (BANK, HOLDER) or at.tzinfo is None:
        raise ValueError("no change")
    reason = values["suppressed"]
    suppressed = Suppressed(str(reason), at) if reason else None
    asked_at = at if values.get("not_confirmed") is True else None
    alias = str(values["holder"].get("alias", ""))
    holder = Holder(
        holder_id, name, email, locale, timezone, {}, at, suppressed, confirmation_asked_at=asked_at, alias=alias
    )
    bank, account, kind, by = (str(values[name]) for name in ("bank", "account", "kind", "by"))
    return HolderChange(bank, account, kind, by, at, holder)


def changes_of(bank: str, account: str, before: Holder | None, after: Holder) -> Iterator[HolderChange]:
    """Yield what is told of the change of one record into another; `before` is None for a holder who is enrolled.

    Who is enrolled without security alerts is told so too: otherwise a bank could end them in silence, by erasing the
    holder and enrolling the holder again. Who has to confirm the address is told when that is done.
    """
    told = before or after
    if not same_address(told.email, after.email):
        yield HolderChange(bank, account, ADDRESS_CHANGED, BANK, after.changed_at, told)
    is_confirmed = before is not None and before.awaits_confirmation and not after.awaits_confirmation
    had_alerts = before.has_alerts if before else not after.awaits_confirmation
    if not after.has_alerts and (had_alerts or is_confirmed):
        by = HOLDER if after.chosen.get("alerts") is False else BANK
        at = after.address_confirmed_at if is_confirmed else None
        yield HolderChange(bank, account, ALERTS_ENDED, by, at or after.changed_at, after if is_confirmed else told)
    asked_before, asked_at = before and before.confirmation_asked_at, after.confirmation_asked_at
    if after.awaits_confirmation and asked_at is not None and asked_at != asked_before:
        yield HolderChange(bank, account, CONFIRM_ADDRESS, BANK, asked_at, after)
