"""Cases in the table, on all engines: opened once, changed as they were read, each outcome beside its flags."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.cases import repository
from chalicelib.cases.case import Case, Outcome
from chalicelib.cases.moves import answered, claim, close, note, release, reopen
from chalicelib.cases.refusals import CaseNotFound
from chalicelib.cases.repository import CaseRepository, NotTaken
from chalicelib.cases.stored_form import case_item, sighting_item
from chalicelib.flags.answers import Answer
from chalicelib.flags.repository import FlagRepository
from chalicelib.ledger.keys import TransactionKey
from tests.case_world import ANA, BEN, NOW, answer, case, flagging


@pytest.fixture
def cases(each_dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> CaseRepository:
    # DynamoDB Local takes fewer actions in a transaction than DynamoDB does.
    monkeypatch.setattr(repository, "MAX_A_CALL", 10)
    return CaseRepository(each_dynamodb, "CasesTable", "TransactionsTable", sleep=lambda _: None)


@pytest.fixture
def flags(each_dynamodb: Any) -> FlagRepository:
    return FlagRepository(each_dynamodb, "TransactionsTable", sleep=lambda _: None)


def flag_row(client: Any, transaction_id: str = "t1") -> dict[str, Any]:
    key = to_item({"transaction_key": f"eazycard#{transaction_id}#flags"})
    return from_item(client.get_item(TableName="TransactionsTable", Key=key)["Item"])


def worked_on() -> Case:
    """Return a case with all that a case can have."""
    claimed = claim(case("t1", "velocity", "large_amount"), ANA, NOW + timedelta(seconds=1))
    noted = note(claimed, ANA, NOW + timedelta(seconds=2), "Called: nobody answers.")
    return answered(noted, [answer("awa", Answer.NOT_RECOGNIZED), answer("ben", Answer.RECOGNIZED)], NOW)


@pytest.mark.parametrize(
    "stored", [case(), case(merchant=None), worked_on(), close(worked_on(), ANA, NOW, Outcome.UNCLEAR, "Who knows.")]
)
def test_a_case_is_read_as_it_was_written(cases: CaseRepository, stored: Case) -> None:
    assert cases.put_new([case_item(stored)]) == [True]
    assert cases.get("eazycard", "t1") == stored


def test_a_case_is_opened_once_and_what_was_done_since_stays(cases: CaseRepository) -> None:
    many = [case_item(case(f"t{number}")) for number in range(23)]
    assert cases.put_new(many[:5]) == [True] * 5
    assert cases.replace(cases.get("eazycard", "t1"), claim(cases.get("eazycard", "t1"), ANA, NOW))
    assert cases.put_new(many) == [False] * 5 + [True] * 18
    assert cases.put_one_new(many[1]) is False
    assert cases.put_one_new(case_item(case("alone"))) is True
    assert cases.get("eazycard", "t1").claimed_by == ANA


def test_another_banks_case_and_what_only_shadow_rules_flagged_are_no_cases(cases: CaseRepository) -> None:
    cases.put_new([case_item(case("t1")), sighting_item(flagging("t2", "velocity", shadow=("velocity",)))])
    for bank, case_id in (("other-bank", "t1"), ("eazycard", "t2"), ("eazycard", "t3")):
        with pytest.raises(CaseNotFound):
            cases.get(bank, case_id)
    keys = [TransactionKey("eazycard", one) for one in ("t1", "t2", "t3")]
    assert cases.of_keys(keys).keys() == {keys[0]}


def test_of_two_changes_of_the_same_case_one_is_written(cases: CaseRepository) -> None:
    cases.put_new([case_item(case())])
    read = cases.get("eazycard", "t1")
    assert cases.replace(read, claim(read, ANA, NOW))
    assert not cases.replace(read, claim(read, BEN, NOW))
    assert cases.get("eazycard", "t1").claimed_by == ANA


def test_an_outcome_lies_beside_the_flags_until_the_case_is_reopened(
    each_dynamodb: Any, cases: CaseRepository, flags: FlagRepository
) -> None:
    flags.record([flagging()])
    flags.answer("eazycard", "t1", "awa", Answer.RECOGNIZED, NOW)
    before = flag_row(each_dynamodb)
    claimed = claim(case(), ANA, NOW)
    cases.put_new([case_item(claimed)])
    closed = close(claimed, ANA, NOW, Outcome.FRAUD)
    assert cases.replace(claimed, closed)
    row = flag_row(each_dynamodb)
    assert row.pop("outcome") == {"outcome": "fraud", "at": "2026-01-10T14:00:02Z"}
    assert before.pop("last_answer") == "awa"  # who reads the stream takes no outcome for an answer
    assert row == before
    assert cases.replace(closed, reopen(closed, ANA, NOW))
    assert flag_row(each_dynamodb) == before
    assert flags.record([flagging()]) == [flagging()]


def test_an_outcome_is_written_with_its_case_or_not_at_all(
    each_dynamodb: Any, cases: CaseRepository, flags: FlagRepository
) -> None:
    flags.record([flagging()])
    claimed = claim(case(), ANA, NOW)
    cases.put_new([case_item(claimed)])
    assert cases.replace(claimed, release(claimed, ANA, NOW))
    assert not cases.replace(claimed, close(claimed, ANA, NOW, Outcome.FRAUD))
    assert "outcome" not in flag_row(each_dynamodb)


def test_a_case_whose_flags_are_lost_is_closed_all_the_same(cases: CaseRepository) -> None:
    claimed = claim(case(), ANA, NOW)
    cases.put_new([case_item(claimed)])
    assert cases.replace(claimed, close(claimed, ANA, NOW, Outcome.FRAUD))
    assert not cases.replace(claimed, close(claimed, ANA, NOW, Outcome.FRAUD))
    assert cases.get("eazycard", "t1").outcome is Outcome.FRAUD


def test_one_that_dynamodb_refuses_is_said_to_be_refused(cases: CaseRepository) -> None:
    broken = case_item(replace(case("t2"), account=""))
    broken["rank"] = {"S": ""}
    with pytest.raises(NotTaken):
        cases.put_new([case_item(case("t1")), broken])
