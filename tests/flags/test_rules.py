"""The flag rules, each by example and by what must hold of it whatever the history."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS, FLAGS, MAX_RECENT, Thresholds
from chalicelib.flags.baselines import MAX_COUNTRIES, Baseline
from chalicelib.flags.rules import RULES, judge
from chalicelib.ledger.money import COUNTRIES
from chalicelib.ledger.stored_form import place_of
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BAKERY = {"name": "Boulangerie Akwa", "mcc": "5462", "city": "Douala", "country": "CM"}
ONE = Transaction(
    bank="eazycard",
    id="this",
    account="A1",
    amount=Decimal("5000"),
    type="debit",
    timestamp=NOW,
    currency="XAF",
    merchant=BAKERY,
    recorded_at=NOW,
)
ALL_BUT_OFF = dataclasses.replace(DEFAULT_THRESHOLDS, modes=dict.fromkeys(FLAGS, "off"))


def one(**changes: Any) -> Transaction:
    return dataclasses.replace(ONE, **changes)


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


def history(*transactions: Transaction) -> Baseline:
    """Return what the stream handler adds up: a history without places."""
    baseline = Baseline()
    for transaction in transactions:
        baseline.add(transaction)
    return baseline


def kept(*transactions: Transaction) -> Baseline:
    """Return what the job keeps: a history that knows what is in it."""
    baseline = Baseline()
    for shard, place, transaction in sorted((*place_of(one), one) for one in transactions):
        baseline.add_row(shard, place, transaction)
    return baseline


def usual(count: int = 20, amounts: Sequence[str] = ("900", "1100"), **changes: Any) -> list[Transaction]:
    """Return settled debits of days past, of 1,000 on the average."""
    return [
        one(
            id=f"usual-{n}",
            amount=Decimal(amounts[n % len(amounts)]),
            **{"timestamp": ago(days=n + 1), "recorded_at": ago(days=n + 1), **changes},
        )
        for n in range(count)
    ]


def found(rule: str, transaction: Transaction, baseline: Baseline, **changes: Any) -> Any:
    return RULES[rule](transaction, baseline, dataclasses.replace(DEFAULT_THRESHOLDS, **changes))


# large_amount


def test_an_amount_over_the_threshold_of_its_currency_is_large() -> None:
    assert found("large_amount", one(amount=Decimal(1_000_001)), Baseline()) == {
        "amount": "1000001",
        "currency": "XAF",
        "threshold": "1000000",
    }


def test_an_amount_at_the_threshold_is_not_large() -> None:
    assert found("large_amount", one(amount=Decimal(1_000_000)), Baseline()) is None


def test_amounts_in_evidence_have_all_of_their_currencys_decimals() -> None:
    large = one(amount=Decimal("2000.5"), currency="EUR")
    evidence = found("large_amount", large, Baseline(), large_amounts={"EUR": Decimal(2000)})
    assert evidence == {"amount": "2000.50", "currency": "EUR", "threshold": "2000.00"}


def test_in_a_currency_without_a_threshold_no_amount_is_large() -> None:
    assert found("large_amount", one(currency="CZK", amount=Decimal(10) ** 14), Baseline()) is None


# velocity


def attempts(*minutes: float, status: str = "authorized") -> list[Transaction]:
    return [one(id=f"try-{n}", status=status, timestamp=ago(minutes=ago_)) for n, ago_ in enumerate(minutes)]


def test_one_attempt_more_than_the_limit_is_too_fast() -> None:
    assert found("velocity", ONE, history(*attempts(1, 2, 3, 4, 5))) == {"count": 6, "limit": 5, "minutes": 10}


def test_as_many_attempts_as_the_limit_are_not_too_fast() -> None:
    assert found("velocity", ONE, history(*attempts(1, 2, 3, 4))) is None


def test_attempts_as_long_ago_as_the_window_are_out_of_it() -> None:
    assert found("velocity", ONE, history(*attempts(1, 2, 3, 4, 10))) is None
    assert found("velocity", ONE, history(*attempts(*[10] * 6))) is None
    assert found("velocity", ONE, history(*attempts(*[-10] * 6))) is None
    assert found("velocity", ONE, history(*attempts(1, 2, 3, 4, 9.99))) is not None


def test_attempts_at_the_same_moment_count_and_so_do_later_ones_that_have_come_before() -> None:
    assert found("velocity", ONE, history(*attempts(0, 0, 0, 0, 0)))["count"] == 6
    assert found("velocity", ONE, history(*attempts(1, 1, 1, 1, -1)))["count"] == 6
    assert found("velocity", ONE, history(*attempts(6, 5, 4, -4, -5))) is None  # never six within ten minutes


@given(st.lists(st.integers(0, 40), max_size=14), st.integers(1, 6))
def test_an_attempt_is_too_fast_if_any_minutes_with_it_have_too_many_in_whatever_order_they_came(
    minutes: list[int], limit: int
) -> None:
    for number, at in enumerate(minutes):
        known = minutes[: number + 1]
        most = max(sum(begin <= one < begin + 10 for one in known) for begin in range(at - 9, at + 1))
        *before, this = attempts(*known)
        evidence = found("velocity", this, history(*before), velocity_count=limit)
        assert evidence == ({"count": most, "limit": limit, "minutes": 10} if most > limit else None)


def test_declined_attempts_count() -> None:
    assert found("velocity", ONE, history(*attempts(1, 2, 3, 4, 5, status="declined")))["count"] == 6


def test_a_reversal_is_no_attempt() -> None:
    assert found("velocity", ONE, history(*attempts(1, 2, 3, 4, 5, status="reversed"))) is None


def test_a_night_of_settlements_is_not_too_fast() -> None:
    settlements = [one(id=f"s{n}", authorization_id=f"a{n}") for n in range(9)]
    assert found("velocity", settlements[-1], history(*settlements[:-1])) is None


def test_the_settlement_of_an_authorization_is_not_judged_by_the_attempts_around_it() -> None:
    assert found("velocity", one(authorization_id="a"), history(*attempts(1, 2, 3, 4, 5, 6))) is None


# unusual_amount


def test_several_times_the_usual_amount_is_unusual() -> None:
    assert found("unusual_amount", one(amount=Decimal(3299)), history(*usual())) == {
        "amount": "3299",
        "currency": "XAF",
        "usual": "1000",
        "times": "3.2",
        "count": 20,
    }


def test_exactly_so_many_times_the_usual_amount_is_not_unusual() -> None:
    assert found("unusual_amount", one(amount=Decimal(3000)), history(*usual())) is None


def test_before_an_account_has_enough_of_a_history_nothing_is_unusual() -> None:
    huge = one(amount=Decimal(10) ** 12)
    assert found("unusual_amount", huge, history(*usual(19))) is None
    assert found("unusual_amount", huge, history(*usual(20))) is not None


def test_where_amounts_vary_widely_several_times_the_mean_is_not_enough() -> None:
    # Mean 2,000 and deviation 4,100, as with many small purchases and a rent.
    wide = usual(20, ["100"] * 4 + ["9600"])
    assert found("unusual_amount", one(amount=Decimal(9600)), history(*wide)) is None
    assert found("unusual_amount", one(amount=Decimal(30000)), history(*wide))["times"] == "15.0"


def test_credits_are_compared_with_credits_and_euros_with_euros() -> None:
    salary = one(type="credit", amount=Decimal(400_000))
    assert found("unusual_amount", salary, history(*usual())) is None
    assert found("unusual_amount", one(currency="EUR", amount=Decimal(400_000)), history(*usual())) is None


def test_an_authorization_is_compared_too() -> None:
    assert found("unusual_amount", one(status="authorized", amount=Decimal(9000)), history(*usual())) is not None


def test_the_usual_amount_is_rounded_to_the_currencys_decimals() -> None:
    thirds = usual(21, ["10.00", "10.00", "10.01"], currency="EUR")
    assert found("unusual_amount", one(currency="EUR"), history(*thirds))["usual"] == "10.00"


def test_an_amount_that_the_history_holds_already_is_not_compared_with_itself() -> None:
    unusual = one(amount=Decimal(3100), recorded_at=ago(seconds=1))
    early = found("unusual_amount", unusual, kept(*usual()))
    late = found("unusual_amount", unusual, kept(*usual(), unusual))
    assert early is not None
    assert late == early


def test_an_authorization_that_the_history_holds_is_not_taken_out_of_amounts_that_it_is_not_in() -> None:
    authorized = one(amount=Decimal(3100), status="authorized", recorded_at=ago(seconds=1))
    assert found("unusual_amount", authorized, kept(*usual(), authorized)) == found(
        "unusual_amount", authorized, kept(*usual())
    )
    abroad = dataclasses.replace(authorized, merchant={"country": "FR"})
    assert found("new_country", abroad, kept(*usual(), abroad))["count"] == 20


def test_the_history_is_not_enough_of_one_by_the_transaction_itself() -> None:
    assert found("unusual_amount", one(amount=Decimal(10) ** 6), kept(*usual(19), one(amount=Decimal(10) ** 6))) is None


# duplicate_suspect


def test_the_same_amount_at_the_same_merchant_within_minutes_is_suspect() -> None:
    assert found("duplicate_suspect", ONE, history(one(id="first", timestamp=ago(seconds=90)))) == {
        "amount": "5000",
        "currency": "XAF",
        "seconds": 90,
        "minutes": 5,
    }


@pytest.mark.parametrize(
    "first",
    [
        {"amount": Decimal(5001)},
        {"currency": "XOF"},
        {"type": "credit"},
        {"status": "declined"},
        {"status": "reversed"},
        {"merchant": {**BAKERY, "name": "Boulangerie Bonanjo"}},
        {"merchant": None},
        {"timestamp": ago(minutes=5, seconds=1)},
        {"id": "this"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_differs_in_more_than_its_id_is_no_duplicate(first: dict[str, Any]) -> None:
    assert (
        found("duplicate_suspect", ONE, history(one(**{"id": "first", "timestamp": ago(minutes=1), **first}))) is None
    )


def test_just_so_many_minutes_apart_it_is_suspect_still() -> None:
    assert found("duplicate_suspect", ONE, history(one(id="first", timestamp=ago(minutes=5))))["seconds"] == 300


def test_a_duplicate_that_happened_before_is_found_when_it_comes_in_later() -> None:
    assert found("duplicate_suspect", ONE, history(one(id="other", timestamp=ago(seconds=-30))))["seconds"] == 30


def test_of_several_the_nearest_is_told() -> None:
    others = [one(id=f"o{n}", timestamp=ago(seconds=n)) for n in (200, 20, 100, 3_000)]  # one of them too far
    assert found("duplicate_suspect", ONE, history(*others))["seconds"] == 20


@pytest.mark.parametrize("changes", [{"authorization_id": "a1"}, {"status": "reversed"}])
def test_what_is_no_attempt_to_pay_is_no_duplicate(changes: dict[str, Any]) -> None:
    before = history(one(id="first", timestamp=ago(minutes=1)))
    assert found("duplicate_suspect", one(**changes), before) is None
    assert found("duplicate_suspect", ONE, before) is not None


def test_two_payments_without_a_merchant_are_no_duplicates() -> None:
    assert found("duplicate_suspect", one(merchant=None), history(one(id="first", merchant=None))) is None
    unnamed = {"country": "CM"}
    assert found("duplicate_suspect", one(merchant=unnamed), history(one(id="first", merchant=unnamed))) is None


def test_an_authorization_and_its_settlement_are_no_duplicates() -> None:
    authorization = one(id="auth", status="authorized", timestamp=ago(minutes=1))
    settlement = one(id="settled", authorization_id="auth")
    assert found("duplicate_suspect", settlement, history(authorization)) is None
    assert found("duplicate_suspect", authorization, history(settlement)) is None


def test_two_purchases_of_two_days_that_are_settled_at_once_are_no_duplicates() -> None:
    first, second = one(id="s1", authorization_id="a1"), one(id="s2", authorization_id="a2")
    assert found("duplicate_suspect", second, history(first)) is None


# new_country

ABROAD = one(merchant={**BAKERY, "country": "FR"})


def test_a_country_that_the_account_has_not_used_is_new() -> None:
    baseline = history(*usual(9), one(id="gabon", merchant={"country": "GA"}, timestamp=ago(days=30)))
    assert found("new_country", ABROAD, baseline) == {"country": "FR", "known": ["CM", "GA"], "count": 10}


def test_a_country_that_the_account_has_used_is_not_new() -> None:
    assert found("new_country", ONE, history(*usual())) is None


def test_an_authorization_makes_a_country_known_and_a_decline_does_not() -> None:
    abroad = one(id="before", merchant={"country": "FR"}, status="authorized", timestamp=ago(days=1))
    assert found("new_country", ABROAD, history(*usual(), abroad)) is None
    declined = dataclasses.replace(abroad, status="declined")
    assert found("new_country", ABROAD, history(*usual(), declined)) is not None


def test_before_an_account_has_a_history_no_country_is_new() -> None:
    assert found("new_country", ABROAD, history(*usual(9))) is None
    assert found("new_country", ABROAD, kept(*usual(9), ABROAD)) is None
    assert found("new_country", ABROAD, kept(*usual(10), ABROAD)) is not None


def test_the_first_country_of_all_is_not_new() -> None:
    assert found("new_country", ABROAD, history(*usual(merchant=None))) is None


def test_a_country_that_only_the_transaction_or_its_authorization_has_brought_is_new() -> None:
    authorization = dataclasses.replace(ABROAD, id="auth", status="authorized", timestamp=ago(minutes=1))
    settlement = dataclasses.replace(ABROAD, authorization_id="auth")
    evidence = found("new_country", authorization, history(*usual()))
    assert evidence is not None
    assert found("new_country", authorization, history(*usual(), authorization, settlement)) == {
        **evidence,
        "count": 21,
    }
    assert found("new_country", settlement, history(*usual(), authorization)) == evidence


def test_to_an_account_that_has_been_everywhere_no_country_is_new() -> None:
    codes = sorted(COUNTRIES - {"FR"})
    travels = [
        one(id=f"to-{code}", merchant={"country": code}, timestamp=ago(days=n + 1)) for n, code in enumerate(codes)
    ]
    assert found("new_country", ABROAD, history(*travels[: MAX_COUNTRIES - 1])) is not None
    assert found("new_country", ABROAD, history(*travels[:MAX_COUNTRIES])) is None


def test_a_transaction_without_a_country_is_in_no_new_one() -> None:
    assert found("new_country", one(merchant={"name": "Online"}), history(*usual())) is None
    assert found("new_country", one(merchant=None), history(*usual())) is None


# All of them


def test_judging_names_every_rule_that_flags_in_the_order_of_the_flags() -> None:
    purchase = one(amount=Decimal(2_000_000), merchant={**BAKERY, "country": "FR"})
    others = [
        dataclasses.replace(purchase, id=f"o{n}", status="authorized", timestamp=ago(minutes=1)) for n in range(6)
    ]
    baseline = history(*usual())
    for other in others:
        baseline.meet(other)
    flags = judge(purchase, baseline, DEFAULT_THRESHOLDS)
    assert tuple(flags) == FLAGS
    assert json.loads(json.dumps(flags)) == flags


def test_an_ordinary_transaction_is_not_flagged() -> None:
    assert judge(one(amount=Decimal(1200)), history(*usual()), DEFAULT_THRESHOLDS) == {}


@pytest.mark.parametrize("mode", ["on", "shadow"])
def test_a_rule_that_is_on_or_in_shadow_judges(mode: str) -> None:
    large = one(amount=Decimal(2_000_000))
    thresholds = dataclasses.replace(ALL_BUT_OFF, modes={**ALL_BUT_OFF.modes, "large_amount": mode})
    assert list(judge(large, Baseline(), thresholds)) == ["large_amount"]
    assert thresholds.in_mode(mode) == ("large_amount",)


def test_a_rule_that_is_off_does_not_judge() -> None:
    assert judge(one(amount=Decimal(2_000_000)), Baseline(), ALL_BUT_OFF) == {}


@pytest.mark.parametrize(("status", "is_judged"), [(s, s in ("settled", "authorized")) for s in STATUSES])
def test_only_what_is_settled_or_authorized_is_judged(status: str, is_judged: bool) -> None:
    large = one(amount=Decimal(2_000_000), status=status)
    assert bool(judge(large, Baseline(), DEFAULT_THRESHOLDS)) == is_judged


def test_every_flag_has_its_rule() -> None:
    assert tuple(RULES) == FLAGS


TRANSACTIONS = st.builds(
    one,
    id=st.integers(0, 20).map(lambda number: f"t{number}"),
    amount=st.integers(1, 10**15 - 1).map(Decimal) | st.sampled_from([Decimal(100), Decimal(5000)]),
    type=st.sampled_from(TYPES),
    status=st.sampled_from(STATUSES),
    timestamp=st.integers(0, 1200).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    recorded_at=st.integers(0, 1200).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    authorization_id=st.none() | st.integers(0, 20).map(lambda number: f"t{number}"),
    merchant=st.none() | st.sampled_from([BAKERY, {**BAKERY, "country": "FR"}, {"country": "GA"}]),
)
HISTORIES = st.lists(TRANSACTIONS, max_size=40, unique_by=lambda transaction: transaction.id)
EAGER = dataclasses.replace(
    DEFAULT_THRESHOLDS,
    velocity_count=1,
    unusual_times=Decimal(1),
    unusual_deviations=Decimal(0),
    unusual_min_count=2,
    new_country_min_count=1,
)


@given(HISTORIES)
def test_a_flag_does_not_hang_on_whether_the_history_holds_the_transaction(transactions: list[Transaction]) -> None:
    # One after the other, as they are recorded: the job may have come as far as the one that is judged, or not.
    transactions = sorted(transactions, key=lambda one: (one.recorded_at, one.id))
    early, late = Baseline(), Baseline()
    for transaction in transactions:
        late.add_row(*place_of(transaction), transaction)
        before, after = judge(transaction, early, EAGER), judge(transaction, late, EAGER)
        early.add_row(*place_of(transaction), transaction)
        if len(late.recents) < MAX_RECENT:
            assert before.keys() - {"unusual_amount"} == after.keys() - {"unusual_amount"}
        assert before.get("new_country") == after.get("new_country")


@given(TRANSACTIONS, HISTORIES)
def test_evidence_is_json_of_texts_and_whole_numbers_and_repeats_no_name(
    transaction: Transaction, others: list[Transaction]
) -> None:
    flags = judge(transaction, history(*others), EAGER)
    for evidence in flags.values():
        assert all(isinstance(value, (str, int, list)) for value in evidence.values())
    assert "Boulangerie" not in json.dumps(flags)


@given(TRANSACTIONS, HISTORIES, st.integers(1, 15))
def test_a_higher_limit_never_flags_more(transaction: Transaction, others: list[Transaction], limit: int) -> None:
    baseline = history(*others)

    def flagged(thresholds: Thresholds) -> set[str]:
        return set(judge(transaction, baseline, thresholds))

    lower = dataclasses.replace(EAGER, velocity_count=limit)
    higher = dataclasses.replace(
        lower,
        velocity_count=limit + 1,
        unusual_times=Decimal(2),
        unusual_deviations=Decimal(1),
        unusual_min_count=3,
        new_country_min_count=2,
        large_amounts={code: amount * 2 for code, amount in lower.large_amounts.items()},
        duplicate_minutes=lower.duplicate_minutes - 1,
    )
    assert flagged(higher) <= flagged(lower)


@given(TRANSACTIONS, HISTORIES)
def test_judging_leaves_the_history_as_it_was(transaction: Transaction, others: list[Transaction]) -> None:
    baseline, same = history(*others), history(*others)
    judge(transaction, baseline, EAGER)
    assert baseline == same
