"""Which transactions name another one: collected once, in one order for everybody, on both engines."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchase import Member
from chalicelib.ledger.purchases_repository import MAX_MEMBERS, PurchaseRepository
from chalicelib.ledger.transaction import Transaction
from tests.fakes import Interrupted, Refusing, refusal
from tests.purchase_cast import CAST, later

KEY = TransactionKey("eazycard", "A")


def purchases(client: Any) -> PurchaseRepository:
    return PurchaseRepository(client, "NotificationsTable", sleep=lambda _: None)


def ids(found: dict[TransactionKey, tuple[Member, ...]], key: TransactionKey = KEY) -> list[str]:
    return [member.id for member in found[key]]


def test_what_was_collected_is_found_as_it_was(each_dynamodb: Any) -> None:
    kept = purchases(each_dynamodb)
    assert kept.collect([CAST["t"], CAST["i"]], {KEY}) == {KEY: (Member.of(CAST["i"]), Member.of(CAST["t"]))}
    assert kept.of([KEY]) == {KEY: (Member.of(CAST["i"]), Member.of(CAST["t"]))}
    reversal = kept.collect([CAST["Y"]], ())
    assert reversal == {TransactionKey("eazycard", "S"): (Member.of(CAST["Y"], is_early=True),)}
    assert kept.of([TransactionKey("other", "A")]) == {}


def test_what_comes_later_is_added_behind_and_again_changes_nothing(each_dynamodb: Any) -> None:
    kept = purchases(each_dynamodb)
    kept.collect([CAST["t"]], ())
    assert ids(kept.collect([CAST["i"], CAST["t"], CAST["t"]], {KEY})) == ["t", "i"]
    assert ids(kept.collect([CAST["t"], CAST["i"]], {KEY})) == ["t", "i"]
    (early, late) = kept.of([KEY])[KEY]
    assert (early.is_early, late.is_early) == (True, False)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("before", ["", "q"])
def test_two_that_collect_at_once_keep_both_and_agree_on_the_order(each_dynamodb: Any, before: str, at: int) -> None:
    kept = purchases(each_dynamodb)
    for letter in before:
        kept.collect([CAST[letter]], {KEY})
    others: list[Any] = []
    interrupted = Interrupted(each_dynamodb, lambda: others.append(kept.collect([CAST["S"]], {KEY})), at)
    mine = purchases(interrupted).collect([CAST["t"]], {KEY})
    assert ids(mine) == [*before, "S", "t"]
    assert ids(others[0]) == [*before, "S"]
    assert ids(kept.of([KEY])) == [*before, "S", "t"]


def test_many_purchases_are_read_together_and_written_apart(dynamodb: Any, table_names: dict[str, str]) -> None:
    calls = []

    class Watched:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            calls.append(name)
            return getattr(dynamodb, name)  # type: ignore[no-any-return]

    settled = [later(f"s{number}", authorization_id=f"a{number}") for number in range(150)]
    assert len(purchases(Watched()).collect(settled, ())) == 150
    assert calls == ["batch_get_item"] * 2 + ["put_item"] * 150


def test_what_names_nothing_makes_no_call() -> None:
    assert purchases(None).collect([CAST["A"], CAST["D"], CAST["I"]], ()) == {}
    assert purchases(None).of([]) == {}


def test_a_purchase_has_no_more_members_than_an_item_holds(dynamodb: Any, table_names: dict[str, str]) -> None:
    kept = purchases(dynamodb)
    many: list[Transaction] = [later(f"s{number:03d}", amount=Decimal(1)) for number in range(MAX_MEMBERS + 5)]
    assert len(kept.collect(many, {KEY})[KEY]) == MAX_MEMBERS
    assert len(kept.collect(many[-5:], {KEY})[KEY]) == MAX_MEMBERS


def test_what_was_written_and_its_answer_lost_is_collected_once(dynamodb: Any, table_names: dict[str, str]) -> None:
    class Losing:
        def __init__(self) -> None:
            self.is_first = True

        def put_item(self, **arguments: Any) -> Any:
            answer = dynamodb.put_item(**arguments)
            was_first, self.is_first = self.is_first, False
            if was_first:
                raise refusal("InternalServerError")
            return answer

        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

    assert ids(purchases(Losing()).collect([CAST["S"]], ())) == ["S"]
    assert ids(purchases(dynamodb).collect([CAST["S"]], ())) == ["S"]


def test_contention_to_the_last_raises_and_leaves_it_to_the_next_delivery(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    for code in ("TransactionConflictException", "ThrottlingException"):
        busy = Refusing(dynamodb, refusal(code), "put_item")
        with pytest.raises(TemporarilyUnavailable):
            purchases(busy).collect([CAST["S"]], ())
    assert ids(purchases(dynamodb).collect([CAST["S"]], ())) == ["S"]
