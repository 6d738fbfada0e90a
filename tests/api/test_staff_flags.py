"""`GET /staff/flags/precision` and `POST /staff/flags/trial` through the app."""

from datetime import timedelta
from typing import Any

import pytest

import app as app_module
from chalicelib.api import staff_flags
from chalicelib.cases.case import Outcome
from chalicelib.cases.moves import claim, close
from chalicelib.cases.stored_form import case_item
from chalicelib.ledger.stored_form import transaction_item
from tests.app_bench import Bench, problem
from tests.case_world import ANA, NOW, case
from tests.described import validator
from tests.samples import transaction
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


TRIAL = "/staff/flags/trial"
FEWER: dict[str, Any] = {"flags": {"velocity": {"count": 2}}}


def record(bench: Bench, count: int, bank: str = "eazycard") -> None:
    """Record transactions of one account, an hour before now, within seven minutes."""
    for number in range(count):
        at = bench.now - timedelta(minutes=60, seconds=-60 * number)
        one = transaction(bank=bank, id=f"t{number}", timestamp=at, recorded_at=at)
        bench.dynamodb.put_item(TableName="TransactionsTable", Item=transaction_item(one))


def test_a_trial_counts_what_both_settings_flag_by_what_is_known_of_it(bench: Bench) -> None:
    record(bench, 7)
    record(bench, 5, "other-bank")
    at = bench.now - timedelta(hours=1)
    fraud = close(claim(case("t6", timestamp=at), ANA, NOW), ANA, NOW, Outcome.FRAUD)
    unclear = close(claim(case("t3", timestamp=at), ANA, NOW), ANA, NOW, Outcome.UNCLEAR)
    app_module.services.case_store.put_new([case_item(fraud), case_item(unclear)])
    before = app_module.services.bank_store.settings("eazycard")
    answer = signed_in(bench, "analyst").post(TRIAL, {"settings": FEWER})
    found = answer.json_body
    assert answer.status_code == 200, found
    assert not list(validator({"$ref": "#/components/schemas/Trial"}).iter_errors(found))
    assert (found["transactions"], found["is_complete"]) == (7, True)
    assert found["rules"]["velocity"] == {
        "now": {"flagged": 2, "fraud": 1, "legitimate": 0, "unclear": 0, "unlabelled": 1},
        "then": {"flagged": 5, "fraud": 1, "legitimate": 0, "unclear": 1, "unlabelled": 3},
    }
    assert app_module.services.bank_store.settings("eazycard") == before


def test_a_trial_of_more_than_can_be_read_says_how_far_back_it_went(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_flags, "_A_PAGE", 3)
    monkeypatch.setattr(staff_flags, "MOST_IN_TRIAL", 4)
    record(bench, 7)
    found = signed_in(bench, "analyst").post(TRIAL, {"settings": FEWER}).json_body
    assert (found["transactions"], found["is_complete"]) == (4, False)
    assert found["from"] == f"{bench.now - timedelta(minutes=57):%Y-%m-%dT%H:%M:%SZ}"


def test_a_trial_without_time_reads_nothing_and_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_flags, "seconds_left", lambda _: 5.0)
    record(bench, 7)
    found = signed_in(bench, "analyst").post(TRIAL, {"settings": FEWER}).json_body
    assert (found["transactions"], found["is_complete"], found["from"]) == (0, False, found["to"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "settings"),
        ({"settings": []}, "settings"),
        ({"settings": {}, "days": 32}, "days"),
        ({"settings": {}, "days": 1.5}, "days"),
        ({"settings": {}, "days": True}, "days"),
        ({"settings": {}, "more": 1}, "more"),
        ({"settings": {"flags": {"velocity": {"count": 0}}}}, "flags.velocity.count"),
    ],
)
def test_a_trial_that_breaks_a_rule_names_the_field(bench: Bench, body: Any, field: str) -> None:
    refused = problem(signed_in(bench, "analyst").post(TRIAL, body), 400, "validation_failed")
    assert [one["field"] for one in refused["errors"]] == [field]


def test_a_viewer_tries_nothing(bench: Bench) -> None:
    problem(signed_in(bench, "viewer").post(TRIAL, {"settings": FEWER}), 403, "group_required")
