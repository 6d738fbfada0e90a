"""Account holders in DynamoDB: one item for each account, with the attribute `holder:<id>` for each of its holders.

So one read gets all holders of an account, and one batch those of many accounts.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.aws.dynamo import batch_get, call_if, to_item
from chalicelib.aws.retries import back_off
from chalicelib.aws.telemetry import count, logger
from chalicelib.errors import HolderNotFound, TemporarilyUnavailable, TooManyHolders
from chalicelib.holders.holder import MAX_HOLDERS, Holder, Suppressed
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.times import format_time

# Writers of one record that write at the same moment: each try of one of them lets another through.
_TRIES = 12
_FIRST_WAIT_S = 0.02
_TIMES = ("preferences_chosen_at", "created_at", "updated_at", "confirmation_asked_at", "address_confirmed_at")


class HolderRepository:
    """The holders of all banks' accounts. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

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
        is true if it returns the record that it got. Raises TooManyHolders.
        """
        update = {
            "TableName": self._table,
            "Key": to_item({"account_key": account_key(bank, account)}),
            "ExpressionAttributeNames": {"#holder": f"holder:{holder_id}"},
        }
        written: dict[str, Any] | None = None
        made: tuple[Holder | None, Holder] | None = None
        for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
            item = self._item(bank, account)
            stored = item.get(f"holder:{holder_id}")
            if made is not None and stored == written:
                return made  # the write's answer was lost, and botocore's second try of it found another record
            before = _readable(holder_id, stored) if stored is not None else None
            after = change(before)
            if after is before:
                return before, after
            written = _holder_values(after)
            if stored is None and item.get("holder_count", 0) >= MAX_HOLDERS:
                raise TooManyHolders(MAX_HOLDERS)
            made = before, after
            if self._write(update, stored, written):
                return made
            self._sleep(wait_s)
        raise TemporarilyUnavailable

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
        self, bank: str, account: str, holder_id: str, check: Callable[[Holder | None], None] = lambda _: None
    ) -> None:
        """Erase a holder's data, unless `check`, which gets the stored record (None if it can't be read), raises.

        Raises HolderNotFound.
        """
        for wait_s in back_off(_TRIES, _FIRST_WAIT_S):
            stored = self._item(bank, account).get(f"holder:{holder_id}")
            if stored is None:
                raise HolderNotFound
            check(_readable(holder_id, stored))
            if self._update_if(
                "#holder = :stored",
                TableName=self._table,
                Key=to_item({"account_key": account_key(bank, account)}),
                UpdateExpression="REMOVE #holder ADD holder_count :minus_one",
                ExpressionAttributeNames={"#holder": f"holder:{holder_id}"},
                ExpressionAttributeValues=to_item({":stored": stored, ":minus_one": -1}),
            ):
                return
            self._sleep(wait_s)
        raise TemporarilyUnavailable

    def mark(self, account_key: str, holder: Holder, suppressed: Suppressed | None) -> None:
        """Mark the holder's address as suppressed; None removes the mark.

        Does nothing if the stored address differs from that of `holder`, or if the holder was erased.
        """
        values: dict[str, Any] = {":email": holder.email}
        if suppressed is not None:
            values[":suppressed"] = _suppressed_values(suppressed)
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

    def _item(self, bank: str, account: str) -> dict[str, Any]:
        key = to_item({"account_key": account_key(bank, account)})
        return next(batch_get(self._client, self._table, [key]), {})

    def _update_if(self, condition: str, **arguments: Any) -> bool:
        """Update an item if the condition holds; return whether it did."""
        return call_if(self._client.update_item, ConditionExpression=condition, **arguments) is not None


def _holder_values(holder: Holder) -> dict[str, Any]:
    values = {
        "name": holder.name,
        "email": holder.email,
        "locale": holder.locale,
        "timezone": holder.timezone,
        "preferences": dict(holder.preferences),
        "enrolled_at": format_time(holder.enrolled_at),
        "suppressed": _suppressed_values(holder.suppressed) if holder.suppressed else None,
        "bank_preferences": dict(holder.bank_preferences) if holder.bank_preferences is not None else None,
        "choices": dict(holder.choices) if holder.choices is not None else None,
        **{name: format_time(at) for name in _TIMES if (at := getattr(holder, name))},
    }
    return {name: value for name, value in values.items() if value is not None}


def _suppressed_values(suppressed: Suppressed) -> dict[str, str]:
    until = {"until": format_time(suppressed.until)} if suppressed.until else {}
    return {"reason": suppressed.reason, "since": format_time(suppressed.since), **until}


def holders_in(values: Mapping[str, Any]) -> Iterator[Holder]:
    """Yield the holders in an account's item, by id. One that can't be read is left out, logged and counted."""
    for name, value in sorted(values.items()):
        if name.startswith("holder:") and (holder := _readable(name.removeprefix("holder:"), value)):
            yield holder


def _readable(holder_id: str, values: Any) -> Holder | None:
    try:
        return _holder(holder_id, values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # Not written by the API. The account's other holders must be notified all the same.
        # Its id isn't logged: a bank may use names as ids.
        logger.error("malformed_holder", extra={"error": type(error).__name__})
        count("MalformedHolders")
        return None


def _holder(holder_id: str, values: Mapping[str, Any]) -> Holder:
    # Only known fields: another release may have stored more.
    known = {name: values[name] for name in ("name", "email", "locale", "timezone", "preferences")}
    suppressed = None
    if "suppressed" in values:
        stored = values["suppressed"]
        until = datetime.fromisoformat(stored["until"]) if "until" in stored else None
        suppressed = Suppressed(stored["reason"], datetime.fromisoformat(stored["since"]), until)
    times: dict[str, Any] = {name: datetime.fromisoformat(values[name]) for name in _TIMES if name in values}
    return Holder(
        id=holder_id,
        enrolled_at=datetime.fromisoformat(values["enrolled_at"]),
        suppressed=suppressed,
        bank_preferences=values.get("bank_preferences"),
        choices=values.get("choices"),
        **times,
        **known,
    )
