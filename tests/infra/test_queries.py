"""The saved queries: each reads logs that there are, and the reader of tests knows all that they use."""

import json

import pytest

from infra.observing import TEMPLATE
from infra.queries import FUNCTIONS, QUERIES, Query, resources
from tests import insights

RESOURCES = json.loads(TEMPLATE.read_text())["Resources"]
LINES = [
    ("one", json.dumps({"message": "request", "took": [5], "code": "a", "bank": "x"})),
    ("one", json.dumps({"message": "request", "took": [15], "code": "b", "more": {"less": 1}})),
    ("two", '{"message":"told","level":"ERROR","reasons":{"why":2}}'),
    ("two", "no JSON"),
]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_reads_logs_of_functions_and_ends(query: Query) -> None:
    assert all(f"{function}LogGroup" in RESOURCES for function in query.functions)
    assert "limit" in query.text
    assert len(query.functions) <= 50  # CloudWatch's limit of a query


def test_every_function_s_log_can_be_asked_and_each_query_has_a_name_of_its_own() -> None:
    assert {f"{function}LogGroup" for function in FUNCTIONS} == {
        name for name in RESOURCES if name.endswith("LogGroup") and name != "AccessLogGroup"
    }
    assert len(resources()) == len(QUERIES)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter took.0 > 5\n| limit 9", ["b"]),
        ("filter took.0 >= 5 and code = 'a'\n| limit 9", ["a"]),
        ("filter code in ['b', 'c'] or bank = 'x'\n| limit 9", ["a", "b"]),
        ("filter message = 'request' and (code = 'c' or more.less = 1)\n| limit 9", ["b"]),
        ("filter ispresent(bank)\n| limit 9", ["a"]),
        ("filter message = 'request' and @message like '\"bank\"'\n| limit 9", ["a"]),
        ("filter message like /^req/\n| limit 1", ["a"]),
        ("filter missing > 0\n| limit 9", []),
    ],
)
def test_the_reader_filters(query: str, found: list[str]) -> None:
    assert [row.get("code") for row in insights.run(query, LINES)] == found


def test_the_reader_counts_parses_and_sorts() -> None:
    counted = insights.run("stats count(*) as n, max(took.0) as most by message\n| sort n desc", LINES[:3])
    assert [(row["message"], row["n"]) for row in counted if row["message"] == "request"] == [("request", 2)]
    parsed = insights.run('parse @message /"reasons":\\{(?<found>[^}]*)\\}/\n| filter ispresent(found)', LINES)
    assert [row["found"] for row in parsed] == ['"why":2']


@pytest.mark.parametrize("query", ["dedup code", "filter code ~ 'a'", "stats median(took.0) as m by code"])
def test_what_the_reader_does_not_know_it_refuses(query: str) -> None:
    with pytest.raises((AssertionError, ValueError, KeyError)):
        insights.run(query, LINES)
