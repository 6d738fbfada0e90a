"""DynamoDB's form of values, which is boto3's own, and batches that send again what was left unprocessed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import (
    batch_delete,
    batch_get,
    batch_put,
    call_if,
    from_item,
    queried,
    to_item,
)
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.stored_form import transaction_item
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Failing, refusal
from tests.tables import create_tables

_plain = st.one_of(
    st.none(), st.booleans(), st.text(max_size=5), st.integers(-9, 9), st.decimals("-9.99", "9.99", places=2)
)
_nested = st.recursive(
    _plain,
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(st.text(max_size=3), values, max_size=3)),
    max_leaves=8,
)
_moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.dictionaries(st.text(max_size=5), _nested, max_size=5))
def test_an_item_is_what_boto3_would_make_of_it_without_its_absent_values(values: dict[str, Any]) -> None:
    expected = {name: TypeSerializer().serialize(value) for name, value in values.items() if value is not None}
    assert to_item(values) == expected
    assert from_item(to_item(values)) == {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize(
    "value",
    ["a", "", 7, Decimal("1.50"), True, False, {"deep": {"er": 1}}, [1, ["a", None]], {"none": None}, {"a"}, b"x"],
    ids=repr,
)
def test_each_kind_of_value_has_boto3_s_form_and_is_read_from_it(value: Any) -> None:
    form = TypeSerializer().serialize(value)
    assert to_item({"value": value, "absent": None}) == {"value": form}
    assert from_item({"value": form, "null": {"NULL": True}}) == {
        "value": TypeDeserializer().deserialize(form),
        "null": None,
    }


@pytest.mark.parametrize(
    "number", ["1E+126", "1E+127", "1E-165", "1E-166", "1.5E-165", "9" * 38, "1" + "0" * 37 + "1"], ids=str
)
def test_a_number_is_taken_or_refused_as_boto3_does(number: str) -> None:
    try:
        expected = TypeSerializer().serialize(Decimal(number))
    except ArithmeticError:
        for refused in (lambda: to_item({"n": Decimal(number)}), lambda: from_item({"n": {"N": number}})):
            with pytest.raises(ArithmeticError):
                refused()
    else:
        assert to_item({"n": Decimal(number)}) == {"n": expected}
        assert from_item({"n": expected}) == {"n": Decimal(number)}


@pytest.mark.parametrize(
    "value",
    [1.5, {"deep": 1.5}, Decimal("1." + "1" * 40), {"deep": object()}, Decimal("NaN"), Decimal("Infinity")],
)
def test_a_value_that_would_lose_digits_or_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ArithmeticError)):
        to_item({"value": value})


@given(_moments, _moments)
def test_stored_times_are_written_as_answers_have_them(timestamp: datetime, recorded_at: datetime) -> None:
    item = transaction_item(
        Transaction(
            bank="b",
            id="1",
            account="A",
            amount=Decimal(1),
            type="credit",
            timestamp=timestamp,
            currency="EUR",
            recorded_at=recorded_at,
        )
    )
    assert item["timestamp"] == {"S": format_time(timestamp)}
    assert item["recorded_at"] == {"S": format_time(recorded_at)}


def test_a_form_that_the_service_does_not_write_is_read_as_boto3_does() -> None:
    assert from_item({"kinds": {"SS": ["a", "b"]}, "raw": {"B": b"x"}}) == {"kinds": {"a", "b"}, "raw": Binary(b"x")}


# Batches


class LeavingSomeOut:
    """A client whose batches leave all but one of their requests for the next call, so many times."""

    def __init__(self, client: Any, times: int) -> None:
        self._client = client
        self._times = times

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        done, left = self._split(request["Keys"])
        answer = self._client.batch_get_item(RequestItems={table: {**request, "Keys": done}})
        return {**answer, "UnprocessedKeys": {table: {**request, "Keys": left}} if left else {}}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, requests),) = RequestItems.items()
        done, left = self._split(requests)
        self._client.batch_write_item(RequestItems={table: done})
        return {"UnprocessedItems": {table: left} if left else {}}

    def _split(self, requests: list[Any]) -> tuple[list[Any], list[Any]]:
        self._times -= 1
        return (requests[:1], requests[1:]) if self._times >= 0 else (requests, [])


def test_requests_that_a_batch_leaves_unprocessed_are_sent_again(each_dynamodb: Any) -> None:
    waits: list[float] = []
    items = [to_item({"entry": f"bank#{number}", "name": "x"}) for number in range(30)]
    keys = [{"entry": item["entry"]} for item in items]
    batch_put(LeavingSomeOut(each_dynamodb, 3), "BanksTable", items, sleep=waits.append)
    found = list(batch_get(LeavingSomeOut(each_dynamodb, 3), "BanksTable", keys, sleep=waits.append))
    assert sorted(found, key=str) == sorted(map(from_item, items), key=str)
    assert len(waits) == 6
    assert all(0 <= wait_s <= 2 for wait_s in waits)


def test_a_batch_that_stays_unprocessed_is_temporarily_unavailable(each_dynamodb: Any) -> None:
    items = [to_item({"entry": f"bank#{number}"}) for number in range(25)]
    with pytest.raises(TemporarilyUnavailable):
        batch_put(LeavingSomeOut(each_dynamodb, 99), "BanksTable", items, sleep=lambda _: None)
    with pytest.raises(TemporarilyUnavailable):
        list(batch_get(LeavingSomeOut(each_dynamodb, 99), "BanksTable", items, sleep=lambda _: None))


def test_what_stays_undone_is_tried_nine_times_in_less_than_five_seconds(dynamodb: Any) -> None:
    create_tables(dynamodb)
    items = [to_item({"entry": f"bank#{number}"}) for number in range(12)]
    for attempt in (
        lambda sleep: batch_put(LeavingSomeOut(dynamodb, 99), "BanksTable", items, sleep=sleep),
        lambda sleep: list(batch_get(LeavingSomeOut(dynamodb, 99), "BanksTable", items, sleep=sleep)),
    ):
        waits: list[float] = []
        with pytest.raises(TemporarilyUnavailable):
            attempt(waits.append)
        # Each wait is random, up to a bound that doubles.
        bounds = [0.05, 0.1, 0.2, 0.4, 0.8, 1, 1, 1]
        assert all(0 <= wait_s <= bound_s for wait_s, bound_s in zip(waits, bounds, strict=True))


@pytest.mark.parametrize(("options", "is_consistent"), [({}, True), ({"is_consistent": False}, False)])
def test_a_batch_is_read_consistently_unless_less_will_do(options: dict[str, bool], is_consistent: bool) -> None:
    asked: list[bool] = []

    class Noting:
        def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
            asked.append(RequestItems["BanksTable"]["ConsistentRead"])
            return {"Responses": {}}

    assert list(batch_get(Noting(), "BanksTable", [{}], **options)) == []
    assert asked == [is_consistent]


def banks_table(client: Any, *names: str) -> list[dict[str, Any]]:
    """Put an entry for each name; return their keys."""
    batch_put(client, "BanksTable", [to_item({"entry": name, "old": True}) for name in names])
    return [to_item({"entry": name}) for name in names]


def test_only_what_has_the_keys_is_deleted_and_a_missing_key_is_no_error(each_dynamodb: Any) -> None:
    *gone, kept = banks_table(each_dynamodb, *(f"bank#{number}" for number in range(31)))
    batch_delete(each_dynamodb, "BanksTable", [*gone, to_item({"entry": "never put"})])
    assert [from_item(item) for item in each_dynamodb.scan(TableName="BanksTable")["Items"]] == [
        {**from_item(kept), "old": True}
    ]


def test_a_part_of_a_batch_that_fails_keeps_no_other_part_from_being_written(each_dynamodb: Any) -> None:
    class FirstPartFails:
        def batch_write_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
            (requests,) = RequestItems.values()
            if requests[0]["PutRequest"]["Item"]["entry"]["S"] == "bank#00":
                raise refusal("ThrottlingException")
            return each_dynamodb.batch_write_item(RequestItems=RequestItems)

    items = [to_item({"entry": f"bank#{number:02}"}) for number in range(30)]
    with pytest.raises(TemporarilyUnavailable):
        batch_put(FirstPartFails(), "BanksTable", items, sleep=lambda _: None)
    assert each_dynamodb.scan(TableName="BanksTable")["Count"] == 5


def test_a_call_whose_condition_fails_answers_nothing_and_any_other_refusal_is_raised(each_dynamodb: Any) -> None:
    (stored,) = banks_table(each_dynamodb, "bank#1")
    arguments = {"TableName": "BanksTable", "ConditionExpression": "attribute_not_exists(entry)"}
    assert call_if(each_dynamodb.put_item, Item=stored, **arguments) is None
    assert call_if(each_dynamodb.put_item, Item=to_item({"entry": "bank#2"}), **arguments) is not None
    with pytest.raises(ClientError):
        call_if(each_dynamodb.put_item, Item={}, **arguments)
    busy = Failing(each_dynamodb, refusal("ThrottlingException"))
    with pytest.raises(TemporarilyUnavailable):
        call_if(busy.put_item, Item=stored, **arguments)


def test_a_query_goes_on_over_the_pages_of_the_service(each_dynamodb: Any) -> None:
    rows = [to_item({"transaction_key": "eazycard#t1", "holder": f"h{number:02}"}) for number in range(25)]
    batch_put(each_dynamodb, "NotificationsTable", rows)
    found = queried(
        each_dynamodb,
        TableName="NotificationsTable",
        KeyConditionExpression="transaction_key = :key",
        ExpressionAttributeValues=to_item({":key": "eazycard#t1"}),
        Limit=10,
    )
    assert [values["holder"] for values in found] == [f"h{number:02}" for number in range(25)]


def must_not_wait(_seconds: float) -> None:
    raise AssertionError("nothing is left to be waited for")


def test_nobody_waits_when_nothing_is_left_to_be_done(dynamodb: Any) -> None:
    create_tables(dynamodb)
    items = [to_item({"entry": f"bank#{number}"}) for number in range(3)]
    batch_put(dynamodb, "BanksTable", items[:2], sleep=must_not_wait)
    assert len(list(batch_get(dynamodb, "BanksTable", items, sleep=must_not_wait))) == 2
    batch_delete(dynamodb, "BanksTable", items, sleep=must_not_wait)


def test_nothing_to_be_put_makes_no_call() -> None:
    batch_put(None, "BanksTable", [])
    assert list(batch_get(None, "BanksTable", [])) == []


class Counting:
    """A client that notes how many requests each batch has."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.sizes: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        self.sizes += [len(request["Keys"]) for request in RequestItems.values()]
        return self._client.batch_get_item(RequestItems=RequestItems)

    def batch_write_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        self.sizes += map(len, RequestItems.values())
        return self._client.batch_write_item(RequestItems=RequestItems)


def test_a_call_has_as_many_as_dynamodb_takes_and_not_one_more(dynamodb: Any) -> None:
    create_tables(dynamodb)
    keys = [to_item({"entry": f"bank#{number}"}) for number in range(101)]
    counting = Counting(dynamodb)
    batch_put(counting, "BanksTable", keys)
    assert counting.sizes == [25, 25, 25, 25, 1]
    counting.sizes.clear()
    assert len(list(batch_get(counting, "BanksTable", keys))) == 101
    assert counting.sizes == [100, 1]
    counting.sizes.clear()
    batch_delete(counting, "BanksTable", keys)
    assert counting.sizes == [25, 25, 25, 25, 1]


@pytest.mark.parametrize(
    "number", [Decimal("9" * 38), Decimal("9" * 38).scaleb(-19), Decimal("1E+125"), Decimal("1E-128")]
)
def test_a_number_of_38_digits_is_stored_and_read_exactly(number: Decimal) -> None:
    assert from_item(to_item({"n": number})) == {"n": number}
    assert from_item(to_item({"n": -number})) == {"n": -number}
