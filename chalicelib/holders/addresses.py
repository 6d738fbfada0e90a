"""E-mail addresses in DynamoDB, by their hash: who is told at an address, and whether the bank's mail may go there.

No address is stored, only a SHA-256 of it in lower case. An address has an entry for each holder who was enrolled with
it, and one if it is suppressed. So what SES tells of an address reaches all who have it without a scan, and the mailer,
which finds it in the holder's record, reads nothing for it.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, from_item, queried, to_item
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.ledger.times import sortable

_SUPPRESSION = "suppression"


class AddressRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def enter(self, bank: str, account: str, holder: Holder) -> None:
        """Have the holder found by the address."""
        call(
            self._client.put_item,
            TableName=self._table,
            Item=to_item({**_key(bank, holder.email, _place(account, holder)), **_version(holder)}),
        )

    def leave(self, bank: str, account: str, holder: Holder) -> None:
        """Have the holder no longer found by the address, unless entered anew since this enrolment."""
        self._unless_refused(
            self._client.delete_item,
            TableName=self._table,
            Key=to_item(_key(bank, holder.email, _place(account, holder))),
            ConditionExpression="enrolled_at = :enrolled_at",
            ExpressionAttributeValues=to_item({":enrolled_at": _version(holder)["enrolled_at"]}),
        )

    def suppress(self, bank: str, email: str, suppressed: Suppressed) -> None:
        """Suppress the address for the bank; of several reasons the first in time stays."""
        since = sortable(suppressed.since)
        self._unless_refused(
            self._client.put_item,
            TableName=self._table,
            Item=to_item({**_key(bank, email, _SUPPRESSION), "reason": suppressed.reason, "since": since}),
            ConditionExpression="attribute_not_exists(since) OR since > :since",
            ExpressionAttributeValues=to_item({":since": since}),
        )

    def suppressed(self, bank: str, email: str) -> Suppressed | None:
        """Return why and since when the address is suppressed for the bank, None if it isn't, read consistently."""
        answer = call(
            self._client.get_item,
            TableName=self._table,
            Key=to_item(_key(bank, email, _SUPPRESSION)),
            ConsistentRead=True,
        )
        if "Item" not in answer:
            return None
        values = from_item(answer["Item"])
        return Suppressed(values["reason"], datetime.fromisoformat(values["since"]))

    def accounts_at(self, bank: str, email: str) -> Iterator[str]:
        """Return the accounts with a holder enrolled with the address, some several times, read consistently."""
        found = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="address_key = :address AND begins_with(entry, :holder)",
            ExpressionAttributeValues=to_item({":address": _key(bank, email, "")["address_key"], ":holder": "holder#"}),
            ConsistentRead=True,
        )
        return (values["entry"].split("#")[1] for values in found)

    def _unless_refused(self, operation: Any, **arguments: Any) -> None:
        try:
            call(operation, **arguments)
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise


def same_address(one: str, other: str) -> bool:
    """Whether two spellings are one address to us: upper and lower case are the same."""
    return one.lower() == other.lower()


def _key(bank: str, email: str, entry: str) -> dict[str, str]:
    return {"address_key": f"{bank}#{hashlib.sha256(email.lower().encode()).hexdigest()}", "entry": entry}


def _place(account: str, holder: Holder) -> str:
    return f"holder#{account}#{holder.id}"


def _version(holder: Holder) -> dict[str, str]:
    return {"enrolled_at": sortable(holder.enrolled_at)}
