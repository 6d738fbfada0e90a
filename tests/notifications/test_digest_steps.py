"""Each step of sending a digest by itself, on a store in memory: what is claimed, told, recorded, removed, put back."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.holders.holder import Holder
from chalicelib.ledger.keys import account_key
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice, Entry, to_payload, unpack
from chalicelib.notifications.digest_members import MAX_MEMBERS
from chalicelib.notifications.digest_sender import DigestSender
from chalicelib.notifications.log import Claims
from chalicelib.notifications.notice import Notice
from chalicelib.notifications.returns import LEFT_AT_MOST
from chalicelib.notifications.sending import Sent
from chalicelib.notifications.state import NotificationKey, State, StateChange
from tests.fakes import FakeSqs, QuickSqs
from tests.metrics import counted, lines_saying
from tests.samples import transaction

NOW = datetime(2026, 1, 10, 16, tzinfo=UTC)
DIGEST = Digest(DigestKind.ORDINARY, "eazycard", "A1", "awa", NOW - timedelta(minutes=1))
NOTICE = DigestNotice(DIGEST)
HOLDER = Holder("awa", "Awa", "awa@example.com", "en", "UTC", {}, NOW)


def entry(number: int) -> Entry:
    return Entry(DIGEST, Notice(transaction(id=f"t{number:04}", account="A1"), ("awa",)))


class Desk:
    """The collaborators of a sender, in one: what they are asked, in order, is in `done`."""

    def __init__(self, entries: int = 2) -> None:
        self.now = NOW
        self.waiting = [entry(number) for number in range(entries)]
        self.noted: dict[NotificationKey, dict[str, Any]] = {
            one.key: {"state": State.QUEUED, "digest": DIGEST.id} for one in self.waiting
        }
        self.claims = Claims(claimed={NOTICE.key})
        self.is_held = False
        self.holders = [HOLDER]
        self.told: list[Entry] = []
        self.unreadable: list[str] = []
        self.unreadable_behind: list[str] = []
        self.asked_for: list[int] = []
        self.jitters: list[tuple[int, int]] = []
        self.sent: Sent[Any] = Sent(accepted=1)
        self.failed: list[tuple[Entry, str]] = []
        self.has_time = 1
        self.done: list[Any] = []
        self.changes: list[StateChange] = []
        self.sqs, self.letters = QuickSqs(self.received), FakeSqs()
        self.log = self
        queue, letters = (Queue(one, "url", sleep=lambda _: None) for one in (self.sqs, self.letters))
        sender: Any = DigestSender
        self.sender: DigestSender = sender(
            self,
            self,
            self,
            self,
            self,
            queue,
            DeadLetters(letters, "mailer"),
            lambda: self.now,
            self.jitter,
        )

    # The log.
    def claim(self, keys: Sequence[NotificationKey], now: datetime, until: datetime, again: Any) -> Claims:
        self.done.append(("claim", list(keys), now, (until - now).total_seconds(), set(again)))
        self.is_held = bool(self.claims.claimed)
        return self.claims

    def notes(self, keys: Iterable[NotificationKey]) -> dict[NotificationKey, dict[str, Any]]:
        return {key: self.noted[key] for key in keys if key in self.noted}

    def record(self, changes: Sequence[StateChange], now: datetime) -> None:
        self.changes += changes
        for change in changes:
            self.is_held = self.is_held and change.key != NOTICE.key
            self.noted[change.key] = {"state": change.state, "message_id": change.message_id, "digest": change.digest}

    # The holders.
    def of_accounts(self, keys: Sequence[Any]) -> dict[Any, list[Holder]]:
        assert list(keys) == [account_key("eazycard", "A1")]
        return {keys[0]: self.holders}

    # The members, and the entries.
    def put(self, *what: Any) -> None:
        self.done.append(("noted" if len(what) == 2 else "kept", *what))

    def of(self, _digest: NotificationKey) -> list[NotificationKey]:
        return [one.key for one in self.told]

    def entries(self, _digest: Digest, at_most: int, letters: list[Any]) -> tuple[list[Entry], list[str]]:
        self.asked_for.append(at_most)
        return self.waiting[:at_most], self.unreadable or ([] if self.waiting else self.unreadable_behind)

    def jitter(self, least: int, most: int) -> int:
        self.jitters.append((least, most))
        return most

    def remove(self, _digest: Digest, ids: Iterable[str]) -> None:
        gone = set(ids)
        self.waiting = [one for one in self.waiting if one.notice.transaction.id not in gone]
        self.unreadable = [one for one in self.unreadable if one not in gone]

    def put_off(self, notice: DigestNotice, until: datetime) -> None:
        self.done.append(("put off", notice, until))
        self.received()

    # Whoever gets the notice next may be quicker than this mailer, and must find the claim given back.
    def received(self) -> None:
        assert not self.is_held

    # The composer, and the sending.
    def compose(self, notice: DigestNotice, entries: Sequence[Entry], holder: Holder) -> Any:
        self.done.append(("composed", notice, [one.notice.transaction.id for one in entries], holder))
        return "e-mail", self.failed

    def wait_for(self, bank: str, count: int, at_most_s: float) -> int:
        self.done.append(("waited", bank, count, at_most_s))
        return self.has_time

    def send(self, emails: list[tuple[DigestNotice, Any]], now: datetime) -> Sent[Any]:
        self.done.append(("sent", emails, now))
        if self.sent.accepted:
            self.record([emails[0][0].change(State.SENT, message_id="m1")], now)
        return self.sent

    def run(self, notice: DigestNotice = NOTICE, left_s: Callable[[], float] = lambda: 20) -> "Desk":
        self.sender.send(notice, left_s)
        return self

    @property
    def back(self) -> list[tuple[DigestNotice, int]]:
        """What was put back into the queue, with the delay in seconds."""
        notices: list[Any] = [one for body in self.sqs.bodies for one in unpack(body, [])]
        return list(zip(notices, self.sqs.delays, strict=True))

    @property
    def reasons(self) -> list[str]:
        return [json.loads(body)["reason"] for body in self.letters.bodies]

    def states(self) -> dict[str, tuple[State, str | None]]:
        return {change.key.transaction: (change.state, change.reason) for change in self.changes}


def test_a_digest_is_claimed_noted_sent_and_recorded_and_its_entries_are_removed() -> None:
    desk = Desk().run()
    ids = ["t0000", "t0001"]

    assert desk.done == [
        ("claim", [NOTICE.key], NOW, 25, set()),
        ("composed", NOTICE, ids, HOLDER),
        ("noted", NOTICE.key, ids),
        ("waited", "eazycard", 1, 14),
        ("sent", [(NOTICE, "e-mail")], NOW),
    ]
    expected = [entry(number).change(State.SENT, None, "m1", DIGEST.id) for number in range(2)]
    assert desk.changes == [NOTICE.change(State.SENT, message_id="m1"), *expected]
    assert (desk.waiting, desk.back, desk.reasons) == ([], [], [])
    assert desk.asked_for == [MAX_MEMBERS, 1]  # one is enough to know whether there is more to tell


def test_what_cannot_be_read_behind_the_last_one_that_is_told_comes_with_a_next_part() -> None:
    desk = Desk()
    desk.unreadable_behind = ["t0009"]
    assert desk.run().back == [(replace(NOTICE, part=2), 0)]


@pytest.mark.parametrize(("left_s", "is_begun"), [(11.9, False), (12, True)])
def test_without_twelve_seconds_it_goes_back_with_since_when(left_s: float, is_begun: bool) -> None:
    desk = Desk().run(left_s=lambda: left_s)
    assert bool(desk.done) == is_begun
    assert desk.back == ([] if is_begun else [(replace(NOTICE, left_since=NOW), 10)])
    assert desk.jitters == ([] if is_begun else [(0, 10)])

    earlier = replace(NOTICE, left_since=NOW - timedelta(hours=1))
    if not is_begun:
        assert Desk().run(earlier, lambda: left_s).back == [(earlier, 10)]


@pytest.mark.parametrize("left_s", [5, 20])
def test_what_no_time_was_left_for_during_three_days_is_given_up_also_without_time(left_s: float) -> None:
    desk = Desk().run(replace(NOTICE, left_since=NOW - LEFT_AT_MOST, attempt=2, put_off_since=NOW), lambda: left_s)

    assert (desk.reasons, desk.states()) == (
        ["given_up: out_of_time"],
        {DIGEST.id: (State.FAILED, "given_up: out_of_time")},
    )
    (letter,) = map(json.loads, desk.letters.bodies)
    assert letter["payload"] == to_payload(replace(NOTICE, again=True))
    assert len(desk.waiting) == 2
    almost = replace(NOTICE, left_since=NOW - LEFT_AT_MOST + timedelta(microseconds=1))
    assert Desk().run(almost).reasons == []


def test_one_that_another_mailer_sends_comes_back_when_its_lease_is_over() -> None:
    desk = Desk()
    desk.claims = Claims(busy={NOTICE.key})
    assert desk.run(left_s=lambda: 17).back == [(NOTICE, 22)]
    assert desk.changes == []


def test_one_that_is_sent_again_is_claimed_although_it_failed_and_tells_what_had_failed() -> None:
    desk, again = Desk(), replace(NOTICE, again=True)
    desk.noted[entry(0).key]["state"] = State.FAILED
    desk.run(again)
    assert desk.done[0][-1] == {NOTICE.key}
    assert desk.done[1][2] == ["t0000", "t0001"]


@pytest.mark.parametrize(
    "note",
    [
        {"state": State.SENT, "digest": DIGEST.id},
        {"state": State.FAILED, "digest": DIGEST.id},
        {"state": State.QUEUED, "digest": "another"},
        {"state": State.QUEUED},
        None,
    ],
)
def test_what_does_not_wait_for_it_is_removed_and_not_told(note: dict[str, Any] | None) -> None:
    desk = Desk()
    desk.noted.pop(entry(0).key)
    desk.noted |= {entry(0).key: note} if note else {}
    desk.run()
    assert desk.done[1][2] == ["t0001"]
    assert "t0000" not in desk.states()
    assert desk.waiting == []


@pytest.mark.parametrize("holders", [[], [replace(HOLDER, id="ben")], [replace(HOLDER, alias="x")]])
def test_without_its_holder_nothing_is_told_and_that_is_recorded(holders: list[Holder]) -> None:
    desk = Desk()
    desk.holders = holders
    desk.run()
    assert desk.states() == {
        "t0000": (State.SKIPPED, "erased"),
        "t0001": (State.SKIPPED, "erased"),
        DIGEST.id: (State.SKIPPED, "nothing_to_tell"),
    }
    assert (desk.waiting, desk.back) == ([], [])


@pytest.mark.parametrize(
    ("quiet", "until"), [("17:00", timedelta(hours=1)), ("16:01", timedelta(minutes=1)), ("16:00", None)]
)
def test_in_quiet_hours_it_is_put_off_until_they_end(quiet: str, until: timedelta | None) -> None:
    desk = Desk()
    desk.holders = [replace(HOLDER, preferences={"quiet_hours": {"from": "15:00", "to": quiet}})]
    desk.run()
    assert [one for one in desk.done if one[0] == "put off"] == ([("put off", NOTICE, NOW + until)] if until else [])
    assert desk.states().get(DIGEST.id) == ((State.QUEUED, "quiet_hours") if until else (State.SENT, None))
    assert len(desk.waiting) == (2 if until else 0)


def test_it_is_put_off_for_half_a_minute_at_least_so_that_no_release_has_passed_it() -> None:
    desk = Desk()
    desk.now = NOW - timedelta(seconds=10)
    desk.holders = [replace(HOLDER, preferences={"quiet_hours": {"from": "15:00", "to": "16:00"}})]
    desk.run()
    assert ("put off", NOTICE, desk.now + timedelta(seconds=30)) in desk.done


def test_when_ses_has_no_time_it_goes_back_to_the_queue_and_says_so() -> None:
    desk = Desk()
    desk.has_time = 0
    desk.run()
    assert desk.back == [(replace(NOTICE, left_since=NOW), 10)]
    assert desk.states() == {DIGEST.id: (State.QUEUED, "out_of_time")}
    assert len(desk.waiting) == 2


@pytest.mark.parametrize(("attempt", "delay_s"), [(0, 2), (1, 4), (12, 900)])
def test_what_ses_puts_off_comes_back_later_each_time_and_counts_since_when(attempt: int, delay_s: int) -> None:
    since = NOW - timedelta(hours=1) if attempt else None
    desk = Desk()
    notice = replace(NOTICE, attempt=attempt, put_off_since=since, left_since=NOW - timedelta(hours=2))
    desk.sent = Sent(put_off=[(notice, "throttled")])
    desk.run(notice)
    later = replace(NOTICE, attempt=attempt + 1, put_off_since=since or NOW)
    assert desk.back == [(later, delay_s)]
    assert desk.jitters == [(1, delay_s)]
    assert desk.states() == {DIGEST.id: (State.QUEUED, "throttled")}
    assert len(desk.waiting) == 2


def test_what_ses_refuses_for_good_is_a_dead_letter_and_its_entries_stay() -> None:
    desk = Desk()
    desk.sent = Sent(failed=[(NOTICE, "refused")])
    desk.run()
    assert desk.reasons == ["refused"]
    failures = [entry(number).change(State.FAILED, "refused", told_in=DIGEST.id) for number in range(2)]
    assert desk.changes == [*failures, NOTICE.change(State.FAILED, "refused")]
    assert (len(desk.waiting), desk.back) == (2, [])


def test_what_cannot_be_told_is_a_dead_letter_of_its_own_and_the_rest_is_sent() -> None:
    desk = Desk(3)
    desk.failed = [(entry(1), "not_rendered: KeyError")]
    desk.run()
    assert desk.reasons == ["not_rendered: KeyError"]
    assert ("noted", NOTICE.key, ["t0000", "t0002"]) in desk.done
    assert desk.states()["t0001"] == (State.FAILED, "not_rendered: KeyError")
    assert desk.states()["t0002"] == (State.SENT, None)


def test_what_a_holder_s_unreadable_preference_lets_nobody_decide_is_a_dead_letter_each_and_removed() -> None:
    desk = Desk()
    desk.holders = [replace(HOLDER, preferences={"quiet_hours": {"from": "ten", "to": "06:00"}})]
    desk.run()
    assert desk.reasons == ["not_rendered: ValueError"] * 2
    assert [desk.states()[id_] for id_ in ("t0000", "t0001")] == [(State.FAILED, "not_rendered: ValueError")] * 2
    assert desk.waiting == []


def test_of_a_digest_of_which_nothing_is_wanted_what_one_e_mail_had_no_room_for_comes_next() -> None:
    desk = Desk(MAX_MEMBERS + 1)
    desk.holders = []
    desk.run()
    assert len(desk.waiting) == 1
    assert desk.back == [(DigestNotice(DIGEST, NOTICE.part + 1), 0)]


def test_what_cannot_be_read_has_failed_and_is_removed() -> None:
    desk = Desk(1)
    desk.unreadable = ["t0009"]
    desk.run()
    assert desk.states()["t0009"] == (State.FAILED, "malformed_deferral")
    assert desk.unreadable == []


def test_250_are_recorded_at_once_while_three_seconds_are_left(logged: Any) -> None:
    times = iter([20, 20, 20, 3])
    desk = Desk(501).run(left_s=lambda: next(times, 2.9))
    assert len(desk.waiting) == 251
    assert desk.back == [(NOTICE, 0)]
    # A line with more would be too large for CloudWatch.
    assert [len(line["transactions"]) for line in lines_saying(logged(), "digest_told")] == [250]


def test_one_that_is_sent_only_records_what_its_e_mail_has_told() -> None:
    desk = Desk(3)
    desk.claims = Claims(settled={NOTICE.key})
    desk.noted[NOTICE.key] = {"state": State.SENT, "message_id": "m7"}
    desk.told = desk.waiting[:2]
    desk.run()
    assert desk.changes == [entry(number).change(State.SENT, None, "m7", DIGEST.id) for number in range(2)]
    # The third is told by the next e-mail.
    assert desk.back == [(replace(NOTICE, part=2), 0)]


def test_one_that_is_sent_is_not_given_up_however_long_no_time_was_left() -> None:
    desk = Desk(1)
    desk.claims = Claims(settled={NOTICE.key})
    desk.noted[NOTICE.key] = {"state": State.SENT, "message_id": "m7"}
    desk.told = list(desk.waiting)
    desk.run(replace(NOTICE, left_since=NOW - LEFT_AT_MOST))
    assert desk.reasons == []
    assert desk.states() == {"t0000": (State.SENT, None)}


def test_if_its_holder_wants_none_of_it_nothing_is_told_and_that_is_recorded() -> None:
    desk = Desk()
    desk.holders = [replace(HOLDER, preferences={"muted": True})]
    desk.run()
    assert set(desk.states().values()) == {(State.SKIPPED, "muted"), (State.SKIPPED, "nothing_to_tell")}
    assert not [one for one in desk.done if one[0] in ("composed", "sent")]


@pytest.mark.parametrize(("state", "goes_on"), [(State.SKIPPED, True), (State.FAILED, False)])
def test_one_that_is_settled_otherwise_goes_on_only_if_it_had_nothing_to_tell(state: State, goes_on: bool) -> None:
    desk = Desk()
    desk.claims = Claims(settled={NOTICE.key})
    desk.noted[NOTICE.key] = {"state": state}
    desk.run(replace(NOTICE, attempt=3))
    assert desk.back == ([(replace(NOTICE, part=2), 0)] if goes_on else [])
    assert desk.changes == []


def test_what_is_sent_is_logged_and_counted(logged: Any) -> None:
    desk = Desk(3)
    desk.failed = [(entry(0), "why")]
    desk.run()
    text = logged()
    (line,) = lines_saying(text, "digest")
    assert (line["sent"], line["told"]) == (1, 2)
    (line,) = lines_saying(text, "digest_told")
    assert line["transactions"] == ["eazycard#t0001", "eazycard#t0002"]
    assert counted(text, "DigestsSent") == 1


def test_entries_are_kept_as_they_come() -> None:
    desk = Desk()
    desk.sender.keep(entries := [entry(7)])
    assert desk.done == [("kept", entries)]
