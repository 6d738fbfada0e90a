"""The corpus in `tests/hostile`, sent to every route that takes it: each case gets exactly its answer, what is
refused leaves no trace, and what only looks hostile is stored as it is."""

import gc
import json
import math
import re
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import HTTPResponse
from moto import mock_aws

from chalicelib.api.batch import MAX_NAME
from chalicelib.banks.bank import hash_key
from chalicelib.holders.holder import HolderSchema, PreferencesSchema
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.posted import MerchantSchema, TransactionSchema
from chalicelib.ledger.transaction import STATUSES, TYPES
from tests.app_bench import AWS, HOLDER, KEY, OTHER_KEY, SMALLEST, Bench, fields, problem
from tests.fakes import Metered
from tests.hostile import Case, batch_of, cases

# Each of these has one transaction, which is sent alone and as an item of a batch.
TRANSACTIONS = ("numbers", "times", "ids", "cards", "json", "text", "fields")
BATCH, HOLDER_PATH = "/transactions/batch", "/accounts/A123/holders/h1"
BEFORE, AFTER = (json.dumps({**SMALLEST, "id": name}).encode() for name in ("before", "after"))
# The tables that these routes write, with their keys.
TABLES = {"TransactionsTable": "transaction_key", "AccountsTable": "account_key"}
READS = {"get_item", "batch_get_item", "query"}
# What an answer may say although a body holds it too: the contract's own words.
CONTRACT = {*TYPES, *STATUSES, "Infinity", "application/json", "transactions"}.union(
    *(schema().fields for schema in (TransactionSchema, MerchantSchema, HolderSchema, PreferencesSchema))
)
_STRING_OR_NUMBER = re.compile(r'"((?:[^"\\]|\\.)*)"|([0-9][-+.0-9eE]*)')


Written = Callable[[], set[str]]


def tables(bench: Bench) -> dict[str, list[Any]]:
    """Return all that is stored."""
    return {name: sorted(bench.dynamodb.scan(TableName=name)["Items"], key=repr) for name in TABLES}


@pytest.fixture(scope="module")
def calls() -> Counter[str]:
    """How often each operation of AWS was called."""
    return Counter()


@pytest.fixture(scope="module")
def bench(calls: Counter[str]) -> Iterator[Bench]:
    """One bench for the whole corpus, with a transaction and a holder."""
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        bench = Bench(monkeypatch)
        bench.record("1")
        bench.put_holder()
        bench.restart(dynamodb=Metered(bench.dynamodb, calls, Counter()), sqs=Metered(AWS["sqs"], calls, Counter()))
        yield bench


@pytest.fixture(scope="module", autouse=True)
def first(bench: Bench) -> Iterator[dict[str, list[Any]]]:
    """What is stored before the first case, and at the end again."""
    found = tables(bench)
    yield found
    assert tables(bench) == found


@pytest.fixture
def written(bench: Bench, first: dict[str, list[Any]], calls: Counter[str]) -> Iterator[Written]:
    """Return which operations that store or send something the test has called; what they left is removed."""
    calls.clear()

    def operations() -> set[str]:
        return set(calls) - READS

    yield operations
    if operations():
        put_back(bench, first)


def put_back(bench: Bench, first: dict[str, list[Any]]) -> None:
    bench.queued()
    for name, items in tables(bench).items():
        for item in items:
            bench.dynamodb.delete_item(TableName=name, Key={TABLES[name]: item[TABLES[name]]})
        for item in first[name]:
            bench.dynamodb.put_item(TableName=name, Item=item)


def secrets(case: Case) -> set[str]:
    """Return the case's strings and numbers that are long enough to be told from chance, and its bank's key."""
    text = case.body[:2_000].decode("utf-8", "ignore") if "header" not in case.rules else case.text[:2_000]
    found = {string or number for string, number in _STRING_OR_NUMBER.findall(text)} | {case.text[:2_000]}
    named = {part for field in case.fields + case.warned for part in (field, field.rpartition(".")[2])}
    return {word.strip() for word in found if len(word.strip()) >= 6} - CONTRACT - named


def spoken(value: Any) -> Iterator[str]:
    """Yield every string in a JSON value, but for what names the request and not its content."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("request_id", "instance", "id"):
                yield from spoken(item)
    elif isinstance(value, list):
        for item in value:
            yield from spoken(item)
    elif isinstance(value, str):
        yield value


def assert_nothing_is_repeated(case: Case, response: HTTPResponse) -> None:
    said = "\n".join(spoken(response.json_body))
    # A media type or a charset is no content: the answer may name the one that the API doesn't take.
    kept_secret = set() if "header" in case.rules else secrets(case)
    assert [secret for secret in kept_secret if secret in said] == []


def assert_nothing_is_logged(case: Case, text: str, recorded: str = "") -> None:
    """Assert that no log has anything of the case; but the id of what is `recorded` is the request line's to name."""
    text = text.replace(f"#{recorded}", "") if recorded else text
    hidden = secrets(case) | {KEY, OTHER_KEY, hash_key(KEY), "A123", "250.5", "canary-account", "4111111111111111"}
    hidden |= {json.dumps(secret)[1:-1] for secret in hidden}
    assert [secret for secret in hidden if secret in text] == []


def assert_refused(case: Case, response: HTTPResponse) -> None:
    document = problem(response, case.status, case.code)
    assert sorted(fields(document)) == case.fields
    assert_nothing_is_repeated(case, response)


@cases(*TRANSACTIONS, accepted=False)
def test_a_hostile_transaction_is_refused_and_leaves_no_trace(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    for path in ("/transactions", "/transactions?dry_run=true"):
        assert_refused(case, bench.request("POST", path, case.body))
    assert written() == set()
    assert_nothing_is_logged(case, logged())


@cases(*TRANSACTIONS, accepted=False)
def test_a_hostile_item_is_refused_with_the_same_code_and_harms_neither_neighbour(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    body = batch_of(BEFORE, case.body, AFTER)
    for prefer, status, done in ((None, 200, "created"), ("respond-async", 202, "queued")):
        response = bench.request("POST", BATCH, body, prefer=prefer)
        assert_nothing_is_repeated(case, response)
        if case.is_whole:
            problem(response, case.status, case.code)
            continue
        assert response.status_code == status
        before, item, after = response.json_body["results"]
        assert before == {"index": 0, "id": "before", "status": done}
        assert after == {"index": 2, "id": "after", "status": done}
        assert (item["index"], item["status"], item["code"]) == (1, "invalid", case.code)
        assert sorted(fields(item)) == ([name[:MAX_NAME] for name in case.fields] or [""])
    if case.is_whole:
        assert written() == set()
    else:
        assert written() - {"update_item"} == {"put_item", "send_message_batch"}  # the day's count is an update
        assert bench.stored() == 3
        messages = [json.loads(message)["transactions"] for message in bench.queued()]
        assert [one["transaction"]["id"] for message in messages for one in message] == ["before", "after"]
    assert_nothing_is_logged(case, logged())


def assert_warned(case: Case, answer: dict[str, Any]) -> None:
    warnings = answer.get("warnings", [])
    assert sorted({warning["field"] for warning in warnings}) == case.warned
    messages = "".join(warning["message"] for warning in warnings)
    assert [secret for secret in secrets(case) if secret in messages] == []


@cases(*TRANSACTIONS, accepted=True)
def test_strict_handling_refuses_what_gives_warnings_and_nothing_else(
    bench: Bench, case: Case, written: Written
) -> None:
    response = bench.post(case.body, prefer="handling=strict")
    if case.warned:
        document = problem(response, 400, "validation_failed")
        assert sorted(set(fields(document))) == case.warned
        assert written() == set()
    else:
        assert response.status_code == 201
    batch = bench.request("POST", BATCH, batch_of(case.body), prefer="respond-async, handling=strict")
    assert [result["status"] for result in batch.json_body["results"]] == ["invalid" if case.warned else "queued"]


def assert_stored(case: Case, bench: Bench, answered: dict[str, Any]) -> None:
    stored = {name: value for name, value in answered.items() if name != "warnings"}
    assert {name: stored[name] for name in case.stored} == case.stored
    if case.is_absent:
        assert case.field not in stored
    found = bench.get(f"/transactions/{stored['id']}")
    assert found.headers["Content-Type"] == "application/json"
    assert {**found.json_body, "related": []} == {**stored, "flags": {}, "related": []}


@cases(*TRANSACTIONS, accepted=True)
def test_what_only_looks_hostile_is_stored_as_it_was_sent(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    response = bench.post(case.body)
    assert response.status_code == 201
    assert response.headers["Content-Type"] == "application/json"
    assert_stored(case, bench, response.json_body)
    assert_warned(case, response.json_body)
    text = logged()
    assert "TransactionsCreated" in text
    assert_nothing_is_logged(case, text, response.json_body["id"])


@cases(*TRANSACTIONS, accepted=True)
def test_what_only_looks_hostile_is_an_item_like_others(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    response = bench.request("POST", BATCH, batch_of(BEFORE, case.body, AFTER))
    assert response.json_body["counts"] == {"created": 3, "replayed": 0, "conflict": 0, "invalid": 0, "retry": 0}
    result = response.json_body["results"][1]
    assert_warned(case, result)
    assert_nothing_is_logged(case, logged(), result["id"])
    again = bench.post(case.body)
    assert_stored(case, bench, again.json_body)


@cases("batches", accepted=False)
def test_a_hostile_batch_is_refused_as_a_whole(bench: Bench, case: Case, written: Written, logged: Any) -> None:
    for prefer in (None, "respond-async"):
        assert_refused(case, bench.request("POST", BATCH, case.body, prefer=prefer))
    assert written() == set()
    assert_nothing_is_logged(case, logged())


@cases("batches", accepted=True)
def test_a_batch_that_only_looks_hostile_is_recorded(bench: Bench, case: Case, written: Written) -> None:
    response = bench.request("POST", BATCH, case.body)
    assert response.status_code == case.status
    assert [result["status"] for result in response.json_body["results"]] == ["created"]
    assert_stored(case, bench, bench.get("/transactions/canary-id").json_body)


@cases("headers", accepted=False)
@pytest.mark.parametrize("path", ["/transactions", BATCH, HOLDER_PATH])
def test_a_hostile_header_is_refused_and_leaves_no_trace(
    bench: Bench, case: Case, path: str, written: Written, logged: Any
) -> None:
    body = {"/transactions": case.body, BATCH: batch_of(case.body), HOLDER_PATH: json.dumps(HOLDER).encode()}[path]
    assert_refused(case, bench.request("PUT" if path == HOLDER_PATH else "POST", path, body, **case.headers))
    assert written() == set()
    assert_nothing_is_logged(case, logged())


@cases("headers", accepted=True)
def test_a_header_that_only_looks_hostile_changes_nothing(bench: Bench, case: Case, written: Written) -> None:
    response = bench.post(case.body, **case.headers)
    assert response.status_code == 201
    assert_stored(case, bench, response.json_body)


@cases("holders", accepted=False)
def test_a_hostile_enrolment_is_refused_and_leaves_no_trace(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    for holder_id in ("h1", "h2"):
        assert_refused(case, bench.put_holder(holder_id, case.body))
    assert written() == set()
    assert_nothing_is_logged(case, logged())


@cases("holders", accepted=True)
def test_an_enrolment_that_only_looks_hostile_is_kept_as_it_was_sent(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    response = bench.put_holder("h2", case.body)
    assert response.status_code == 201
    assert {name: response.json_body[name] for name in case.stored} == case.stored
    assert bench.get("/accounts/A123/holders/h2").json_body == response.json_body
    assert bench.request("DELETE", "/accounts/A123/holders/h2").status_code == 204
    assert_nothing_is_logged(case, logged())


@cases("paths", accepted=False)
def test_a_hostile_path_or_query_is_refused_and_leaves_no_trace(
    bench: Bench, case: Case, written: Written, logged: Any
) -> None:
    method, path = case.request
    body = {"PUT": json.dumps(HOLDER).encode(), "POST": case.body}.get(method)
    document = problem(bench.request(method, path, body), case.status, case.code)
    assert sorted(fields(document)) == case.fields
    assert written() == set()
    assert_nothing_is_logged(case, logged())


@cases("paths", accepted=True)
def test_a_path_is_found_however_it_is_encoded(bench: Bench, case: Case) -> None:
    response = bench.request(*case.request)
    assert (response.status_code, response.json_body["id"]) == (case.status, "1")


def filled(before: str, piece: str, after: str) -> Callable[[int], bytes]:
    """Return what makes a body of about so many bytes; `#` in the piece is a number of its own each time."""

    def make(size: int) -> bytes:
        times = size // len(piece.encode())
        pieces = piece * times if "#" not in piece else "".join(piece.replace("#", str(n)) for n in range(times))
        return (before + pieces + after).encode()

    return make


def with_long_key(size: int) -> bytes:
    return b'{"' + b"k" * (size // 2) + b'": [' + b"0," * (size // 4) + b"0]}"


# What costs a parser, a pattern, a search or a list of errors the most for each byte of it.
WORK = {
    "unknown fields": filled("{", '"#": 1, ', '"x": 1}'),
    "pairs of metadata": filled('{"metadata": {', '"#": 1, ', '"x": 1}}'),
    "the same key": filled("{", '"k": 1, ', '"k": 1}'),
    "a key": filled('{"', "k.[0]", '": 1}'),
    "a key over a list": with_long_key,
    "digits": filled('{"description": "', "1", '"}'),
    "digits one by one": filled('{"description": "', "1 ", '"}'),
    "zeros one by one": filled('{"description": "', "0-", '"}'),
    "digits of another script": filled('{"description": "', "١ ", '"}'),
    "numbers that are nearly a card's": filled('{"description": "', "4111111111111112 ", '"}'),
    "too much between digits": filled('{"description": "', "1    ", '"}'),
    "separators": filled('{"description": "1', " ", '1"}'),
    "what nobody sees": filled('{"description": "1', "\u200b\u2060", '1"}'),
    "strings nearly as long as a card's number": filled('{"x": [', '"1 1 1 1 1 1 1 1 1 1 1 1", ', "1]}"),
    "numbers as long as a card's": filled('{"x": [', "4111111111111111112, ", "1]}"),
    "decimals": filled('{"amount": 12.', "3", "}"),
    "decimals in a string": filled('{"amount": "12.', "3", '"}'),
    "digits of an exponent": filled('{"amount": 1e', "0", "1}"),
    "digits of a second": filled('{"timestamp": "2026-01-09T08:07:06.', "0", '"}'),
    "escapes": filled('{"description": "', "\\u0031 ", '"}'),
    "empty objects": filled('{"x": [', "{}, ", "1]}"),
    "open lists": filled("", "[", ""),
    "white space": filled("{", "\n", "}"),
}
ENROLMENT_WORK = {
    "an address's dots": filled('{"name": "x", "email": "x', ".x", '@example.com"}'),
    "an address's hosts": filled('{"name": "x", "email": "x@', "a.", '"}'),
    "an address's dashes": filled('{"name": "x", "email": "x@a', "-", '"}'),
    "an address's ats": filled('{"name": "x", "email": "', "@", '"}'),
    "a blank name": filled('{"email": "x@example.com", "name": "', " ", '"}'),
    "types": filled('{"name": "x", "email": "x@example.com", "preferences": {"types": [', '"", ', '""]}}'),
    "least amounts": filled(
        '{"name": "x", "email": "x@example.com", "preferences": {"min_amount": {', '"#": 1, ', '"x": 1}}}'
    ),
    "a time zone": filled('{"name": "x", "email": "x@example.com", "timezone": "', "../", '"}'),
}


def seconds(send: Callable[[], HTTPResponse]) -> float:
    """Return the processor time that the request takes: the least of three, without what garbage collection adds."""
    best = math.inf
    gc.disable()
    try:
        for _ in range(3):
            before = time.process_time()
            assert 200 <= send().status_code < 500
            best = min(best, time.process_time() - before)
    finally:
        gc.enable()
    return best


def assert_in_proportion(send: Callable[[bytes], HTTPResponse], make: Callable[[int], bytes], size: int) -> None:
    once, twice = make(size), make(2 * size)
    # Below some milliseconds the clock and what is around the body count for more than the body.
    # Other work may get in between all the same: what is quadratic stays so when it is looked at again.
    assert any(seconds(lambda: send(twice)) < 3 * max(seconds(lambda: send(once)), 0.005) for _ in range(3))


@pytest.mark.parametrize("make", WORK.values(), ids=WORK.keys())
def test_twice_the_body_is_not_three_times_the_work(bench: Bench, make: Callable[[int], bytes]) -> None:
    assert_in_proportion(bench.post, make, 80_000)


@pytest.mark.parametrize(
    "name", ["unknown fields", "a key over a list", "digits one by one", "empty objects", "decimals"]
)
def test_twice_the_item_is_not_three_times_the_work(bench: Bench, name: str) -> None:
    assert_in_proportion(lambda item: bench.request("POST", BATCH, batch_of(item)), WORK[name], 500_000)


@pytest.mark.parametrize("make", ENROLMENT_WORK.values(), ids=ENROLMENT_WORK.keys())
def test_twice_the_enrolment_is_not_three_times_the_work(bench: Bench, make: Callable[[int], bytes]) -> None:
    assert_in_proportion(lambda body: bench.put_holder(body=body), make, 80_000)


def test_twice_the_items_are_not_three_times_the_work(bench: Bench) -> None:
    def items(count: int) -> bytes:
        return batch_of(*[b'{"id": "1 1 1 1", "merchant": {"x": 1}, "metadata": {"a": 1}}'] * count)

    assert_in_proportion(lambda body: bench.request("POST", BATCH, body), items, 250)


def test_digits_all_over_a_body_take_little_memory() -> None:
    text = "1 " * 50_000
    tracemalloc.start()
    holds_card_number(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Forty times as many, the most that a batch can hold, must leave room in a function of 512 MB.
    assert peak < 10 * len(text)


# What a function may answer is 6 MB, as JSON in which the body is a string.
MAX_ANSWER = 6 * 1024 * 1024


@pytest.mark.parametrize("prefer", [None, "respond-async"])
def test_whatever_is_wrong_with_a_batch_the_answer_fits_what_a_function_may_answer(
    bench: Bench, prefer: str | None
) -> None:
    names = ("😀" * 195 + f"{number:04}" for number in range(10))  # in the answer, each has three times its bytes
    item = ("{" + ", ".join(f'"{name}": 1' for name in names) + "}").encode()
    body = batch_of(*[item] * 500)
    assert 3_900_000 < len(body) <= 4 * 1024 * 1024
    response = bench.request("POST", BATCH, body, prefer=prefer)
    assert response.json_body["results"][499]["code"] == "validation_failed"
    assert len(json.dumps({"body": response.body.decode()})) < MAX_ANSWER
