"""What goes over the notification queue."""

import dataclasses
import json

import pytest

from chalicelib.aws.dead_letters import Letter
from chalicelib.notifications.digest import unpack
from chalicelib.notifications.notice import Notice, pack, to_payload
from tests.samples import TRANSACTION


def test_notices_come_out_of_the_messages_as_they_went_in() -> None:
    told = [
        Notice(
            dataclasses.replace(TRANSACTION, id=f"t{number}"),
            ("h1", "h2") if number % 2 else None,
            number,
            TRANSACTION.recorded_at if number % 3 else None,
            again=number % 5 == 0,
        )
        for number in range(25)
    ]
    bodies = list(pack(map(to_payload, told)))
    letters: list[Letter] = []
    found = [unpack(body, letters) for body in bodies]
    assert [len(notices) for notices in found] == [10, 10, 5]
    assert [notice for notices in found for notice in notices] == told
    assert not letters


def test_what_no_email_shows_does_not_travel() -> None:
    transaction = dataclasses.replace(TRANSACTION, metadata={"internal": "secret-note"})
    (body,) = pack([to_payload(Notice(transaction))])
    assert "secret-note" not in body


@pytest.mark.parametrize("body", ["", "not json", "[]", "null", "{}", '{"notices": 1}', "[" * 100_000])
def test_a_message_that_holds_no_notices_is_malformed_as_a_whole(body: str) -> None:
    letters: list[Letter] = []
    notices = unpack(body, letters)
    ((payload, reason),) = letters
    assert (notices, payload) == ([], body)
    assert reason.startswith("malformed_message: ")


@pytest.mark.parametrize(
    "payload",
    [
        {},
        None,
        "text",
        {"bank": "b", "transaction": {"id": "1"}},
        {"bank": "b", "transaction": {"amount": "x", "timestamp": "t", "recorded_at": "t"}},
    ],
)
def test_a_malformed_notice_harms_no_other_in_its_message(payload: object) -> None:
    good = to_payload(Notice(TRANSACTION))
    letters: list[Letter] = []
    notices = unpack(json.dumps({"notices": [good, payload, good]}), letters)
    assert [notice.transaction.id for notice in notices] == [TRANSACTION.id] * 2
    ((spoilt, reason),) = letters
    assert spoilt == payload
    assert reason.startswith("malformed_notice: ")


def test_a_field_that_a_later_release_wrote_is_passed_over() -> None:
    payload = to_payload(Notice(TRANSACTION))
    payload["transaction"]["flags"] = ["large_amount"]
    letters: list[Letter] = []
    notices = unpack(json.dumps({"notices": [payload]}), letters)
    assert [notice.transaction for notice in notices] == [TRANSACTION]
    assert letters == []
