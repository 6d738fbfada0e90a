"""What the functions log: nothing personal, one line a request, and a transaction's whole way by its id.

The lines are those of the tours of all functions. Each saved query of Logs Insights runs on them.
"""

import json
import re
from typing import Any

import pytest

from app import app
from infra.dashboard import NAMESPACE, widgets
from infra.queries import QUERIES, Query
from mail_gallery.samples import TRANSACTION
from tests import insights
from tests.app_bench import HOLDER, KEY, SMALLEST
from tests.aws_tours import Tours
from tests.links import LINK_KEYS
from tests.mail_world import World, messages
from tests.samples import PROJECT_DIR, transaction
from tests.webhook_endpoint import SECRET

WAY = ["api_handler", "transaction_stream", "mailer", "feedback", "webhook_feeder", "webhook_sender"]
# Lines that no tour makes, in the form in which the code writes them.
OTHER_LINES = [
    (
        "nightly_reconciliation",
        '{"level":"ERROR","location":"of_day_before:163","message":"roll_up_differs","timestamp":'
        '"2026-11-28 03:17:41,272+0000","service":"transaction-notifier","bank":"eazycard","date":"2026-11-27",'
        '"currency":"XAF","field":"debit"}',
    ),
    (
        "transaction_stream",
        '{"level":"ERROR","location":"skipped:110","message":"not_judged","timestamp":"2026-11-28 10:17:41,272+0000",'
        '"service":"transaction-notifier","error":"KeyError","bank":"eazycard","transaction":"1"}',
    ),
    ("mailer", "2026-11-28T10:00:00.000Z 3a1f Task timed out after 60.00 seconds"),
]
_PARTS_OF_LINKS = r"/(?:preferences|alerts)/[\w-]{20,}"


@pytest.fixture(scope="module")
def lines(tours: Tours) -> list[tuple[str, dict[str, Any]]]:
    """All lines, each with its function: every one of them is a JSON object."""
    return [(function, json.loads(line)) for function, line in tours.logs]


def is_public(line: dict[str, Any]) -> bool:
    """Return whether a request's route asks for neither a key nor a sign-in: it is nobody's, and may be a page."""
    entry = app.routes[line["route"]][line["method"]]
    return not (entry.api_key_required or line["route"].startswith("/staff"))


def requests_in(lines: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [line for _, line in lines if line.get("message") == "request"]


def test_the_logs_hold_no_names_addresses_accounts_amounts_or_keys(tours: Tours) -> None:
    text = "\n".join(json.dumps(json.loads(line), ensure_ascii=False) for _, line in tours.logs)
    assert len(text) > 20_000
    assert TRANSACTION.merchant is not None
    personal = [
        *(HOLDER["name"], "Awa", HOLDER["email"], "@example.com", "ben@", "a@bank.example"),
        *(str(SMALLEST["account"]), TRANSACTION.account, "account-", "h1@"),
        *(f"{SMALLEST['amount']}", f"{TRANSACTION.amount}", f"{TRANSACTION.amount * 10_000}", f"{TRANSACTION.balance}"),
        *(TRANSACTION.merchant["name"], TRANSACTION.merchant["city"], f"{TRANSACTION.description}"),
        *(KEY, SECRET, SECRET.removeprefix("whsec_"), LINK_KEYS[20:50], "signature", "x-api-key"),
    ]
    assert [value for value in personal if value in text] == []
    assert re.findall(_PARTS_OF_LINKS, text) == []
    assert not re.search(r'"(?:h1|c1|c2|w1)"', text), "a holder's id"


def test_each_request_is_one_line_with_its_route_status_and_bank(lines: list[tuple[str, dict[str, Any]]]) -> None:
    requests = requests_in(lines)
    assert len({line["request_id"] for line in requests}) == len(requests) > 30
    for line in requests:
        assert {"method", "route", "status", "RequestTime"} <= line.keys()
        if not is_public(line):
            assert ("code" in line) == (line["status"] >= 400)
            assert line["status"] == 401 or line["bank"] == "eazycard", line["route"]
        assert "?" not in line["route"]


def test_one_transaction_is_found_by_its_id_on_its_whole_way(tours: Tours) -> None:
    query = next(one for one in QUERIES if one.name == "where is a transaction")
    rows = insights.run(query.text.replace("BANK#TRANSACTION", "eazycard#on-its-way"), tours.logs)
    assert [row["@log"] for row in rows] == WAY
    (request,) = [line for _, line in map(loaded, tours.logs) if "eazycard#on-its-way" in line.get("transactions", ())][
        :1
    ]
    assert rows[0]["request_id"] == request["request_id"]


def test_only_the_api_knows_a_request_and_all_that_is_behind_it_goes_by_the_transaction(tours: Tours) -> None:
    lines = [loaded(event) for event in tours.logs]
    assert {function for function, line in lines if "request_id" in line} == {"api_handler"}
    named = {function for function, line in lines if "eazycard#on-its-way" in line.get("transactions", ())}
    assert named == set(WAY)


def test_the_tags_of_an_e_mail_are_the_documented_ones(dynamodb: Any, table_names: dict[str, str]) -> None:
    world = World(dynamodb, table_names)
    world.enrol("a0", "awa")
    world.tell(messages(transaction(id="t0", account="a0")))
    (email,) = world.ses.accepted
    documented = re.search(r"The e-mail has (.*) as SES tags", (PROJECT_DIR / "docs" / "operations.md").read_text())
    assert documented
    assert re.findall(r"`(\w+)`", documented[1]) == list(email["tags"]) == ["bank", "transaction", "holder"]
    assert (email["tags"]["bank"], email["tags"]["transaction"]) == ("eazycard", "t0")


def loaded(event: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    return event[0], json.loads(event[1])


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_each_saved_query_finds_what_it_asks_for(
    query: Query, tours: Tours, lines: list[tuple[str, dict[str, Any]]]
) -> None:
    functions = {name_of(function) for function in query.functions}
    events = [one for one in [*tours.logs, *OTHER_LINES] if one[0] in functions]
    text = query.text.replace("BANK#TRANSACTION", "eazycard#on-its-way").replace("'BANK'", "'eazycard'")
    text = text.replace("REQUEST_ID", requests_in(lines)[0]["request_id"]).replace("> 1000", "> 0")
    rows = insights.run(text, events)
    assert rows
    assert all(any(value not in (None, "", 0) for value in row.values()) for row in rows)
    fields = {name for row in rows for name in row}
    asked = re.findall(r" as (\w+)", text) or [name.strip() for name in text.splitlines()[0][7:].split(",")]
    missing = set(asked) - fields
    assert missing <= OPTIONAL, missing


# Of some lines only: what went wrong, and figures of single jobs.
OPTIONAL = {"code", "error", "level", "bank", "route", "status", "transaction", "key", "request_id", "sent", "failed"}


def name_of(function: str) -> str:
    """Return the name in `app.py` of a function of the template."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()


def test_each_metric_with_a_dimension_on_the_dashboard_is_written_with_it(
    lines: list[tuple[str, dict[str, Any]]],
) -> None:
    written = {
        (metric["Name"], *sorted(dimensions))
        for _, line in lines
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ())
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
    }
    shown = {
        (metric[1], *sorted(metric[2:-1:2]))
        for widget in widgets()
        for metric in widget["properties"]["metrics"]
        if metric[0] == NAMESPACE
    }
    # By count alone nothing more is to be seen: `test_dashboard` finds their names in the code.
    assert {one for one in shown if len(one) > 2} <= written
    assert {("PostToAccepted", "stage"), ("AcceptedToDelivered", "stage"), ("RequestTime", "stage")} <= written
    assert ("Refused", "code", "stage") in written
