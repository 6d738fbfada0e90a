"""The back-fill of the search index: what an earlier release stored is found, once, and nobody is told of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.dynamo import to_item
from chalicelib.banks.bank import Bank
from chalicelib.banks.repository import BankRepository
from chalicelib.changes.answer_teller import answer_in
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.answers import Answer
from chalicelib.flags.repository import FlagRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.search import Search
from chalicelib.ledger.search_repository import SearchRepository
from chalicelib.ledger.stored_form import transaction_item
from operations import search_index
from operations.search_index import Filler, fill, main
from tests.audit_trail import operators_actions
from tests.case_world import NOW, flagging
from tests.fakes import Failing, OneCallAtATime, refusal
from tests.tables import create_tables

TABLE = "TransactionsTable"
TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {
        "AuditTrail": {"Value": "AuditTable/10"},
        "BanksTable": {"Value": "BanksTable"},
        TABLE: {"Value": TABLE},
    },
}
ROWS = 30


class Stage:
    """A stage that an earlier release wrote: transactions of two banks, a third of them flagged and answered."""

    def __init__(self) -> None:
        boto3.client("cloudformation").create_stack(
            StackName="transaction-notifier-prod-data", TemplateBody=json.dumps(TEMPLATE)
        )
        self.client: Any = OneCallAtATime(boto3.client("dynamodb"))
        create_tables(self.client)
        BankRepository(self.client, "BanksTable").put_bank(Bank("eazycard", "EAZYCard", "XAF", "standard"))
        flags = FlagRepository(self.client, TABLE, sleep=lambda _: None)
        for bank in ("eazycard", "other-bank"):
            for number in range(ROWS):
                one = flagging(f"t{number}", bank=bank, timestamp=NOW + timedelta(seconds=number))
                self.client.put_item(TableName=TABLE, Item=transaction_item(one.transaction))
                if number % 3 == 0:
                    flags.record([one])
                    flags.answer(bank, f"t{number}", "awa", Answer.RECOGNIZED, NOW)
        for item in self.rows():
            self.client.update_item(
                TableName=TABLE, Key={"transaction_key": item["transaction_key"]}, UpdateExpression="REMOVE bank_shard"
            )

    def rows(self) -> list[dict[str, Any]]:
        return list(self.client.scan(TableName=TABLE)["Items"])

    def found(self, bank: str, **search: Any) -> int:
        transactions = TransactionRepository(self.client, TABLE)
        found = SearchRepository(self.client, TABLE, transactions).find(bank, Search(limit=100, **search))
        return len(found.transactions)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with mock_aws():
        yield Stage()


def run(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", "us-east-2", "fill", "--per-second", "4000", *arguments])


def test_what_an_earlier_release_stored_is_found_after_it_and_written_once(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stage.found("eazycard") == 0
    assert run("--dry-run") == 0
    assert f"{2 * (ROWS + ROWS // 3)} rows are not in the index; nothing was written." in capsys.readouterr().out
    assert stage.found("eazycard") == 0
    assert run() == 0
    assert f"{2 * (ROWS + ROWS // 3)} rows added, 0 can't be read." in capsys.readouterr().out
    assert stage.found("eazycard") == stage.found("other-bank") == ROWS
    assert stage.found("eazycard", flag="velocity") == ROWS // 3
    before = stage.rows()
    assert run() == 0
    assert "0 rows added" in capsys.readouterr().out
    assert stage.rows() == before
    assert operators_actions() == ["search_index.fill"]


def test_only_one_bank_s_rows_are_added_when_it_is_named(stage: Stage) -> None:
    assert run("--bank", "eazycard") == 0
    assert (stage.found("eazycard"), stage.found("other-bank")) == (ROWS, 0)


def test_no_answer_is_told_again(stage: Stage) -> None:
    def answers() -> list[Any]:
        return [found for row in stage.rows() if (found := answer_in({"NewImage": row})) is not None]

    assert len(answers()) == 2 * (ROWS // 3)
    assert run() == 0
    assert answers() == []
    assert sum("answer#awa" in row for row in stage.rows()) == 2 * (ROWS // 3), "the answers themselves stay"


def test_a_row_that_can_t_be_read_is_counted_and_holds_up_nothing(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.client.put_item(
        TableName=TABLE, Item=to_item({"transaction_key": "eazycard#odd", "timestamp_key": "x", "bank": "eazycard"})
    )
    assert run() == 1
    assert "1 can't be read" in capsys.readouterr().out
    assert stage.found("eazycard") == ROWS


def test_an_interrupted_run_says_where_the_next_one_goes_on(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Filler._page
    monkeypatch.setattr(Filler, "_page", lambda self: {**whole(self), "Limit": 20})
    failing = Failing(stage.client, refusal("ThrottlingException"), at=30, operation="update_item")
    filler = Filler(failing, TABLE)
    with pytest.raises(TemporarilyUnavailable):
        fill(filler, 4000, False, lambda _: None)
    assert filler.position is not None
    assert 0 < filler.counts["added"] < 2 * ROWS
    assert run("--after", filler.position) == 0
    assert stage.found("eazycard") == stage.found("other-bank") == ROWS

    class Interrupted(Filler):
        def add(self, row: dict[str, Any]) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(search_index, "Filler", Interrupted)
    stage.client.update_item(
        TableName=TABLE, Key=to_item({"transaction_key": "eazycard#t1"}), UpdateExpression="REMOVE bank_shard"
    )
    capsys.readouterr()
    assert run("--after", "eazycard#t0") == 130
    assert "Go on with: fill --after '" in capsys.readouterr().err


@pytest.mark.parametrize("rate", ["0", "-1", "x", "5000"])
def test_a_rate_is_a_number_that_a_table_can_take(rate: str) -> None:
    with pytest.raises(SystemExit):
        main(["fill", "--per-second", rate])
