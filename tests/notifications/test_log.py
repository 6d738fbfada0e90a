"""The notifications table: who may send, what is noted, and what the feed hears of it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamo import from_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.notifications.feed import NotificationFeed
from chalicelib.notifications.log import _NOT_OF_ALERTS, Claims, NotificationLog
from chalicelib.notifications.state import NotificationKey, State, StateChange
from tests.fakes import Failing, Interrupted, Refusing, refusal

TABLE = "NotificationsTable"
NOW = datetime(2026, 1, 10, 14, 0, 0, 50, UTC)
LEASE = timedelta(seconds=20)


def key(number: int = 0) -> NotificationKey:
    return NotificationKey("eazycard", f"t{number}", "awa", f"A{number}")


class Heard(NotificationFeed):
    """A feed that notes what it is told."""

    def __init__(self) -> None:
        self.changed: list[NotificationKey] = []

    def append(self, changed: Iterable[NotificationKey]) -> None:
        self.changed += changed


class Desk:
    """A log, and all that comes of it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.feed = Heard()
        self.recorded: list[tuple[list[StateChange], datetime]] = []
        self.waits: list[float] = []
        self.log = self.on(client)

    def on(self, client: Any) -> NotificationLog:
        return NotificationLog(
            client,
            TABLE,
            self.feed,
            self.waits.append,
            kept_days=3,
            recorded=lambda changes, now: self.recorded.append((list(changes), now)),
        )

    def claim(self, *numbers: int, after: timedelta = timedelta(0), **further: Any) -> Claims:
        now = NOW + after
        return self.log.claim([key(number) for number in numbers], now, now + LEASE, **further)

    def item(self, number: int = 0) -> dict[str, Any]:
        stored = self.client.get_item(
            TableName=TABLE, Key={"transaction_key": {"S": f"eazycard#t{number}"}, "holder": {"S": "awa"}}
        )
        return from_item(stored["Item"])


class Puts:
    """A client that counts what is put. Of keys that it `loses`, the first answer is lost; others it refuses."""

    def __init__(
        self, client: Any, loses: Iterable[NotificationKey] = (), refuses: Iterable[NotificationKey] = ()
    ) -> None:
        self.count = 0
        self._client = client
        self._loses, self._refuses = ({f"{one.bank}#{one.transaction}" for one in keys} for keys in (loses, refuses))

    def put_item(self, **arguments: Any) -> Any:
        self.count += 1
        name = arguments["Item"]["transaction_key"]["S"]
        if name in self._refuses:
            raise refusal("TransactionConflictException")
        answer = self._client.put_item(**arguments)
        if name in self._loses:
            self._loses.remove(name)
            raise refusal("InternalServerError")
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def each(each_dynamodb: Any) -> Desk:
    return Desk(each_dynamodb)


@pytest.fixture
def desk(dynamodb: Any, table_names: Any) -> Desk:
    return Desk(dynamodb)


def test_what_is_claimed_is_held_until_the_lease_s_end(each: Desk) -> None:
    assert each.claim(0, 1) == Claims(claimed={key(0), key(1)})
    assert each.claim(0, 1, 2) == Claims(claimed={key(2)}, busy={key(0), key(1)})
    each.waits.clear()
    assert each.claim(0, after=LEASE) == Claims(busy={key(0)})
    assert each.claim(0, after=LEASE + timedelta(microseconds=1)) == Claims(claimed={key(0)})
    assert each.feed.changed == []
    assert each.waits == []  # nobody waits for what is taken


def test_a_claim_is_noted_with_its_lease_and_kept_as_long_as_notifications_are(desk: Desk) -> None:
    desk.claim(0)
    noted = desk.item()
    assert re.fullmatch("[0-9a-f]{16}#0", noted.pop("claim_id"))
    assert noted == {
        "transaction_key": "eazycard#t0",
        "holder": "awa",
        "account": "A0",
        "state": "queued",
        "claimed_until": "2026-01-10T14:00:20.000050Z",
        "updated_at": "2026-01-10T14:00:00.000050Z",
        "expires_at": int((NOW + timedelta(days=3)).timestamp()),
    }


def test_each_is_claimed_by_one_write_and_nobody_waits(each: Desk) -> None:
    puts, keys = Puts(each.client), [key(number) for number in range(140)]
    assert each.on(puts).claim(keys, NOW, NOW + LEASE).claimed == set(keys)
    assert (puts.count, each.waits) == (140, [])


def test_a_claim_whose_answer_was_lost_is_one_s_own(each: Desk) -> None:
    log = each.on(Puts(each.client, loses=[key(0)]))
    assert log.claim([key(0), key(1)], NOW, NOW + LEASE) == Claims(claimed={key(0), key(1)})
    assert len(each.waits) == 1
    log.record([QUEUED], NOW)
    assert "claim_id" not in each.item()  # and can be given back


def test_what_refuses_a_claim_comes_with_the_refusal_and_is_not_read(desk: Desk) -> None:
    desk.log.record([StateChange(key(0), State.SENT)], NOW)
    reads_nothing = Refusing(desk.client, refusal("AccessDeniedException"), "batch_get_item")
    assert desk.on(reads_nothing).claim([key(0)], NOW, NOW + LEASE) == Claims(settled={key(0)})


@pytest.mark.parametrize("after", [timedelta(0), LEASE * 2], ids=["within the lease", "after it"])
def test_what_ses_accepted_together_is_settled_although_the_claims_stay_as_they_are(
    each: Desk, after: timedelta
) -> None:
    each.claim(0, 1, 2, 3)
    sent = [StateChange(key(number), State.SENT, message_id=f"m{number}", queued_at=NOW) for number in range(2)]
    each.log.record([*sent, StateChange(key(2), State.FAILED)], NOW)
    assert [each.item(number)["state"] for number in range(4)] == ["queued", "queued", "failed", "queued"]
    assert each.feed.changed == [key(0), key(1), key(2)]

    notes = each.log.notes([key(number) for number in range(4)])
    assert [notes[key(number)]["state"] for number in range(4)] == ["sent", "sent", "failed", "queued"]
    assert [notes[key(number)].get("message_id") for number in range(4)] == ["m0", "m1", None, None]
    assert each.log.queued(notes) == {key(3)}
    is_over = {"claimed" if after else "busy": {key(3)}}
    assert each.claim(0, 1, 2, 3, after=after) == Claims(settled={key(0), key(1), key(2)}, **is_over)
    assert each.log.queued([key(3)]) == {key(3)}


def test_one_that_ses_accepted_alone_is_noted_in_the_claim_s_place(each: Desk) -> None:
    each.claim(0, 1)
    for number in range(2):
        each.log.record([StateChange(key(number), State.SENT)], NOW)
    assert [each.item(number)["state"] for number in range(2)] == ["sent", "sent"]


def test_what_is_sent_without_a_claim_of_one_s_own_is_noted_in_its_place(each: Desk) -> None:
    each.claim(0, 1)
    each.on(each.client).record([StateChange(key(number), State.SENT) for number in range(2)], NOW)
    assert [each.item(number)["state"] for number in range(2)] == ["sent", "sent"]


@pytest.mark.parametrize("puts_before", [1, 2], ids=["it is refused twice", "it finds the other's claim"])
def test_of_two_that_find_a_lease_over_one_gets_it(each: Desk, puts_before: int) -> None:
    each.claim(0)
    later = NOW + LEASE * 2
    other = each.on(each.client)
    won: list[Claims] = []
    log = each.on(
        Interrupted(
            each.client,
            lambda: won.append(other.claim([key(0)], later, later + LEASE)),
            at=puts_before - 1,
            operation="put_item",
        )
    )
    assert log.claim([key(0)], later, later + LEASE) == Claims(busy={key(0)})
    assert won == [Claims(claimed={key(0)})]


def test_a_claim_after_a_lease_whose_answer_was_lost_is_one_s_own(each: Desk) -> None:
    each.claim(0)
    later = NOW + LEASE * 2
    lost = Puts(each.client, loses=[key(0)])
    assert each.on(lost).claim([key(0)], later, later + LEASE) == Claims(claimed={key(0)})


def test_a_claim_of_the_same_moment_is_another_one_s(each: Desk) -> None:
    assert each.claim(0) == Claims(claimed={key(0)})
    assert each.on(each.client).claim([key(0)], NOW, NOW + LEASE) == Claims(busy={key(0)})
    assert each.claim(0) == Claims(busy={key(0)})  # it belongs to the call, not to the function's copy


@pytest.mark.parametrize("state", [one for one in State if one is not State.QUEUED])
def test_what_is_settled_is_claimed_by_nobody_and_the_feed_hears_of_it_again(each: Desk, state: State) -> None:
    each.log.record([StateChange(key(1), state), StateChange(key(0), state)], NOW)
    each.feed.changed.clear()

    assert each.claim(1, 0, 2) == Claims(claimed={key(2)}, settled={key(0), key(1)})
    assert each.feed.changed == [key(0), key(1)]


def test_only_what_failed_can_be_claimed_again_by_who_asks_for_it(each: Desk) -> None:
    each.log.record([StateChange(key(0), State.FAILED), StateChange(key(1), State.SENT)], NOW)

    assert each.claim(0, 1, again={key(1)}) == Claims(settled={key(0), key(1)})
    assert each.claim(0, 1, again={key(0), key(1)}) == Claims(claimed={key(0)}, settled={key(1)})


def test_what_waits_for_a_digest_is_held_for_good(each: Desk) -> None:
    each.claim(0)
    each.log.record([StateChange(key(0), State.QUEUED, "digest", digest="digest@A0@x")], NOW)

    assert each.claim(0, after=timedelta(days=10_000)) == Claims(held={key(0)})


def test_what_is_given_back_can_be_claimed_at_once(each: Desk) -> None:
    each.claim(0)
    each.log.record([StateChange(key(0), State.QUEUED, "throttled")], NOW)

    assert each.claim(0) == Claims(claimed={key(0)})


QUEUED = StateChange(key(0), State.QUEUED, "throttled")


@pytest.mark.parametrize("is_given_back_before", [True, False], ids=["an answer was lost", "the lease has ended"])
@pytest.mark.parametrize("is_sent", [True, False])
def test_nobody_gives_another_one_s_claim_back(each: Desk, is_given_back_before: bool, is_sent: bool) -> None:
    """Whoever claims it next would send it again."""
    each.claim(0, 1)
    if is_given_back_before:
        each.log.record([QUEUED], NOW)
    later, another = NOW + LEASE + timedelta(seconds=1), each.on(each.client)
    assert another.claim([key(0)], later, later + LEASE) == Claims(claimed={key(0)})
    if is_sent:
        another.record([CHANGE], later)
    before = each.item()

    # What is one's own goes back all the same.
    each.log.record([QUEUED, StateChange(key(1), State.QUEUED)], later)
    assert each.item() == before
    assert not {"claimed_until", "claim_id"} & each.item(1).keys()


@pytest.mark.parametrize("refused", [[key(0), key(1)], [key(1)]], ids=["all", "one"])
def test_what_cannot_be_given_back_is_tried_five_times_and_raised(desk: Desk, refused: list[NotificationKey]) -> None:
    log = desk.on(Puts(desk.client, refuses=refused))
    with pytest.raises(TemporarilyUnavailable):
        log.record([QUEUED, StateChange(key(1), State.QUEUED)], NOW)
    assert len(desk.waits) == 4
    assert all(0 <= wait_s <= 0.05 * 2**number for number, wait_s in enumerate(desk.waits))
    assert (desk.recorded, desk.feed.changed) == ([], [])


def test_each_is_given_back_by_one_write_and_what_is_settled_by_none(desk: Desk) -> None:
    puts, keys = Puts(desk.client), [key(number) for number in range(140)]
    log = desk.on(puts)
    log.claim(keys, NOW, NOW + LEASE)
    log.record([StateChange(one, State.QUEUED) for one in keys], NOW)
    assert (puts.count, desk.waits) == (280, [])
    log.record([StateChange(one, State.SKIPPED, "muted") for one in keys], NOW)
    assert puts.count == 280


@pytest.mark.parametrize("reason", _NOT_OF_ALERTS)
def test_what_was_skipped_for_a_reason_that_holds_for_no_alert_can_be_claimed_by_one(each: Desk, reason: str) -> None:
    each.log.record([StateChange(key(number), State.SKIPPED, reason) for number in range(2)], NOW)
    each.log.record([StateChange(key(2), State.SKIPPED, "erased"), StateChange(key(3), State.SENT)], NOW)

    alerts = {key(0), key(2), key(3)}
    assert each.claim(0, 1, 2, 3, alerts=alerts) == Claims(claimed={key(0)}, settled={key(1), key(2), key(3)})


@pytest.mark.parametrize(
    ("subjects", "is_claimed"),
    [
        (("p#1", "a#1"), False),  # both were told
        (("p#1", "a#2"), False),  # what it is about
        (("p#2", "a#1"), False),  # exactly it
        (("p#2", "a#2"), True),
        (None, True),  # it is about nothing that another could have told
    ],
)
def test_what_another_was_told_in_the_place_of_can_be_claimed_if_it_was_not_its_subject(
    each: Desk, subjects: tuple[str, str] | None, is_claimed: bool
) -> None:
    stored = {"transaction_key": {"S": "eazycard#t0"}, "holder": {"S": "awa"}, "state": {"S": "skipped"}}
    told_for = {"told_for": {"L": [{"S": "p#1"}, {"S": "a#1"}]}}
    each.client.put_item(TableName=TABLE, Item={**stored, **told_for})

    claims = each.claim(0, subjects={key(0): subjects} if subjects else {})
    assert claims == (Claims(claimed={key(0)}) if is_claimed else Claims(settled={key(0)}))


def test_what_is_contended_is_tried_five_times_and_then_another_s(desk: Desk) -> None:
    log = desk.on(Puts(desk.client, refuses=[key(0)]))
    assert log.claim([key(0), key(1)], NOW, NOW + LEASE) == Claims(claimed={key(1)}, busy={key(0)})
    assert len(desk.waits) == 4
    assert all(0 <= wait_s <= 0.05 * 2**number for number, wait_s in enumerate(desk.waits))


def test_a_table_that_cannot_be_reached_is_temporarily_unavailable(desk: Desk) -> None:
    down = Refusing(desk.client, refusal("InternalServerError"), "put_item")
    with pytest.raises(TemporarilyUnavailable):
        desk.on(down).claim([key(0), key(1)], NOW, NOW + LEASE)
    assert desk.log.claim([], NOW, NOW + LEASE) == Claims()


def test_what_is_refused_without_its_note_is_taken_for_settled_so_that_nobody_is_told_twice(desk: Desk) -> None:
    log = desk.on(Failing(desk.client, refusal("ConditionalCheckFailedException"), operation="put_item"))
    assert log.claim([key(0)], NOW, NOW + LEASE) == Claims(settled={key(0)})


def test_another_error_is_raised_and_claims_nothing(desk: Desk) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        desk.on(Failing(desk.client, refusal("AccessDeniedException"))).claim([key(0)], NOW, NOW + LEASE)
    assert desk.log.notes([key(0)]) == {}


CHANGE = StateChange(key(0), State.SENT, "why", "m1", NOW - timedelta(minutes=1), "digest@A0@x")


def test_a_new_state_is_noted_whole_in_the_claim_s_place(desk: Desk) -> None:
    desk.claim(0)
    desk.log.record([CHANGE], NOW)
    assert desk.item() == {
        "transaction_key": "eazycard#t0",
        "holder": "awa",
        "account": "A0",
        "state": "sent",
        "reason": "why",
        "message_id": "m1",
        "digest": "digest@A0@x",
        "queued_at": "2026-01-10T13:59:00.000050Z",
        "updated_at": "2026-01-10T14:00:00.000050Z",
        "expires_at": int((NOW + timedelta(days=3)).timestamp()),
    }


def test_what_is_not_known_is_not_noted(desk: Desk) -> None:
    desk.log.claim([NotificationKey("eazycard", "t0", "awa")], NOW, NOW + LEASE)
    claimed = {"transaction_key", "holder", "state", "claimed_until", "claim_id", "updated_at", "expires_at"}
    assert desk.item().keys() == claimed
    desk.log.record([StateChange(NotificationKey("eazycard", "t0", "awa"), State.FAILED)], NOW)
    assert desk.item().keys() == {"transaction_key", "holder", "state", "updated_at", "expires_at"}


def test_what_waits_for_its_digest_is_noted_as_claimed_behind_every_time(desk: Desk) -> None:
    changes = [
        StateChange(key(0), State.QUEUED, digest="digest@A0@x"),
        StateChange(key(1), State.FAILED, digest="digest@A0@x"),
        StateChange(key(2), State.QUEUED),
    ]
    desk.claim(0, 1, 2)
    desk.log.record(changes, NOW)
    assert [desk.item(number).get("claimed_until") for number in range(3)] == ["9999", None, None]


def test_the_feed_hears_of_what_changed_and_who_counts_of_all(desk: Desk) -> None:
    changes = [StateChange(key(number), state) for number, state in enumerate(State)]
    desk.log.record(iter(changes), NOW)

    assert desk.recorded == [(changes, NOW)]
    assert desk.feed.changed == [change.key for change in changes if change.state is not State.QUEUED]


def test_what_cannot_be_stored_is_counted_by_nobody(desk: Desk) -> None:
    log = desk.on(Refusing(desk.client, refusal("ThrottlingException"), "batch_write_item"))
    with pytest.raises(TemporarilyUnavailable):
        log.record([CHANGE], NOW)
    assert (desk.recorded, desk.feed.changed) == ([], [])
    assert desk.waits


def test_notes_are_read_of_those_that_have_one_each_once_and_consistently(desk: Desk) -> None:
    asked: list[dict[str, Any]] = []

    class Reading:
        def batch_get_item(self, **arguments: Any) -> Any:
            asked.append(arguments)
            return desk.client.batch_get_item(**arguments)

    desk.claim(0, 1)
    desk.log.record([CHANGE, StateChange(key(1), State.QUEUED)], NOW)
    notes = desk.on(Reading()).notes([key(0), key(1), key(0), key(7)])
    assert {found: note["state"] for found, note in notes.items()} == {key(0): "sent", key(1): "queued"}
    assert {found.account for found in notes} == {"A0", "A1"}
    assert [one["RequestItems"][TABLE]["ConsistentRead"] for one in asked] == [True]
    assert desk.log.queued([key(0), key(1), key(7)]) == {key(1)}


def test_while_the_notes_are_throttled_it_waits_as_it_was_told_to(desk: Desk) -> None:
    desk.log.record([CHANGE], NOW)
    answers = iter([{"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": [{}]}}}])

    class Throttled:
        def batch_get_item(self, **arguments: Any) -> Any:
            return next(answers, {"Responses": {}})

    assert desk.on(Throttled()).notes([key(0)]) == {}
    assert len(desk.waits) == 1
