"""Sweeps: a suppression of an address with very many holders is bounded work for each message, and ends in the same
records whatever dies, comes twice or comes between."""

import contextlib
import dataclasses
import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dynamo import to_item
from chalicelib.aws.queues import GroupedBody
from chalicelib.errors import NotSuppressed, TemporarilyUnavailable
from chalicelib.holders.address import Address, Entry
from chalicelib.holders.addresses import AddressRepository
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.holder import Holder, Suppressed
from chalicelib.holders.repository import HolderRepository
from chalicelib.holders.suppression import Standing
from chalicelib.holders.sweep import HOLDERS_A_STEP, Sweep, Sweeper, pack, unpack
from chalicelib.ledger.times import sortable
from tests.analytics_world import Died, DyingAt

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
EMAIL = "treasury@example.com"
ADDRESS = Address.of("eazycard", EMAIL)
BOUNCED = Suppressed("hard_bounce", NOW + timedelta(minutes=1))
EARLIER = Suppressed("complaint", NOW)
# A step reads the entry, a page of holders and their accounts, marks each, and reads the entry again.
READS_A_STEP = 4
_ENROLLED = NOW - timedelta(days=1)


def enrol_many(client: Any, number: int) -> None:
    """Store so many holders with the address, one in each account, as `Enrolment.enrol` stores them."""
    holder = {"name": "Awa", "email": EMAIL, "locale": "fr", "timezone": "UTC", "preferences": {}}
    at = sortable(_ENROLLED)
    for first in range(0, number, 25):
        accounts = [f"A{one:05d}" for one in range(first, min(first + 25, number))]
        records = [{"account_key": f"eazycard#{one}", "holder:h": {**holder, "enrolled_at": at}} for one in accounts]
        entries = [{"address_key": ADDRESS.key, "entry": f"holder#{one}#h", "enrolled_at": at} for one in accounts]
        client.batch_write_item(
            RequestItems={
                "AccountsTable": [{"PutRequest": {"Item": to_item(item)}} for item in records],
            }
        )
        client.batch_write_item(
            RequestItems={"AddressesTable": [{"PutRequest": {"Item": to_item(item)}} for item in entries]}
        )


class Stored:
    """The tables' entries and records in memory, behind the methods of both repositories. Each call is counted, and
    the process can die at one: before it takes effect, or after it."""

    def __init__(self, number: int) -> None:
        self.standing, self.version, self.swept_version, self.has_marks_left = Standing(), 0, -1, False
        self.records = {
            f"eazycard#A{one:05d}": Holder("h", "Awa", EMAIL, "fr", "UTC", {}, _ENROLLED) for one in range(number)
        }
        self.accounts = [key.removeprefix("eazycard#") for key in self.records]
        self.calls = Counter[str]()
        self.dies_at: int | None = None
        self.is_answer_lost = False

    def _called(self, name: str, work: Callable[[], Any]) -> Any:
        self.calls[name] += 1
        is_last = self.dies_at is not None and sum(self.calls.values()) > self.dies_at
        if is_last and not self.is_answer_lost:
            raise Died
        answer = work()
        if is_last:
            raise Died
        return answer

    def begin(self, dies_at: int | None = None, *, is_answer_lost: bool = False) -> None:
        self.calls.clear()
        self.dies_at, self.is_answer_lost = dies_at, is_answer_lost

    def _change(self, standing: Standing, *, has_marks_left: bool = False) -> Entry:
        if standing != self.standing:
            self.standing, self.has_marks_left = standing, has_marks_left
            self.version += 1
        return self._entry()

    def _entry(self) -> Entry:
        is_swept = self.swept_version == self.version
        return Entry(ADDRESS, self.standing, self.has_marks_left, self.version, is_swept)

    def entry(self, _: Address) -> Entry:
        return cast(Entry, self._called("entry", self._entry))

    def suppress(self, _: Address, event: Suppressed) -> Entry:
        return cast(Entry, self._called("suppress", lambda: self._change(self.standing.after(event))))

    def lift(self, _: Address, now: datetime, __: timedelta = timedelta(0)) -> Entry:
        lifted = self.standing.lifted(now)
        return cast(Entry, self._called("lift", lambda: self._change(lifted, has_marks_left=True)))

    def swept(self, entry: Entry) -> None:
        def note() -> None:
            if entry.version == self.version:
                self.swept_version = entry.version

        self._called("swept", note)

    def unmarked(self, lifted: Entry) -> None:
        def note() -> None:
            if lifted.standing == self.standing and self.standing.suppressed is None:
                self.has_marks_left = False

        self._called("unmarked", note)

    def accounts_behind(self, _: Address, after: str, limit: int) -> tuple[list[str], str | None]:
        def page() -> tuple[list[str], str | None]:
            first = bisect_right(self.accounts, after)
            found = self.accounts[first : first + limit]
            return found, found[-1] if first + limit < len(self.accounts) else None

        return cast(tuple[list[str], str | None], self._called("accounts_behind", page))

    def of_accounts(self, keys: Iterable[str]) -> dict[str, list[Holder]]:
        return cast(
            dict[str, list[Holder]], self._called("of_accounts", lambda: {key: [self.records[key]] for key in keys})
        )

    def of_account(self, bank: str, account: str) -> list[Holder]:
        return [self.records[f"{bank}#{account}"]]

    def mark(self, key: str, _: Holder, suppressed: Suppressed | None) -> None:
        def write() -> None:
            self.records[key] = dataclasses.replace(self.records[key], suppressed=suppressed)

        self._called("mark", write)

    @property
    def marks(self) -> set[Suppressed | None]:
        return {one.suppressed for one in self.records.values()}


class Desk:
    """Functions at work on what is stored, and the queue of what they hand over."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.queue: list[str] = []
        self.enrolment = Enrolment(
            cast(AddressRepository, stored),
            cast(HolderRepository, stored),
            lambda sweep: self.queue.append(pack(sweep)),
        )

    def take(self, at: int = 0) -> None:
        """Let a function take a message; it is gone from the queue only when the function has done it."""
        body = self.queue[at]
        sweep = unpack(body)
        assert sweep is not None
        self.enrolment.sweep(sweep)
        self.queue.remove(body)

    def take_all(self) -> None:
        self.stored.begin()
        while self.queue:
            self.take()


def test_a_sweep_goes_through_a_message_whole_and_in_its_banks_group() -> None:
    sweep = Sweep(ADDRESS, 3, "holder#A1#h", began_at=NOW)
    body = pack(sweep)
    assert unpack(body) == sweep
    assert unpack(pack(sweep.set_aside())) == sweep.set_aside()
    assert isinstance(body, GroupedBody)
    assert body.group == "eazycard"
    assert EMAIL not in body
    assert unpack('{"eventType": "Bounce"}') is None


def test_20_000_holders_are_marked_in_bounded_steps_and_once() -> None:
    stored = Stored(20_000)
    desk = Desk(stored)
    desk.enrolment.suppress(ADDRESS, BOUNCED, NOW)
    assert sum(stored.calls.values()) <= HOLDERS_A_STEP + READS_A_STEP + 2  # the standing is written and noted
    steps = 1
    while desk.queue:
        assert len(desk.queue) == 1
        # Another bounce of the same address looks at the first page, and begins no other sweep.
        stored.begin()
        desk.enrolment.suppress(ADDRESS, Suppressed("hard_bounce", NOW + timedelta(hours=1)), NOW)
        assert sum(stored.calls.values()) <= READS_A_STEP + 1
        assert stored.calls["mark"] == 0
        assert len(desk.queue) == 1
        stored.begin()
        desk.take()
        assert sum(stored.calls.values()) <= HOLDERS_A_STEP + READS_A_STEP + 1
        steps += 1
    assert steps == 400
    assert stored.marks == {BOUNCED}


def test_a_step_marks_50_holders() -> None:
    stored = Stored(120)
    desk = Desk(stored)
    desk.enrolment.suppress(ADDRESS, BOUNCED, NOW)
    marked = [stored.calls["mark"]]
    while desk.queue:
        stored.begin()
        desk.take()
        marked.append(stored.calls["mark"])
    assert marked == [50, 50, 20]


def test_the_time_of_a_sweep_begins_when_it_does_however_old_what_ses_told_is() -> None:
    stored = Stored(120)
    desk = Desk(stored)
    later = NOW + timedelta(days=2)
    desk.enrolment.suppress(ADDRESS, BOUNCED, later)
    (sweep,) = map(unpack, desk.queue)
    assert sweep is not None
    assert sweep.began_at == later


def test_a_sweep_is_handed_over_once_although_that_can_not_be_noted() -> None:
    stored = Stored(120)
    desk = Desk(stored)

    def unavailable(_: Entry) -> None:
        raise TemporarilyUnavailable

    stored.swept = unavailable  # type: ignore[method-assign]
    desk.enrolment.suppress(ADDRESS, BOUNCED, NOW)
    assert len(desk.queue) == 1
    desk.take_all()
    assert stored.marks == {BOUNCED}


def test_without_a_queue_all_steps_are_made_at_once() -> None:
    stored = Stored(2 * HOLDERS_A_STEP + 1)
    sweeper = Sweeper(cast(AddressRepository, stored), cast(HolderRepository, stored))
    sweeper.begin(stored.suppress(ADDRESS, BOUNCED), NOW)
    assert stored.marks == {BOUNCED}
    sweeper.go_on(Sweep.of(stored.lift(ADDRESS, NOW), NOW))
    assert stored.marks == {None}
    assert not stored.has_marks_left


@pytest.mark.parametrize("marked", [0, 1, HOLDERS_A_STEP - 1])
def test_a_step_that_is_stopped_goes_on_where_it_was_when_it_is_made_again(marked: int) -> None:
    class Stopped(Exception):
        pass

    def stop_behind() -> None:
        if stored.calls["mark"] >= marked:
            raise Stopped

    stored = Stored(2 * HOLDERS_A_STEP)
    desk = Desk(stored)
    with pytest.raises(Stopped):
        desk.enrolment.suppress(ADDRESS, BOUNCED, NOW, stop_behind)
    assert (stored.calls["mark"], desk.queue) == (marked, [])
    stored.begin()
    desk.enrolment.suppress(ADDRESS, BOUNCED, NOW)
    assert stored.calls["mark"] == HOLDERS_A_STEP - marked
    (body,) = desk.queue
    sweep = unpack(body)
    assert sweep is not None
    stored.begin()
    with pytest.raises(Stopped):
        desk.enrolment.sweep(sweep, stop_behind)
    assert (stored.calls["mark"], desk.queue) == (marked, [body])
    desk.take_all()
    assert stored.marks == {BOUNCED}


@pytest.mark.parametrize(
    ("checks", "reads"), [(0, []), (1, ["entry", "accounts_behind"]), (2, ["entry", "accounts_behind", "of_accounts"])]
)
def test_nothing_is_read_for_which_there_is_no_time(checks: int, reads: list[str]) -> None:
    stored = Stored(1)
    sweep = Sweep.of(stored.suppress(ADDRESS, BOUNCED), NOW)
    stored.begin()
    left = iter([None] * checks)
    with pytest.raises(StopIteration):
        Desk(stored).enrolment.sweep(sweep, lambda: next(left))
    assert list(stored.calls.elements()) == reads


def test_what_is_marked_already_is_not_written_again_nor_noted_as_free_of_marks() -> None:
    stored = Stored(3)
    sweeper = Sweeper(cast(AddressRepository, stored), cast(HolderRepository, stored))
    entry = stored.suppress(ADDRESS, BOUNCED)
    sweeper.begin(entry, NOW)
    assert (stored.calls["mark"], stored.calls["unmarked"]) == (3, 0)
    stored.begin()
    sweeper.go_on(Sweep.of(entry, NOW))
    assert (stored.calls["mark"], stored.calls["unmarked"]) == (0, 0)


def test_a_holder_who_has_another_address_by_now_is_not_marked() -> None:
    stored = Stored(3)
    moved = stored.records["eazycard#A00001"] = dataclasses.replace(
        stored.records["eazycard#A00001"], email="awa@example.com"
    )
    sweeper = Sweeper(cast(AddressRepository, stored), cast(HolderRepository, stored))
    sweeper.begin(stored.suppress(ADDRESS, BOUNCED), NOW)
    assert stored.records["eazycard#A00001"] == moved
    assert [one.suppressed for one in stored.records.values()] == [BOUNCED, None, BOUNCED]


def test_a_sweep_that_was_replaced_marks_its_step_and_leaves_the_rest_to_the_other() -> None:
    stored = Stored(3 * HOLDERS_A_STEP)
    sweeper = Sweeper(cast(AddressRepository, stored), cast(HolderRepository, stored))
    old = Sweep.of(stored.suppress(ADDRESS, BOUNCED), NOW)
    stored.lift(ADDRESS, NOW)
    assert sweeper.step(old) is None
    assert stored.has_marks_left  # only the newer sweep may say that none is left
    left = sweeper.step(Sweep.of(stored.entry(ADDRESS), NOW))
    assert left is not None
    assert left.after == stored.accounts[HOLDERS_A_STEP - 1]


def test_who_marks_by_a_standing_that_has_changed_marks_again_by_the_new_one() -> None:
    class LiftedMeanwhile(Stored):
        def mark(self, key: str, holder: Holder, suppressed: Suppressed | None) -> None:
            super().mark(key, holder, suppressed)
            if self.standing.suppressed is not None:
                self.lift(ADDRESS, NOW)

    stored = LiftedMeanwhile(3)
    entry = stored.suppress(ADDRESS, BOUNCED)
    sweeper = Sweeper(cast(AddressRepository, stored), cast(HolderRepository, stored))
    assert sweeper.mark(entry, stored.accounts).standing.suppressed is None
    assert stored.marks == {None}


def test_a_lifting_frees_its_own_holder_at_once_and_all_others_in_steps() -> None:
    stored = Stored(20_000)
    desk = Desk(stored)
    desk.enrolment.suppress(ADDRESS, BOUNCED, NOW)
    desk.take_all()
    later = NOW + timedelta(hours=1)
    stored.begin()
    desk.enrolment.lift("eazycard", "A19999", "h", later)
    assert sum(stored.calls.values()) <= 2 * READS_A_STEP + HOLDERS_A_STEP + 2
    assert stored.records["eazycard#A19999"].suppressed is None
    assert stored.marks == {None, BOUNCED}
    desk.take_all()
    assert stored.marks == {None}
    assert not stored.has_marks_left
    with pytest.raises(NotSuppressed):
        desk.enrolment.lift("eazycard", "A19999", "h", later)


@pytest.mark.parametrize("answer_lost", [False, True])
@pytest.mark.parametrize("at", [0, 1, 2, 4, HOLDERS_A_STEP + 1, HOLDERS_A_STEP + 4])
def test_a_function_that_dies_at_any_call_is_made_good_by_the_repetition(
    dynamodb: Any, table_names: Any, at: int, answer_lost: bool
) -> None:
    number = HOLDERS_A_STEP + 2
    enrol_many(dynamodb, number)
    queue: list[str] = []

    def enrolment(client: Any) -> Enrolment:
        addresses, holders = (
            AddressRepository(client, "AddressesTable"),
            HolderRepository(client, "AccountsTable", make_alias=str),
        )
        return Enrolment(addresses, holders, lambda sweep: queue.append(pack(sweep)))

    with contextlib.suppress(Died):
        enrolment(DyingAt(dynamodb, at, answer_lost=answer_lost)).suppress(ADDRESS, BOUNCED, NOW)
    enrolment(dynamodb).suppress(ADDRESS, BOUNCED, NOW)
    assert queue
    for body in queue:
        sweep = unpack(body)
        assert sweep is not None
        with contextlib.suppress(Died):
            enrolment(DyingAt(dynamodb, at, answer_lost=answer_lost)).sweep(sweep)
        enrolment(dynamodb).sweep(sweep)
    found = HolderRepository(dynamodb, "AccountsTable").of_accounts(f"eazycard#A{one:05d}" for one in range(number))
    assert {one.suppressed for holders in found.values() for one in holders} == {BOUNCED}
    assert AddressRepository(dynamodb, "AddressesTable").entry(ADDRESS).is_swept


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["bounce", "earlier", "lift", "take", "take", "take", "copy"]),
        st.integers(0, 5),
        st.none() | st.integers(0, 70),
        st.booleans(),
    ),
    max_size=15,
)


@given(actions=ACTIONS)
def test_whatever_comes_between_all_records_say_in_the_end_what_the_entry_says(
    actions: list[tuple[str, int, int | None, bool]],
) -> None:
    stored = Stored(2 * HOLDERS_A_STEP + 1)
    desk = Desk(stored)
    now = NOW + timedelta(hours=1)

    def act(kind: str, which: int) -> None:
        match kind:
            case "bounce" | "earlier":
                desk.enrolment.suppress(ADDRESS, BOUNCED if kind == "bounce" else EARLIER, NOW)
            case "lift":
                with contextlib.suppress(NotSuppressed):
                    desk.enrolment.lift("eazycard", f"A{which * 20:05d}", "h", now)
            case "copy" if desk.queue:
                desk.queue.append(desk.queue[which % len(desk.queue)])
            case "take" if desk.queue:
                desk.take(which % len(desk.queue))

    for kind, which, dies_at, is_answer_lost in actions:
        now += timedelta(seconds=1)
        stored.begin(dies_at, is_answer_lost=is_answer_lost)
        try:
            act(kind, which)
        except Died:
            stored.begin()
            act(kind, which)  # SQS brings the message again; a bank asks again
    desk.take_all()
    assert stored.marks == {stored.standing.suppressed}
    assert not stored.has_marks_left


def test_a_message_of_another_kind_or_a_broken_one_is_no_sweep() -> None:
    with pytest.raises(KeyError):
        unpack(json.dumps({"sweep": {"bank": "eazycard"}}))
