"""Two members of staff at once: in every interleaving, one has the case, and the other is told so."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.cases.case import Actor, Case, Outcome, State
from chalicelib.cases.desk import CaseDesk
from chalicelib.cases.moves import claim, close
from chalicelib.cases.queue_repository import CaseQueue
from chalicelib.cases.refusals import CaseClaimed, CaseNotFound, NoOpenCase
from chalicelib.cases.repository import CaseRepository
from chalicelib.cases.stored_form import case_item
from chalicelib.errors import TemporarilyUnavailable
from tests.case_world import ANA, BEN, NOW, case
from tests.fakes import OneCallAtATime
from tests.interleaving import interleaved

NUMBERS = itertools.count()  # the examples of a property share the tables


def desk(client: Any) -> CaseDesk:
    cases = CaseRepository(client, "CasesTable", "TransactionsTable", sleep=lambda _: None)
    return CaseDesk(cases, CaseQueue(client, "CasesTable"), lambda: NOW)


def nothing(_: Case) -> None:
    """Check or announce nothing."""


def claimed(client: Any, by: Actor, bank: str, case_id: str = "t1") -> Case:
    return desk(client).change(bank, case_id, lambda one, now: claim(one, by, now), nothing, nothing)


@pytest.fixture
def client(dynamodb: Any, table_names: dict[str, str]) -> Any:
    return OneCallAtATime(dynamodb)


def put(client: Any, *cases: Case) -> None:
    CaseRepository(client, "CasesTable", "TransactionsTable").put_new([case_item(one) for one in cases])


@settings(max_examples=30)
@given(st.data())
def test_of_two_who_claim_a_case_at_once_one_gets_it(client: Any, data: st.DataObject) -> None:
    bank = f"bank-{next(NUMBERS)}"
    put(client, case(bank=bank))
    got: list[Actor] = []
    refused: list[str] = []

    def member(by: Actor) -> Any:
        def work(own: Any) -> None:
            try:
                claimed(own, by, bank)
                got.append(by)
            except CaseClaimed as error:
                refused.append(error.name)

        return work

    interleaved([member(ANA), member(BEN)], client, lambda n: data.draw(st.integers(0, n - 1)))
    ((winner,), (name,)) = got, refused
    assert name == winner.name
    assert desk(client).change(bank, "t1", lambda one, _: one, nothing, nothing).claimed_by == winner


@settings(max_examples=30)
@given(st.data())
def test_two_who_take_the_next_case_at_once_get_two(client: Any, data: st.DataObject) -> None:
    bank = f"next-{next(NUMBERS)}"
    put(client, case("t1", "velocity", bank=bank), case("t2", "duplicate_suspect", bank=bank))
    got: list[str] = []

    def member(by: Actor) -> Any:
        return lambda own: got.append(desk(own).claim_next(bank, by, nothing).id)

    interleaved([member(ANA), member(BEN)], client, lambda n: data.draw(st.integers(0, n - 1)))
    assert sorted(got) == ["t1", "t2"]
    with pytest.raises(NoOpenCase):
        desk(client).claim_next(bank, ANA, nothing)


def test_the_next_case_is_the_heaviest_and_it_is_announced_before_it_is_claimed(client: Any) -> None:
    put(client, case("light", "duplicate_suspect"), case("heavy", "velocity"))
    announced: list[Case] = []
    taken = desk(client).claim_next("eazycard", ANA, announced.append)
    assert (taken.id, taken.claimed_by) == ("heavy", ANA)
    assert [(one.id, one.state) for one in announced] == [("heavy", State.OPEN)]


def test_what_cannot_be_announced_is_not_done(client: Any) -> None:
    put(client, case())

    def unavailable(_: Case) -> None:
        raise TemporarilyUnavailable

    with pytest.raises(TemporarilyUnavailable):
        desk(client).change("eazycard", "t1", lambda one, now: claim(one, ANA, now), nothing, unavailable)
    with pytest.raises(TemporarilyUnavailable):
        desk(client).claim_next("eazycard", ANA, unavailable)
    assert desk(client).claim_next("eazycard", BEN, nothing).claimed_by == BEN


def test_what_changes_nothing_is_not_announced(client: Any) -> None:
    put(client, claim(case(), ANA, NOW))
    announced: list[Case] = []
    desk(client).change("eazycard", "t1", lambda one, now: claim(one, ANA, now), nothing, announced.append)
    assert announced == []


def test_a_change_that_is_always_overtaken_ends(client: Any) -> None:
    put(client, claim(case(), ANA, NOW))

    class Stale:
        """A client that reads an old version of every case."""

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def get_item(self, **arguments: Any) -> Any:
            found = client.get_item(**arguments)
            found["Item"]["version"] = {"N": "0"}
            return found

    with pytest.raises(TemporarilyUnavailable):
        desk(Stale()).change("eazycard", "t1", lambda one, now: close(one, ANA, now, Outcome.FRAUD), nothing, nothing)


def test_another_banks_case_is_not_there(client: Any) -> None:
    put(client, case())
    with pytest.raises(CaseNotFound):
        claimed(client, ANA, "other-bank")
