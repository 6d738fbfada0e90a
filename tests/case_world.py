"""Cases that many tests share."""

import json
from datetime import timedelta
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.dynamo import to_item
from chalicelib.aws.queues import Queue
from chalicelib.cases.case import Actor, Case, Outcome, opened
from chalicelib.cases.moves import claim, close
from chalicelib.cases.opener import CaseOpener
from chalicelib.cases.repository import CaseRepository
from chalicelib.flags.answers import Answer, HolderAnswer
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import transaction_item
from tests.fakes import FakeSqs, OneCallAtATime
from tests.samples import EVIDENCE, TRANSACTION, transaction
from tests.stream_world import record

NOW = TRANSACTION.recorded_at + timedelta(seconds=1)
ANA, BEN = Actor("staff", "sub-ana", "Ana"), Actor("staff", "sub-ben", "Ben")


def flagging(transaction_id: str = "t1", *names: str, shadow: tuple[str, ...] = (), **changes: Any) -> Flagging:
    flags = {name: EVIDENCE[name] for name in names or ("velocity",)}
    return Flagging(transaction(id=transaction_id, **changes), flags, frozenset(shadow), NOW)


def case(transaction_id: str = "t1", *names: str, **changes: Any) -> Case:
    return opened(flagging(transaction_id, *names, **changes))


def answer(holder: str, answer: Answer, minutes: float = 1) -> HolderAnswer:
    """Return an answer that a holder gave so many minutes after the flag, for the first time."""
    at = NOW + timedelta(minutes=minutes)
    return HolderAnswer(holder, answer, at, at)


class Cases:
    """The tables of transactions and cases, and the stream between them."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = OneCallAtATime(dynamodb)
        self.dead_letters = FakeSqs()
        self.flags = FlagRepository(self.dynamodb, "TransactionsTable", sleep=lambda _: None)
        self.now = NOW

    def flag(self, *flaggings: Flagging) -> list[dict[str, Any]]:
        """Store transactions with their flags; return what the stream brings of the flags."""
        for one in flaggings:
            self.dynamodb.put_item(TableName="TransactionsTable", Item=transaction_item(one.transaction))
        self.flags.record(flaggings)
        return [self.image(one.transaction.id) for one in flaggings]

    def answer(self, transaction_id: str, holder: str, given: Answer) -> dict[str, Any]:
        """Give an answer; return what the stream brings of it."""
        self.flags.answer("eazycard", transaction_id, holder, given, self.now)
        return self.image(transaction_id, "MODIFY")

    def image(self, transaction_id: str, name: str = "INSERT") -> dict[str, Any]:
        key = to_item({"transaction_key": f"eazycard#{transaction_id}#flags"})
        return record(self.dynamodb.get_item(TableName="TransactionsTable", Key=key)["Item"], name)

    def opener(self, dynamodb: Any = None) -> CaseOpener:
        client = dynamodb or self.dynamodb
        return CaseOpener(
            self.cases(client),
            TransactionRepository(client, "TransactionsTable"),
            DeadLetters(Queue(self.dead_letters, "url", sleep=lambda _: None), "transaction_stream"),
            lambda: self.now,
        )

    def cases(self, dynamodb: Any = None) -> CaseRepository:
        return CaseRepository(dynamodb or self.dynamodb, "CasesTable", "TransactionsTable", sleep=lambda _: None)

    def case(self, transaction_id: str) -> Case:
        return self.cases().get("eazycard", transaction_id)

    def close(self, transaction_id: str, outcome: Outcome) -> None:
        opened = self.case(transaction_id)
        claimed = claim(opened, ANA, self.now)
        assert self.cases().replace(opened, claimed)
        assert self.cases().replace(claimed, close(claimed, ANA, self.now, outcome))

    def reasons(self) -> list[str]:
        return [json.loads(body)["reason"] for body in self.dead_letters.bodies]
