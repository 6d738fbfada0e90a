"""Flags in DynamoDB: beside a flagged transaction lies a row that says why, put once.

It is a row of the same table and of the same index, so that whoever counts what was recorded counts flags in one go.
The flags in it never change. The holders' answers to the alert are added to it, and the outcome of its case.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.batching import batches
from chalicelib.aws.calls import call, error_code
from chalicelib.aws.conditional import put_new
from chalicelib.aws.dynamo import Item, batch_get, from_item, to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.answers import LAST_ANSWER, Answer, HolderAnswer, answered, answers_in, attribute_of, to_value
from chalicelib.flags.rules import Evidence
from chalicelib.ledger.keys import TransactionKey, account_key, transaction_key
from chalicelib.ledger.stored_form import SHARDS, flags_shard, shard_of
from chalicelib.ledger.times import format_time, sortable
from chalicelib.ledger.transaction import Transaction

MAX_A_CALL = 50
OUTCOME = "outcome"
_TRIES = 4  # of an answer that is given twice at once


class NotFlagged(Exception):
    """The transaction has no flags that people hear of."""


@dataclass(frozen=True, slots=True)
class Flagging:
    """Why a transaction was flagged, and when: the evidence by flag. Those in `shadow` are counted and not told."""

    transaction: Transaction
    flags: Mapping[str, Evidence]
    shadow: frozenset[str]
    decided_at: datetime

    @property
    def told(self) -> dict[str, Evidence]:
        """The flags that people hear of."""
        return {name: evidence for name, evidence in self.flags.items() if name not in self.shadow}


class FlagRepository:
    """Flags in the table of transactions, whose index by_recorded is written in so many `shards`."""

    def __init__(
        self, client: Any, table: str, sleep: Callable[[float], None] = time.sleep, shards: int = SHARDS
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep
        self._shards = shards

    def record(self, flaggings: Sequence[Flagging]) -> list[Flagging]:
        """Record the flags of distinct transactions; return, in order, what is recorded: the first decision stands.

        Raises TemporarilyUnavailable with some recorded; recording them all again is safe.
        """
        recorded = []
        for part in batches(flaggings, MAX_A_CALL):
            items = (_item(flagging, self._shards) for flagging in part)
            there = put_new(self._client, self._table, "transaction_key", items, sleep=self._sleep)
            recorded += [
                flagging_of_row(flagging.transaction, from_item(item)) if item else flagging
                for flagging, item in zip(part, there, strict=True)
            ]
        return recorded

    def recorded(self, transactions: Iterable[Transaction]) -> list[Flagging]:
        """Return the flags of those of the distinct transactions that have any, in any order, read consistently.

        Raises TemporarilyUnavailable.
        """
        by_key = {one.key: one for one in transactions}
        wanted = (to_item({"transaction_key": _key(*key)}) for key in by_key)
        found = batch_get(self._client, self._table, wanted, sleep=self._sleep)
        return [flagging_of_row(by_key[TransactionKey(values["bank"], values["id"])], values) for values in found]

    def of(self, bank: str, transaction_id: str) -> dict[str, Evidence]:
        """Return a transaction's flags, shadow ones left out, read consistently."""
        return self.with_answers(bank, transaction_id)[0]

    def with_answers(self, bank: str, transaction_id: str) -> tuple[dict[str, Evidence], list[HolderAnswer]]:
        """Return a transaction's flags, shadow ones left out, and the holders' answers, read consistently."""
        row = self._row(bank, transaction_id)
        return (_told(row), list(answers_in(row))) if row else ({}, [])

    def answer(self, bank: str, transaction_id: str, holder: str, answer: Answer, now: datetime) -> HolderAnswer:
        """Record a holder's answer to the alert; return what is recorded.

        Raises NotFlagged, AnswerIsFinal, TemporarilyUnavailable.
        """
        for _ in range(_TRIES):
            row = self._row(bank, transaction_id)
            if not row or not _told(row):
                raise NotFlagged
            before = next((one for one in answers_in(row) if one.holder == holder), None)
            after = answered(before, holder, answer, now)
            if after == before or self._replaced(bank, transaction_id, before, after):
                return after
        raise TemporarilyUnavailable

    def _row(self, bank: str, transaction_id: str) -> dict[str, Any]:
        found = call(
            self._client.get_item,
            TableName=self._table,
            Key=to_item({"transaction_key": _key(bank, transaction_id)}),
            ConsistentRead=True,
        )
        return from_item(found["Item"]) if "Item" in found else {}

    def _replaced(self, bank: str, transaction_id: str, before: HolderAnswer | None, after: HolderAnswer) -> bool:
        """Return whether the answer was written; not if another one was written meanwhile."""
        values = {":after": to_value(after), ":holder": after.holder}
        if before:
            values[":before"] = to_value(before)
        unchanged = "#answer = :before" if before else "attribute_not_exists(#answer)"
        try:
            call(
                self._client.update_item,
                TableName=self._table,
                Key=to_item({"transaction_key": _key(bank, transaction_id)}),
                UpdateExpression=f"SET #answer = :after, {LAST_ANSWER} = :holder",
                ConditionExpression=f"attribute_exists(transaction_key) AND {unchanged}",
                ExpressionAttributeNames={"#answer": attribute_of(after.holder)},
                ExpressionAttributeValues=to_item(values),
            )
        except ClientError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def of_transactions(self, keys: Iterable[TransactionKey]) -> dict[TransactionKey, dict[str, Evidence]]:
        """Return the flags of those of the distinct transactions that have any, shadow ones left out, 100 in a call.

        Not read consistently: flags of the last second may be missing.
        """
        wanted = (to_item({"transaction_key": _key(*key)}) for key in keys)
        found = batch_get(self._client, self._table, wanted, is_consistent=False, sleep=self._sleep)
        return {TransactionKey(values["bank"], values["id"]): _told(values) for values in found}


def _told(values: Mapping[str, Any]) -> dict[str, Evidence]:
    return {name: _evidence(one) for name, one in values["flags"].items() if name not in values["shadow"]}


def _key(bank: str, transaction_id: str) -> str:
    return f"{transaction_key(bank, transaction_id)}#flags"


def _item(flagging: Flagging, shards: int) -> Item:
    transaction = flagging.transaction
    key = _key(transaction.bank, transaction.id)
    shard = shard_of(key, shards)
    return to_item(
        {
            "transaction_key": key,
            # A partition of their own in the index by account: no listing of transactions comes upon them.
            "account_key": f"{account_key(transaction.bank, transaction.account)}#flags",
            "timestamp_key": f"{sortable(transaction.timestamp)}#{transaction.id}",
            # And in the index by bank: a search for flags reads no transaction that has none.
            "bank_shard": flags_shard(transaction.bank, shard),
            "recorded_shard": shard,
            "recorded_key": f"{sortable(flagging.decided_at)}#{key}",
            **{name: getattr(transaction, name) for name in ("bank", "id", "account", "currency")},
            "timestamp": format_time(transaction.timestamp),
            "flags": {name: dict(evidence) for name, evidence in flagging.flags.items()},
            "shadow": sorted(flagging.shadow & set(flagging.flags)),
        }
    )


def flagging_of_row(transaction: Transaction, values: Mapping[str, Any]) -> Flagging:
    """Return why a transaction is flagged, from the plain values of its row of flags.

    Raises KeyError, TypeError or ValueError if they are malformed.
    """
    return Flagging(
        transaction,
        {name: _evidence(one) for name, one in values["flags"].items()},
        frozenset(values["shadow"]),
        datetime.fromisoformat(values["recorded_key"].partition("#")[0]),
    )


def outcome_update(table: str, key: TransactionKey, outcome: str | None, at: datetime | None) -> dict[str, Any]:
    """Return the update that keeps the outcome of a transaction's case beside its flags, or removes it: None.

    Whoever reads the table's stream takes it for no answer: the name of who answered last goes.
    """
    action = f"REMOVE {OUTCOME}, {LAST_ANSWER}"
    values = {}
    if outcome is not None and at is not None:
        action = f"SET {OUTCOME} = :outcome REMOVE {LAST_ANSWER}"
        values = {"ExpressionAttributeValues": to_item({":outcome": {"outcome": outcome, "at": format_time(at)}})}
    return {
        "TableName": table,
        "Key": to_item({"transaction_key": _key(*key)}),
        "UpdateExpression": action,
        "ConditionExpression": "attribute_exists(transaction_key)",
        **values,
    }


def _evidence(values: Mapping[str, Any]) -> dict[str, Any]:
    # Numbers in evidence are whole: amounts and ratios are texts.
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in values.items()}
