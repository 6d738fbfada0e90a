"""Quiet hours in the mailer: what waits is told once when they are over, whatever dies, is repeated or changed."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.holder import Holder
from chalicelib.notifications.deferrals import LEAST_WAIT
from chalicelib.notifications.due import SHARDS, DueEntry, DueRepository
from tests.fakes import Failing, FakeSqs, Metered, refusal
from tests.mail_world import Died, many, messages
from tests.metrics import lines
from tests.quiet_night import END, QUIET, Night
from tests.samples import transaction


@pytest.fixture
def night(dynamodb: Any, table_names: dict[str, str]) -> Night:
    return Night(dynamodb, table_names)


def told(night: Night) -> dict[str, int]:
    return dict(night.ses.recipients)


def one_waits(night: Night, **preferences: Any) -> None:
    night.enrol("a0", "awa", **{"quiet_hours": QUIET, **preferences})
    night.tell(messages(transaction(id="t0", account="a0")))


def test_what_comes_in_quiet_hours_is_told_once_when_they_are_over(night: Night) -> None:
    one_waits(night)
    assert (told(night), night.kept, night.queue.bodies) == ({}, 1, [])
    assert night.noted() == [("queued", "quiet_hours")]
    night.release(now=END - timedelta(microseconds=1))
    assert night.queue.bodies == []
    night.release(now=END)
    assert night.kept == 0
    night.deliver()
    assert told(night) == {"a0.awa@example.com": 1}
    assert night.noted() == [("sent", None)]
    for _ in range(3):
        night.release(now=night.now + timedelta(minutes=1))
    assert night.queue.bodies == []


def test_the_holder_s_own_quiet_hours_hold_up_nobody_else(night: Night) -> None:
    night.enrol("a0", "awa", quiet_hours=QUIET)
    night.enrol("a0", "ben")
    night.enrol("a0", "eve", quiet_hours={"from": "20:30", "to": "13:00"})
    night.tell(messages(transaction(id="t0", account="a0")))
    assert told(night) == {"a0.ben@example.com": 1, "a0.eve@example.com": 1}
    night.release()
    night.deliver()
    assert told(night) == {f"a0.{holder}@example.com": 1 for holder in ("awa", "ben", "eve")}


def test_a_repeated_message_waits_once(night: Night) -> None:
    for _ in range(3):
        one_waits(night)
    assert night.kept == 1
    night.release()
    night.deliver()
    one_waits(night)
    assert told(night) == {"a0.awa@example.com": 1}


@pytest.mark.parametrize(("minutes", "in_table"), [(0, 0), (14, 0), (16, 1)])
def test_a_wait_that_the_queue_can_take_is_left_to_it(night: Night, minutes: int, in_table: int) -> None:
    end = night.now + timedelta(minutes=minutes + 1)
    one_waits(night, quiet_hours={"from": "13:00", "to": f"{end:%H:%M}"})
    assert night.kept == in_table
    if not in_table:
        assert night.queue.delays == [(end.replace(second=0) - night.now).total_seconds()]
        assert max(night.queue.delays) <= LEAST_WAIT.total_seconds()
        assert night.noted() == [("queued", "quiet_hours")]
        night.now = end.replace(second=0)
        night.deliver()
        assert told(night) == {"a0.awa@example.com": 1}


def change(night: Night, **changes: Any) -> None:
    """Enrol the holder anew, as the bank or the holder would have while the notice waits."""
    preferences = {name: value for name, value in changes.items() if name != "email"}
    email = changes.get("email", "a0.awa@example.com")
    night.holders.put("eazycard", "a0", Holder("awa", "Awa", email, "fr", "UTC", preferences, night.now))


@pytest.mark.parametrize(
    ("changes", "recipients", "noted"),
    [
        ({"muted": True}, [], ("skipped", "muted")),
        ({"types": []}, [], ("skipped", "types")),
        ({"min_amount": {"XAF": "999999"}}, [], ("skipped", "min_amount")),
        ({"email": "new@example.com"}, ["new@example.com"], ("sent", None)),
        ({}, ["a0.awa@example.com"], ("sent", None)),
    ],
)
def test_preferences_are_looked_at_again_when_the_quiet_hours_are_over(
    night: Night, changes: dict[str, Any], recipients: list[str], noted: tuple[str, str | None]
) -> None:
    one_waits(night)
    change(night, **changes)
    night.release()
    night.deliver()
    assert list(told(night)) == recipients
    assert night.noted() == [noted]


def test_if_it_is_quiet_again_it_waits_again(night: Night) -> None:
    one_waits(night)
    change(night, quiet_hours={"from": "20:00", "to": "06:00"})
    night.release()
    night.deliver()
    assert (told(night), night.kept) == ({}, 1)
    night.release(now=END + timedelta(hours=9, minutes=29))
    assert night.queue.bodies == []
    night.release(now=END + timedelta(hours=9, minutes=30))
    night.deliver()
    assert told(night) == {"a0.awa@example.com": 1}


def test_a_holder_who_was_erased_meanwhile_is_not_told(night: Night) -> None:
    one_waits(night)
    night.holders.delete("eazycard", "a0", "awa", night.now)
    night.release()
    night.deliver()
    assert (told(night), night.kept, night.dead_letters.bodies) == ({}, 0, [])


def test_waiting_doesn_t_count_as_being_put_off_by_ses(night: Night) -> None:
    night.enrol("a0", "awa")
    night.ses.refuses_call_with = "TooManyRequestsException"
    night.tell(messages(transaction(id="t0", account="a0")))
    change(night, quiet_hours=QUIET)
    night.now += timedelta(minutes=5)
    night.deliver()
    assert night.kept == 1
    night.release()
    night.deliver()
    ((body,), delays) = night.queue.bodies, night.queue.delays
    notice = json.loads(body)["notices"][0]
    assert (notice["attempt"], delays) == (1, [2])
    assert datetime.fromisoformat(notice["put_off_since"]) == END


def test_no_personal_data_waits_in_the_table(night: Night) -> None:
    one_waits(night)
    kept = json.dumps(night.dynamodb.scan(TableName=night.names["DeferralsTable"])["Items"])
    assert "a0.awa@example.com" not in kept
    assert "Awa" not in kept


@pytest.mark.parametrize("dies_at", range(5))
def test_a_mailer_that_dies_between_any_two_calls_leaves_nobody_untold(night: Night, dies_at: int) -> None:
    for one in many(30):
        night.enrol(one.account, "awa", quiet_hours=QUIET)
    bodies = messages(*many(30))
    # Holders (0), the bank (1), claims (2), what waits (3), notes (4); either of the last two may take two calls.
    with pytest.raises(Died):
        night.tell(bodies, dynamodb=Failing(night.dynamodb, Died(), at=dies_at))
    night.now += timedelta(minutes=2)  # SQS brings the messages again after the visibility timeout
    night.tell(bodies)
    night.drain()
    assert told(night) == {}
    night.release()
    night.deliver()
    night.drain()
    assert told(night) == {f"{one.account}.awa@example.com": 1 for one in many(30)}
    assert all(night.states(one.id) == {"awa": "sent"} for one in many(30))


@pytest.mark.parametrize("operation", ["batch_write_item", "put_item"])
def test_while_the_table_is_down_the_mailer_forgets_nothing(night: Night, operation: str) -> None:
    night.enrol("a0", "awa", quiet_hours=QUIET)
    bodies = messages(transaction(id="t0", account="a0"))

    class Down:
        def __getattr__(self, name: str) -> Any:
            if name == operation:
                return self.refuse
            return getattr(night.dynamodb, name)

        def refuse(self, **_: Any) -> Any:
            raise refusal("InternalServerError")

    with pytest.raises(TemporarilyUnavailable):
        night.tell(bodies, dynamodb=Down())
    night.now += timedelta(minutes=2)
    night.tell(bodies)
    night.release()
    night.deliver()
    assert told(night) == {"a0.awa@example.com": 1}


def many_wait(night: Night, count: int) -> None:
    for one in many(count):
        night.enrol(one.account, "awa", quiet_hours=QUIET)
    night.tell(messages(*many(count)))
    assert night.kept == count


def all_told(count: int) -> dict[str, int]:
    return {f"{one.account}.awa@example.com": 1 for one in many(count)}


@pytest.mark.parametrize("client", ["dynamodb", "queue"])
@pytest.mark.parametrize("dies_at", [0, 1, 2, 3, 5, 8, 13, 21])
def test_a_release_that_dies_at_any_call_is_gone_on_with_by_the_next(night: Night, client: str, dies_at: int) -> None:
    many_wait(night, 40)
    real = {"dynamodb": night.dynamodb, "queue": night.queue}[client]
    dying: dict[str, Any] = {client: Failing(real, Died(), at=dies_at)}
    try:
        night.release(**dying)
    except Died:
        night.deliver()  # what it had sent is told before the next one runs
    night.release(now=night.now + timedelta(minutes=1))
    night.deliver()
    night.drain()
    assert told(night) == all_told(40)
    assert night.kept == 0


def test_two_releases_side_by_side_tell_once(night: Night) -> None:
    many_wait(night, 40)

    class Rival:
        """A client in the middle of whose run another release makes all of its own."""

        is_done = False

        def __getattr__(self, name: str) -> Any:
            if name == "batch_write_item" and not self.is_done:
                self.is_done = True
                night.release()
            return getattr(night.dynamodb, name)

    night.release(dynamodb=Rival())
    assert len(night.queue.bodies) > 4
    night.deliver()
    night.drain()
    assert told(night) == all_told(40)


def test_a_release_whose_time_is_over_is_gone_on_with_by_the_next(night: Night) -> None:
    many_wait(night, 60)
    night.release(time_left_s=lambda: 9 if night.queue.bodies else 55)
    assert 0 < night.kept < 60
    runs = 0
    while night.kept:
        night.release(now=night.now + timedelta(minutes=1))
        runs += 1
    assert runs == 1
    night.deliver()
    night.drain()
    assert told(night) == all_told(60)


def test_a_release_without_time_does_nothing(night: Night) -> None:
    many_wait(night, 2)
    night.release(time_left_s=lambda: 5)
    assert (night.kept, night.queue.bodies) == (2, [])


def test_after_days_without_a_release_everything_is_told(night: Night) -> None:
    one_waits(night)
    night.release(now=night.now + timedelta(minutes=1))
    for days in (1, 2, 3):
        night.now += timedelta(days=1)
        night.enrol(f"a{days}", "awa", quiet_hours=QUIET)
        night.tell(messages(transaction(id=f"t{days}", account=f"a{days}")))
    night.release(now=END + timedelta(days=9))
    night.deliver()
    assert told(night) == {f"a{number}.awa@example.com": 1 for number in range(4)}


def test_a_stage_s_first_release_finds_what_waited_before_it(night: Night) -> None:
    one_waits(night)
    night.release(now=END + timedelta(hours=16))
    night.deliver()
    assert told(night) == {"a0.awa@example.com": 1}


def test_with_nothing_due_a_release_costs_a_handful_of_reads_and_no_scan(night: Night) -> None:
    many_wait(night, 40)
    night.release(now=night.now)
    calls, units = Counter[str](), Counter[str]()
    night.release(dynamodb=Metered(night.dynamodb, calls, units), now=night.now + timedelta(minutes=1))
    assert calls == {"get_item": 1, "query": SHARDS}
    assert units["write"] == 0


def test_what_was_written_past_the_mailer_is_dead_lettered_and_holds_up_nothing(night: Night) -> None:
    many_wait(night, 3)
    repository = DueRepository(night.dynamodb, night.names["DeferralsTable"])
    repository.put(
        [DueEntry(END, "x", "no notice"), DueEntry(END, "y", '["none"]'), DueEntry(END, "z", '{"bank": "b"}')]
    )
    night.release()
    night.deliver()
    assert told(night) == all_told(3)
    assert night.kept == 0
    assert sorted(letter["reason"] for letter in night.letters()) == [
        "malformed_deferral: JSONDecodeError",
        "malformed_deferral: ValueError",
        "malformed_notice: KeyError",
    ]


def test_what_the_queue_never_takes_is_dead_lettered(night: Night) -> None:
    many_wait(night, 3)

    class Refusing(FakeSqs):
        def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            return {"Failed": [{"Id": entry["Id"], "Code": "Invalid", "SenderFault": True} for entry in Entries]}

    night.release(queue=Refusing())
    assert {letter["reason"] for letter in night.letters()} == {"refused_by_queue"}
    assert night.kept == 0


class TestRepository:
    """On both engines."""

    @pytest.fixture
    def repository(self, each_dynamodb: Any) -> DueRepository:
        return DueRepository(each_dynamodb, "DeferralsTable")

    def due(self, repository: DueRepository, hour: datetime, now: datetime) -> list[DueEntry]:
        found = []
        for page in repository.due(hour, now):
            found += page
            repository.remove(page)
        return found

    def test_an_hour_s_deferrals_are_due_from_their_very_moment_on(self, repository: DueRepository) -> None:
        hour = datetime(2026, 1, 10, 20, tzinfo=UTC)
        moments = [hour, hour + timedelta(microseconds=1), hour + timedelta(minutes=30), hour + timedelta(hours=1)]
        put = [DueEntry(moment, f"b#t{number}#h", "{}") for number, moment in enumerate(moments)]
        repository.put(put)
        repository.put(put)
        assert self.due(repository, hour, hour - timedelta(microseconds=1)) == []
        assert self.due(repository, hour, hour) == put[:1]
        assert self.due(repository, hour, hour + timedelta(minutes=30)) in (put[1:3], put[2:0:-1])
        assert self.due(repository, hour, hour + timedelta(days=1)) == []
        assert self.due(repository, hour + timedelta(hours=1), hour + timedelta(days=1)) == put[3:]

    def test_of_each_bank_some_are_found_however_many_another_has_and_all_in_the_end(
        self, repository: DueRepository
    ) -> None:
        moments = [END, END + timedelta(minutes=15)]
        # Names that begin alike, before and behind the large one.
        counts = {"b": 2, "b-a": 1_700, "b-a-c": 1, "b.z": 3, "c": 120}
        put = {
            DueEntry(moment, f"{bank}#t{number}#awa", "{}")
            for bank, many in counts.items()
            for moment in moments
            for number in range(many)
        }
        repository.put(put)
        hour = END.replace(minute=0)
        found = [one for page in repository.first_of_each(hour, moments[1], 3) for one in page]
        assert len(found) == len(set(found))
        banks = Counter(one.name.partition("#")[0] for one in found)
        assert {bank: banks[bank] for bank in ("b", "b-a-c", "b.z")} == {"b": 4, "b-a-c": 2, "b.z": 6}
        assert 0 < banks["b-a"] <= 2 * SHARDS * 100
        while found:
            assert not set(found) - put
            put -= set(found)
            repository.remove(found)
            found = [one for page in repository.first_of_each(hour, moments[1]) for one in page]
        assert put == set()

    def test_all_of_a_rush_hour_comes_page_by_page(self, repository: DueRepository) -> None:
        put = {DueEntry(END, f"eazycard#t{number}#awa", json.dumps({"n": number})) for number in range(2_100)}
        repository.put(put)
        pages = []
        for page in repository.due(END.replace(minute=0), END):
            pages.append(page)
            repository.remove(page)
        assert {one for page in pages for one in page} == put
        assert sum(map(len, pages)) == len(put)
        assert max(map(len, pages)) <= 250
        # No shard has much more than its part.
        assert SHARDS <= len(pages) <= 2 * SHARDS

    def test_the_checkpoint_is_what_was_noted_last(self, repository: DueRepository) -> None:
        assert repository.checkpoint() is None
        for hour in (END.replace(minute=0), END.replace(minute=0) + timedelta(hours=1)):
            repository.move_checkpoint(hour)
            assert repository.checkpoint() == hour


def test_a_release_that_is_done_says_that_it_lags_behind_nothing(night: Night, logged: Any) -> None:
    one_waits(night)
    night.release(now=END + timedelta(minutes=5))
    (lag,) = [line for line in lines(logged()) if "JobLag" in line]
    assert (lag["JobLag"], lag["job"]) == ([0.0], "release_deferred")
