"""E-mail addresses in DynamoDB, by their hash: which holders have an address, and whether it is suppressed.

The table stores no address, only the SHA-256 of its canonical form. An address has one entry for each holder
with it, and one more if it is suppressed. So when SES reports a bounce, the holders with the address are found without
a scan. Each holder's record repeats the suppression: the mailer doesn't read this table.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import CONDITION_FAILED, from_item, queried, to_item
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.ledger.email_address import canonical
from chalicelib.ledger.times import sortable

_SUPPRESSION = "suppression"


class AddressRepository:
    """The entries of addresses, each within one bank. All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def enter(self, bank: str, account: str, holder: Holder) -> None:
        """Add the holder to those who have the holder's address, in place of an earlier entry of the same holder."""
        call(
            self._client.put_item,
            TableName=self._table,
            Item=to_item({**_key(bank, holder.email, _entry_of(account, holder)), **_version(holder)}),
        )

    def leave(self, bank: str, account: str, holder: Holder) -> None:
        """Remove the holder from those who have the address; does nothing if a later enrolment has added it again."""
        self._call_if(
            self._client.delete_item,
            TableName=self._table,
            Key=to_item(_key(bank, holder.email, _entry_of(account, holder))),
            ConditionExpression="enrolled_at = :enrolled_at",
            ExpressionAttributeValues=to_item({":enrolled_at": _version(holder)["enrolled_at"]}),
        )

    def suppress(self, bank: str, email: str, suppressed: Suppressed) -> None:
        """Suppress the address for the bank. If it is suppressed already, the earlier of the two times stays."""
        since = sortable(suppressed.since)
        self._call_if(
            self._client.put_item,
            TableName=self._table,
            Item=to_item({**_key(bank, email, _SUPPRESSION), "reason": suppressed.reason, "since": since}),
            ConditionExpression="attribute_not_exists(since) OR since > :since",
            ExpressionAttributeValues=to_item({":since": since}),
        )

    def suppressed(self, bank: str, email: str) -> Suppressed | None:
        """Return why and since when the address is suppressed for the bank; None if it isn't. Reads consistently."""
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
        """Return the account of each holder who has the address; an account may come twice. Reads consistently."""
        found = queried(
            self._client,
            TableName=self._table,
            KeyConditionExpression="address_key = :address AND begins_with(entry, :holder)",
            ExpressionAttributeValues=to_item({":address": _key(bank, email, "")["address_key"], ":holder": "holder#"}),
            ConsistentRead=True,
        )
        return (values["entry"].split("#")[1] for values in found)

    def _call_if(self, operation: Any, **arguments: Any) -> None:
        """Call the operation; do nothing if its ConditionExpression doesn't hold."""
        try:
            call(operation, **arguments)
        except ClientError as error:
            if error_code(error) != CONDITION_FAILED:
                raise


def _key(bank: str, email: str, entry: str) -> dict[str, str]:
    digest = hashlib.sha256(canonical(email).encode(errors="surrogatepass")).hexdigest()
    return {"address_key": f"{bank}#{digest}", "entry": entry}


def _entry_of(account: str, holder: Holder) -> str:
    return f"holder#{account}#{holder.id}"


def _version(holder: Holder) -> dict[str, str]:
    return {"enrolled_at": sortable(holder.enrolled_at)}
