"""Roll-ups as pure sums: exact, the same in whatever parts and order they are added up."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal, Inexact
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics.rollups import (
    MOVEMENTS,
    Day,
    Largest,
    Sums,
    day_of,
    from_values,
    is_countable,
    merged,
    to_values,
)
from chalicelib.analytics.summary import summary
from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.transaction import STATUSES, TYPES
from tests.rows import NOW, TODAY, added_up, flag_row, row


def test_credits_and_debits_are_counted_and_added_up_apart() -> None:
    rows = [
        row(amount=Decimal("0.10")),
        row(id="t2", amount=Decimal("0.20")),
        row(id="t3", type="debit", amount=Decimal("999999999999999.99")),
    ]
    largest = Largest(Decimal("999999999999999.99"), "t3", "A1", "debit", "2026-01-10T14:00:00Z")
    sums = Sums(2, Decimal("0.30"), 1, Decimal("999999999999999.99"), largest, statuses={"settled": 3})
    assert added_up(rows) == {TODAY: sums}
    assert sums.count == 3


def test_each_bank_day_and_currency_has_sums_of_its_own() -> None:
    changes = [{}, {"bank": "other-bank"}, {"currency": "USD"}, {"timestamp": NOW - timedelta(days=400)}]
    days = added_up(row(**each) for each in changes)
    assert [sums.count for sums in days.values()] == [1, 1, 1, 1]
    assert set(days) == {
        TODAY,
        Day("other-bank", "2026-01-10", "EUR"),
        Day("eazycard", "2026-01-10", "USD"),
        Day("eazycard", "2024-12-06", "EUR"),
    }


def test_a_day_is_the_utc_day_of_the_transactions_own_time() -> None:
    midnight = datetime(2026, 1, 10, tzinfo=UTC)
    around = [midnight - timedelta(microseconds=1), midnight]
    assert [day_of(row(timestamp=moment)).date for moment in around] == ["2026-01-09", "2026-01-10"]


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "settled"])
def test_only_settled_transactions_move_money_and_every_status_is_counted(status: str) -> None:
    assert added_up([row(status=status), row(id="t2", status=status)]) == {TODAY: Sums(statuses={status: 2})}


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in ("settled", "reversed")])
def test_what_names_a_settled_transaction_is_no_reversal_by_that(status: str) -> None:
    assert added_up([row(status=status, reversal_of="t0")]) == {TODAY: Sums(statuses={status: 1})}


def test_a_reversal_of_a_settled_transaction_counts_by_its_type_and_on_its_own_day() -> None:
    # What it reverses need not be stored, nor come first, nor be of the same day.
    back = {"status": "reversed", "reversal_of": "t0", "timestamp": NOW + timedelta(days=1)}
    rows = [row(id="t1", type="debit", **back), row(id="t2", amount=Decimal(3), **back), row()]
    tomorrow = Sums(
        reversed_debit_count=1,
        reversed_debit=Decimal("250.50"),
        reversed_credit_count=1,
        reversed_credit=Decimal(3),
        statuses={"reversed": 2},
    )
    assert added_up(rows) == {TODAY: added_up([row()])[TODAY], Day("eazycard", "2026-01-11", "EUR"): tomorrow}
    (total,) = summary(added_up(rows))["totals"]
    assert total["reversed"] == {
        "credit": {"count": 1, "amount": "3.00"},
        "debit": {"count": 1, "amount": "250.50"},
    }
    assert (total["count"], total["net"], total["average"]) == (1, "498.00", "250.50")


def test_of_equally_large_transactions_the_one_whose_id_comes_first_is_the_largest_in_any_order() -> None:
    rows = [row(id=name, amount=amount) for name, amount in (("b1", 7), ("a2", 7), ("a3", 7), ("0", 6))]
    rows = [{**each, "amount": Decimal(each["amount"])} for each in rows]
    for order in (rows, rows[::-1], rows[2:] + rows[:2]):
        largest = added_up(order)[TODAY].largest
        assert largest is not None
        assert largest.id == "a2"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"amount": "twelve"},
        {"amount": None},
        {"amount": Decimal("NaN")},
        {"amount": Decimal("Infinity")},
        {"amount": Decimal(0)},
        {"amount": Decimal(-1)},
        {"amount": Decimal("1E+15")},  # with cents, more digits than a sum has
        {"amount": Decimal("0.001")},
        {"currency": None},
        {"currency": "XXX"},
        {"currency": ["EUR"]},
        {"bank": 1},
        {"bank": "a#b"},
        {"id": "x" * 65},
        {"account": ""},
        {"type": "transfer"},
        {"status": "unknown"},
        {"timestamp": "yesterday"},
        {"timestamp": "2026-01-10T23:30:00-02:00"},  # another day in UTC
        {"timestamp": Decimal(1)},
        {"merchant": "Marché Mokolo"},
        {"merchant": {"name": Decimal(1)}},
        {"authorization_id": Decimal(1)},
        {"reversal_of": Decimal(1)},
    ],
    ids=str,
)
def test_what_the_intake_would_not_have_stored_is_passed_over_and_the_others_count(spoilt: dict[str, Any]) -> None:
    malformed = {**row(), **spoilt}
    assert not is_countable(malformed)
    assert added_up([row(id="t2"), malformed, row(id="t3")])[TODAY].count == 2


@pytest.mark.parametrize("name", ["bank", "id", "account", "currency", "type", "status", "timestamp", "amount"])
def test_a_row_that_lacks_something_is_passed_over(name: str) -> None:
    assert not is_countable({key: value for key, value in row().items() if key != name})


@pytest.mark.parametrize(
    "spoilt",
    [
        {"flags": "velocity"},
        {"flags": ["velocity"]},
        {"flags": {"velocity": {}, "no_such_flag": {}}},
        {"flags": None},
        {"bank": 1},
        {"currency": "XXX"},
        {"timestamp": "yesterday"},
    ],
    ids=str,
)
def test_flags_that_the_stream_handler_would_not_have_stored_are_passed_over(spoilt: dict[str, Any]) -> None:
    malformed = {**flag_row("velocity"), **spoilt}
    assert not is_countable(malformed)
    assert added_up([malformed, flag_row("velocity", id="t2")])[TODAY].flags == {"velocity": 1}


def test_each_flag_counts_in_the_day_and_currency_of_its_transaction() -> None:
    rows = [
        flag_row("velocity", "large_amount"),
        flag_row("velocity", id="t2"),
        flag_row("new_country", timestamp=NOW - timedelta(days=1)),
        flag_row("new_country", currency="USD"),
        flag_row("new_country", bank="other-bank"),
    ]
    assert all(map(is_countable, rows))
    assert added_up([*rows, row()]) == {
        TODAY: dataclasses.replace(added_up([row()])[TODAY], flags={"velocity": 2, "large_amount": 1}),
        Day("eazycard", "2026-01-09", "EUR"): Sums(flags={"new_country": 1}),
        Day("eazycard", "2026-01-10", "USD"): Sums(flags={"new_country": 1}),
        Day("other-bank", "2026-01-10", "EUR"): Sums(flags={"new_country": 1}),
    }


def test_all_flags_may_be_of_one_transaction() -> None:
    assert added_up([flag_row(*FLAGS)])[TODAY].flags == dict.fromkeys(FLAGS, 1)


def test_sums_are_empty_without_a_transaction_and_without_a_flag() -> None:
    assert Sums().is_empty
    assert not Sums(flags={"velocity": 1}).is_empty
    assert not Sums(statuses={"declined": 1}).is_empty
    assert not added_up([row()])[TODAY].is_empty


@pytest.mark.parametrize("movement", MOVEMENTS)
def test_any_movement_moves_money_and_a_status_or_flag_alone_does_not(movement: str) -> None:
    moved = Sums(**{f"{movement}_count": 1})
    assert moved.moves_money is True
    assert not moved.is_empty  # sums that were stored before statuses were counted have none
    assert Sums(statuses={"declined": 1}, flags={"velocity": 1}).moves_money is False


def test_the_smallest_and_the_largest_amounts_of_any_currency_count() -> None:
    for currency, smallest in (("XAF", "1"), ("EUR", "0.01"), ("KWD", "0.001"), ("CLF", "0.0001")):
        fraction = smallest[1:].replace("0", "9").replace("1", "9")
        for amount in (smallest, f"999999999999999{fraction}"):
            assert is_countable(row(currency=currency, amount=Decimal(amount))), (currency, amount)


def test_a_sum_that_would_have_to_be_rounded_is_refused() -> None:
    sums = Sums(credit=Decimal("9" * 37))
    sums.add_all(Sums(credit=Decimal("0.1")))
    assert sums.credit == Decimal("9" * 37 + ".1")  # 38 digits, as DynamoDB's numbers have
    with pytest.raises(Inexact):
        sums.add_all(Sums(credit=Decimal("0.01")))


def test_sums_come_back_from_storage_as_they_were() -> None:
    rows = [row(), row(id="t2", type="debit"), flag_row("velocity", "new_country")]
    reversal = row(id="t3", status="reversed", reversal_of="t1")
    for sums in (
        added_up([*rows, reversal])[TODAY],
        added_up(rows)[TODAY],
        added_up(rows[:2])[TODAY],
        Sums(flags={"velocity": 7}),
        Sums(),
    ):
        stored = from_item(to_item(to_values(sums)))
        assert from_values(stored) == sums


def test_what_there_is_none_of_is_not_stored() -> None:
    assert to_item(to_values(Sums())).keys() == {"credit", "credit_count", "debit", "debit_count"}
    reversal = row(status="reversed", reversal_of="t0", type="debit")
    stored = to_item(to_values(added_up([reversal])[TODAY]))
    assert stored.keys() > {"reversed_debit", "reversed_debit_count", "statuses"}
    assert stored.keys().isdisjoint({"reversed_credit", "reversed_credit_count", "largest", "flags"})


@pytest.mark.parametrize("name", ["credit", "credit_count", "debit", "debit_count"])
def test_stored_sums_that_lack_something_are_refused(name: str) -> None:
    values = to_values(Sums())
    del values[name]
    with pytest.raises(KeyError):
        from_values(values)


def test_sums_that_were_stored_before_there_were_flags_have_none() -> None:
    values = to_values(added_up([row()])[TODAY])
    del values["flags"]
    assert from_values(values) == added_up([row()])[TODAY]


@pytest.mark.parametrize("flags", ["velocity", {"velocity": "many"}, Decimal(1)], ids=str)
def test_stored_flags_that_are_no_counts_are_refused(flags: Any) -> None:
    with pytest.raises((TypeError, ValueError, ArithmeticError)):
        from_values({**to_values(Sums()), "flags": flags})


def rows_of_flags() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        lambda names, **changes: flag_row(*names, **changes),
        names=st.sets(st.sampled_from(FLAGS)),
        bank=st.sampled_from(["eazycard", "other-bank"]),
        timestamp=st.integers(0, 3).map(lambda days: NOW - timedelta(days=days)),
    )
    return st.lists(one, max_size=10)


def transactions() -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(
        lambda status, reversal_of, **changes: row(
            status=status, reversal_of=reversal_of if status == "reversed" else None, **changes
        ),
        reversal_of=st.sampled_from([None, "a"]),
        id=st.sampled_from(["a", "b", "c", "d"]),
        bank=st.sampled_from(["eazycard", "other-bank"]),
        amount=st.integers(1, 10**17 - 1).map(lambda cents: Decimal(cents).scaleb(-2)),
        type=st.sampled_from(TYPES),
        status=st.sampled_from(STATUSES),
        timestamp=st.integers(0, 3).map(lambda days: NOW - timedelta(days=days)),
    )
    return st.lists(one, max_size=20)


@given(transactions(), rows_of_flags(), st.randoms(use_true_random=False))
def test_any_parts_in_any_order_add_up_to_the_same(
    settled: list[dict[str, Any]], flagged: list[dict[str, Any]], random: Any
) -> None:
    rows = settled + flagged
    shuffled = random.sample(rows, len(rows))
    cuts = sorted(random.randint(0, len(rows)) for _ in range(3))
    parts = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    # Of two that are equally large and have one id, either may be named: they differ in nothing that a test can know.
    assert _without_largest(merged(map(added_up, parts))) == _without_largest(added_up(rows))


@given(transactions())
def test_sums_are_what_python_s_integers_say_in_cents(rows: list[dict[str, Any]]) -> None:
    settled = [each for each in rows if each["status"] == "settled"]
    days = added_up(rows)
    assert set(days) == {day_of(each) for each in rows}
    for day, sums in days.items():
        own = [each for each in settled if day_of(each) == day]
        cents = {kind: [int(each["amount"] * 100) for each in own if each["type"] == kind] for kind in TYPES}
        assert (sums.credit_count, sums.debit_count) == (len(cents["credit"]), len(cents["debit"]))
        assert (int(sums.credit * 100), int(sums.debit * 100)) == (sum(cents["credit"]), sum(cents["debit"]))
        largest = int(sums.largest.amount * 100) if sums.largest else None
        assert largest == max(cents["credit"] + cents["debit"], default=None)
        assert sums.statuses == Counter(each["status"] for each in rows if day_of(each) == day)
        back = [each for each in rows if day_of(each) == day and each.get("reversal_of")]
        for kind in TYPES:
            own_cents = [int(each["amount"] * 100) for each in back if each["type"] == kind]
            assert getattr(sums, f"reversed_{kind}_count") == len(own_cents)
            assert int(getattr(sums, f"reversed_{kind}") * 100) == sum(own_cents)


def _without_largest(days: dict[Day, Sums]) -> dict[Day, tuple[Any, ...]]:
    return {
        day: (
            sums.credit_count,
            sums.credit,
            sums.debit_count,
            sums.debit,
            sums.largest and sums.largest.amount,
            sums.flags,
            sums.net,
            sums.statuses,
        )
        for day, sums in days.items()
    }


def test_merging_leaves_the_parts_as_they_were() -> None:
    parts = [added_up([row(), flag_row("velocity")]), added_up([row(id="t2"), flag_row("velocity", id="t2")])]
    assert (merged(parts)[TODAY].count, merged(parts)[TODAY].flags) == (2, {"velocity": 2})
    assert [(part[TODAY].count, part[TODAY].flags) for part in parts] == [(1, {"velocity": 1})] * 2
