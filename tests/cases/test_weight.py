"""What puts a case before another one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.banks.thresholds import FLAGS
from chalicelib.cases.weight import MOST, NOT_RECOGNIZED, SIGNS, weight_of_flags, weight_with_answers
from chalicelib.flags.answers import Answer
from tests.samples import EVIDENCE


def test_each_rule_is_a_sign_and_flags_add_up() -> None:
    assert set(SIGNS) == set(FLAGS)
    assert weight_of_flags({"velocity": EVIDENCE["velocity"]}, "debit") == 30
    both = {name: EVIDENCE[name] for name in ("velocity", "new_country")}
    assert weight_of_flags(both, "debit") == 60


@pytest.mark.parametrize(("amount", "more"), [("1500000", 1), ("2999999", 2), ("20000000", 20), ("999000000", 20)])
def test_an_amount_counts_by_its_multiples_of_the_threshold(amount: str, more: int) -> None:
    flags = {"large_amount": {**EVIDENCE["large_amount"], "amount": amount}}
    assert weight_of_flags(flags, "debit") == SIGNS["large_amount"] + more


def test_an_unusual_amount_weighs_by_how_many_times_the_usual_it_is() -> None:
    flags = {"unusual_amount": {**EVIDENCE["unusual_amount"], "times": "7.9"}}
    assert weight_of_flags(flags, "debit") == SIGNS["unusual_amount"] + 7


def test_money_that_comes_in_weighs_half() -> None:
    assert weight_of_flags({"velocity": EVIDENCE["velocity"]}, "credit") == 15


def test_a_holder_who_does_not_recognize_it_comes_before_any_flags() -> None:
    every = weight_of_flags(EVIDENCE, "debit")
    least = weight_with_answers(weight_of_flags({"duplicate_suspect": EVIDENCE["duplicate_suspect"]}, "credit"), [])
    assert weight_with_answers(least, [Answer.RECOGNIZED, Answer.NOT_RECOGNIZED]) > every
    assert weight_with_answers(every, [Answer.RECOGNIZED]) == every // 4


@given(
    st.sets(st.sampled_from(FLAGS)),
    st.decimals(1, 10**15, places=2),
    st.sampled_from(["credit", "debit"]),
    st.lists(st.sampled_from(Answer)),
)
def test_each_weight_is_between_nothing_and_the_most(
    names: set[str], amount: Decimal, kind: str, answers: list[Answer]
) -> None:
    flags = {
        name: {**EVIDENCE[name], **({"amount": str(amount)} if "amount" in EVIDENCE[name] else {})} for name in names
    }
    weight = weight_with_answers(weight_of_flags(flags, kind), answers)
    assert 0 <= weight <= MOST
    assert (weight >= NOT_RECOGNIZED) == (Answer.NOT_RECOGNIZED in answers)
