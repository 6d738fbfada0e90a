"""Recording: the one way in."""

from typing import Any

import pytest

from chalicelib.errors import TransactionConflict
from chalicelib.intake import Intake
from chalicelib.repository import TransactionRepository
from tests.test_mails import TRANSACTION, transaction


class AnswerLost:
    """A client whose first PutItem is carried out although its answer is lost, and is tried again, as botocore does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **arguments: Any) -> Any:
        self._client.put_item(**arguments)
        return self._client.put_item(**arguments)


def test_a_transaction_whose_first_answer_was_lost_is_created_and_not_replayed(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    intake = Intake(TransactionRepository(AnswerLost(dynamodb), table_names["TransactionsTable"]))
    assert not intake.record(TRANSACTION).replayed


def test_another_request_with_the_same_content_is_a_replay_of_what_is_stored(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]))
    intake.record(TRANSACTION)
    later = transaction(recorded_at=TRANSACTION.recorded_at.replace(second=59))
    recorded = intake.record(later)
    assert recorded.replayed
    assert recorded.transaction == TRANSACTION


def test_another_content_is_a_conflict_that_names_the_fields(dynamodb: Any, table_names: dict[str, str]) -> None:
    intake = Intake(TransactionRepository(dynamodb, table_names["TransactionsTable"]))
    intake.record(TRANSACTION)
    with pytest.raises(TransactionConflict) as conflict:
        intake.record(transaction(type="credit", description="other"))
    assert conflict.value.differing == ["description", "type"]
