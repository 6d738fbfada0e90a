"""Account holders in DynamoDB: one item for each account, with the attribute `holder:<id>` for each of its holders.

So one read gets all holders of an account, and one batch those of many accounts.
"""

import dataclasses
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.dynamo import batch_get, call_if, to_item
from chalicelib.aws.retries import each_try
from chalicelib.errors import HolderNotFound, TemporarilyUnavailable, TooManyHolders
from chalicelib.holders.holder import MAX_HOLDERS, Holder, Suppressed
from chalicelib.holders.stored_form import holder_values, holders_in, readable, suppressed_values
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.times import format_time

# Writers of one record that write at the same moment: each try of one of them lets another through.
_TRIES = 12
_FIRST_WAIT_S = 0.02
_ALIAS_BYTES = 12


def new_alias() -> str:
    return secrets.token_hex(_ALIAS_BYTES)


class HolderRepository:
    """The holders of all banks' accounts. All methods raise TemporarilyUnavailable."""

    def __init__(
        self,
        client: Any,
        table: str,
        sleep: Callable[[float], None] = time.sleep,
        make_alias: Callable[[], str] = new_alias,
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep
        self._make_alias = make_alias

    def put(self, bank: str, account: str, holder: Holder) -> bool:
        """Enrol or replace a holder; return True if the account didn't have it before. Raises TooManyHolders."""
        before, _ = self.change(bank, account, holder.id, lambda _: holder)
        return before is None

    def change(
        self, bank: str, account: str, holder_id: str, change: Callable[[Holder | None], Holder]
    ) -> tuple[Holder | None, Holder]:
        """Write what `change` makes of the holder's record; return the record from before, and the one that is stored.

        `change` gets the record as it is stored, None if there is none or it can't be read. If somebody writes the
        record between this read and this write, `change` is called again, with the newer record: so no change of
        another writer is lost, or overlooked by a rule. What `change` raises ends it, and nothing is written; the same
        is true if it returns the record that it got. A new record gets an alias here. Raises TooManyHolders.
        """
        update = {
            "TableName": self._table,
            "Key": to_item({"account_key": account_key(bank, account)}),
            "ExpressionAttributeNames": {"#holder": f"holder:{holder_id}"},
        }
        written: dict[str, Any] | None = None
        made: tuple[Holder | None, Holder] | None = None
        for _ in each_try(_TRIES, _FIRST_WAIT_S, self._sleep):
            item = self._item(bank, account)
            stored = item.get(f"holder:{holder_id}")
            if made is not None and stored == written:
                return made  # the write's answer was lost, and botocore's second try of it found another record
            before = readable(holder_id, stored) if stored is not None else None
            after = change(before)
            if after is before:
                return before, after
            after = self._named(after, before, item, stored)
            written = holder_values(after)
            if stored is None and item.get("holder_count", 0) >= MAX_HOLDERS:
                raise TooManyHolders(MAX_HOLDERS)
            made = before, after
            if self._write(update, stored, written):
                return made
        raise TemporarilyUnavailable

    def _named(self, holder: Holder, before: Holder | None, item: Mapping[str, Any], stored: Any) -> Holder:
        """Return the holder with what no writer chooses: as it is stored, of a new holder an alias of its own."""
        if before is not None:
            return dataclasses.replace(holder, alias=before.alias, told_from=before.told_from)
        # A record that can't be read may have been notified under its alias.
        alias = str(stored.get("alias", "")) if isinstance(stored, Mapping) else ""
        erased_at = item.get("erased_at")
        told_from = datetime.fromisoformat(erased_at) if erased_at else None
        return dataclasses.replace(holder, alias=alias or self._make_alias(), told_from=told_from)

    def _write(self, update: Mapping[str, Any], stored: Any, values: Mapping[str, Any]) -> bool:
        """Write a holder's record if the stored one is still the same; return whether it was."""
        if stored is not None:
            return self._update_if(
                "#holder = :stored",
                **update,
                UpdateExpression="SET #holder = :holder",
                ExpressionAttributeValues=to_item({":stored": stored, ":holder": values}),
            )
        return self._update_if(
            "attribute_not_exists(#holder) AND (attribute_not_exists(holder_count) OR holder_count < :max)",
            **update,
            UpdateExpression="SET #holder = :holder ADD holder_count :one",
            ExpressionAttributeValues=to_item({":holder": values, ":one": 1, ":max": MAX_HOLDERS}),
        )

    def delete(
        self,
        bank: str,
        account: str,
        holder_id: str,
        now: datetime,
        check: Callable[[Holder | None], None] = lambda _: None,
    ) -> None:
        """Erase a holder's data, unless `check`, which gets the stored record (None if it can't be read), raises.

        The account keeps the time: whoever is enrolled later isn't told of what was recorded until now.

        Raises HolderNotFound.
        """
        for _ in each_try(_TRIES, _FIRST_WAIT_S, self._sleep):
            stored = self._item(bank, account).get(f"holder:{holder_id}")
            if stored is None:
                raise HolderNotFound
            check(readable(holder_id, stored))
            if self._update_if(
                "#holder = :stored",
                TableName=self._table,
                Key=to_item({"account_key": account_key(bank, account)}),
                UpdateExpression="REMOVE #holder SET erased_at = :now ADD holder_count :minus_one",
                ExpressionAttributeNames={"#holder": f"holder:{holder_id}"},
                ExpressionAttributeValues=to_item({":stored": stored, ":minus_one": -1, ":now": format_time(now)}),
            ):
                return
        raise TemporarilyUnavailable

    def mark(self, account_key: str, holder: Holder, suppressed: Suppressed | None) -> None:
        """Mark the holder's address as suppressed; None removes the mark.

        Does nothing if the stored address differs from that of `holder`, or if the holder was erased.
        """
        values: dict[str, Any] = {":email": holder.email}
        if suppressed is not None:
            values[":suppressed"] = suppressed_values(suppressed)
        self._update_if(
            "#holder.email = :email",
            TableName=self._table,
            Key=to_item({"account_key": account_key}),
            UpdateExpression="SET #holder.suppressed = :suppressed" if suppressed else "REMOVE #holder.suppressed",
            ExpressionAttributeNames={"#holder": f"holder:{holder.id}"},
            ExpressionAttributeValues=to_item(values),
        )

    def confirm(self, account_key: str, holder: Holder, confirmed_at: datetime) -> None:
        """Note that the holder's address was confirmed.

        Does nothing if the stored address differs from that of `holder`, if nobody was asked to confirm it, or if the
        holder was erased.
        """
        self._update_if(
            "#holder.email = :email AND attribute_exists(#holder.confirmation_asked_at)",
            TableName=self._table,
            Key=to_item({"account_key": account_key}),
            UpdateExpression="SET #holder.address_confirmed_at = :at",
            ExpressionAttributeNames={"#holder": f"holder:{holder.id}"},
            ExpressionAttributeValues=to_item({":email": holder.email, ":at": format_time(confirmed_at)}),
        )

    def of_account(self, bank: str, account: str) -> list[Holder]:
        """Return the account's holders, ordered by id. Reads consistently."""
        key = account_key(bank, account)
        return self.of_accounts([key]).get(key, [])

    def of_accounts(self, account_keys: Iterable[str]) -> dict[str, list[Holder]]:
        """Return the holders of those accounts that have any, by account key, reading 100 accounts in a call.

        Reads consistently: a holder who is enrolled just before a transaction must be notified of it.
        """
        keys = [to_item({"account_key": key}) for key in dict.fromkeys(account_keys)]
        found = {}
        for values in batch_get(self._client, self._table, keys):
            found[values["account_key"]] = list(holders_in(values))
        return found

    def ids_by_alias(self, account_keys: Iterable[str]) -> dict[str, str]:
        """Return the ids of those accounts' holders, each by what notifications name the holder."""
        return {one.notified_as: one.id for of_account in self.of_accounts(account_keys).values() for one in of_account}

    def _item(self, bank: str, account: str) -> dict[str, Any]:
        key = to_item({"account_key": account_key(bank, account)})
        return next(batch_get(self._client, self._table, [key]), {})

    def _update_if(self, condition: str, **arguments: Any) -> bool:
        """Update an item if the condition holds; return whether it did."""
        return call_if(self._client.update_item, ConditionExpression=condition, **arguments) is not None
