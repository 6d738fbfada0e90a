"""Flags and answers in the stream: one case for each flagged transaction, whatever comes twice or late."""

import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.aws.dynamo import to_item
from chalicelib.cases.case import Outcome, State
from chalicelib.cases.moves import claim, close
from chalicelib.cases.refusals import CaseNotFound
from chalicelib.cases.stored_form import case_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.answers import Answer
from chalicelib.ledger.stored_form import transaction_item
from tests.case_world import ANA, NOW, Cases, case, flagging
from tests.fakes import Metered, Refusing, refusal
from tests.interleaving import interleaved
from tests.stream_world import record

NUMBERS = itertools.count()  # the examples of a property share the tables


@pytest.fixture
def world(dynamodb: Any, table_names: dict[str, str]) -> Cases:
    return Cases(dynamodb)


def test_each_flagged_transaction_has_one_case_however_often_its_record_comes(world: Cases) -> None:
    records = world.flag(flagging("t1"), flagging("t2", "velocity", "new_country", shadow=("velocity",)))
    for _ in range(3):
        world.opener().handle([*records, *records])
    assert world.case("t1").flags == ("velocity",)
    assert (world.case("t2").flags, world.case("t2").shadow) == (("new_country",), ("velocity",))
    assert world.case("t1").history == world.case("t1").history[:1]
    assert world.dynamodb.scan(TableName="CasesTable")["Count"] == 2
    assert not world.dead_letters.bodies


def test_what_rules_in_shadow_alone_flag_is_no_case(world: Cases) -> None:
    world.opener().handle(world.flag(flagging("t1", shadow=("velocity",))))
    with pytest.raises(CaseNotFound):
        world.case("t1")
    (item,) = world.dynamodb.scan(TableName="CasesTable")["Items"]
    assert "queue" not in item


def test_ordinary_transactions_and_removed_rows_cost_nothing(world: Cases) -> None:
    world.opener(object()).handle(
        [record(transaction_item(flagging().transaction)), record(to_item({"flags": {}}), "REMOVE")]
    )


def test_answers_come_to_the_case_and_put_it_on_top(world: Cases) -> None:
    world.opener().handle(world.flag(flagging("t1")))
    world.opener().handle([world.answer("t1", "awa", Answer.NOT_RECOGNIZED)])
    world.opener().handle([world.image("t1", "MODIFY")])
    assert [one.answer for one in world.case("t1").answers.values()] == [Answer.NOT_RECOGNIZED]
    assert world.case("t1").weight > 1000
    assert [event.what.value for event in world.case("t1").history] == ["opened", "answered"]


def test_an_answer_to_a_case_that_can_t_be_read_is_set_aside_alone(world: Cases) -> None:
    world.opener().handle(world.flag(flagging("t1"), flagging("t2")))
    broken = {**case_item(case("t2")), "facts": {"S": "no facts"}}
    world.dynamodb.put_item(TableName="CasesTable", Item=broken)
    world.opener().handle([world.answer(one, "awa", Answer.RECOGNIZED) for one in ("t1", "t2")])
    assert len(world.case("t1").answers) == 1
    assert world.reasons() == ["answer_not_added: TypeError"]


def test_an_answer_opens_the_case_of_a_flag_that_is_older_than_cases(world: Cases) -> None:
    world.flag(flagging("t1"))
    world.opener().handle([world.answer("t1", "awa", Answer.RECOGNIZED)])
    assert [one.answer for one in world.case("t1").answers.values()] == [Answer.RECOGNIZED]
    assert world.case("t1").opened_at == NOW


def test_a_flag_and_its_answer_in_one_batch_make_one_case(world: Cases) -> None:
    flag = world.flag(flagging("t1"))
    world.opener().handle([*flag, world.answer("t1", "awa", Answer.NOT_RECOGNIZED)])
    assert world.case("t1").weight > 1000


def test_it_was_not_me_reopens_the_case_and_takes_the_outcome_from_the_flags(world: Cases) -> None:
    world.opener().handle(world.flag(flagging("t1"), flagging("t2")))
    for transaction_id, outcome in (("t1", Outcome.LEGITIMATE), ("t2", Outcome.FRAUD)):
        world.close(transaction_id, outcome)
        world.opener().handle([world.image(transaction_id, "MODIFY")])
        assert "outcome" in world.image(transaction_id)["dynamodb"]["NewImage"]
        world.opener().handle([world.answer(transaction_id, "awa", Answer.NOT_RECOGNIZED)])
    assert (world.case("t1").state, world.case("t2").state) == (State.OPEN, State.CLOSED)
    assert "outcome" not in world.image("t1")["dynamodb"]["NewImage"]
    assert "outcome" in world.image("t2")["dynamodb"]["NewImage"]


def test_the_outcome_that_comes_back_by_the_stream_costs_a_read_at_most(world: Cases) -> None:
    world.opener().handle(world.flag(flagging("t1"), flagging("t2")))
    world.close("t1", Outcome.FRAUD)
    world.opener(object()).handle([world.image("t1", "MODIFY")])
    world.opener().handle([world.answer("t2", "awa", Answer.RECOGNIZED)])
    calls = Counter[str]()
    world.opener(Metered(world.dynamodb, calls, Counter())).handle([world.image("t2", "MODIFY")])
    assert calls == {"batch_get_item": 1}


@settings(max_examples=40)
@given(st.data())
def test_an_answer_and_a_close_at_once_both_stand(
    dynamodb: Any, table_names: dict[str, str], data: st.DataObject
) -> None:
    world = Cases(dynamodb)
    transaction_id = f"t{next(NUMBERS)}"
    world.opener().handle(world.flag(flagging(transaction_id)))
    read = world.case(transaction_id)
    claimed = claim(read, ANA, NOW)
    assert world.cases().replace(read, claimed)
    image = world.answer(transaction_id, "awa", Answer.NOT_RECOGNIZED)

    def staff(client: Any) -> None:
        found = world.cases(client).get("eazycard", transaction_id)
        while not world.cases(client).replace(found, close(found, ANA, NOW, Outcome.UNCLEAR)):
            found = world.cases(client).get("eazycard", transaction_id)

    def holder(client: Any) -> None:
        world.opener(client).handle([image])

    interleaved([staff, holder], world.dynamodb, lambda n: data.draw(st.integers(0, n - 1)))
    found = world.case(transaction_id)
    whats = [event.what.value for event in found.history]
    assert "awa" in found.answers
    # Closed in the knowledge of the answer, or opened again by it.
    assert found.state is (State.OPEN if "reopened" in whats else State.CLOSED)
    row = world.image(transaction_id)["dynamodb"]["NewImage"]
    assert ("outcome" in row) == (found.state is State.CLOSED)


def test_a_malformed_row_and_one_without_its_transaction_are_set_aside_alone(world: Cases) -> None:
    good = world.flag(flagging("t1"))
    orphan = flagging("t2")
    world.flags.record([orphan])
    broken = record(to_item({"flags": {"velocity": {}}}))
    world.opener().handle([broken, world.image("t2"), *good])
    assert world.case("t1").flags == ("velocity",)
    assert world.reasons() == ["case_not_opened: KeyError"] * 2


def test_only_a_record_of_flags_is_a_letter_of_a_case(world: Cases) -> None:
    world.opener().handle([{"eventName": "INSERT", "dynamodb": {}}, record({"amount": {"S": "x"}})])
    assert world.reasons() == ["malformed_record: KeyError"]


def test_a_case_that_dynamodb_refuses_is_set_aside_and_the_others_are_opened(
    world: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = world.flag(flagging("t1"), replace(flagging("t2"), decided_at=NOW + timedelta(seconds=1)), flagging("t3"))

    class Strict:
        """A client that refuses one of the cases, as DynamoDB refuses an item that is too large."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.dynamodb, name)

        def transact_write_items(self, **_: Any) -> Any:
            raise refusal("ValidationException")

        def put_item(self, **arguments: Any) -> Any:
            if arguments["Item"]["id"] == {"S": "t2"}:
                raise refusal("ValidationException")
            return world.dynamodb.put_item(**arguments)

    world.opener(Strict()).handle(records)
    assert world.case("t1").id, world.case("t3").id == ("t1", "t3")
    assert world.reasons() == ["case_not_opened: ClientError"]


@pytest.mark.parametrize("operation", ["transact_write_items", "batch_get_item"])
def test_a_table_that_is_out_of_reach_brings_the_batch_again(world: Cases, operation: str) -> None:
    records = world.flag(flagging("t1"))
    throttled = Refusing(world.dynamodb, refusal("ThrottlingException"), operation)
    with pytest.raises(TemporarilyUnavailable):
        world.opener(throttled).handle(records)
    assert not world.dead_letters.bodies
    world.opener().handle(records)
    assert world.case("t1").state is State.OPEN


def test_a_role_that_may_not_write_is_no_fault_of_the_records(world: Cases) -> None:
    records = world.flag(flagging("t1"))
    forbidden = Refusing(world.dynamodb, refusal("AccessDeniedException"), "transact_write_items")
    opener = world.opener(Refusing(forbidden, refusal("AccessDeniedException"), "put_item"))
    with pytest.raises(Exception, match="AccessDenied"):
        opener.handle(records)
    assert not world.dead_letters.bodies


def test_a_case_that_somebody_opens_meanwhile_gets_the_answer_too(world: Cases) -> None:
    flag = world.flag(flagging("t1"))
    image = world.answer("t1", "awa", Answer.NOT_RECOGNIZED)

    class Late:
        """A client before whose first write another function opens the case."""

        def __getattr__(self, name: str) -> Any:
            return getattr(world.dynamodb, name)

        def transact_write_items(self, **arguments: Any) -> Any:
            world.opener().handle(flag)
            return world.dynamodb.transact_write_items(**arguments)

    world.opener(Late()).handle([image])
    assert world.case("t1").answers.keys() == {"awa"}


def test_the_time_of_a_reopening_is_the_clocks(world: Cases) -> None:
    world.opener().handle(world.flag(flagging("t1")))
    world.close("t1", Outcome.LEGITIMATE)
    image = world.answer("t1", "awa", Answer.NOT_RECOGNIZED)
    world.now = NOW + timedelta(hours=1)
    world.opener().handle([image])
    at: datetime = world.case("t1").history[-1].at
    assert at == world.now
