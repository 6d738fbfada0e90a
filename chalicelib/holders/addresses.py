"""E-mail addresses in DynamoDB, by their hash: which holders have an address, and whether it is suppressed.

The table stores no address, only the SHA-256 of its canonical form. An address has one entry for each holder with it,
and one more if it is or was suppressed, or was confirmed. So when SES reports a bounce, the holders with the address
are found without a scan. Each holder's record repeats both: the mailer doesn't read this table.

Beside them, a holder's id has an entry for each account that has such a holder (`finding_repository` reads them).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import (
    SUPPRESSION,
    Address,
    Entry,
    enrolment_of,
    entry_of,
    id_key,
    key_of,
    read_entry,
    read_standing,
    standing_values,
    sweeps_kept,
)
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.suppression import Standing

_ACCOUNTS_A_PAGE = 1_000
# Another writer of the same entry, between our read and our write, makes us try again.
_TRIES = 10


def _entries(bank: str, account: str, holder: Holder) -> Iterator[dict[str, Any]]:
    for key in (key_of(Address.of(bank, holder.email), entry_of(account, holder)), id_key(bank, holder.id, account)):
        yield to_item({**key, **enrolment_of(holder)})


class AddressRepository:
    """The entries of addresses, each within one bank. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def enter(self, bank: str, account: str, holder: Holder) -> None:
        """Add the holder to those who have the holder's address, and to those who have the holder's id.

        An earlier entry of the same holder is replaced.
        """
        for item in _entries(bank, account, holder):
            call(self._client.put_item, TableName=self._table, Item=item)

    def enter_again(self, bank: str, account: str, holder: Holder) -> None:
        """Add the holder as `enter` does, where no entry is: one that is there may be of a later enrolment."""
        for item in _entries(bank, account, holder):
            no_entry = "attribute_not_exists(entry)"
            call_if(self._client.put_item, TableName=self._table, Item=item, ConditionExpression=no_entry)

    def leave(self, bank: str, account: str, holder: Holder) -> None:
        """Remove the holder from those who have the address; does nothing if a later enrolment has added it again."""
        self._remove(key_of(Address.of(bank, holder.email), entry_of(account, holder)), holder)

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
            ExpressionAttributeValues=to_item({":enrolled_at": enrolment_of(holder)["enrolled_at"]}),
        )

    def suppress(self, address: Address, suppressed: Suppressed) -> Entry:
        """Suppress the address, if what is stored of it doesn't outweigh this (`Standing.after`); return its entry."""
        return self._change(address, lambda standing: standing.after(suppressed))

    def lift(self, address: Address, now: datetime, at_most_each: timedelta = timedelta(0)) -> Entry:
        """End the suppression of the address, and note that its holders' records still have the mark.

        Raises NotSuppressed, LiftedLately (`Standing.lifted`).
        """
        return self._change(address, lambda standing: standing.lifted(now, at_most_each), marks_left=True)

    def unmarked(self, lifted: Entry) -> None:
        """Note that no holder's record has the mark any more, unless the address has another standing by now."""
        call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item(key_of(lifted.address, SUPPRESSION)),
            UpdateExpression="REMOVE marks_left",
            ConditionExpression="lifted_at = :lifted_at AND attribute_not_exists(since)",
            ExpressionAttributeValues=to_item({":lifted_at": standing_values(lifted.standing)["lifted_at"]}),
        )

    def confirm(self, address: Address, now: datetime) -> datetime:
        """Note that the address was confirmed, and return since when it is."""
        entry = self._change(address, lambda standing: replace(standing, confirmed_at=standing.confirmed_at or now))
        return entry.standing.confirmed_at or now

    def forget_confirmation(self, address: Address) -> None:
        """Remove that the address was confirmed, if no holder has it any more."""
        if next(self.accounts_at(address), None) is None:
            self._change(address, lambda standing: replace(standing, confirmed_at=None))

    def standing(self, address: Address) -> Standing:
        """Return what is stored of the address, also a suppression that has lapsed. Reads consistently."""
        return read_standing(self._stored(address))

    def swept(self, entry: Entry) -> None:
        """Note that the sweep of the entry's version is done, or that a queue has what is left of it."""
        call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item(key_of(entry.address, SUPPRESSION)),
            UpdateExpression="SET swept = :version",
            # An entry of an earlier release doesn't have it.
            ConditionExpression="marked_version = :version OR attribute_not_exists(marked_version)",
            ExpressionAttributeValues=to_item({":version": entry.version}),
        )

    def entry(self, address: Address) -> Entry:
        """Return what is stored of the address's suppression. Reads consistently."""
        return read_entry(address, self._stored(address))

    def suppressed(self, address: Address) -> Suppressed | None:
        """Return why and since when the address is suppressed, also if that has lapsed. Reads consistently."""
        return self.standing(address).suppressed

    def accounts_at(self, address: Address) -> Iterator[str]:
        """Return the account of each holder who has the address; an account may come twice. Reads consistently."""
        after: str | None = ""
        while after is not None:
            accounts, after = self.accounts_behind(address, after, _ACCOUNTS_A_PAGE)
            yield from accounts

    def accounts_behind(self, address: Address, after: str, limit: int) -> tuple[list[str], str | None]:
        """Return the accounts of so many holders who have the address, and the entry behind which more follow, if any.

        Begins behind the entry `after` (the first: ""). An account may come twice. Reads consistently.
        """
        answer = call(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="address_key = :address AND entry BETWEEN :after AND :last",
            # "$" follows "#"; the NUL makes the lower bound the first key behind the entry.
            ExpressionAttributeValues=to_item(
                {":address": address.key, ":after": f"{after}\0" if after else "holder#", ":last": "holder$"}
            ),
            Limit=limit,
            ConsistentRead=True,
        )
        entries = [from_item(item)["entry"] for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        return [entry.split("#")[1] for entry in entries], last["entry"]["S"] if last else None

    def all_standings(self, bank: str = "", on_page: Callable[[int], object] = lambda _: None) -> Iterator[Entry]:
        """Yield what is stored of each address of a bank, or of all banks, that is suppressed or has marks left.

        This is a scan of the whole table, for maintenance only; `on_page` gets the number of entries that a call read.
        """
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "FilterExpression": "entry = :entry AND (attribute_exists(since) OR attribute_exists(marks_left))",
            "ExpressionAttributeValues": to_item({":entry": SUPPRESSION}),
        }
        if bank:
            arguments["FilterExpression"] += " AND begins_with(address_key, :bank)"
            arguments["ExpressionAttributeValues"] |= to_item({":bank": f"{bank}#"})
        while True:
            answer = call(self._client.scan, **arguments)
            on_page(answer["ScannedCount"])
            for values in map(from_item, answer["Items"]):
                yield read_entry(Address(*values["address_key"].rsplit("#", 1)), values)
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _stored(self, address: Address) -> dict[str, Any]:
        key = to_item(key_of(address, SUPPRESSION))
        return from_item(
            call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        )

    def _change(self, address: Address, change: Callable[[Standing], Standing], **more: Any) -> Entry:
        """Store what `change` makes of the stored standing, with `more` attributes; return the entry."""
        for _ in range(_TRIES):
            stored = self._stored(address)
            standing = read_standing(stored)
            changed = change(standing)
            if changed == standing:
                return read_entry(address, stored)
            version = stored.get("version", 0)
            # An entry of an earlier release has no version.
            unchanged = "version = :version" if version else "attribute_not_exists(version)"
            if not stored:
                unchanged = "attribute_not_exists(entry)"
            values = {**key_of(address, SUPPRESSION), **standing_values(changed), "version": version + 1}
            values |= sweeps_kept(stored, is_same=replace(changed, confirmed_at=standing.confirmed_at) == standing)
            values |= more
            if changed.suppressed == standing.suppressed and "marks_left" in stored:
                values["marks_left"] = stored["marks_left"]
            condition: dict[str, Any] = {"ConditionExpression": unchanged}
            if version:
                condition["ExpressionAttributeValues"] = to_item({":version": version})
            put = call_if(self._client.put_item, TableName=self._table, Item=to_item(values), **condition)
            if put is not None:
                return read_entry(address, values)
        raise TemporarilyUnavailable
