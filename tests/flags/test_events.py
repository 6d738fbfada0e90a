"""The TransactionFlagged event: what is put on EventBridge is what the JSON Schema in the docs says."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from chalicelib.banks.thresholds import FLAGS
from chalicelib.flags.events import SOURCE, TRANSACTION_FLAGGED, flagged_detail
from chalicelib.flags.repository import Flagging
from infra.package import PROJECT_DIR
from openapi.__main__ import EVENT
from tests.samples import EVIDENCE, transaction
from tests.stream_world import LARGE, NOW, Stream, records

SCHEMA = Draft202012Validator(json.loads((PROJECT_DIR / EVENT).read_text()), format_checker=FormatChecker())


def delivered(detail: dict[str, Any]) -> dict[str, Any]:
    """Return the event as EventBridge delivers it."""
    envelope = {"version": "0", "id": "6a7e8feb", "account": "123456789012", "region": "us-east-2", "resources": []}
    return {
        **envelope,
        "time": "2026-01-10T14:00:02Z",
        "source": SOURCE,
        "detail-type": TRANSACTION_FLAGGED,
        "detail": detail,
    }


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)


def test_what_the_handler_puts_is_what_the_schema_says(dynamodb: Any, table_names: dict[str, str]) -> None:
    stream = Stream(dynamodb, table_names)
    stream.handle(
        records(
            transaction(id="large", amount=LARGE), transaction(id="bare", account="a2", amount=LARGE, merchant=None)
        )
    )
    assert [entry["DetailType"] for entry in stream.events.accepted] == [TRANSACTION_FLAGGED] * 2
    assert [entry["Source"] for entry in stream.events.accepted] == [SOURCE] * 2
    assert [entry["EventBusName"] for entry in stream.events.accepted] == ["bus"] * 2
    for detail in stream.events.details:
        SCHEMA.validate(delivered(detail))


@given(
    names=st.sets(st.sampled_from(FLAGS), min_size=1),
    amount=st.decimals(Decimal("0.01"), Decimal("999999999999999.99"), places=2),
    country=st.none() | st.just("CM"),
)
def test_whatever_is_flagged_is_what_the_schema_says(names: set[str], amount: Decimal, country: str | None) -> None:
    merchant = {"name": "Marché", "country": country} if country else None
    one = transaction(amount=amount, currency="EUR", merchant=merchant)
    detail = flagged_detail(Flagging(one, {name: EVIDENCE[name] for name in names}, frozenset(), NOW))
    SCHEMA.validate(delivered(json.loads(json.dumps(detail))))


@pytest.mark.parametrize("name", FLAGS)
def test_evidence_that_lacks_a_number_is_not_what_the_schema_says(name: str) -> None:
    for missing in EVIDENCE[name]:
        evidence = {key: value for key, value in EVIDENCE[name].items() if key != missing}
        detail = flagged_detail(Flagging(transaction(), {name: evidence}, frozenset(), NOW))
        assert not SCHEMA.is_valid(delivered(detail))


def test_the_same_flags_make_the_same_detail_and_hold_back_what_nobody_needs() -> None:
    flagging = Flagging(transaction(metadata={"terminal": "T1"}), {"velocity": EVIDENCE["velocity"]}, frozenset(), NOW)
    assert flagged_detail(flagging) == flagged_detail(flagging)
    assert not {"metadata", "description", "balance", "card_last4"} & set(flagged_detail(flagging)["transaction"])
