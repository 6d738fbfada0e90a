"""Account holders in DynamoDB: one item for each account, with the attribute `holder:<id>` for each of its holders.

So one read gets all holders of an account, and one batch those of many accounts.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, batch_get, to_item
from chalicelib.aws.telemetry import count, logger
from chalicelib.errors import HolderNotFound, TooManyHolders
from chalicelib.holders.holder import MAX_HOLDERS, Holder, Suppressed
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.times import format_time


class HolderRepository:
    """The holders of all banks' accounts. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, bank: str, account: str, holder: Holder) -> bool:
        """Enrol or replace a holder; return True if the account didn't have it before. Raises TooManyHolders."""
        update = {
            "TableName": self._table,
            "Key": to_item({"account_key": account_key(bank, account)}),
            "ExpressionAttributeNames": {"#holder": f"holder:{holder.id}"},
        }
        values = {":holder": _holder_values(holder)}
        enrol = "attribute_not_exists(#holder) AND (attribute_not_exists(holder_count) OR holder_count < :max)"
        # To replace and to enrol need different conditions. Another writer may change which of them holds between the
        # two calls, so both are tried twice before the account counts as full.
        for _ in range(2):
            if self._update_if(
                "attribute_exists(#holder)",
                **update,
                UpdateExpression="SET #holder = :holder",
                ExpressionAttributeValues=to_item(values),
            ):
                return False
            if self._update_if(
                enrol,
                **update,
                UpdateExpression="SET #holder = :holder ADD holder_count :one",
                ExpressionAttributeValues=to_item({**values, ":one": 1, ":max": MAX_HOLDERS}),
            ):
                return True
        raise TooManyHolders(MAX_HOLDERS)

    def delete(self, bank: str, account: str, holder_id: str) -> None:
        """Erase a holder's data; raises HolderNotFound."""
        if not self._update_if(
            "attribute_exists(#holder)",
            TableName=self._table,
            Key=to_item({"account_key": account_key(bank, account)}),
            UpdateExpression="REMOVE #holder ADD holder_count :minus_one",
            ExpressionAttributeNames={"#holder": f"holder:{holder_id}"},
            ExpressionAttributeValues=to_item({":minus_one": -1}),
        ):
            raise HolderNotFound

    def change_preferences(self, bank: str, account: str, holder: Holder, preferences: Mapping[str, Any]) -> bool:
        """Replace the holder's preferences and nothing else; return whether it was done.

        Does nothing if the stored preferences or address differ from those of `holder`, or if the holder was erased.
        """
        return self._update_if(
            "#holder.email = :email AND #holder.preferences = :before",
            TableName=self._table,
            Key=to_item({"account_key": account_key(bank, account)}),
            UpdateExpression="SET #holder.preferences = :preferences",
            ExpressionAttributeNames={"#holder": f"holder:{holder.id}"},
            ExpressionAttributeValues=to_item(
                {":email": holder.email, ":before": dict(holder.preferences), ":preferences": dict(preferences)}
            ),
        )

    def mute(self, bank: str, account: str, holder: Holder) -> bool:
        """Set the preference `muted`, so that the holder gets no e-mails; return whether it was done.

        Does nothing if the stored address differs from that of `holder`, or if the holder was erased.
        """
        return self._update_if(
            "#holder.email = :email",
            TableName=self._table,
            Key=to_item({"account_key": account_key(bank, account)}),
            UpdateExpression="SET #holder.preferences.muted = :muted",
            ExpressionAttributeNames={"#holder": f"holder:{holder.id}"},
            ExpressionAttributeValues=to_item({":email": holder.email, ":muted": True}),
        )

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
            found[values["account_key"]] = list(_readable_holders(values))
        return found

    def _update_if(self, condition: str, **arguments: Any) -> bool:
        """Update an item if the condition holds; return whether it did."""
        try:
            call(self._client.update_item, ConditionExpression=condition, **arguments)
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise
            return False
        return True


def _holder_values(holder: Holder) -> dict[str, Any]:
    suppressed = {"suppressed": _suppressed_values(holder.suppressed)} if holder.suppressed else {}
    return {
        "name": holder.name,
        "email": holder.email,
        "locale": holder.locale,
        "timezone": holder.timezone,
        "preferences": dict(holder.preferences),
        "enrolled_at": format_time(holder.enrolled_at),
        **suppressed,
    }


def _suppressed_values(suppressed: Suppressed) -> dict[str, str]:
    until = {"until": format_time(suppressed.until)} if suppressed.until else {}
    return {"reason": suppressed.reason, "since": format_time(suppressed.since), **until}


def _readable_holders(values: Mapping[str, Any]) -> Iterator[Holder]:
    for name, value in sorted(values.items()):
        if name.startswith("holder:"):
            try:
                yield _holder(name.removeprefix("holder:"), value)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                # Not written by the API. The account's other holders must be notified all the same.
                logger.error("malformed_holder", extra={"holder": name, "error": type(error).__name__})
                count("MalformedHolders")


def _holder(holder_id: str, values: Mapping[str, Any]) -> Holder:
    # Only known fields: another release may have stored more.
    known = {name: values[name] for name in ("name", "email", "locale", "timezone", "preferences")}
    suppressed = None
    if "suppressed" in values:
        stored = values["suppressed"]
        until = datetime.fromisoformat(stored["until"]) if "until" in stored else None
        suppressed = Suppressed(stored["reason"], datetime.fromisoformat(stored["since"]), until)
    enrolled_at = datetime.fromisoformat(values["enrolled_at"])
    return Holder(id=holder_id, enrolled_at=enrolled_at, suppressed=suppressed, **known)
