"""DynamoDB's form of values: the short way for strings ends where boto3's serializer does."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.ledger.repository import transaction_item
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction

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


@pytest.mark.parametrize("value", [1.5, {"deep": 1.5}, Decimal("1." + "1" * 40), {"deep": object()}])
def test_what_would_lose_digits_or_has_no_form_is_refused(value: Any) -> None:
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
