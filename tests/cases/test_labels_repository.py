"""Labels by day on all engines: a bank's own, of the transactions' days, and bounded."""

from datetime import date, timedelta
from typing import Any

from chalicelib.cases.case import Outcome
from chalicelib.cases.labels_repository import Labels
from chalicelib.cases.moves import answered, claim, close
from chalicelib.cases.repository import CaseRepository
from chalicelib.cases.stored_form import case_item, sighting_item
from chalicelib.flags.answers import Answer
from tests.case_world import ANA, NOW, answer, case, flagging
from tests.metrics import counted
from tests.samples import TRANSACTION

DAY = TRANSACTION.timestamp.date()


def put(client: Any, *items: Any) -> None:
    CaseRepository(client, "CasesTable", "TransactionsTable").put_new(list(items))


def test_what_is_known_of_the_days_flagged_transactions_is_found(each_dynamodb: Any) -> None:
    closed = close(claim(case("closed"), ANA, NOW), ANA, NOW, Outcome.FRAUD)
    put(
        each_dynamodb,
        case_item(closed),
        case_item(answered(case("answered"), [answer("awa", Answer.NOT_RECOGNIZED)], NOW)),
        sighting_item(flagging("shadow", shadow=("velocity",))),
        case_item(case("of-other", bank="other-bank")),
        case_item(case("earlier", timestamp=TRANSACTION.timestamp - timedelta(days=1))),
    )
    labels = Labels(each_dynamodb, "CasesTable")
    found, is_complete = labels.between("eazycard", DAY, DAY)
    assert is_complete
    assert {one: found[one].is_fraud for one in found} == {"closed": True, "answered": True, "shadow": None}
    assert (found["closed"].is_closed, found["answered"].is_closed) == (True, False)
    assert (found["shadow"].flags, found["shadow"].shadow) == ((), ("velocity",))
    assert set(labels.between("eazycard", DAY - timedelta(days=1), DAY)[0]) == {*found, "earlier"}
    assert labels.between("eazycard", date(2020, 1, 1), date(2020, 1, 2)) == ({}, True)


def test_reading_ends_at_a_bound_and_says_so(each_dynamodb: Any) -> None:
    put(
        each_dynamodb, case_item(case("t1")), case_item(case("t2", timestamp=TRANSACTION.timestamp - timedelta(days=1)))
    )
    labels = Labels(each_dynamodb, "CasesTable")
    found, is_complete = labels.between("eazycard", DAY - timedelta(days=1), DAY, most=1)
    assert (set(found), is_complete) == ({"t1"}, False)
    assert labels.between("eazycard", DAY, DAY, most=1)[1]
    assert len(labels.between("eazycard", DAY - timedelta(days=1), DAY)[0]) == 2


def test_a_row_that_can_t_be_read_keeps_no_other_from_being_counted(each_dynamodb: Any, logged: Any) -> None:
    put(each_dynamodb, case_item(case("t1")), {**case_item(case("t2")), "work": {"S": "no work"}})
    assert set(Labels(each_dynamodb, "CasesTable").between("eazycard", DAY, DAY)[0]) == {"t1"}
    assert counted(logged(), "MalformedCases") == 1
