"""What a webhook says, when it is tried again, and which URLs it may go to."""

import json
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.banks.endpoints import refusal
from chalicelib.banks.schemas import LOOPBACK_URL, NO_ENDPOINT, URL
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


# Where it may go


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://hooks.bank.example/notifications", True),
        ("https://bank.example", True),
        ("https://bank.example/", True),
        ("https://Bank.Example:8443/a/b?c=d&e=%20", True),
        ("https://bank.example?token=x", True),
        ("https://xn--bnk-qla.example/", True),
        ("http://bank.example/", False),
        ("HTTPS://bank.example/", False),
        ("ftp://bank.example/", False),
        ("//bank.example/", False),
        ("bank.example", False),
        ("https://", False),
        ("https:///path", False),
        ("https://localhost/", False),
        ("https://bank/", False),
        ("https://127.0.0.1/", False),
        ("https://8.8.8.8/", False),
        ("https://0x7f.1/", False),
        ("https://2130706433/", False),
        ("https://[::1]/", False),
        ("https://user@bank.example/", False),
        ("https://user:secret@bank.example/", False),
        ("https://bank.example:0/", False),
        ("https://bank.example:/", False),
        ("https://bank.example:1/", True),
        ("https://bank.example:65535/", True),
        ("https://bank.example:65536/", False),
        ("https://bank.example:70000/", False),
        ("https://bank.example:443443/", False),
        ("https://bank.example/#part", False),
        ("https://bank.example/a b", False),
        ("https://bank.example/%", False),
        ("https://bank.example/%4", False),
        ("https://bank.example/?a=%zz", False),
        ("https://bank.example/?a=?b", True),
        ("https://bank.example/\r\nhost: other", False),
        ("https://bank.example/\n", False),
        ("https://bank.example\\@other.example/", False),
        ("https://bänk.example/", False),
        ("https://-bank.example/", False),
        ("https://bank-.example/", False),
        ("https://bank..example/", False),
        ("https://bank.example./", False),
        (f"https://{'b' * 64}.example/", False),
    ],
)
def test_a_url_is_an_https_one_of_a_host_with_a_name(url: str, is_taken: bool) -> None:
    assert refusal(url, has_secret=True, is_loopback_allowed=False) == (None if is_taken else NO_ENDPOINT)
    assert bool(URL.fullmatch(url)) is is_taken


def test_loopback_is_taken_where_endpoints_are_local_and_nowhere_else() -> None:
    url = "http://127.0.0.1:8026/webhooks"
    assert refusal(url, has_secret=True, is_loopback_allowed=True) is None
    assert refusal(url, has_secret=True, is_loopback_allowed=False) == NO_ENDPOINT
    for other in ("http://127.0.0.2/", "http://localhost/", "http://127.0.0.1.example/", "http://10.0.0.1/"):
        assert refusal(other, has_secret=True, is_loopback_allowed=True) == NO_ENDPOINT


def test_a_bank_without_a_secret_has_to_get_one_first() -> None:
    refused = refusal("https://bank.example/", has_secret=False, is_loopback_allowed=False)
    assert refused is not None
    assert "secret" in refused


@given(st.text(string.printable, max_size=60))
def test_whatever_follows_the_host_it_stays_the_host(rest: str) -> None:
    url = f"https://bank.example{rest}"
    if URL.fullmatch(url):
        parts = urlsplit(url)
        assert (parts.scheme, parts.username, parts.fragment) == ("https", None, "")
        assert parts.hostname is not None
        assert parts.hostname.startswith("bank.example")
        assert LOOPBACK_URL.fullmatch(url) is None
