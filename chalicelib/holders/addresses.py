"""E-mail addresses in DynamoDB, by their hash: which holders have an address, and whether it is suppressed.

The table stores no address, only the SHA-256 of its canonical form. An address has one entry for each holder with it,
and one more if it is or was suppressed, or was confirmed. So when SES reports a bounce, the holders with the address
are found without a scan. Each holder's record repeats both: the mailer doesn't read this table.

Beside them, a holder's id has an entry for each account that has such a holder (`finding_repository` reads them).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, queried, to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.suppression import Standing
from chalicelib.ledger.email_address import canonical
from chalicelib.ledger.times import sortable

_SUPPRESSION = "suppression"
# Another writer of the same entry, between our read and our write, makes us try again.
_TRIES = 10
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
    """What is stored of an address. `has_marks_left` is true when a lifting may have left marks in holders' records."""

    address: Address
    standing: Standing
    has_marks_left: bool


class AddressRepository:
    """The entries of addresses, each within one bank. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def enter(self, bank: str, account: str, holder: Holder) -> None:
        """Add the holder to those who have the holder's address, and to those who have the holder's id.

        An earlier entry of the same holder is replaced.
        """
        for key in (_key(Address.of(bank, holder.email), _entry_of(account, holder)), id_key(bank, holder.id, account)):
            call(self._client.put_item, TableName=self._table, Item=to_item({**key, **_version(holder)}))

    def leave(self, bank: str, account: str, holder: Holder) -> None:
        """Remove the holder from those who have the address; does nothing if a later enrolment has added it again."""
        self._remove(_key(Address.of(bank, holder.email), _entry_of(account, holder)), holder)

    def forget(self, bank: str, account: str, holder: Holder) -> None:
        """Remove an erased holder from those who have the address, and from those who have the id, like `leave`."""
        self.leave(bank, account, holder)
        self._remove(id_key(bank, holder.id, account), holder)

    def _remove(self, key: dict[str, str], holder: Holder) -> None:
        call_if(
            self._client.delete_item,
            TableName=self._table,
            Key=to_item(key),
            ConditionExpression="enrolled_at = :enrolled_at",
            ExpressionAttributeValues=to_item({":enrolled_at": _version(holder)["enrolled_at"]}),
        )

    def suppress(self, address: Address, suppressed: Suppressed) -> None:
        """Suppress the address, if what is stored of it doesn't outweigh this (`Standing.after`)."""
        self._change(address, lambda standing: standing.after(suppressed))

    def lift(self, address: Address, now: datetime, at_most_each: timedelta = timedelta(0)) -> Standing:
        """End the suppression of the address, and note that its holders' records still have the mark.

        Raises NotSuppressed, LiftedLately (`Standing.lifted`).
        """
        return self._change(address, lambda standing: standing.lifted(now, at_most_each), marks_left=True)

    def unmarked(self, address: Address, lifted: Standing) -> None:
        """Note that no holder's record has the mark any more, unless the address has another standing by now."""
        call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item(_key(address, _SUPPRESSION)),
            UpdateExpression="REMOVE marks_left",
            ConditionExpression="lifted_at = :lifted_at AND attribute_not_exists(since)",
            ExpressionAttributeValues=to_item({":lifted_at": _values(lifted)["lifted_at"]}),
        )

    def confirm(self, address: Address, now: datetime) -> datetime:
        """Note that the address was confirmed, and return since when it is."""
        standing = self._change(address, lambda standing: replace(standing, confirmed_at=standing.confirmed_at or now))
        return standing.confirmed_at or now

    def forget_confirmation(self, address: Address) -> None:
        """Remove that the address was confirmed, if no holder has it any more."""
        if next(self.accounts_at(address), None) is None:
            self._change(address, lambda standing: replace(standing, confirmed_at=None))

    def standing(self, address: Address) -> Standing:
        """Return what is stored of the address, also a suppression that has lapsed. Reads consistently."""
        return _standing(self._stored(address))

    def suppressed(self, address: Address) -> Suppressed | None:
        """Return why and since when the address is suppressed, also if that has lapsed. Reads consistently."""
        return self.standing(address).suppressed

    def accounts_at(self, address: Address) -> Iterator[str]:
        """Return the account of each holder who has the address; an account may come twice. Reads consistently."""
        found = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="address_key = :address AND begins_with(entry, :holder)",
            ExpressionAttributeValues=to_item({":address": address.key, ":holder": "holder#"}),
            ConsistentRead=True,
        )
        return (values["entry"].split("#")[1] for values in found)

    def all_standings(self, bank: str = "", on_page: Callable[[int], object] = lambda _: None) -> Iterator[Entry]:
        """Yield what is stored of each address of a bank, or of all banks, that is suppressed or has marks left.

        This is a scan of the whole table, for maintenance only; `on_page` gets the number of entries that a call read.
        """
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "FilterExpression": "entry = :entry AND (attribute_exists(since) OR attribute_exists(marks_left))",
            "ExpressionAttributeValues": to_item({":entry": _SUPPRESSION}),
        }
        if bank:
            arguments["FilterExpression"] += " AND begins_with(address_key, :bank)"
            arguments["ExpressionAttributeValues"] |= to_item({":bank": f"{bank}#"})
        while True:
            answer = call(self._client.scan, **arguments)
            on_page(answer["ScannedCount"])
            for values in map(from_item, answer["Items"]):
                yield Entry(Address(*values["address_key"].rsplit("#", 1)), _standing(values), "marks_left" in values)
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _stored(self, address: Address) -> dict[str, Any]:
        key = to_item(_key(address, _SUPPRESSION))
        return from_item(
            call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        )

    def _change(self, address: Address, change: Callable[[Standing], Standing], **more: Any) -> Standing:
        """Store what `change` makes of the stored standing, with `more` attributes; return the standing."""
        for _ in range(_TRIES):
            stored = self._stored(address)
            standing = _standing(stored)
            changed = change(standing)
            if changed == standing:
                return standing
            version = stored.get("version", 0)
            # An entry of an earlier release has no version.
            unchanged = "version = :version" if version else "attribute_not_exists(version)"
            if not stored:
                unchanged = "attribute_not_exists(entry)"
            values = {**_key(address, _SUPPRESSION), **_values(changed), "version": version + 1, **more}
            if changed.suppressed == standing.suppressed and "marks_left" in stored:
                values["marks_left"] = stored["marks_left"]
            condition: dict[str, Any] = {"ConditionExpression": unchanged}
            if version:
                condition["ExpressionAttributeValues"] = to_item({":version": version})
            put = call_if(self._client.put_item, TableName=self._table, Item=to_item(values), **condition)
            if put is not None:
                return changed
        raise TemporarilyUnavailable


def id_key(bank: str, holder_id: str, account: str = "") -> dict[str, str]:
    """Return the key of the entry of a holder's id for an account. No address's key has a second `#`."""
    return {"address_key": f"{bank}#holder#{holder_id}", "entry": account}


def _key(address: Address, entry: str) -> dict[str, str]:
    return {"address_key": address.key, "entry": entry}


def _entry_of(account: str, holder: Holder) -> str:
    return f"holder#{account}#{holder.id}"


def _version(holder: Holder) -> dict[str, str]:
    return {"enrolled_at": sortable(holder.enrolled_at)}


def _values(standing: Standing) -> dict[str, Any]:
    times = {"lifted_at": standing.lifted_at, "confirmed_at": standing.confirmed_at}
    values: dict[str, Any] = {name: sortable(at) if at else None for name, at in times.items()}
    if standing.suppressed is not None:
        until = standing.suppressed.until
        values |= {"reason": standing.suppressed.reason, "since": sortable(standing.suppressed.since)}
        values["until"] = sortable(until) if until else None
    return values


def _standing(values: dict[str, Any]) -> Standing:
    times = {name: datetime.fromisoformat(values[name]) for name in _TIMES if name in values}
    suppressed = None
    if "since" in times:
        suppressed = Suppressed(values["reason"], times["since"], times.get("until"))
    return Standing(suppressed, times.get("lifted_at"), times.get("confirmed_at"))
