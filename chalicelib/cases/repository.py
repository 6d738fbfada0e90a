"""Cases in DynamoDB: each opened once, and changed only as it was read."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call
from chalicelib.aws.conditional import CANCELLED_BY_CONDITION, put_new, write_together
from chalicelib.aws.dynamo import Item, batch_get, call_if, from_item, to_item
from chalicelib.aws.telemetry import logger
from chalicelib.cases.case import Case
from chalicelib.cases.refusals import CaseNotFound
from chalicelib.cases.stored_form import all_readable_rows, case_item, case_of_values, is_case, key_of
from chalicelib.flags.repository import outcome_update
from chalicelib.ledger.keys import TransactionKey

MAX_A_CALL = 50


class NotTaken(Exception):
    """DynamoDB refuses at least one of the items for good."""


class CaseRepository:
    """The cases of all banks in `table`. The flags lie in the table of transactions, `flags_table`."""

    def __init__(self, client: Any, table: str, flags_table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._flags_table = flags_table
        self._sleep = sleep

    def put_new(self, items: Sequence[Item]) -> list[bool]:
        """Put those of distinct cases (in their stored form) that aren't there yet, 50 in a call.

        Return for each whether it is new. Raises NotTaken and TemporarilyUnavailable, with some maybe put.
        """
        found: list[bool] = []
        for part in batches(items, MAX_A_CALL):
            try:
                there = put_new(self._client, self._table, "case_key", part, sleep=self._sleep)
            except ClientError as error:
                raise NotTaken from error
            found += [stored is None for stored in there]
        return found

    def put_one_new(self, item: Item) -> bool:
        """Put a case unless it is there; return whether it is new.

        Raises TemporarilyUnavailable, and ClientError if DynamoDB refuses it.
        """
        condition = "attribute_not_exists(case_key)"
        put = call_if(self._client.put_item, TableName=self._table, Item=item, ConditionExpression=condition)
        return put is not None

    def get(self, bank: str, case_id: str) -> Case:
        """Return the bank's case with this id, read consistently. Raises CaseNotFound and TemporarilyUnavailable."""
        key = key_of(TransactionKey(bank, case_id))
        found = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        values = from_item(found["Item"]) if "Item" in found else {}
        if not is_case(values):
            raise CaseNotFound
        return case_of_values(values)

    def of_keys(self, keys: Iterable[TransactionKey]) -> dict[TransactionKey, Case]:
        """Return those of distinct transactions' cases that there are, read consistently, 100 in a call.

        One that can't be read is left out, logged and counted.
        """
        found = batch_get(self._client, self._table, map(key_of, keys), sleep=self._sleep)
        return {case.key: case for case in all_readable_rows(case_of_values, filter(is_case, found))}

    def replace(self, before: Case, after: Case) -> bool:
        """Write the case, and beside its flags its outcome if that changes; return False if it was changed meanwhile.

        Raises TemporarilyUnavailable.
        """
        put = self._put(before, after)
        if before.outcome is after.outcome:
            return self._is_put(put)
        outcome = outcome_update(self._flags_table, after.key, after.outcome and str(after.outcome), after.closed_at)
        of_case, of_flags = write_together(self._client, [{"Put": put}, {"Update": outcome}])
        if of_flags.get("Code") == CANCELLED_BY_CONDITION:
            # The flags were lost, or the table of transactions was restored to an earlier time.
            logger.warning("case_without_flags", extra={"bank": after.bank, "transaction": after.id})
            return self._is_put(put)
        return {of_case.get("Code", "None"), of_flags.get("Code", "None")} == {"None"}

    def _put(self, before: Case, after: Case) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": case_item(after),
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": to_item({":version": before.version}),
        }

    def _is_put(self, put: dict[str, Any]) -> bool:
        return call_if(self._client.put_item, **put) is not None
