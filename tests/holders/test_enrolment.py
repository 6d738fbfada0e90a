"""Enrolment and suppression together, on both engines: a suppressed address is suppressed for all of its holders."""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib.aws.dynamo import from_item
from chalicelib.errors import (
    HolderNotFound,
    LiftedLately,
    NotSuppressed,
    PreconditionFailed,
    TemporarilyUnavailable,
    TooManyHolders,
)
from chalicelib.holders.address import Address, id_key
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.choice import amended
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.holder import MAX_HOLDERS, Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.email_address import same_address
from tests.fakes import Failing, Interrupted, refusal
from tests.interleaving import interleaved
from tests.sizes import size

_numbers = itertools.count()

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BOUNCED = Suppressed("hard_bounce", NOW + timedelta(minutes=1))
COMPLAINED = Suppressed("complaint", NOW + timedelta(minutes=2))


class Enrolled:
    """The tables of holders and addresses, and what is in them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.holders = HolderRepository(client, "AccountsTable", make_alias=str)
        self.addresses = AddressRepository(client, "AddressesTable")
        self.enrolment = Enrolment(self.addresses, self.holders)

    def enrol(self, account: str, holder_id: str, email: str, bank: str = "eazycard", minute: int = 0) -> Holder:
        at = NOW + timedelta(minutes=minute)
        return self.enrolment.enrol(bank, account, Holder(holder_id, "Awa", email, "fr", "UTC", {}, at))[0]

    def suppressed(self, account: str, bank: str = "eazycard") -> dict[str, str | None]:
        """Return the reason for each of an account's holders."""
        found = self.holders.of_account(bank, account)
        return {one.id: one.suppressed.reason if one.suppressed else None for one in found}

    def at(self, email: str, bank: str = "eazycard") -> list[str]:
        return self.addresses.accounts_behind(Address.of(bank, email), "", 1_000)[0]


@pytest.fixture
def enrolled(each_dynamodb: Any) -> Enrolled:
    return Enrolled(each_dynamodb)


def test_an_address_is_suppressed_for_all_of_the_banks_holders_who_have_it(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "Awa@Example.com")
    enrolled.enrol("A1", "ben", "ben@example.com")
    enrolled.enrol("A1", "eve", "awa@example.com")
    enrolled.enrol("A2", "awa", "awa@example.COM")
    enrolled.enrol("A1", "awa", "awa@example.com", bank="other")
    enrolled.enrolment.suppress(Address.of("eazycard", "AWA@example.com"), BOUNCED, BOUNCED.since)
    assert enrolled.suppressed("A1") == {"awa": "hard_bounce", "ben": None, "eve": "hard_bounce"}
    assert enrolled.suppressed("A2") == {"awa": "hard_bounce"}
    assert enrolled.suppressed("A1", "other") == {"awa": None}
    (awa,) = enrolled.holders.of_account("eazycard", "A2")
    assert awa.suppressed == BOUNCED


def test_the_same_address_stays_suppressed_and_another_address_ends_the_suppression(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    assert enrolled.enrol("A1", "awa", "AWA@example.com", minute=3).suppressed == BOUNCED
    assert enrolled.suppressed("A1") == {"awa": "hard_bounce"}
    assert enrolled.enrol("A1", "awa", "new@example.com", minute=4).suppressed is None
    assert enrolled.suppressed("A1") == {"awa": None}
    assert enrolled.enrol("A1", "awa", "awa@example.com", minute=5).suppressed == BOUNCED


def test_a_new_holder_with_a_suppressed_address_begins_suppressed(enrolled: Enrolled) -> None:
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    assert enrolled.enrol("A9", "awa", "awa@example.com").suppressed == BOUNCED
    assert enrolled.enrol("A9", "awa", "awa@example.com", bank="other").suppressed is None


def test_a_complaint_about_an_old_address_leaves_the_new_one_alone(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "old@example.com")
    enrolled.enrol("A1", "awa", "new@example.com", minute=1)
    enrolled.enrolment.suppress(Address.of("eazycard", "old@example.com"), COMPLAINED, COMPLAINED.since)
    assert enrolled.suppressed("A1") == {"awa": None}


@pytest.mark.parametrize("order", [(BOUNCED, COMPLAINED), (COMPLAINED, BOUNCED)])
def test_of_several_reasons_the_first_in_time_stays_whatever_is_heard_first(
    enrolled: Enrolled, order: tuple[Suppressed, Suppressed]
) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    for suppressed in (*order, *order):
        enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), suppressed, suppressed.since)
    (awa,) = enrolled.holders.of_account("eazycard", "A1")
    assert awa.suppressed == BOUNCED


def test_the_table_holds_no_address_and_forgets_a_holder_who_moved_or_was_erased(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    enrolled.enrol("A1", "ben", "awa@example.com")
    assert "example" not in str(enrolled.client.scan(TableName="AddressesTable")["Items"])
    assert enrolled.at("awa@example.com") == ["A1", "A1"]
    enrolled.enrol("A1", "awa", "new@example.com", minute=1)
    assert enrolled.at("awa@example.com") == ["A1"]
    enrolled.enrolment.erase("eazycard", "A1", "ben", NOW)
    assert enrolled.at("awa@example.com") == []
    with pytest.raises(HolderNotFound):
        enrolled.enrolment.erase("eazycard", "A1", "ben", NOW)


def test_a_holder_too_many_leaves_no_entry(enrolled: Enrolled) -> None:
    for number in range(MAX_HOLDERS):
        enrolled.enrol("A1", f"h{number}", f"h{number}@example.com")
    with pytest.raises(TooManyHolders):
        enrolled.enrol("A1", "more", "more@example.com")
    assert enrolled.at("more@example.com") == []


def test_an_address_of_very_many_accounts_is_suppressed_in_all_of_them(dynamodb: Any, table_names: Any) -> None:
    enrolled = Enrolled(dynamodb)
    for number in range(105):
        enrolled.enrol(f"A{number}", "treasury", "treasury@example.com")
    enrolled.enrolment.suppress(Address.of("eazycard", "treasury@example.com"), BOUNCED, BOUNCED.since)
    assert all(enrolled.suppressed(f"A{number}") == {"treasury": "hard_bounce"} for number in range(105))


def test_a_suppression_that_broke_off_is_finished_by_its_repetition(enrolled: Enrolled) -> None:
    for number in range(3):
        enrolled.enrol(f"A{number}", "awa", "awa@example.com")
    broken = Enrolled(Failing(enrolled.client, refusal("ThrottlingException"), 1, "update_item"))
    with pytest.raises(TemporarilyUnavailable):
        broken.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    assert [enrolled.suppressed(f"A{number}")["awa"] for number in range(3)] == ["hard_bounce"] * 3


@pytest.mark.parametrize("at", range(9))
def test_a_bounce_at_any_moment_of_an_enrolment_suppresses_the_new_holder(enrolled: Enrolled, at: int) -> None:
    enrolled.enrol("A1", "awa", "old@example.com")

    def bounce() -> None:
        enrolled.enrolment.suppress(Address.of("eazycard", "new@example.com"), BOUNCED, BOUNCED.since)

    Enrolled(Interrupted(enrolled.client, bounce, at)).enrol("A1", "awa", "new@example.com", minute=1)
    if enrolled.addresses.suppressed(Address.of("eazycard", "new@example.com")) is None:
        bounce()  # the enrolment was over by then
    assert enrolled.suppressed("A1") == {"awa": "hard_bounce"}


@pytest.mark.parametrize("at", range(6))
def test_an_enrolment_at_any_moment_of_a_suppression_is_not_missed(enrolled: Enrolled, at: int) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")

    def enrol() -> None:
        enrolled.enrol("A2", "ben", "awa@example.com")
        enrolled.enrol("A1", "awa", "new@example.com", minute=1)

    Enrolled(Interrupted(enrolled.client, enrol, at)).enrolment.suppress(
        Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since
    )
    if not enrolled.suppressed("A2"):
        enrol()  # the suppression was over by then
    assert enrolled.suppressed("A2") == {"ben": "hard_bounce"}
    assert enrolled.suppressed("A1") == {"awa": None}


def moved_to(email: str, minute: int) -> Callable[[Holder], Holder]:
    return lambda before: amended(before, {"email": email}, NOW + timedelta(minutes=minute))


def test_an_amended_holder_moves_with_the_address_s_entry_and_its_suppression(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    enrolled.enrolment.suppress(Address.of("eazycard", "new@example.com"), BOUNCED, BOUNCED.since)
    amended_holder = enrolled.enrolment.amend("eazycard", "A1", "awa", moved_to("new@example.com", 3))
    assert (amended_holder.email, amended_holder.suppressed) == ("new@example.com", BOUNCED)
    assert (enrolled.at("awa@example.com"), enrolled.at("new@example.com")) == ([], ["A1"])
    with pytest.raises(HolderNotFound):
        enrolled.enrolment.amend("eazycard", "A1", "ben", moved_to("new@example.com", 3))
    assert enrolled.at("new@example.com") == ["A1"]


def test_an_enrolment_that_the_check_refuses_changes_nothing_at_all(enrolled: Enrolled) -> None:
    awa = enrolled.enrol("A1", "awa", "awa@example.com")

    def refuse(before: Holder | None, after: Holder) -> None:
        assert (before, after.email) == (awa, "new@example.com")
        raise PreconditionFailed

    later = dataclasses.replace(awa, email="new@example.com", enrolled_at=NOW + timedelta(minutes=1))
    with pytest.raises(PreconditionFailed):
        enrolled.enrolment.enrol("eazycard", "A1", later, refuse)
    with pytest.raises(PreconditionFailed):
        enrolled.enrolment.amend("eazycard", "A1", "awa", moved_to("new@example.com", 1), refuse)
    with pytest.raises(PreconditionFailed):
        enrolled.enrolment.erase("eazycard", "A1", "awa", NOW, lambda before: refuse(before, later))
    assert enrolled.holders.of_account("eazycard", "A1") == [awa]
    assert (enrolled.at("awa@example.com"), enrolled.at("new@example.com")) == (["A1"], [])


@pytest.mark.parametrize("other", ["other@example.com", "NEW@example.com"])
def test_an_enrolment_refused_after_another_writer_leaves_the_stored_address_s_entry_only(
    enrolled: Enrolled, other: str
) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    calls: list[str] = []

    def refuse_the_second_time(before: Holder | None, after: Holder) -> None:
        assert before is not None
        calls.append(before.email)
        if len(calls) == 1:
            enrolled.enrol("A1", "awa", other, minute=1)
        else:
            raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        enrolled.enrolment.amend("eazycard", "A1", "awa", moved_to("new@example.com", 2), refuse_the_second_time)
    assert calls == ["awa@example.com", other]
    addresses = {"awa@example.com", "new@example.com", other}
    assert {address.lower() for address in addresses if enrolled.at(address)} == {other.lower()}


LATER = NOW + timedelta(minutes=30)
PASSING = Suppressed("policy_bounce", NOW + timedelta(minutes=3), NOW + timedelta(days=14))
BOUNCED_AGAIN = Suppressed("hard_bounce", LATER + timedelta(minutes=1))


def test_lifting_ends_the_suppression_for_all_of_the_banks_holders_who_have_the_address(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "Awa@Example.com")
    enrolled.enrol("A2", "ben", "awa@example.com")
    enrolled.enrol("A1", "eve", "eve@example.com")
    enrolled.enrol("A1", "awa", "awa@example.com", bank="other")
    for bank in ("eazycard", "other"):
        enrolled.enrolment.suppress(Address.of(bank, "awa@example.com"), BOUNCED, BOUNCED.since)
    enrolled.enrolment.suppress(Address.of("eazycard", "eve@example.com"), BOUNCED, BOUNCED.since)
    enrolled.enrolment.lift("eazycard", "A2", "ben", LATER)
    assert enrolled.suppressed("A1") == {"awa": None, "eve": "hard_bounce"}
    assert enrolled.suppressed("A2") == {"ben": None}
    assert enrolled.suppressed("A1", "other") == {"awa": "hard_bounce"}
    enrolled.enrolment.suppress(
        Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since
    )  # the same event, heard twice
    assert enrolled.suppressed("A1")["awa"] is None
    assert enrolled.enrol("A3", "kai", "awa@example.com").suppressed is None
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED_AGAIN, BOUNCED_AGAIN.since)
    assert enrolled.suppressed("A1")["awa"] == enrolled.suppressed("A3")["kai"] == "hard_bounce"


def test_what_is_not_suppressed_or_unknown_or_was_lifted_lately_is_not_lifted(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    with pytest.raises(NotSuppressed):
        enrolled.enrolment.lift("eazycard", "A1", "awa", LATER)
    with pytest.raises(HolderNotFound):
        enrolled.enrolment.lift("eazycard", "A1", "ben", LATER)
    with pytest.raises(HolderNotFound):
        enrolled.enrolment.lift("other", "A1", "awa", LATER)
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), PASSING, PASSING.since)
    with pytest.raises(NotSuppressed):
        enrolled.enrolment.lift("eazycard", "A1", "awa", NOW + timedelta(days=14))  # it has lapsed
    enrolled.enrolment.lift("eazycard", "A1", "awa", LATER)
    with pytest.raises(NotSuppressed):
        enrolled.enrolment.lift("eazycard", "A1", "awa", LATER)
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED_AGAIN, BOUNCED_AGAIN.since)
    with pytest.raises(LiftedLately):
        enrolled.enrolment.lift("eazycard", "A1", "awa", LATER + timedelta(hours=23))
    assert enrolled.suppressed("A1") == {"awa": "hard_bounce"}
    enrolled.enrolment.lift("eazycard", "A1", "awa", LATER + timedelta(hours=24))
    assert enrolled.suppressed("A1") == {"awa": None}


@pytest.mark.parametrize("at", range(8))
def test_a_lifting_that_broke_off_anywhere_is_finished_by_its_repetition(enrolled: Enrolled, at: int) -> None:
    for number in range(3):
        enrolled.enrol(f"A{number}", "awa", "awa@example.com")
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    broken = Enrolled(Failing(enrolled.client, refusal("ThrottlingException"), at))
    with pytest.raises(TemporarilyUnavailable):
        broken.enrolment.lift("eazycard", "A2", "awa", LATER)
    with contextlib.suppress(NotSuppressed):  # when it broke off after the last mark
        enrolled.enrolment.lift("eazycard", "A2", "awa", LATER)
    assert [enrolled.suppressed(f"A{number}")["awa"] for number in range(3)] == [None] * 3


@pytest.mark.parametrize("at", range(3, 9))
def test_maintenance_finishes_a_lifting_that_broke_off(enrolled: Enrolled, at: int) -> None:
    for number in range(3):
        enrolled.enrol(f"A{number}", "awa", "awa@example.com")
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    broken = Enrolled(Failing(enrolled.client, refusal("ThrottlingException"), at))
    with pytest.raises(TemporarilyUnavailable):
        broken.enrolment.lift_address(Address.of("eazycard", "awa@example.com"), LATER)
    (entry,) = enrolled.addresses.all_standings()
    assert entry.has_marks_left
    enrolled.enrolment.complete_lift(entry, LATER)
    assert [enrolled.suppressed(f"A{number}")["awa"] for number in range(3)] == [None] * 3
    assert list(enrolled.addresses.all_standings()) == []


# Without shrinking: a counterexample is short, and each of its runs takes long.
@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_however_events_liftings_and_enrolments_interleave_records_say_what_the_address_s_entry_says(
    dynamodb: Any, table_names: dict[str, str], data: st.DataObject
) -> None:
    email = f"awa{next(_numbers)}@example.com"
    account = f"A{next(_numbers)}"
    first = Enrolled(dynamodb)
    first.enrol(account, "awa", email)
    address = Address.of("eazycard", email)
    works: dict[str, Callable[[Enrolled], object]] = {
        "bounce": lambda its: its.enrolment.suppress(Address.of("eazycard", email), BOUNCED, BOUNCED.since),
        "policy": lambda its: its.enrolment.suppress(Address.of("eazycard", email), PASSING, PASSING.since),
        "again": lambda its: its.enrolment.suppress(
            Address.of("eazycard", email.upper()), BOUNCED_AGAIN, BOUNCED_AGAIN.since
        ),
        "lift": lambda its: its.enrolment.lift_address(address, LATER),
        "respell": lambda its: its.enrol(account, "awa", email.upper(), minute=1),
        "move": lambda its: its.enrol(account, "awa", f"new.{email}", minute=2),
        "join": lambda its: its.enrol(account, "ben", email, minute=1),
    }
    if data.draw(st.booleans(), "suppressed before"):
        first.enrolment.suppress(Address.of("eazycard", email), PASSING, PASSING.since)
    names = data.draw(st.lists(st.sampled_from(sorted(works)), min_size=2, max_size=3, unique=True))
    interleaved(
        [lambda client, work=works[name]: work(Enrolled(client)) for name in names],
        dynamodb,
        lambda number: data.draw(st.integers(0, number - 1)),
    )
    standing = first.addresses.suppressed(address)
    for holder in first.holders.of_account("eazycard", account):
        expected = standing if same_address(holder.email, email) else None
        assert holder.suppressed == expected, (names, holder)
    if "again" in names and "lift" not in names:  # a lifting ends what is known by then, whichever clock is ahead
        assert standing is not None


def rows(enrolled: Enrolled, account: str, holder_id: str) -> tuple[list[str], list[str]]:
    """Return the keys of the holder's entries, and those that the stored record should have."""
    items = [from_item(item) for item in enrolled.client.scan(TableName="AddressesTable")["Items"]]
    of_id, of_address = id_key("eazycard", holder_id, account), f"holder#{account}#{holder_id}"
    found = [
        one["address_key"]
        for one in items
        if one["entry"] == of_address or {name: one[name] for name in of_id} == of_id
    ]
    wanted = [
        key
        for one in enrolled.holders.of_account("eazycard", account)
        if one.id == holder_id
        for key in (Address.of("eazycard", one.email).key, of_id["address_key"])
    ]
    return sorted(found), sorted(wanted)


def is_awas(stored: Holder | None) -> None:
    """Refuse, as `If-Match` does, to erase what isn't at Awa's first address."""
    if stored is not None and stored.email != "awa@example.com":
        raise PreconditionFailed


OTHER_WRITERS: dict[str, Callable[[Enrolled, str], object]] = {
    "patch of the address": lambda its, account: its.enrolment.amend(
        "eazycard", account, "awa", moved_to("new@example.com", 1)
    ),
    "patch of the name": lambda its, account: its.enrolment.amend(
        "eazycard", account, "awa", lambda before: amended(before, {"name": "Awa N."}, NOW)
    ),
    "put": lambda its, account: its.enrol(account, "awa", "put@example.com", minute=2),
    "put again": lambda its, account: its.enrol(account, "awa", "awa@example.com", minute=3),
    "erasure": lambda its, account: its.enrolment.erase("eazycard", account, "awa", LATER),
    "bounce": lambda its, account: its.enrolment.suppress(
        Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since
    ),
}


@pytest.mark.each_moment
@pytest.mark.parametrize("check", [lambda _: None, is_awas])
@pytest.mark.parametrize("other", sorted(OTHER_WRITERS))
@pytest.mark.parametrize("at", range(10))
def test_another_writer_at_any_moment_of_an_erasure_leaves_no_entry_without_record_and_no_record_without_entry(
    enrolled: Enrolled, other: str, check: Callable[[Holder | None], None], at: int
) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    erasing = Enrolled(Interrupted(enrolled.client, lambda: OTHER_WRITERS[other](enrolled, "A1"), at))
    with contextlib.suppress(HolderNotFound, PreconditionFailed):
        erasing.enrolment.erase("eazycard", "A1", "awa", LATER, check)
    found, wanted = rows(enrolled, "A1", "awa")
    assert found == wanted
    for holder in enrolled.holders.of_account("eazycard", "A1"):
        standing = enrolled.addresses.suppressed(Address.of("eazycard", holder.email))
        assert holder.suppressed == standing


@pytest.mark.each_moment
@pytest.mark.parametrize("other", ["patch of the address", "patch of the name", "put", "put again"])
@pytest.mark.parametrize("at", range(9))
def test_an_erasure_at_any_moment_of_another_writer_leaves_no_entry_without_record(
    enrolled: Enrolled, other: str, at: int
) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    writing = Enrolled(Interrupted(enrolled.client, lambda: OTHER_WRITERS["erasure"](enrolled, "A1"), at))
    with contextlib.suppress(HolderNotFound):
        OTHER_WRITERS[other](writing, "A1")
    found, wanted = rows(enrolled, "A1", "awa")
    assert found == wanted


def test_an_erasure_that_cannot_be_written_leaves_a_holder_whom_a_bounce_marks(enrolled: Enrolled) -> None:
    enrolled.enrol("A1", "awa", "awa@example.com")
    failing = Enrolled(Failing(enrolled.client, refusal("ThrottlingException"), 0, "update_item"))
    with pytest.raises(TemporarilyUnavailable):
        failing.enrolment.erase("eazycard", "A1", "awa", LATER)
    enrolled.enrolment.suppress(Address.of("eazycard", "awa@example.com"), BOUNCED, BOUNCED.since)
    assert enrolled.suppressed("A1") == {"awa": "hard_bounce"}


# Without shrinking: a counterexample is short, and each of its runs takes long.
@settings(max_examples=size(60, 2_000), suppress_health_check=list(HealthCheck), deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_however_erasures_and_other_writers_interleave_the_entries_are_those_of_the_record(
    dynamodb: Any, table_names: dict[str, str], data: st.DataObject
) -> None:
    first, account = Enrolled(dynamodb), f"A{next(_numbers)}"
    first.enrolment.enrol("eazycard", account, Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, NOW))
    names = data.draw(st.lists(st.sampled_from(sorted(OTHER_WRITERS)), min_size=1, max_size=2, unique=True))

    def work(name: str, client: Any) -> None:
        with contextlib.suppress(HolderNotFound, PreconditionFailed):
            OTHER_WRITERS[name](Enrolled(client), account)

    def erase(client: Any) -> None:
        with contextlib.suppress(HolderNotFound, PreconditionFailed):
            Enrolled(client).enrolment.erase("eazycard", account, "awa", LATER, check)

    check = data.draw(st.sampled_from([lambda _: None, is_awas]))
    interleaved(
        [erase, *(functools.partial(work, name) for name in names)],
        dynamodb,
        lambda number: data.draw(st.integers(0, number - 1)),
    )
    found, wanted = rows(first, account, "awa")
    assert found == wanted, names
    for holder in first.holders.of_account("eazycard", account):
        first.enrolment.erase("eazycard", account, holder.id, LATER)
    assert rows(first, account, "awa") == ([], [])
