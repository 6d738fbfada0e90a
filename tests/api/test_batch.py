"""`POST /transactions/batch`: every item judged by itself, in order, whatever its neighbours are."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from chalice.test import HTTPResponse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.api.batch import QUEUED_STATUSES, Loaded, answer, load_item
from chalicelib.api.json_body import MAX_BYTES, parse_json
from chalicelib.aws.clients import WRITERS, client
from chalicelib.banks.bank import Bank
from chalicelib.ledger.ingest_queue import unpack
from chalicelib.ledger.intake import Queued
from chalicelib.ledger.posted import FIELDS
from chalicelib.ledger.times import parse_time
from tests.app_bench import AWS, CARD, KEY, OTHER_KEY, SMALLEST, Bench, fields, problem
from tests.fakes import Failing, Refusing, refusal
from tests.hostile import batch_of
from tests.sizes import size
from tests.strategies import json_texts

ASYNC = {"prefer": "respond-async"}


def send(bench: Bench, *items: Any, **options: Any) -> HTTPResponse:
    return bench.request("POST", "/transactions/batch", {"transactions": list(items)}, **options)


def numbered(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**SMALLEST, "id": f"t-{number}", **changes} for number in range(count)]


def statuses(response: HTTPResponse) -> list[str]:
    """Return the items' statuses after checking that the answer is whole: in order, and counted right."""
    answer: dict[str, Any] = response.json_body
    results = answer["results"]
    assert [result["index"] for result in results] == list(range(len(results)))
    found = [result["status"] for result in results]
    assert {status: number for status, number in answer["counts"].items() if number} == Counter(found)
    return found


def test_each_item_is_answered_in_order_with_what_became_of_it(bench: Bench) -> None:
    bench.record("known", "taken")
    bench.now += timedelta(seconds=1)
    response = send(
        bench,
        {**SMALLEST, "id": "new"},
        {**SMALLEST, "id": "known"},
        {**SMALLEST, "id": "taken", "amount": "9.99"},
        {**SMALLEST, "id": "wrong", "amount": -1, "fee": 1},
        {**SMALLEST, "id": "new-too", "currency": "XAF", "amount": 250},
    )
    assert response.status_code == 200
    assert statuses(response) == ["created", "replayed", "conflict", "invalid", "created"]
    results = response.json_body["results"]
    assert [result["id"] for result in results] == ["new", "known", "taken", "wrong", "new-too"]
    assert results[2]["code"] == "transaction_conflict"
    assert results[2]["errors"] == [{"field": "amount", "message": "Differs from what is recorded."}]
    assert results[3]["code"] == "validation_failed"
    assert sorted(error["field"] for error in results[3]["errors"]) == ["amount", "fee"]
    assert set(results[0]) == {"index", "id", "status"}
    assert set(response.json_body["counts"]) == {"created", "replayed", "conflict", "invalid", "retry"}
    assert bench.stored() == 4
    assert bench.get("/transactions/new-too").json_body["amount"] == "250"


def test_500_are_recorded_and_sent_again_all_are_replays(bench: Bench) -> None:
    assert statuses(send(bench, *numbered(500))) == ["created"] * 500
    bench.now += timedelta(days=1)
    assert statuses(send(bench, *numbered(500))) == ["replayed"] * 500
    assert bench.stored() == 500


@pytest.mark.parametrize("items", [[], numbered(501), None, {}, "x", 1, CARD])
def test_a_batch_that_is_none_is_refused_as_a_whole(bench: Bench, items: Any) -> None:
    response = bench.request("POST", "/transactions/batch", {"transactions": items})
    document = problem(response, 400, "validation_failed")
    assert fields(document) == ["transactions"]
    assert CARD not in response.body.decode()
    assert bench.stored() == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "validation_failed"),
        (json.dumps({"transactions": [SMALLEST], "atomic": True}).encode(), "validation_failed"),
        (json.dumps([SMALLEST]).encode(), "malformed_body"),
        (b'{"transactions": [], "transactions": []}', "malformed_body"),
        (b'{"transactions": [{"id": "1"}', "malformed_body"),
        (json.dumps({"transactions": [SMALLEST], CARD: 1}).encode(), "card_number_refused"),
        (b'{"transactions": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed_body"),
    ],
)
def test_what_is_wrong_with_the_body_as_a_whole_is_a_400_and_nothing_is_stored(
    bench: Bench,
    body: bytes,
    code: str,
) -> None:
    problem(bench.request("POST", "/transactions/batch", body), 400, code)
    assert bench.stored() == 0


@pytest.mark.parametrize(
    ("item", "code", "named"),
    [
        ("null", "malformed_body", [""]),
        ("[]", "malformed_body", [""]),
        ('"x"', "malformed_body", [""]),
        ("{}", "validation_failed", ["account", "amount", "id", "timestamp", "type"]),
        ('{"id": "a", "id": "b"}', "malformed_body", [""]),
        ('{"id": "a", "x\\uffff": 1}', "malformed_body", [""]),
        ('{"id": "a", "amount": NaN}', "malformed_body", [""]),
        ('{"id": "a", "amount": 1e99999999999999999999}', "malformed_body", [""]),
        (json.dumps({**SMALLEST, "id": "a\0"}), "validation_failed", ["id"]),
        ('{"id": "a", "metadata": {"k": {"k": {"k": {"k": {"k": {"k": {"k": {}}}}}}}}}', "malformed_body", [""]),
        (json.dumps({**SMALLEST, "id": CARD}), "card_number_refused", ["id"]),
        (json.dumps({**SMALLEST, "description": f"card {CARD}"}), "card_number_refused", ["description"]),
        (CARD, "card_number_refused", [""]),
        (json.dumps({**SMALLEST, "id": "a", "metadata": {"k": "x" * 262_144}}), "body_too_large", [""]),
    ],
)
def test_one_bad_item_harms_no_other_and_is_not_repeated(
    bench: Bench,
    item: str,
    code: str,
    named: list[str],
) -> None:
    good = [json.dumps({**SMALLEST, "id": name}) for name in ("before", "after")]
    body = f'{{"transactions": [{good[0]}, {item}, {good[1]}]}}'.encode()
    response = bench.request("POST", "/transactions/batch", body)
    assert statuses(response) == ["created", "invalid", "created"]
    bad = response.json_body["results"][1]
    assert bad["code"] == code
    assert bad["id"] in (None, "a", "1")
    assert bad["id"] is None or item.count('"id"') == 1
    assert sorted(error["field"] for error in bad["errors"]) == named
    assert CARD not in response.body.decode()
    assert bench.stored() == 2


def test_an_amount_that_looks_like_a_card_number_is_taken_as_in_a_single_post(bench: Bench) -> None:
    assert statuses(send(bench, {**SMALLEST, "amount": "411111111111116", "balance": 411111111111116})) == ["created"]


def test_repeats_within_a_batch_are_taken_in_their_order(bench: Bench) -> None:
    for _ in range(5):
        bench.now += timedelta(minutes=1)
        items = [{**SMALLEST, "id": f"{bench.now:%H-%M}", "amount": amount} for amount in (1, 1, 2, 1)]
        assert statuses(send(bench, *numbered(40), *items))[-4:] == ["created", "replayed", "conflict", "replayed"]


def test_a_throttled_item_is_retry_and_the_next_try_records_it(bench: Bench) -> None:
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("ThrottlingException"), at=1, operation="put_item"))
    response = send(bench, *numbered(3))
    assert sorted(statuses(response)) == ["created", "created", "retry"]
    assert response.headers["Retry-After"] == "2"
    assert bench.stored() == 2
    bench.now += timedelta(seconds=1)
    again = send(bench, *numbered(3))
    assert sorted(statuses(again)) == ["created", "replayed", "replayed"]
    assert "Retry-After" not in again.headers


def test_when_the_table_is_down_all_are_retry_and_nothing_is_500(bench: Bench) -> None:
    bench.get("/transactions/1")  # the bank is known from here
    bench.restart(dynamodb=Refusing(bench.dynamodb, refusal("InternalServerError"), "put_item"))
    assert statuses(send(bench, *numbered(40))) == ["retry"] * 40


def test_a_defect_met_by_one_item_is_a_500_after_the_others_are_recorded(bench: Bench) -> None:
    failing = Failing(bench.dynamodb, refusal("ValidationException"), at=3, operation="put_item")
    bench.restart(dynamodb=failing)
    problem(send(bench, *numbered(10)), 500, "internal_error")
    assert bench.stored() == 9
    bench.now += timedelta(seconds=1)
    assert Counter(statuses(send(bench, *numbered(10)))) == {"replayed": 9, "created": 1}


def test_two_banks_may_use_the_same_ids(bench: Bench) -> None:
    assert statuses(send(bench, *numbered(3))) == ["created"] * 3
    assert statuses(send(bench, *numbered(3, amount=7), key=OTHER_KEY)) == ["created"] * 3
    assert bench.get("/transactions/t-0", key=OTHER_KEY).json_body["amount"] == "7.00"


def test_a_transaction_may_be_called_batch(bench: Bench) -> None:
    problem(bench.get("/transactions/batch"), 404, "transaction_not_found")
    bench.record("batch")
    assert bench.get("/transactions/batch").json_body["id"] == "batch"


def test_4_mb_are_taken_and_one_byte_more_is_refused_with_413(bench: Bench) -> None:
    body = json.dumps({"transactions": [SMALLEST]}).encode()
    limit = 4 * 1024 * 1024
    path = "/transactions/batch"
    problem(bench.request("POST", path, body + b" " * (limit + 1 - len(body))), 413, "body_too_large")
    assert bench.stored() == 0
    assert statuses(bench.request("POST", path, body + b" " * (limit - len(body)))) == ["created"]


LARGE: dict[str, Any] = {
    "a text of words": "x" * 260_000,
    "a text of digits": "4112 " * 52_000,
    "a text of two bytes a character": "é" * 130_000,
    "texts": ["x"] * 65_000,
    "numbers": [1] * 130_000,
    "numbers with decimals": [0.5] * 65_000,
    "names": {str(number): 1 for number in range(27_000)},
}


@pytest.mark.parametrize("field", ["description", "metadata", "merchant"])
@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE.keys())
def test_an_item_is_as_large_as_it_is_alone_whatever_it_holds(bench: Bench, field: str, value: Any) -> None:
    """Also where it holds more than can be searched for card numbers, of which nothing is kept."""

    def written(padding: int) -> bytes:
        item = {**SMALLEST, field: value, "reference": "x" * padding}
        return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()

    enough = MAX_BYTES - len(written(0))
    for padding, is_over in ((enough, False), (enough + 1, True)):
        item = written(padding)
        alone = bench.request("POST", "/transactions?dry_run=true", item)
        (found,) = bench.request("POST", "/transactions/batch", batch_of(item)).json_body["results"]
        assert (alone.status_code, found["status"]) == ((413, "invalid") if is_over else (200, "created"))
        assert found.get("code") == ("body_too_large" if is_over else None)


def test_whatever_is_wrong_with_every_item_the_answer_fits_a_functions(bench: Bench) -> None:
    unknown = {f"{number}-{'😀' * 80}": 1 for number in range(20)}  # each takes three times as much in an answer
    body = json.dumps({"transactions": [unknown] * 500}, ensure_ascii=False).encode()
    response = bench.request("POST", "/transactions/batch", body)
    assert set(statuses(response)) == {"invalid"}
    assert all(len(result["errors"]) == 10 for result in response.json_body["results"])
    assert len(response.body) < 6_000_000


@pytest.mark.parametrize("prefer", ["respond-async", "Respond-Async", "wait=10, respond-async", "respond-async; x=1"])
def test_a_bank_that_prefers_so_is_answered_at_once_and_its_transactions_are_queued(
    bench: Bench,
    prefer: str,
) -> None:
    response = send(bench, *numbered(120), {"id": "bad"}, prefer=prefer)
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "respond-async"
    assert statuses(response) == ["queued"] * 120 + ["invalid"]
    assert response.json_body["counts"] == {"queued": 120, "invalid": 1}
    assert bench.stored() == 0
    queued = [transaction for body in bench.queued() for _, transaction in unpack(body, [])]
    assert sorted(one.id for one in queued) == sorted(f"t-{number}" for number in range(120))
    assert {one.bank for one in queued} == {"eazycard"}


@pytest.mark.parametrize("prefer", ["", "respond-sync", "return=minimal", "x-respond-async", "wait=respond-async"])
def test_other_preferences_are_ignored(bench: Bench, prefer: str) -> None:
    assert statuses(send(bench, SMALLEST, prefer=prefer)) == ["created"]


def test_a_full_batch_is_queued_in_one_call_of_ten_messages(bench: Bench) -> None:
    sizes: list[int] = []

    class Watched:
        def send_message_batch(self, **arguments: Any) -> Any:
            sizes.append(len(arguments["Entries"]))
            return AWS["sqs"].send_message_batch(**arguments)

    bench.restart(sqs=Watched())
    assert send(bench, *numbered(500), **ASYNC).status_code == 202
    assert sizes == [10]


def test_when_the_queue_refuses_the_whole_batch_is_503(bench: Bench) -> None:
    bench.restart(sqs=Failing(AWS["sqs"], refusal("ThrottlingException")))
    response = send(bench, *numbered(3), **ASYNC)
    problem(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"] == "2"


def test_a_batch_without_a_valid_item_queues_nothing(bench: Bench) -> None:
    response = send(bench, {}, **ASYNC)
    assert (response.status_code, response.json_body["counts"]) == (202, {"queued": 0, "invalid": 1})
    assert bench.queued() == []


ITEM = st.one_of(
    st.builds(lambda number: {**SMALLEST, "id": f"p-{number}"}, st.integers(0, 9)),
    st.builds(lambda number: {**SMALLEST, "id": f"p-{number}", "amount": 3}, st.integers(0, 9)),
    st.sampled_from([None, {}, {"id": "p-1"}, {**SMALLEST, "amount": "x"}]),
)


@given(items=st.lists(ITEM, min_size=1, max_size=40))
@settings(max_examples=size(40, 800))
def test_a_batch_answers_each_item_as_single_posts_in_the_same_order_would(bench: Bench, items: list[Any]) -> None:
    for table_item in bench.dynamodb.scan(TableName="TransactionsTable")["Items"]:
        bench.dynamodb.delete_item(
            TableName="TransactionsTable", Key={"transaction_key": table_item["transaction_key"]}
        )
    found = statuses(send(bench, *items))
    content: dict[str, Any] = {}
    for item, status in zip(items, found, strict=True):
        if not (isinstance(item, dict) and item.get("amount") in (250.5, 3)):
            assert status == "invalid"
        elif item["id"] not in content:
            assert status == "created"
            content[item["id"]] = item
        else:
            assert status == ("replayed" if content[item["id"]] == item else "conflict")
    assert bench.stored() == len(content)


# Numbers with as many digits as anybody writes, and names and texts that the rules look at.
NUMBER = st.from_regex(
    r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,40}|\.[0-9]{1,9}0{1,40})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
)
SCALAR = (
    NUMBER
    | NUMBER.map(json.dumps)
    | st.sampled_from(
        ["NaN", "-Infinity", "true", "null", '"EUR"', '"XAF"', '"reversed"', '"2026-01-10"', json.dumps(CARD)]
    )
    | st.text(max_size=20).map(json.dumps)
)
NAME = st.sampled_from([*FIELDS, "name", "mcc", "country", "rate", "x"]) | st.text(max_size=5)
ANY_JSON = json_texts(SCALAR, NAME, max_leaves=8)
# Mostly of a form that one field's rules let through, so that the rules behind it are tried too.
NEARLY_RIGHT = st.fixed_dictionaries(
    {name: st.just(json.dumps(value)) for name, value in SMALLEST.items()} | {"amount": st.just("250") | SCALAR},
    optional={
        **{name: ANY_JSON for name in FIELDS if name not in SMALLEST},
        "original": st.fixed_dictionaries({}, optional={"amount": SCALAR, "currency": SCALAR, "rate": SCALAR}).map(
            lambda parts: "{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}"
        ),
    },
).map(lambda fields: "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}")


@given(NEARLY_RIGHT | ANY_JSON, st.booleans())
@settings(max_examples=size(400, 20_000))
@example(json.dumps({**SMALLEST, "original": {"rate": "1000000.00000000000000000000000"}}), False)
def test_whatever_an_item_is_it_is_loaded_or_refused_by_a_rule(text: str, is_strict: bool) -> None:
    bank, now = Bank("eazycard", "EAZYCard", "EUR", "volume"), parse_time("2026-01-10T14:00:00Z")
    item = parse_json(f'{{"item": {text}}}'.encode("utf-8", "surrogatepass"), "application/json", MAX_BYTES)["item"]
    found = load_item(item, bank, now, is_strict=is_strict, may_be_large=True)
    outcomes = [Queued(found.transaction)] if isinstance(found, Loaded) else []
    (result,) = answer([item], [found], outcomes, QUEUED_STATUSES)["results"]
    assert result["status"] == ("queued" if isinstance(found, Loaded) else "invalid")


def test_there_is_a_connection_for_every_writer() -> None:
    assert client("dynamodb").meta.config.max_pool_connections == WRITERS


def test_only_the_bank_that_sent_a_batch_can_read_it(bench: Bench) -> None:
    send(bench, *numbered(2))
    problem(bench.get("/transactions/t-1", key=OTHER_KEY), 404, "transaction_not_found")
    assert bench.get("/transactions/t-1", key=KEY).status_code == 200
