"""The story of a purchase: what each transaction is in it, and how the purchase stands after it."""

import dataclasses
import itertools
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.purchase import (
    Member,
    Role,
    Step,
    in_order,
    named_by,
    related,
    stands_for,
    start,
    steps,
    subject,
)
from chalicelib.ledger.transaction import Transaction
from tests.purchase_cast import CAST, later
from tests.samples import transaction

AUTHORIZATION = CAST["A"]

# Letters of the cast in the order in which they come after the authorization; then each one's role, and what is then
# authorized less what is released, what is settled, and what is left.
STORIES = {
    "S": ("settled_as_authorized", 100, 100, 0),
    "T": ("final_amount", 100, 120, 0),
    "t": ("part", 100, 60, 40),
    "U": ("final_amount", 100, 0, 0),
    "C": ("refund", 100, 0, 100),
    "D": ("unrelated", 100, 0, 100),
    "i": ("increment", 120, 0, 120),
    "i T": ("increment settled_as_authorized", 120, 120, 0),
    "T i": ("final_amount covered_increment", 120, 120, 0),
    "S i": ("settled_as_authorized increment", 120, 100, 20),
    "i S": ("increment part", 120, 100, 20),
    "i j": ("increment increment", 170, 0, 170),
    "r": ("release", 60, 0, 60),
    "r t": ("release settled_as_authorized", 60, 60, 0),
    "r S": ("release final_amount", 60, 100, 0),
    "r S p": ("release final_amount covered_increment", 100, 100, 0),
    "t r": ("part release", 60, 60, 0),
    "t r q": ("part release after_the_end", 60, 100, 0),
    "R": ("release", 0, 0, 0),
    "R S": ("release after_the_end", 0, 100, 0),
    "R R": ("release", 0, 0, 0),
    "R r": ("release after_the_end", 0, 0, 0),
    "S R": ("settled_as_authorized after_the_end", 100, 100, 0),
    # a release that comes before what it releases
    "R r i": ("release after_the_end increment", 0, 0, 0),
    "R r i j": ("release after_the_end increment increment", 30, 0, 30),
    "R r i j t": ("release after_the_end increment increment final_amount", 30, 60, 0),
    "t R": ("part release", 60, 60, 0),
    "t R p": ("part release increment", 60, 60, 0),
    "S r i": ("settled_as_authorized after_the_end increment", 100, 100, 0),
    "S r i j": ("settled_as_authorized after_the_end increment increment", 130, 100, 30),
    "T r i i": ("final_amount after_the_end covered_increment", 120, 120, 0),
    "T r i j": ("final_amount after_the_end covered_increment increment", 130, 120, 10),
    "t q": ("part last_part", 100, 100, 0),
    "q t": ("part last_part", 100, 100, 0),
    "t T": ("part beyond", 100, 180, 0),
    "t q S": ("part last_part after_the_end", 100, 200, 0),
    "i t u": ("increment part last_part", 120, 120, 0),
    "t U": ("part beyond", 100, 60, 40),
    "U S": ("final_amount after_the_end", 100, 100, 0),
    "U V": ("final_amount after_the_end", 100, 0, 0),
    "S U": ("settled_as_authorized after_the_end", 100, 100, 0),
    "R U": ("release after_the_end", 0, 0, 0),
    "U i": ("final_amount unrelated", 100, 0, 0),
    "w": ("unrelated", 100, 0, 100),
    "b": ("unrelated", 100, 0, 100),
    "B": ("unrelated", 100, 0, 100),
    "Y": ("unrelated", 100, 0, 100),
}
OTHERS = {
    "q": later("q", amount=Decimal(40)),
    "u": later("u", amount=Decimal(60)),
    "V": later("V", currency="USD"),
    "j": later("j", status="authorized", amount=Decimal(50)),
    "p": later("p", status="authorized", amount=Decimal(40)),
    "w": later("w", status="reversed", currency="USD"),
    "b": later("b", account="a1"),
    "B": later("B", status="authorized", currency="USD"),
    "Y": later("Y", status="reversed", authorization_id=None, reversal_of="A"),
}
EVERYBODY = {**CAST, **OTHERS}


def members(letters: Sequence[str]) -> list[Member]:
    return [Member.of(EVERYBODY[letter]) for letter in letters]


@pytest.mark.parametrize("letters", STORIES)
def test_each_story_goes_as_the_table_says(letters: str) -> None:
    roles, total, settled, left = STORIES[letters]
    found = steps(AUTHORIZATION, members(letters.split()))
    assert " ".join(step.role for step in found.values()) == roles
    last = list(found.values())[-1]
    assert (last.total, last.settled, last.left, last.is_over) == (total, settled, left, left == 0)


@pytest.mark.parametrize(
    ("letters", "parts"), [("t q S", [1, 2, 3]), ("U S V", [1, 2, 2]), ("i r t C D u", [0, 0, 1, 1, 1, 2])]
)
def test_after_each_step_the_parts_that_were_settled_are_known(letters: str, parts: list[int]) -> None:
    assert start(AUTHORIZATION).parts == 0
    assert [step.parts for step in steps(AUTHORIZATION, members(letters.split())).values()] == parts


@pytest.mark.parametrize("status", ["settled", "declined", "reversed"])
def test_what_names_no_authorization_is_in_no_story(status: str) -> None:
    named = dataclasses.replace(AUTHORIZATION, status=status)
    found = steps(named, members("SirtC"))
    assert {step.role for step in found.values()} == {Role.UNRELATED}


def test_of_an_authorization_that_is_not_stored_a_member_says_what_it_says_of_itself() -> None:
    found = steps(None, members("SirY"))
    assert [step.role for step in found.values()] == ["unrelated", "increment", "release", "reversal"]
    assert {step.total for step in found.values()} == {0}


@pytest.mark.parametrize(
    ("changes", "role"),
    [
        ({}, Role.REVERSAL),
        ({"amount": Decimal(30)}, Role.REVERSAL),
        ({"account": "a1"}, Role.UNRELATED),
        ({"type": "credit"}, Role.UNRELATED),
        ({"currency": "USD"}, Role.UNRELATED),
    ],
)
def test_a_reversal_is_of_a_settled_transaction_of_its_account_type_and_currency(
    changes: dict[str, Any], role: Role
) -> None:
    reversal = later("Y", **{"status": "reversed", "authorization_id": None, "reversal_of": "O", **changes})
    settled = dataclasses.replace(CAST["O"], id="O")
    assert steps(settled, [Member.of(reversal)])["Y"].role is role


def test_what_is_left_of_a_settled_transaction_shrinks_by_its_reversals() -> None:
    reversals = [
        later(f"Y{number}", status="reversed", reversal_of="O", amount=Decimal(30), authorization_id=None)
        for number in range(4)
    ]
    found = steps(CAST["O"], map(Member.of, reversals))
    assert [step.left for step in found.values()] == [70, 40, 10, 0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, None),
        ({"authorization_id": "A"}, "A"),
        ({"authorization_id": "A", "status": "authorized"}, "A"),
        ({"authorization_id": "A", "status": "reversed"}, "A"),
        ({"authorization_id": "A", "status": "declined"}, None),
        ({"reversal_of": "B", "status": "reversed"}, "B"),
        ({"reversal_of": "B", "authorization_id": "A", "status": "reversed"}, "B"),
        ({"authorization_id": "S"}, None),
    ],
)
def test_what_a_transaction_names(changes: dict[str, Any], named: str | None) -> None:
    expected = TransactionKey("eazycard", named) if named else None
    assert named_by(transaction(id="S", **changes)) == expected


def test_a_payment_stands_for_its_authorization_and_a_release_for_the_one_of_which_nothing_is_left() -> None:
    about, exactly = subject(AUTHORIZATION)
    assert stands_for(CAST["S"]) == stands_for(CAST["t"]) == {about}
    assert exactly in stands_for(CAST["R"])
    assert exactly not in stands_for(CAST["r"])
    assert about not in stands_for(CAST["R"])
    refund = stands_for(CAST["C"])
    assert not {about, exactly} & refund
    assert stands_for(CAST["i"]) == stands_for(OTHERS["Y"]) == frozenset()
    assert subject(dataclasses.replace(AUTHORIZATION, amount=Decimal("100.00"))) == (about, exactly)


def test_of_one_moment_what_adds_comes_before_what_settles_and_that_before_what_releases() -> None:
    statuses = {"d": "authorized", "e": "authorized", "b": "settled", "c": "settled", "a": "reversed"}
    told = [later(id_, status=status, amount=Decimal(20)) for id_, status in sorted(statuses.items())]
    assert [member.id for member in in_order(map(Member.of, told))] == list(statuses)
    assert list(related(AUTHORIZATION, map(Member.of, told))) == list(statuses)


def test_an_earlier_transaction_comes_first_whatever_it_is_and_whenever_it_comes_in() -> None:
    release = later("a", status="reversed", timestamp=AUTHORIZATION.timestamp + timedelta(seconds=1))
    payment = later("b", timestamp=AUTHORIZATION.timestamp + timedelta(seconds=2))
    increment = later("c", status="authorized", timestamp=AUTHORIZATION.timestamp + timedelta(seconds=3))
    found = related(AUTHORIZATION, map(Member.of, (increment, payment, release)))
    assert {id_: step.role for id_, step in found.items()} == {
        "a": Role.RELEASE,
        "b": Role.AFTER_END,
        "c": Role.COVERED,
    }


@pytest.mark.parametrize("is_early", [True, False])
def test_a_member_has_of_its_transaction_what_counts(is_early: bool) -> None:
    release, reversal = CAST["r"], CAST["Y"]
    fields = ("id", "account", "amount", "currency", "type", "status", "timestamp")
    for one in (release, reversal):
        member = Member.of(one, is_early)
        assert [getattr(member, name) for name in fields] == [getattr(one, name) for name in fields]
        assert (member.is_reversal, member.is_early) == (one is reversal, is_early)
    # What says nothing of itself comes in after the transaction that it names.
    assert not Member.of(release).is_early
    assert Member(*(getattr(release, name) for name in fields)) == Member.of(release)


# Properties

AMOUNTS = st.integers(1, 12).map(lambda tens: Decimal(tens * 10))


@st.composite
def purchases(draw: st.DrawFn) -> list[Transaction]:
    return [
        later(
            f"m{number}",
            amount=draw(AMOUNTS),
            status=draw(st.sampled_from(["settled", "settled", "authorized", "reversed"])),
            type=draw(st.sampled_from(["debit", "debit", "debit", "credit"])),
            currency=draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
            timestamp=AUTHORIZATION.timestamp + timedelta(seconds=draw(st.integers(0, 3))),
        )
        for number in range(draw(st.integers(1, 7)))
    ]


@given(purchases(), st.randoms(use_true_random=False))
def test_once_all_are_known_the_order_in_which_they_came_makes_no_difference(
    told: list[Transaction], random: Any
) -> None:
    expected = dict(related(AUTHORIZATION, map(Member.of, told)))
    random.shuffle(told)
    assert dict(related(AUTHORIZATION, map(Member.of, told))) == expected


@given(purchases(), st.randoms(use_true_random=False))
def test_in_whatever_order_they_come_the_sums_are_those_of_all_of_them(told: list[Transaction], random: Any) -> None:
    told = [one for one in told if one.currency == "EUR"]

    def sum_of(status: str) -> Decimal:
        counted = (one.amount for one in told if one.status == status and (one.type == "debit" or status == "reversed"))
        return sum(counted, Decimal(0))

    authorized, released, settled = 100 + sum_of("authorized"), sum_of("reversed"), sum_of("settled")
    random.shuffle(told)
    members = [Member.of(one) for one in told]
    for found in (steps(AUTHORIZATION, members), related(AUTHORIZATION, members)):
        last = [start(AUTHORIZATION), *found.values()][-1]
        assert (last.authorized, last.released, last.settled) == (authorized, released, settled)
        assert last.left == max(authorized - released - settled, Decimal(0))


@given(purchases())
def test_what_comes_later_changes_nothing_of_what_was_and_repeats_count_once(told: list[Transaction]) -> None:
    whole = steps(AUTHORIZATION, map(Member.of, told))
    for count in range(len(told)):
        before = steps(AUTHORIZATION, map(Member.of, told[:count]))
        assert before.items() <= whole.items()
    repeated = [Member.of(one) for one in itertools.chain(told, reversed(told))]
    assert steps(AUTHORIZATION, repeated) == whole


@given(purchases())
def test_all_money_that_moves_is_told_and_none_of_it_twice(told: list[Transaction]) -> None:
    """What mails name as new (the authorization, increments, what is over, other payments) is what was settled, is
    left, or was released; and what is told as a part of what was named is never more than that."""
    before, heard, parts = start(AUTHORIZATION), AUTHORIZATION.amount, Decimal(0)
    for one in told:
        step = steps(AUTHORIZATION, map(Member.of, told))[one.id]
        if one.currency == "EUR" and not before.is_closed:
            match step.role:
                case Role.INCREMENT:
                    heard += one.amount
                case Role.FINAL:
                    heard += one.amount - before.left
                    parts += before.left
                case Role.BEYOND | Role.AFTER_END if one.status == "settled":
                    heard += one.amount
                case Role.AS_AUTHORIZED | Role.PART | Role.LAST_PART:
                    parts += one.amount
                    assert one.amount <= before.left
            assert step.settled <= heard
            assert parts <= step.total
            assert step.left <= heard - step.settled
        assert step.left >= 0
        assert step.total >= 0
        before = step


@given(purchases())
def test_in_order_is_by_time_and_then_adds_before_it_settles(told: list[Transaction]) -> None:
    ordered = in_order(map(Member.of, told))
    assert [member.timestamp for member in ordered] == sorted(one.timestamp for one in told)
    for first, second in itertools.pairwise(ordered):
        if first.timestamp == second.timestamp and second.status == "authorized":
            assert first.status == "authorized"


def test_at_the_start_all_that_is_authorized_is_left() -> None:
    assert start(AUTHORIZATION) == Step(Role.NAMED, authorized=Decimal(100))
    assert start(AUTHORIZATION).left == 100


def test_roles_have_the_names_that_answers_have() -> None:
    assert [role.value for role in Role] == [
        *("named", "increment", "covered_increment", "release", "settled_as_authorized", "part", "last_part"),
        *("final_amount", "beyond", "after_the_end", "reversal", "refund", "unrelated"),
    ]


@pytest.mark.parametrize("type_", ["credit", "debit"])
def test_a_release_stands_for_an_authorization_of_either_type(type_: str) -> None:
    release = transaction(type=type_, status="reversed", authorization_id="a", reversal_of=None)
    named = {subject(dataclasses.replace(release, type=one))[1] for one in ("credit", "debit")}

    assert stands_for(release) == named
    assert len(named) == 2
    assert stands_for(dataclasses.replace(release, reversal_of="s")) == frozenset()
