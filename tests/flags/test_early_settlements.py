"""A settlement that is flagged before its authorization comes: one purchase is one case, and nothing new is lost."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.banks.thresholds import FLAGS
from chalicelib.flags.repository import FlagRepository
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Metered
from tests.samples import TRANSACTION, transaction
from tests.stream_world import LARGE, NOW, Stream, records

ALL_ON = dict.fromkeys(FLAGS, "on")


@pytest.fixture
def stream(dynamodb: Any, table_names: dict[str, str]) -> Stream:
    return Stream(dynamodb, table_names)


def authorization(**changes: Any) -> Transaction:
    return transaction(**{"id": "auth", "status": "authorized", "amount": LARGE, "recorded_at": NOW, **changes})


def settlement(**changes: Any) -> Transaction:
    return transaction(**{"id": "settled", "authorization_id": "auth", "amount": LARGE, **changes})


def come(stream: Stream, *batches: list[Transaction]) -> set[str]:
    """Let the batches come one after the other; return the flagged ones."""
    for batch in batches:
        stream.store(*batch)
        stream.handle(records(*batch))
    return {one.id for batch in batches for one in batch if stream.flags(one.id)}


@pytest.mark.parametrize("more", [0, 1])
def test_what_its_settlement_was_flagged_for_flags_an_authorization_no_more(stream: Stream, more: int) -> None:
    assert come(stream, [settlement(amount=LARGE + more)], [authorization()]) == {"settled"}
    stream.handle(records(authorization()))
    assert len(stream.alerts.bodies) == len(stream.notifications.bodies) - 1 == 1
    assert FlagRepository(stream.dynamodb, stream.names["TransactionsTable"]).recorded([authorization()]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": LARGE - 1, "currency": "XAF"},
        {"currency": "XOF"},
        {"type": "credit"},
        {"account": "another"},
        {"notify": False},
        {"status": "authorized"},  # an increment
        {"authorization_id": "another"},
    ],
    ids=str,
)
def test_what_is_less_or_something_else_or_was_not_flagged_leaves_the_authorization_s_flags(
    stream: Stream, changes: dict[str, Any]
) -> None:
    stream.set(large_amounts={"XAF": LARGE - 2, "XOF": LARGE - 2})
    assert "auth" in come(stream, [settlement(**changes)], [authorization()])


@pytest.mark.parametrize("together", [True, False])
def test_a_settlement_that_comes_after_takes_nothing_from_its_authorization(stream: Stream, together: bool) -> None:
    both = [authorization(), settlement(amount=LARGE + 1, recorded_at=NOW + timedelta(seconds=1))]
    assert come(stream, *([both] if together else [[one] for one in both])) == {"auth", "settled"}


def test_an_authorization_is_flagged_for_what_its_settlement_was_not(stream: Stream) -> None:
    attempts = [
        transaction(id=f"t{n}", merchant=None, timestamp=TRANSACTION.timestamp + timedelta(seconds=n)) for n in range(5)
    ]
    assert come(stream, [settlement()], attempts, [authorization()]) == {"settled", "auth"}
    assert set(stream.flags("settled")) == {"large_amount"}
    assert set(stream.flags("auth")) == {"velocity"}


def test_what_was_only_counted_is_told_of_the_authorization_once_the_rule_is_on(stream: Stream) -> None:
    stream.set(modes={**ALL_ON, "large_amount": "shadow"})
    assert come(stream, [settlement()]) == set()
    stream.set(modes=ALL_ON)
    stream.now += timedelta(minutes=5)
    assert come(stream, [authorization()]) == {"auth"}


def test_only_flagged_authorizations_cost_a_read_and_those_of_a_batch_together(stream: Stream) -> None:
    def reads(amount: Decimal, **changes: Any) -> int:
        calls = Counter[str]()
        batch = [authorization(id=f"{amount}-{n}", account=f"a{n}", amount=amount, **changes) for n in range(3)]
        stream.handle(records(*batch), dynamodb=Metered(stream.dynamodb, calls, Counter()))
        return calls["batch_get_item"]

    assert reads(Decimal(1)) == 2  # histories; what was flagged before
    assert reads(LARGE + 1, status="settled") == 1  # histories
    assert reads(LARGE) == 2  # histories; what settled them before
