"""What a webhook says, and when it is tried again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.notifications.state import Feedback, Kind, NotificationKey, State, to_json
from chalicelib.webhooks.webhook import TRIED_FOR, TYPES, Webhook, pack, unpack, webhook_of

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
KEY = NotificationKey("eazycard", "t-1", "awa")
SENT = {
    "state": "sent",
    "message_id": "m1",
    "queued_at": "2026-01-10T14:00:00Z",
    "updated_at": "2026-01-10T14:00:01Z",
}
FAILED = {"state": "failed", "reason": "not_rendered: KeyError", "updated_at": "2026-01-10T14:00:01Z"}


def told(kind: Kind, second: int = 3, reason: str | None = None) -> Feedback:
    return Feedback(NOW.replace(second=second), kind, "m1", NOW.replace(second=1), reason)


def made(note: dict[str, Any], *feedback: Feedback, key: NotificationKey = KEY) -> Webhook | None:
    return webhook_of(key, to_json(key.holder, note, feedback), NOW)


def sent(note: dict[str, Any], *feedback: Feedback, key: NotificationKey = KEY) -> Webhook:
    webhook = made(note, *feedback, key=key)
    assert webhook is not None
    return webhook


@pytest.mark.parametrize(
    ("note", "feedback", "expected"),
    [
        (SENT, [told(Kind.DELIVERY)], ("notification.delivered", "delivered", None, "2026-01-10T14:00:03Z")),
        (
            SENT,
            [told(Kind.HARD_BOUNCE, 4, "hard: General")],
            ("notification.bounced", "bounced", "hard: General", "2026-01-10T14:00:04Z"),
        ),
        (
            SENT,
            [told(Kind.DELIVERY, 3), told(Kind.HARD_BOUNCE, 4, "hard: General")],
            ("notification.bounced", "bounced", "hard: General", "2026-01-10T14:00:04Z"),
        ),
        (
            SENT,
            [told(Kind.REJECT, 2, "Bad content")],
            ("notification.failed", "rejected", "Bad content", "2026-01-10T14:00:02Z"),
        ),
        (FAILED, [], ("notification.failed", "failed", "not_rendered: KeyError", "2026-01-10T14:00:01Z")),
        (
            SENT,
            [told(Kind.RENDERING_FAILURE, 2, "rendering_failure")],
            ("notification.failed", "failed", "rendering_failure", "2026-01-10T14:00:02Z"),
        ),
    ],
)
def test_a_state_that_a_bank_is_told_of_makes_a_message(
    note: dict[str, Any], feedback: list[Feedback], expected: tuple[str, str, str | None, str]
) -> None:
    webhook = sent(note, *feedback)
    type_, state, reason, at = expected
    body = json.loads(webhook.body)
    data = {"transaction": "t-1", "holder": "awa", "state": state}
    data |= {"reason": reason} if reason else {}
    data |= {"message_id": "m1"} if note is SENT else {}
    assert body == {"type": type_, "timestamp": at, "data": data}
    assert (webhook.type, webhook.bank, webhook.first_at, webhook.not_before) == (type_, "eazycard", NOW, None)


@pytest.mark.parametrize("state", sorted(set(State) - {"delivered", "bounced", "rejected", "failed"}))
def test_any_other_state_makes_none(state: State) -> None:
    if state is State.COMPLAINED:
        assert made(SENT, told(Kind.COMPLAINT)) is None
    else:
        assert made({**SENT, "state": state.value}) is None


def test_the_same_state_makes_the_same_message_whatever_came_besides() -> None:
    first = sent(SENT, told(Kind.DELIVERY, 3))
    again = sent(SENT, told(Kind.DELAY, 2), told(Kind.DELIVERY, 3), told(Kind.DELIVERY, 9), told(Kind.SOFT_BOUNCE, 30))
    assert (again.id, again.body) == (first.id, first.body)


MAILS_TOLD = st.builds(
    lambda kind, mail: (kind, f"m{mail}"), st.sampled_from((Kind.DELAY, Kind.DELIVERY, Kind.REJECT)), st.integers(1, 2)
)


@given(st.lists(MAILS_TOLD, max_size=6), st.data())
def test_one_id_has_one_body_whenever_a_dead_mailers_second_email_is_noted(
    mails: list[tuple[Kind, str]], data: st.DataObject
) -> None:
    # Two e-mails of one notification, m1 and m2: whose note comes when, and what SES tells of which in which order.
    told_of = [Feedback(NOW.replace(second=10 + n), kind, mail, NOW) for n, (kind, mail) in enumerate(mails)]
    noted_after = data.draw(st.integers(0, len(told_of)))
    queued = {"state": "queued", "updated_at": "2026-01-10T14:00:00Z"}
    bodies: dict[str, set[str]] = {}
    for count in range(len(told_of) + 1):
        for note in [queued] * (count <= noted_after) + [{**SENT, "message_id": "m2"}] * (count >= noted_after):
            if webhook := made(note, *told_of[:count]):
                bodies.setdefault(webhook.id, set()).add(webhook.body)
    assert all(len(found) == 1 for found in bodies.values())


def test_a_bounce_that_turns_out_to_be_hard_is_another_message() -> None:
    soft = sent(SENT, told(Kind.SOFT_BOUNCE, 3, "soft: MailboxFull"))
    hard = sent(SENT, told(Kind.SOFT_BOUNCE, 3, "soft: MailboxFull"), told(Kind.HARD_BOUNCE, 9, "hard: General"))
    assert soft.id != hard.id
    assert json.loads(hard.body)["timestamp"] == "2026-01-10T14:00:09Z"


def test_no_two_notifications_share_an_id() -> None:
    keys = [
        NotificationKey("eazycard", "t-1", "awa"),
        NotificationKey("eazycard", "t-1", "ben"),
        NotificationKey("eazycard", "t-2", "awa"),
        NotificationKey("other-bank", "t-1", "awa"),
    ]
    found = {sent(note, *feedback, key=key).id for key in keys for note, *feedback in [(SENT, told(Kind.DELIVERY))]}
    assert len(found) == len(keys)
    assert all(webhook_id.startswith("msg_") and "." not in webhook_id for webhook_id in found)


# The queue's messages


@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,39}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
    st.sampled_from(TYPES),
    st.text(),
    st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001
    st.none() | st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001
    st.booleans(),
)
def test_what_is_packed_is_unpacked(
    bank: str,
    transaction: str,
    holder: str,
    type_: str,
    body: str,
    first_at: datetime,
    not_before: datetime | None,
    again: bool,
) -> None:
    key = NotificationKey(bank, transaction, holder)
    webhook = Webhook("msg_1", key, type_, body, first_at, not_before, again)
    assert unpack(pack(webhook)) == webhook


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "1",
        "null",
        "{}",
        "[" * 100_000,
        json.dumps({**json.loads(pack(sent(FAILED))), "bank": "A Bank"}),
        json.dumps({**json.loads(pack(sent(FAILED))), "bank": None}),
        json.dumps({**json.loads(pack(sent(FAILED))), "type": "transaction.created"}),
        json.dumps({**json.loads(pack(sent(FAILED))), "body": {"type": "notification.failed"}}),
        json.dumps({**json.loads(pack(sent(FAILED))), "first_at": "yesterday"}),
        json.dumps({**json.loads(pack(sent(FAILED))), "first_at": 5}),
    ],
    ids=str.__len__,
)
def test_what_pack_cannot_have_made_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
        unpack(text)


# When it is tried again


def tries(webhook: Webhook, jitter: float) -> list[timedelta]:
    """Return when a webhook that is never taken is tried, counted from the first time."""
    found, now = [timedelta(0)], webhook.first_at
    while not webhook.is_given_up(now):
        webhook = webhook.next_try(now, jitter)
        assert webhook.not_before is not None
        now = webhook.not_before
        found.append(now - webhook.first_at)
    return found


def test_a_webhook_is_tried_soon_then_ever_more_seldom_for_three_days() -> None:
    seconds = [int(one.total_seconds()) for one in tries(sent(FAILED), 0)]
    assert seconds[:8] == [0, 5, 20, 80, 320, 1280, 5120, 20480]
    assert {later - earlier for earlier, later in pairwise(seconds[7:])} == {6 * 3600}
    assert seconds[-2] < TRIED_FOR.total_seconds() <= seconds[-1]
    assert len(seconds) == 20


@given(st.floats(0, 1))
def test_no_wait_is_shorter_than_it_ought_to_be_or_much_longer(jitter: float) -> None:
    found = tries(sent(FAILED), jitter)
    waits = [later - earlier for earlier, later in pairwise(found)]
    assert waits == sorted(waits)
    assert timedelta(seconds=5) <= waits[0]
    assert waits[-1] <= timedelta(hours=7.5)
    assert 14 <= len(found) <= 20


@pytest.mark.parametrize(
    ("asked_for", "seconds"), [(0, 5), (3, 5), (120, 120), (21_600, 21_600), (86_400, 21_600), (999_999_999, 21_600)]
)
def test_an_endpoint_is_left_alone_for_as_long_as_it_asks_for_within_reason(asked_for: int, seconds: int) -> None:
    later = sent(FAILED).next_try(NOW, 0, timedelta(seconds=asked_for))
    assert later.not_before == NOW + timedelta(seconds=seconds)


def test_what_is_tried_again_is_the_same_message() -> None:
    webhook = sent(FAILED)
    later = webhook.next_try(NOW + timedelta(hours=1), 0.5)
    assert replace(later, not_before=None) == webhook
