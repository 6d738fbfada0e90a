"""Finding a bank's holders by their exact address, or by their id, in the table of addresses."""

from typing import Any, NamedTuple

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.holders.address import Address, id_key
from chalicelib.holders.holder import Holder
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.keys import account_key

_OF_ADDRESS = "holder#"
_LAST = "~"  # behind every id


class FoundHolder(NamedTuple):
    """A holder of an account. `place` is that of the entry by which the holder was found."""

    account: str
    holder: Holder
    place: str


class HolderFinder:
    """All methods raise TemporarilyUnavailable."""

    def __init__(self, client: Any, table: str, holders: HolderRepository) -> None:
        self._client = client
        self._table = table
        self._holders = holders

    def with_address(self, bank: str, email: str, limit: int, after: str = "") -> tuple[list[FoundHolder], str | None]:
        """Return the bank's holders who have this address, in any spelling, and the place behind which more follow.

        They come by account, from behind the place `after`; at most `limit` entries are read, of up to 100 accounts.
        """
        key = Address.of(bank, email).key
        entries, more = self._entries(key, after or _OF_ADDRESS, f"{_OF_ADDRESS}{_LAST}", limit)
        found = self._found(bank, [(entry, *_account_and_id(entry)) for entry in entries])
        digest = Address.of(bank, email)
        return [one for one in found if Address.of(bank, one.holder.email) == digest], more

    def with_id(self, bank: str, holder_id: str, limit: int, after: str = "") -> tuple[list[FoundHolder], str | None]:
        """Return the bank's holders with this id, each of another account, like `with_address`.

        A holder who was enrolled by an earlier release is missing until the bank enrols or changes the holder.
        """
        entries, more = self._entries(id_key(bank, holder_id)["address_key"], after or "-", _LAST, limit)
        return self._found(bank, [(account, account, holder_id) for account in entries]), more

    def _entries(self, key: str, after: str, last: str, limit: int) -> tuple[list[str], str | None]:
        answer = call(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="address_key = :key AND entry BETWEEN :after AND :last",
            # BETWEEN includes its bounds: the NUL makes the lower one the first key behind the place.
            ExpressionAttributeValues=to_item({":key": key, ":after": f"{after}\0", ":last": last}),
            Limit=limit,
        )
        more = answer.get("LastEvaluatedKey")
        return [from_item(item)["entry"] for item in answer["Items"]], more["entry"]["S"] if more else None

    def _found(self, bank: str, wanted: list[tuple[str, str, str]]) -> list[FoundHolder]:
        """Return those who are in their accounts' records: an entry may be there a moment longer or earlier."""
        accounts = self._holders.of_accounts(account_key(bank, account) for _, account, _ in wanted)
        return [
            FoundHolder(account, holder, place)
            for place, account, holder_id in wanted
            for holder in accounts.get(account_key(bank, account), ())
            if holder.id == holder_id
        ]


def _account_and_id(entry: str) -> tuple[str, str]:
    account, _, holder_id = entry.removeprefix(_OF_ADDRESS).partition("#")
    return account, holder_id
