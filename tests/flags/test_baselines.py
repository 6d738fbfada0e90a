"""Baselines: what an account's history remembers, how exactly, within which bounds, and how it is stored."""

import dataclasses
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.banks.thresholds import MAX_RECENT
from chalicelib.flags.baselines import (
    MAX_AMOUNTS,
    MAX_COUNTRIES,
    RECENT_FOR,
    Amounts,
    Baseline,
    from_values,
    is_attempt,
    recent_of,
    to_values,
)
from chalicelib.ledger.money import COUNTRIES
from chalicelib.ledger.stored_form import place_of, transaction_item
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from tests.fakes import item_bytes

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BAKERY = {"name": "Boulangerie Akwa", "mcc": "5462", "city": "Douala", "country": "CM"}
ONE = Transaction(
    bank="eazycard",
    id="t1",
    account="A1",
    amount=Decimal("250.50"),
    type="debit",
    timestamp=NOW,
    currency="EUR",
    merchant=BAKERY,
    recorded_at=NOW,
)


def one(**changes: Any) -> Transaction:
    return dataclasses.replace(ONE, **changes)


def history(*transactions: Transaction) -> Baseline:
    baseline = Baseline()
    for transaction in transactions:
        baseline.add(transaction)
    return baseline


def of(amounts: Sequence[Decimal]) -> Amounts:
    found = Amounts()
    for amount in amounts:
        found = found.add(amount)
    return found


AMOUNTS = st.decimals("0.01", "999999999999999.99", places=2)
TRANSACTIONS = st.builds(
    one,
    id=st.integers(0, 30).map(lambda number: f"t{number}"),
    amount=AMOUNTS,
    type=st.sampled_from(TYPES),
    status=st.sampled_from(STATUSES),
    timestamp=st.integers(0, 7_200_000).map(lambda ms: NOW + timedelta(milliseconds=ms)),
    currency=st.sampled_from(["EUR", "USD", "CHF", "MAD"]),
    authorization_id=st.none() | st.integers(0, 30).map(lambda number: f"t{number}"),
    merchant=st.none()
    | st.fixed_dictionaries(
        {},
        optional={"name": st.text(max_size=140), "country": st.sampled_from(sorted(COUNTRIES)), "city": st.just("X")},
    ),
)


def test_a_settled_transaction_is_an_amount_a_country_and_an_attempt() -> None:
    baseline = history(ONE)
    assert baseline.amounts == {"EUR#debit": Amounts(1, Decimal("250.50"), Decimal(0), Decimal("250.50"))}
    assert list(baseline.countries) == ["CM"]
    assert [(recent.at, recent.amount, recent.currency) for recent in baseline.recents] == [
        (NOW, Decimal("250.50"), "EUR")
    ]


def test_an_authorization_is_a_country_and_an_attempt_and_no_amount() -> None:
    baseline = history(one(status="authorized"))
    assert (baseline.amounts, list(baseline.countries), len(baseline.recents)) == ({}, ["CM"], 1)


def test_a_decline_is_an_attempt_only_and_its_repetition_no_second_payment() -> None:
    baseline = history(one(status="declined"))
    assert (baseline.amounts, baseline.countries) == ({}, {})
    assert [recent.merchant for recent in baseline.recents] == [""]


def test_a_reversal_is_not_remembered() -> None:
    assert history(one(status="reversed")) == Baseline()


def test_an_authorization_and_its_settlement_are_one_attempt_whichever_comes_first() -> None:
    authorization = one(id="auth", status="authorized")
    settlement = one(id="t2", authorization_id="auth", timestamp=NOW + timedelta(minutes=2))
    for order in ([authorization, settlement], [settlement, authorization]):
        baseline = history(*order)
        assert [recent.at for recent in baseline.recents] == [NOW]
        assert baseline.amounts["EUR#debit"].count == 1


def test_settlements_of_many_authorizations_at_once_are_no_burst_of_attempts() -> None:
    assert history(*(one(id=f"s{n}", authorization_id=f"a{n}") for n in range(10))).recents == []


def test_the_increment_of_an_authorization_is_the_same_attempt_at_its_first_time() -> None:
    later = one(id="more", authorization_id="auth", status="authorized", timestamp=NOW + timedelta(minutes=3))
    first = one(id="auth", status="authorized")
    assert [recent.at for recent in history(later, first).recents] == [NOW]
    assert [recent.at for recent in history(first, later).recents] == [NOW]


@given(st.lists(TRANSACTIONS, max_size=20), st.lists(TRANSACTIONS, max_size=20))
def test_the_attempts_are_those_that_were_added_or_met_and_of_an_authorization_the_first(
    added: list[Transaction], met: list[Transaction]
) -> None:
    baseline = history(*added)
    known = [*baseline.recents, *(recent_of(one) for one in met if is_attempt(one))]
    for one in met:
        baseline.meet(one)
    expected = [
        min((one for one in known if one.reference == name), key=lambda one: one.at)
        for name in {one.reference for one in known}
    ]
    assert sorted(baseline.attempts, key=repr) == sorted(expected, key=repr)
    assert to_values(baseline) == to_values(history(*added))


def test_what_was_met_is_an_attempt_however_old_it_is() -> None:
    baseline = history(ONE)
    baseline.meet(one(id="old", timestamp=NOW - 9 * RECENT_FOR))
    baseline.meet(one(id="reversed", status="reversed"))
    assert [attempt.at for attempt in baseline.attempts] == [NOW, NOW - 9 * RECENT_FOR]
    assert len(baseline.recents) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "credit"},
        {"merchant": {**BAKERY, "city": "Yaoundé"}},
        {"merchant": {**BAKERY, "country": "FR"}},
        {"merchant": {**BAKERY, "name": "Boulangerie"}},
    ],
)
def test_another_merchant_or_direction_has_another_hash(changes: dict[str, Any]) -> None:
    first, second = history(one(id="a"), one(id="b", **changes)).recents
    assert first.merchant != second.merchant


@pytest.mark.parametrize("merchant", [None, {}, {"country": "CM", "mcc": "5462"}])
def test_a_merchant_without_a_name_is_not_told_from_others(merchant: Any) -> None:
    assert history(one(merchant=merchant)).recents[0].merchant == ""


def test_a_merchants_name_is_the_same_in_whatever_case() -> None:
    shouted = {**BAKERY, "name": "BOULANGERIE AKWA"}
    first, second = history(one(id="a"), one(id="b", merchant=shouted)).recents
    assert first.merchant == second.merchant


def test_neither_names_nor_ids_are_kept() -> None:
    values = str(to_values(history(one(id="an-id", merchant={**BAKERY, "name": "Clinic of Dr Who"}))))
    assert "Clinic" not in values
    assert "an-id" not in values


# Bounds


def test_recent_attempts_are_the_newest_by_their_own_time_whatever_their_order() -> None:
    many = [one(id=f"t{n}", timestamp=NOW + timedelta(seconds=n)) for n in range(MAX_RECENT + 5)]
    forwards, backwards = history(*many), history(*reversed(many))
    assert forwards.recents == backwards.recents
    assert [recent.at for recent in forwards.recents] == [t.timestamp for t in reversed(many[5:])]


def test_attempts_are_forgotten_an_hour_before_the_newest() -> None:
    baseline = history(one(id="old", timestamp=NOW - RECENT_FOR), one(id="older", timestamp=NOW - RECENT_FOR * 2), ONE)
    assert [recent.at for recent in baseline.recents] == [NOW, NOW - RECENT_FOR]


def test_a_late_transaction_of_yesterday_is_an_amount_and_no_recent_attempt() -> None:
    baseline = history(ONE, one(id="late", timestamp=NOW - timedelta(days=1)))
    assert len(baseline.recents) == 1
    assert baseline.amounts["EUR#debit"].count == 2


def test_a_country_keeps_the_reference_by_which_it_came_first() -> None:
    first = history(ONE).countries["CM"]
    assert history(ONE, one(id="t2")).countries["CM"] == first != history(one(id="t2")).countries["CM"]


def test_of_more_countries_than_are_kept_the_first_stay() -> None:
    codes = sorted(COUNTRIES)[: MAX_COUNTRIES + 3]
    baseline = history(*(one(id=code, merchant={"country": code}) for code in codes))
    assert list(baseline.countries) == codes[:MAX_COUNTRIES]


def test_the_least_used_amounts_make_room_for_new_ones() -> None:
    travels = [one(id=f"t{n}", currency=code) for n, code in enumerate(["USD", "CHF", "GBP", "CAD", "MAD", "TND"])]
    baseline = history(*travels, *(one(id=f"e{n}") for n in range(3)), one(id="last", currency="XAF"))
    assert len(baseline.amounts) == MAX_AMOUNTS
    assert baseline.amounts["EUR#debit"].count == 3
    assert "XAF#debit" in baseline.amounts


@given(st.lists(TRANSACTIONS, max_size=80))
def test_whatever_comes_a_baseline_stays_within_its_bounds(transactions: list[Transaction]) -> None:
    baseline = history(*transactions)
    assert len(baseline.recents) <= MAX_RECENT
    assert len(baseline.countries) <= MAX_COUNTRIES
    assert len(baseline.amounts) <= MAX_AMOUNTS
    times = [recent.at for recent in baseline.recents]
    assert times == sorted(times, reverse=True)
    assert len({recent.reference for recent in baseline.recents}) == len(times)
    assert all(recent >= times[0] - RECENT_FOR for recent in times)


# Idempotence


def test_a_place_that_is_in_is_passed_over() -> None:
    baseline = Baseline()
    assert baseline.add_row("00", "2026-01-10#a", ONE)
    once = to_values(baseline)
    assert not baseline.add_row("00", "2026-01-10#a", ONE)
    assert not baseline.add_row("00", "2026-01-09#z", one(id="t2"))
    assert to_values(baseline) == once
    assert baseline.is_in("00", "2026-01-10#a")
    assert not baseline.is_in("01", "2026-01-10#a")
    assert baseline.add_row("01", "2026-01-09#z", one(id="t2"))
    assert baseline.amounts["EUR#debit"].count == 2


@given(st.lists(TRANSACTIONS, max_size=30, unique_by=lambda one: one.id), st.data())
def test_rows_that_come_again_from_any_earlier_place_change_nothing(
    transactions: list[Transaction], data: st.DataObject
) -> None:
    recorded = [dataclasses.replace(one, recorded_at=one.timestamp) for one in transactions]
    rows = sorted((*place_of(one), one) for one in recorded)
    straight, interrupted = Baseline(), Baseline()
    for row in rows:
        straight.add_row(*row)
    done = 0
    while done < len(rows):
        begin = data.draw(st.integers(0, done))
        end = data.draw(st.integers(done + 1, len(rows)))
        for row in rows[begin:end]:
            interrupted.add_row(*row)
        interrupted = from_values(from_item(to_item(to_values(interrupted))))
        done = end
    assert interrupted == straight


def test_the_place_of_a_transaction_is_the_one_that_it_is_stored_under() -> None:
    stored = from_item(transaction_item(ONE))
    assert place_of(ONE) == (stored["recorded_shard"], stored["recorded_key"])


# Arithmetic


@given(st.lists(AMOUNTS, min_size=2, max_size=60))
def test_mean_and_spread_are_those_of_exact_arithmetic(amounts: list[Decimal]) -> None:
    found = of(amounts)
    exact = [Fraction(amount) for amount in amounts]
    mean, variance = statistics.mean(exact), statistics.variance(exact)
    # Of 24 digits, a few may be lost over the steps.
    assert abs(Fraction(found.mean) - mean) <= mean / 10**20
    assert abs(Fraction(found.deviation) ** 2 - variance) <= max(variance, mean) / 10**15
    assert (found.count, found.largest) == (len(amounts), max(amounts))


def test_a_small_spread_around_a_large_mean_is_not_lost() -> None:
    # The textbook's sum of squares less squared sum, in as many digits, gives 0 or worse here.
    found = of([Decimal(999_999_999_999_990) + n for n in (4, 7, 13, 16)] * 1000)
    assert abs(found.deviation**2 - Decimal(90_000) / Decimal(3_999)) < Decimal("1e-9")


@given(st.lists(AMOUNTS, min_size=1, max_size=30), AMOUNTS)
def test_without_one_amount_it_is_as_if_that_had_never_come(amounts: list[Decimal], extra: Decimal) -> None:
    before, after = of(amounts), of(amounts).add(extra).without(extra)
    scale = max([*amounts, extra])
    assert after.count == before.count
    assert abs(after.mean - before.mean) <= scale * Decimal("1e-20")
    assert abs(after.m2 - before.m2) <= scale * scale * Decimal("1e-18")


def test_without_its_only_amount_it_is_empty() -> None:
    assert Amounts().add(Decimal(5)).without(Decimal(5)) == Amounts()


def test_a_single_amount_has_no_spread() -> None:
    assert Amounts().add(Decimal(5)).deviation == 0


# Storage


@given(st.lists(TRANSACTIONS, max_size=40))
def test_what_is_stored_is_read_back_as_it_was(transactions: list[Transaction]) -> None:
    baseline = history(*transactions)
    baseline.positions["00"] = "2026-01-10T14:00:00.000000Z#eazycard#t1"
    assert from_values(from_item(to_item(to_values(baseline)))) == baseline


def test_an_ordinary_accounts_item_is_under_a_kilobyte() -> None:
    baseline = Baseline()
    for number in range(400):
        at = NOW + timedelta(minutes=17 * number, microseconds=123_456)
        transaction = one(
            id=f"0c6e8a5e-7a0c-4d55-9a3c-{number:012d}",
            account="CM2110002000300277976315008",
            amount=Decimal("1234.56") + 97 * (number % 31),
            type=TYPES[number % 5 == 0],
            timestamp=at,
            recorded_at=at,
            currency=("EUR", "XAF", "USD")[(number % 50 == 0) + (number % 99 == 0)],
            merchant={**BAKERY, "country": ("CM", "CM", "FR", "GA", "NG", "TD")[number % 6]},
        )
        baseline.add_row(*place_of(transaction), transaction)
    key = {"owner": "account#eazycard#CM2110002000300277976315008", "entry": "baseline"}
    assert len(baseline.positions) == 4
    assert 600 < item_bytes(to_item({**key, **to_values(baseline)})) < 1024


def test_a_busy_accounts_item_is_bounded_too() -> None:
    baseline = Baseline()
    for number, code in enumerate(sorted(COUNTRIES)):
        at = NOW + timedelta(seconds=number, microseconds=123_456)
        transaction = one(
            id=f"{number:064d}",
            bank="b" * 40,
            amount=Decimal("999999999999999.99"),
            timestamp=at,
            recorded_at=at,
            merchant={**BAKERY, "country": code},
            currency=("EUR", "XAF", "USD", "CHF", "MAD", "TND", "GBP")[number % 7],
        )
        baseline.add_row(*place_of(transaction), transaction)
    assert item_bytes(to_item(to_values(baseline))) < 3 * 1024


GOOD = to_values(history(ONE))


@pytest.mark.parametrize(
    "broken",
    [
        {"amounts": None},
        {"amounts": []},
        {"amounts": {"EUR#debit": [1, Decimal(1), Decimal(0)]}},
        {"amounts": {"EUR#debit": [0, Decimal(1), Decimal(0), Decimal(1)]}},
        {"amounts": {"EUR#debit": [Decimal("1.5"), Decimal(1), Decimal(0), Decimal(1)]}},
        {"amounts": {"EUR#debit": [1, Decimal(1), Decimal(-1), Decimal(1)]}},
        {"amounts": {"EUR#debit": [1, "1", Decimal(0), Decimal(1)]}},
        {"amounts": {"EUR#debit": ["1", Decimal(1), Decimal(0), Decimal(1)]}},
        {"amounts": {"EUR#debit": [1, Decimal("NaN"), Decimal(0), Decimal(1)]}},
        {"amounts": {"EUR#debit": 5}},
        {"countries": ["CM"]},
        {"countries": {"CM": Decimal(1)}},
        {"recents": "text"},
        {"recents": [Decimal(1)]},
        {"recents": ["a|b|c"]},
        {"recents": ["ref|no time|1.00|EUR|m"]},
        {"recents": ["ref|2026-01-10T14:00:00|1.00|EUR|m"]},
        {"recents": ["ref|2026-01-10T14:00:00Z|much|EUR|m"]},
        {"recents": ["ref|2026-01-10T14:00:00Z|Infinity|EUR|m"]},
        {"positions": {"00": Decimal(1)}},
        {"positions": "text"},
    ],
)
def test_a_malformed_baseline_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, ArithmeticError)):
        from_values({**GOOD, **broken})


@pytest.mark.parametrize("name", ["amounts", "countries", "recents", "positions"])
def test_a_baseline_without_one_of_its_parts_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        from_values({key: value for key, value in GOOD.items() if key != name})
