"""Confirmed addresses in the tables, on both engines: for all of a bank's holders who have one, and for nobody else."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.errors import HolderNotFound, TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.choice import amended
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from tests.fakes import Failing, Interrupted, refusal
from tests.interleaving import interleaved

_numbers = itertools.count()
NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
EMAIL = "awa@example.com"
ADDRESS = Address.of("eazycard", EMAIL)


class Trial:
    """A bank whose holders must confirm their addresses, and another one."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.holders = HolderRepository(client, "AccountsTable", make_alias=str)
        self.addresses = AddressRepository(client, "AddressesTable")
        self.enrolment = Enrolment(self.addresses, self.holders)

    def enrol(
        self,
        account: str,
        email: str = EMAIL,
        bank: str = "eazycard",
        at: datetime = NOW,
        must_confirm: bool = True,
    ) -> Holder:
        holder = Holder("awa", "Awa", email, "fr", "UTC", {}, at)
        return self.enrolment.enrol(bank, account, holder, must_confirm=must_confirm)[0]

    def waiting(self, *accounts: str, bank: str = "eazycard") -> list[bool]:
        return [one.awaits_confirmation for account in accounts for one in self.holders.of_account(bank, account)]


@pytest.fixture
def trial(each_dynamodb: Any) -> Trial:
    return Trial(each_dynamodb)


def test_one_confirmation_is_for_all_of_the_banks_holders_with_the_address_and_for_no_other_bank(trial: Trial) -> None:
    for account, email in (("A1", EMAIL), ("A2", "AWA@example.com"), ("A3", "ben@example.com")):
        assert trial.enrol(account, email).awaits_confirmation
    trial.enrol("A1", bank="other-bank")
    trial.enrolment.confirm(ADDRESS, LATER)
    assert trial.waiting("A1", "A2", "A3") == [False, False, True]
    assert trial.waiting("A1", bank="other-bank") == [True]
    (awa,) = trial.holders.of_account("eazycard", "A1")
    assert (awa.confirmation_asked_at, awa.address_confirmed_at) == (NOW, LATER)


def test_who_joins_a_confirmed_address_is_confirmed_and_a_second_press_keeps_the_first_time(trial: Trial) -> None:
    trial.enrol("A1")
    trial.enrolment.confirm(ADDRESS, LATER)
    trial.enrolment.confirm(ADDRESS, LATER + timedelta(days=1))
    joined = trial.enrol("A2", at=LATER + timedelta(days=2))
    assert (joined.awaits_confirmation, joined.address_confirmed_at) == (False, LATER)


def test_another_address_must_be_confirmed_and_the_one_from_before_is_forgotten(trial: Trial) -> None:
    trial.enrol("A1")
    trial.enrolment.confirm(ADDRESS, LATER)

    def move(before: Holder) -> Holder:
        return amended(before, {"email": "new@example.com"}, LATER)

    assert trial.enrolment.amend("eazycard", "A1", "awa", move, must_confirm=True).awaits_confirmation
    assert trial.addresses.standing(ADDRESS).confirmed_at is None
    assert trial.enrol("A1", at=LATER).awaits_confirmation


def test_an_erasure_removes_the_confirmation_when_nobody_has_the_address_any_more(trial: Trial) -> None:
    for account in ("A1", "A2"):
        trial.enrol(account)
    trial.enrolment.confirm(ADDRESS, LATER)
    trial.enrolment.erase("eazycard", "A1", "awa", NOW)
    assert trial.addresses.standing(ADDRESS).confirmed_at == LATER
    trial.enrolment.erase("eazycard", "A2", "awa", NOW)
    assert trial.addresses.standing(ADDRESS).confirmed_at is None
    assert trial.enrol("A1", at=LATER).awaits_confirmation


def test_a_suppression_and_a_confirmation_change_nothing_of_each_other(trial: Trial) -> None:
    trial.enrol("A1")
    bounced = Suppressed("hard_bounce", NOW)
    trial.enrolment.suppress(Address.of("eazycard", EMAIL), bounced, bounced.since)
    trial.enrolment.confirm(ADDRESS, LATER)
    (awa,) = trial.holders.of_account("eazycard", "A1")
    assert (awa.suppressed, awa.address_confirmed_at) == (bounced, LATER)
    trial.enrolment.lift_address(ADDRESS, LATER)
    (awa,) = trial.holders.of_account("eazycard", "A1")
    assert (awa.suppressed, awa.address_confirmed_at) == (None, LATER)
    assert trial.addresses.standing(ADDRESS).confirmed_at == LATER


def test_a_confirmation_leaves_what_a_broken_lifting_has_left(trial: Trial) -> None:
    trial.enrol("A1")
    trial.enrolment.suppress(Address.of("eazycard", EMAIL), Suppressed("hard_bounce", NOW), NOW)
    broken = Trial(Failing(trial.client, refusal("ThrottlingException"), 0, "query"))
    with pytest.raises(TemporarilyUnavailable):
        broken.enrolment.lift_address(ADDRESS, LATER)
    trial.enrolment.confirm(ADDRESS, LATER)
    (entry,) = trial.addresses.all_standings()
    assert entry.has_marks_left


def test_a_confirmation_that_broke_off_is_completed_by_the_next_press(trial: Trial) -> None:
    for number in range(3):
        trial.enrol(f"A{number}")
    failing = Trial(Failing(trial.client, refusal("ThrottlingException"), 1, "update_item"))
    with pytest.raises(TemporarilyUnavailable):
        failing.enrolment.confirm(ADDRESS, LATER)
    # The page looks at the first holder, who is confirmed last.
    assert trial.enrolment.first_at(ADDRESS).awaits_confirmation
    trial.enrolment.confirm(ADDRESS, LATER + timedelta(minutes=1))
    assert trial.waiting("A0", "A1", "A2") == [False] * 3


def test_an_address_that_nobody_has_is_not_found(trial: Trial) -> None:
    with pytest.raises(HolderNotFound):
        trial.enrolment.first_at(ADDRESS)
    trial.enrol("A1")
    trial.enrolment.erase("eazycard", "A1", "awa", NOW)
    with pytest.raises(HolderNotFound):
        trial.enrolment.first_at(ADDRESS)


CHANGES: dict[str, Callable[[Trial], object]] = {
    "another address": lambda trial: trial.enrol("A1", "new@example.com", at=LATER),
    "no confirmation wanted": lambda trial: trial.enrol("A1", must_confirm=False),
    "erased": lambda trial: trial.enrolment.erase("eazycard", "A1", "awa", NOW),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("at", range(5))
def test_what_is_changed_at_any_moment_of_a_confirmation_is_not_confirmed_by_it(
    trial: Trial, at: int, change: str
) -> None:
    trial.enrol("A1")
    interrupted = Interrupted(trial.client, lambda: CHANGES[change](trial), at)
    Trial(interrupted).enrolment.confirm(ADDRESS, LATER)
    assert interrupted.has_happened
    found = [(one.email, one.address_confirmed_at) for one in trial.holders.of_account("eazycard", "A1")]
    assert found in ([], [("new@example.com", None)], [(EMAIL, None)])


@pytest.mark.parametrize("at", range(9))
def test_a_confirmation_at_any_moment_of_an_enrolment_is_not_missed(trial: Trial, at: int) -> None:
    trial.enrol("A1")
    Trial(Interrupted(trial.client, lambda: trial.enrolment.confirm(ADDRESS, LATER), at)).enrol("A2")
    if trial.addresses.standing(ADDRESS).confirmed_at is None:
        trial.enrolment.confirm(ADDRESS, LATER)  # the enrolment was over by then
    assert trial.waiting("A1", "A2") == [False, False]


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_however_enrolments_and_presses_interleave_nobody_with_the_confirmed_address_waits(
    dynamodb: Any, table_names: dict[str, str], data: st.DataObject
) -> None:
    number = next(_numbers)
    email, accounts = f"awa{number}@example.com", (f"A{number}", f"B{number}")
    address = Address.of("eazycard", email)
    Trial(dynamodb).enrol(accounts[0], email)
    works = [
        lambda client: Trial(client).enrolment.confirm(address, LATER),
        lambda client: Trial(client).enrol(accounts[1], email.upper()),
        lambda client: Trial(client).enrol(accounts[0], email, at=LATER),
    ]
    interleaved(works, dynamodb, lambda count: data.draw(st.integers(0, count - 1)))
    assert Trial(dynamodb).waiting(*accounts) == [False, False]
