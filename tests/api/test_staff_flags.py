"""`GET /staff/flags/precision` through the app."""

import pytest

import app as app_module
from chalicelib.cases.case import Outcome
from chalicelib.cases.moves import claim, close
from chalicelib.cases.stored_form import case_item
from tests.app_bench import Bench, problem
from tests.case_world import ANA, NOW, case
from tests.described import validator
from tests.staff_world import signed_in


def test_each_rule_has_its_precision_for_the_own_bank_alone(bench: Bench) -> None:
    closed = close(claim(case("t1"), ANA, NOW), ANA, NOW, Outcome.FRAUD)
    app_module.services.case_store.put_new([case_item(closed), case_item(case("t2", bank="other-bank"))])
    viewer = signed_in(bench, "viewer")
    found = viewer.get("/staff/flags/precision", **{"from": "2026-01-01", "to": "2026-01-31"}).json_body
    assert not list(validator({"$ref": "#/components/schemas/Precision"}).iter_errors(found))
    assert found["is_complete"] is True
    assert (found["rules"]["velocity"]["flagged"], found["rules"]["velocity"]["precision"]) == (1, "1.00")
    assert found["rules"]["new_country"]["precision"] is None


@pytest.mark.parametrize(
    "query", [{"from": "2026-01-01", "to": "2026-12-31"}, {"from": "2026-02-01", "to": "2026-01-01"}, {"more": "1"}]
)
def test_a_range_that_is_too_long_or_reversed_is_refused(bench: Bench, query: dict[str, str]) -> None:
    problem(signed_in(bench, "viewer").get("/staff/flags/precision", **query), 400, "validation_failed")
