"""What goes over the notification queue."""

import dataclasses

import pytest

from chalicelib.notices import MalformedNotice, Notice, pack, to_payload, unpack
from tests.test_mails import TRANSACTION


def test_notices_come_out_of_the_messages_as_they_went_in() -> None:
    told = [
        Notice(dataclasses.replace(TRANSACTION, id=f"t{number}"), ("h1", "h2") if number % 2 else None, number)
        for number in range(25)
    ]
    bodies = list(pack(map(to_payload, told)))
    assert [len(unpack(body)) for body in bodies] == [10, 10, 5]
    assert [notice for body in bodies for notice in unpack(body)] == told


def test_what_no_email_shows_does_not_travel() -> None:
    transaction = dataclasses.replace(TRANSACTION, metadata={"internal": "secret-note"})
    (body,) = pack([to_payload(Notice(transaction))])
    assert "secret-note" not in body


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        '{"notices": [{}]}',
        '{"notices": 1}',
        '{"notices": [{"bank": "b", "transaction": {"id": "1"}}]}',
        '{"notices": [{"bank": "b", "transaction": {"amount": "x", "timestamp": "t", "recorded_at": "t"}}]}',
    ],
)
def test_a_message_that_holds_no_notices_is_malformed(body: str) -> None:
    with pytest.raises(MalformedNotice):
        unpack(body)
