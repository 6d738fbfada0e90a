"""Who is expected to get a statement: entered by the API and the holder's page, before either writes the record."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.notifications.due import DueRepository
from chalicelib.notifications.state import STATEMENT_ID
from chalicelib.statements.index import Expected, StatementIndex, expected_in
from chalicelib.statements.periods import period_named
from tests.app_bench import HOLDER, NOW, Bench
from tests.fakes import Refusing, refusal
from tests.visitor import Visitor

WEEK, MONTH = ("2026-01-12T07:00", "2026-W02"), ("2026-02-01T07:00", "2026-01")


def expected(bench: Bench) -> list[tuple[str, str]]:
    """Return when which period's statement is due, soonest first."""
    items = bench.dynamodb.scan(TableName="StatementsTable")["Items"]
    assert all(
        item["notice"]["S"].startswith('{"bank": "eazycard", "account": "A123", "holder": "h1"') for item in items
    )
    return sorted((item["due"]["S"][:16], json.loads(item["notice"]["S"])["period"]) for item in items)


@pytest.fixture
def awa(bench: Bench) -> Visitor:
    return Visitor(bench)


@pytest.mark.parametrize(
    ("preferences", "entries"),
    [
        ({}, []),
        ({"statement": "none"}, []),
        ({"statement": "weekly", "muted": True}, []),
        ({"statement": "weekly"}, [WEEK]),
        ({"statement": "monthly"}, [MONTH]),
    ],
)
def test_a_holder_whom_the_bank_enrols_has_an_entry_for_the_chosen_statement(
    bench: Bench, awa: Visitor, preferences: dict[str, Any], entries: list[tuple[str, str]]
) -> None:
    for _ in range(2):
        awa.enrol(preferences=preferences)
    assert expected(bench) == entries


def test_a_statement_that_a_holder_chooses_on_the_page_has_an_entry(bench: Bench, awa: Visitor) -> None:
    assert awa.send(statement=["weekly"]).status_code == 200
    assert expected(bench) == [WEEK]
    assert awa.send(statement=["monthly"]).status_code == 200
    assert expected(bench) == [WEEK, MONTH]  # the week's is found not to be wanted when it is due


def test_a_holder_who_turns_e_mails_on_again_has_an_entry_again(bench: Bench, awa: Visitor) -> None:
    awa.enrol(preferences={"statement": "weekly", "muted": True})
    assert expected(bench) == []
    assert awa.send(muted=[]).status_code == 200
    assert awa.preferences == {"statement": "weekly"}
    assert expected(bench) == [WEEK]


def test_a_record_that_can_t_be_written_leaves_an_entry_too_many_and_never_one_too_few(bench: Bench) -> None:
    body = {**HOLDER, "timezone": "Africa/Douala", "preferences": {"statement": "weekly"}}
    throttled = refusal("ThrottlingException")
    bench.restart(dynamodb=Refusing(bench.dynamodb, throttled, "update_item"))
    assert bench.put_holder(body=body).status_code == 503
    assert expected(bench) == [WEEK]
    bench.restart(dynamodb=Refusing(bench.dynamodb, throttled, "batch_write_item"))
    assert bench.put_holder(body=body).status_code == 503
    bench.restart()
    assert bench.get("/accounts/A123/holders/h1").status_code == 404
    assert bench.put_holder(body=body).status_code == 201
    assert expected(bench) == [WEEK]


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("09:00:00", "09:00:00"),
        ("09:54:59", "09:54:59"),
        ("09:55:00", "10:00:00"),  # on a clock that is five minutes slow it is 10:00, and a run may be done with 9
        ("09:59:59", "10:00:00"),
    ],
)
def test_a_statement_that_is_put_again_is_due_at_once_but_never_in_an_hour_that_a_run_may_have_finished(
    bench: Bench, at: str, due: str
) -> None:
    index = StatementIndex(DueRepository(bench.dynamodb, "StatementsTable"))
    now = datetime.fromisoformat(f"2026-01-12T{at}+01:00")
    index.put_again(Expected("eazycard", "A123", "h1", period_named("2026-W02")), now)
    (item,) = bench.dynamodb.scan(TableName="StatementsTable")["Items"]
    moment = datetime.fromisoformat(item["due"]["S"].partition("#")[0])
    assert moment == datetime.fromisoformat(f"2026-01-12T{due}+01:00")
    assert item["due_hour"]["S"].startswith(f"2026-01-12T{moment.astimezone(UTC):%H}#")


@pytest.mark.parametrize("period", ["2026-W02", "2026-01"])
@pytest.mark.parametrize("since", [None, NOW])
@pytest.mark.parametrize("again", [False, True])
def test_an_entry_is_read_as_it_was_written(period: str, since: Any, again: bool) -> None:
    one = Expected("eazycard", "A-1._", "h1", period_named(period), since, again)
    assert expected_in(json.dumps(one.to_json())) == one
    assert STATEMENT_ID.fullmatch(one.id)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"bank": "b", "account": "a", "holder": "h", "period": 1}'])
def test_a_malformed_entry_is_refused(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        expected_in(text)


@pytest.mark.parametrize(
    "text", ["t-1", "statement@A 1@2026-01", "statement@A1", "statement@A1@2026-W2", "statement@@x"]
)
def test_an_id_of_another_form_is_no_statement_s(text: str) -> None:
    assert not STATEMENT_ID.fullmatch(text)
