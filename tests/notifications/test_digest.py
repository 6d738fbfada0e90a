"""A digest's names and its notice: both are stored and queued, and read by other releases."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.dead_letters import Letter
from chalicelib.notifications.digest import Digest, DigestKind, DigestNotice, Entry, to_payload, unpack
from chalicelib.notifications.notice import Notice
from chalicelib.notifications.notice import to_payload as notice_payload
from chalicelib.notifications.state import DIGEST_ID, NotificationKey, State, StateChange
from tests.samples import transaction

CLOSES = datetime(2026, 1, 10, 15, 30, 4, 50, UTC)
DIGEST = Digest(DigestKind.ORDINARY, "eazycard", "A1", "awa", CLOSES)
ALERTS = replace(DIGEST, kind=DigestKind.ALERTS)
MOMENTS = st.datetimes(timezones=st.just(UTC))
NOTICES = st.builds(
    DigestNotice,
    st.builds(Digest, st.sampled_from(DigestKind), st.text(), st.text(), st.text(), MOMENTS),
    st.integers(1, 9_999),
    st.integers(0, 100),
    st.none() | MOMENTS,
    st.booleans(),
    st.none() | MOMENTS,
)
IN_FULL: dict[str, Any] = {
    "digest": {
        "kind": "alerts",
        "bank": "eazycard",
        "account": "A1",
        "holder": "awa",
        "closes_at": "2026-01-10T15:30:04.000050Z",
    },
    "part": 2,
    "attempt": 1,
    "put_off_since": "2026-01-10T16:00:00Z",
    "left_since": "2026-01-10T17:00:00Z",
    "again": True,
}


def read(payload: object) -> tuple[list[Any], list[Letter]]:
    letters: list[Letter] = []
    return unpack(json.dumps({"notices": [payload]}), letters), letters


@pytest.mark.parametrize(("digest", "kind"), [(DIGEST, "digest"), (ALERTS, "alerts")])
def test_a_digest_s_id_is_of_its_kind_its_account_and_when_it_closes_in_utc(digest: Digest, kind: str) -> None:
    elsewhere = replace(digest, closes_at=CLOSES.astimezone(timezone(timedelta(hours=-7))))

    assert digest.id == elsewhere.id == f"{kind}@A1@20260110T153004.000050Z"
    assert DIGEST_ID.fullmatch(digest.id)


def test_each_of_its_e_mails_has_a_key_of_its_own() -> None:
    keys = [DigestNotice(DIGEST, part).key for part in (1, 2, 9_999)]

    assert DigestNotice(DIGEST).key == keys[0]
    assert [key.transaction for key in keys] == [DIGEST.id, f"{DIGEST.id}@2", f"{DIGEST.id}@9999"]
    assert all(DIGEST_ID.fullmatch(key.transaction) for key in keys)
    assert {(key.bank, key.holder, key.account) for key in keys} == {("eazycard", "awa", "A1")}


@pytest.mark.parametrize(("digest", "kind"), [(DIGEST, "digest"), (ALERTS, "security_alert")])
def test_a_digest_s_new_state_is_of_its_key_and_of_its_e_mail_s_kind(digest: Digest, kind: str) -> None:
    notice = DigestNotice(digest)
    change = notice.change(State.FAILED, "why", "m1")

    assert change == StateChange(notice.key, State.FAILED, "why", "m1", None, None, kind, None)
    assert change.key.account == "A1"
    assert notice.change(State.SENT) == StateChange(notice.key, State.SENT, kind=kind)


def test_an_entry_s_new_state_is_of_its_transaction_and_names_the_digest() -> None:
    told = transaction(id="t7", account="A1")
    entry = Entry(DIGEST, Notice(told))

    assert entry.key == NotificationKey("eazycard", "t7", "awa")
    assert entry.key.account == "A1"
    change = entry.change(State.SENT, "why", "m1", DIGEST.id)
    assert change == StateChange(entry.key, State.SENT, "why", "m1", told.recorded_at, DIGEST.id)
    assert entry.change(State.SKIPPED) == StateChange(entry.key, State.SKIPPED, queued_at=told.recorded_at)


@given(NOTICES)
def test_a_notice_comes_out_of_a_message_as_it_went_in(notice: DigestNotice) -> None:
    assert read(to_payload(notice)) == ([notice], [])


def test_a_notice_s_payload_has_only_what_says_something() -> None:
    assert to_payload(DigestNotice(ALERTS)) == {"digest": IN_FULL["digest"]}
    hours = [datetime(2026, 1, 10, hour, tzinfo=UTC) for hour in (16, 17)]
    notice = DigestNotice(ALERTS, 2, 1, hours[0], again=True, left_since=hours[1])
    assert to_payload(notice) == IN_FULL
    assert read(IN_FULL) == ([notice], [])
    assert read({"digest": IN_FULL["digest"]}) == ([DigestNotice(ALERTS, 1, 0, None, False, None)], [])


@pytest.mark.parametrize("again", [False, "true", 1, None])
def test_only_true_sends_it_through_again(again: object) -> None:
    ((notice,), _) = read({**IN_FULL, "again": again})
    assert notice.again is False


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"digest": {**IN_FULL["digest"], "kind": "other"}}, "ValueError"),
        ({"digest": {**IN_FULL["digest"], "closes_at": "soon"}}, "ValueError"),
        ({"digest": {"kind": "alerts"}}, "KeyError"),
        ({"part": "two"}, "ValueError"),
        ({"left_since": 5}, "TypeError"),
    ],
)
def test_one_that_cannot_be_read_is_set_aside_whole(change: dict[str, Any], error: str) -> None:
    payload = {**IN_FULL, **change}
    assert read(payload) == ([], [Letter(payload, f"malformed_notice: {error}")])


def test_a_message_that_cannot_be_read_is_set_aside_and_a_transaction_s_notice_is_read_beside_a_digest_s() -> None:
    letters: list[Letter] = []
    assert unpack("{broken", letters) == []
    assert letters == [Letter("{broken", "malformed_message: JSONDecodeError")]
    notice = Notice(transaction(metadata=None))
    found = unpack(json.dumps({"notices": [notice_payload(notice), IN_FULL]}), letters)
    assert [type(one) for one in found] == [Notice, DigestNotice]
    assert found[0] == notice
