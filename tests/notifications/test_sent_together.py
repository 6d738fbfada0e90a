"""E-mails that SES accepted in one call, in one item: what it costs, and what becomes of their claims when read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dynamo import from_item, to_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.notifications.sent_together import SentTogether
from chalicelib.notifications.state import Feedback, Kind, NotificationKey, State, StateChange
from tests.fakes import Failing, Refusing, refusal

TABLE = "NotificationsTable"
NOW = datetime(2026, 1, 10, 14, 0, 0, 50, UTC)
CALL = "0123456789abcdef"


def key(number: int = 0, bank: str = "eazycard") -> NotificationKey:
    return NotificationKey(bank, f"t{number}", "awa", f"A{number}")


def sent(number: int, bank: str = "eazycard", **further: Any) -> StateChange:
    return StateChange(key(number, bank), State.SENT, message_id=f"m{number}", **further)


def claim(number: int, call: str = CALL) -> dict[str, Any]:
    return {"state": "queued", "claim_id": f"{call}#{number}", "claimed_until": "2026", "account": f"A{number}"}


def together(client: Any, waits: list[float] | None = None) -> SentTogether:
    return SentTogether(client, TABLE, ([] if waits is None else waits).append, kept_days=3)


def test_a_claim_is_read_as_sent_when_its_e_mail_was_and_as_it_is_otherwise(each_dynamodb: Any) -> None:
    queued_at = NOW - timedelta(minutes=1)
    log = together(each_dynamodb)
    log.put({f"{CALL}#0": sent(0, queued_at=queued_at), f"{CALL}#2": sent(2)}, NOW)

    notes = {key(0): claim(0), key(1): claim(1), key(2): claim(2), key(3): {"state": "failed"}}
    assert log.completed(notes) == {
        key(0): {
            "state": "sent",
            "message_id": "m0",
            "account": "A0",
            "queued_at": "2026-01-10T13:59:00.000050Z",
            "updated_at": "2026-01-10T14:00:00.000050Z",
        },
        key(1): claim(1),
        key(2): {"state": "sent", "message_id": "m2", "account": "A2", "updated_at": "2026-01-10T14:00:00.000050Z"},
        key(3): {"state": "failed"},
    }


def test_a_claim_of_another_call_or_bank_is_not_meant(each_dynamodb: Any) -> None:
    log = together(each_dynamodb)
    log.put({f"{CALL}#0": sent(0), f"{CALL}#1": sent(1, "other")}, NOW)

    notes = {key(0): claim(0, "f" * 16), key(1): claim(1), key(0, "other"): claim(0), key(1, "other"): claim(1)}
    assert {found: note["state"] for found, note in log.completed(notes).items()} == {
        key(0): "queued",
        key(1): "queued",
        key(0, "other"): "queued",
        key(1, "other"): "sent",
    }


def test_what_ses_accepts_of_a_claim_s_call_later_is_added(each_dynamodb: Any) -> None:
    log, later = together(each_dynamodb), NOW + timedelta(seconds=2)
    for number, at in ((0, NOW), (1, later), (1, later)):  # the last one again: its answer was lost
        log.put({f"{CALL}#{number}": sent(number)}, at)

    notes = log.completed({key(0): claim(0), key(1): claim(1)})
    assert [note["updated_at"] for note in notes.values()] == [
        "2026-01-10T14:00:00.000050Z",
        "2026-01-10T14:00:02.000050Z",
    ]


def test_fifty_are_one_item_of_seven_write_units_which_lives_as_long_as_notifications_do(
    dynamodb: Any, table_names: Any
) -> None:
    message_id = "0100018c5d6f2a3b-01234567-89ab-cdef-0123-456789abcdef-000000"  # as long as SES's
    changes = {
        f"{CALL}#{number}": StateChange(key(number), State.SENT, message_id=message_id, queued_at=NOW)
        for number in range(50)
    }
    together(dynamodb).put(changes, NOW)

    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    values = from_item(item)
    assert values.pop("expires_at") == int((NOW + timedelta(days=3)).timestamp())
    assert (values.pop("transaction_key"), values.pop("holder")) == (f"eazycard#sent#{CALL}", "#sent")
    assert values.keys() == {str(number) for number in range(50)}
    # A list has 3 bytes of its own, and 1 for each value.
    size = sum(len(name) + 3 + sum(1 + len(text) for text in value) for name, value in values.items())
    assert 6 * 1024 < size + 100 < 7 * 1024


def test_without_a_claim_there_is_no_call_and_with_some_of_one_call_there_is_one(
    dynamodb: Any, table_names: Any
) -> None:
    assert together(None).completed({key(0): {"state": "sent"}}) == {key(0): {"state": "sent"}}
    assert together(None).completed({}) == {}
    together(None).put({}, NOW)
    once = Failing(dynamodb, AssertionError("a second call"), at=1)
    together(once).completed({key(number): claim(number) for number in range(50)})


def test_it_is_tried_nine_times_and_then_raised(dynamodb: Any, table_names: Any) -> None:
    waits: list[float] = []
    with pytest.raises(TemporarilyUnavailable):
        together(Refusing(dynamodb, refusal("ThrottlingException"), "update_item"), waits).put(
            {f"{CALL}#0": sent(0)}, NOW
        )
    assert len(waits) == 8


def test_while_the_item_is_throttled_it_waits_as_it_was_told_to() -> None:
    answers = iter([{"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": [{}]}}}])
    waits: list[float] = []

    class Throttled:
        def batch_get_item(self, **_: Any) -> Any:
            return next(answers, {"Responses": {}})

    assert together(Throttled(), waits).completed({key(0): claim(0)}) == {key(0): claim(0)}
    assert len(waits) == 1


def delivery(number: int, bank: str = "eazycard", *, after_s: int = 2, mail: str = "") -> tuple[NotificationKey, Any]:
    at = NOW + timedelta(seconds=after_s)
    return key(number, bank), Feedback(at, Kind.DELIVERY, mail or f"m{number}", NOW)


def test_what_was_delivered_is_read_beside_what_was_sent(each_dynamodb: Any) -> None:
    log = together(each_dynamodb)
    log.put({f"{CALL}#{number}": sent(number) for number in (0, 1, 10)} | {f"{CALL}#3": sent(3, "other")}, NOW)
    notes = {key(number): claim(number) for number in (0, 1, 10)} | {key(3, "other"): claim(3)}

    told = [delivery(0), delivery(10, after_s=3), delivery(3, "other")]
    assert log.put_delivered(told, notes) == set(told)
    completed, delivered = log.completed_and_delivered(notes)
    assert completed == log.completed(notes)
    assert delivered == {key(number): [] for number in (0, 1, 10)} | {
        key(0): [delivery(0)[1]],
        key(10): [delivery(10, after_s=3)[1]],
        key(3, "other"): [delivery(3, "other")[1]],
    }


@pytest.mark.parametrize(
    ("told", "note"),
    [
        (delivery(0, mail="m9"), claim(0)),  # of an e-mail whose acceptance nobody heard of
        (delivery(1), claim(1)),  # before the mailer's note
        (delivery(0), claim(0, "f" * 16)),
        (delivery(0), {"state": "sent", "message_id": "m0"}),  # alone in its call
        (delivery(0), {"state": "failed"}),
    ],
)
def test_a_delivery_of_another_e_mail_than_the_call_s_is_not_noted_here(
    dynamodb: Any, table_names: Any, told: Any, note: dict[str, Any]
) -> None:
    log = together(dynamodb)
    log.put({f"{CALL}#0": sent(0)}, NOW)
    assert log.put_delivered([told], {told[0]: note}) == set()
    assert len(dynamodb.scan(TableName=TABLE)["Items"]) == 1


def test_deliveries_again_and_in_any_order_make_no_difference(each_dynamodb: Any) -> None:
    log = together(each_dynamodb)
    log.put({f"{CALL}#{number}": sent(number) for number in range(2)}, NOW)
    notes = {key(number): claim(number) for number in range(2)}
    told = [delivery(0), delivery(1), delivery(0, after_s=9)]
    for part in (told, told[::-1], told[:1], told[2:]):
        log.put_delivered(part, notes)
    delivered = log.completed_and_delivered(notes)[1]
    assert {found: sorted(one) for found, one in delivered.items()} == {
        key(0): [delivery(0)[1], delivery(0, after_s=9)[1]],
        key(1): [delivery(1)[1]],
    }


def test_ten_deliveries_are_one_write_and_fifty_are_in_an_item_of_two_units(dynamodb: Any, table_names: Any) -> None:
    log = together(dynamodb)
    log.put({f"{CALL}#{number}": sent(number) for number in range(50)}, NOW)
    notes = {key(number): claim(number) for number in range(50)}
    for start in range(0, 50, 10):
        once = Failing(dynamodb, AssertionError("a second write"), at=1, operation="update_item")
        ten = [delivery(number, after_s=number) for number in range(start, start + 10)]
        together(once).put_delivered(ten, notes)

    (item,) = (one for one in dynamodb.scan(TableName=TABLE)["Items"] if one["holder"] == {"S": "#delivered"})
    values = from_item(item)
    assert values.pop("expires_at") == int((NOW + timedelta(days=3, seconds=49)).timestamp())
    assert (values.pop("transaction_key"), values.pop("holder")) == (f"eazycard#sent#{CALL}", "#delivered")
    assert len(values) == 50
    assert set(values.values()) == {True}
    assert sum(len(name) + 1 for name in values) + 100 < 2 * 1024


@pytest.mark.parametrize(
    ("claim_id", "stored"),
    [
        *(
            (claim_id, ["2026-01-10T14:00:00Z", "m0", None])
            for claim_id in ("", "#", CALL, f"{CALL}#0#0", f"{CALL}#x", 7)
        ),
        *(
            (f"{CALL}#0", stored)
            for stored in (
                None,
                "m0",
                [],
                ["2026-01-10T14:00:00Z"],
                [7, "m0", None],
                ["2026-01-10T14:00:00Z", 7, None],
                {"at": "m0"},
            )
        ),
    ],
)
def test_what_cannot_be_read_completes_nothing_and_stops_nothing(
    dynamodb: Any, table_names: Any, claim_id: Any, stored: Any
) -> None:
    log = together(dynamodb)
    log.put({f"{CALL}#1": sent(1)}, NOW)
    item = {"transaction_key": f"eazycard#sent#{CALL}", "holder": "#sent"}
    dynamodb.update_item(
        TableName=TABLE,
        Key=to_item(item),
        UpdateExpression="SET #0 = :stored",
        ExpressionAttributeNames={"#0": "0"},
        ExpressionAttributeValues=to_item({":stored": True if stored is None else stored}),
    )
    malformed = {**claim(0), "claim_id": claim_id}
    notes = {key(0): malformed, key(1): claim(1)}
    assert log.put_delivered([delivery(0), delivery(1)], notes) == {delivery(1)}
    completed, delivered = log.completed_and_delivered(notes)
    assert (completed[key(0)], completed[key(1)]["state"]) == (malformed, "sent")
    assert delivered == {key(1): [delivery(1)[1]]}


def test_a_delivery_whose_time_cannot_be_read_is_passed_over(dynamodb: Any, table_names: Any) -> None:
    log = together(dynamodb)
    log.put({f"{CALL}#0": sent(0)}, NOW)
    log.put_delivered([delivery(0)], {key(0): claim(0)})
    dynamodb.update_item(
        TableName=TABLE,
        Key=to_item({"transaction_key": f"eazycard#sent#{CALL}", "holder": "#delivered"}),
        UpdateExpression="SET #0 = :true",
        ExpressionAttributeNames={"#0": "0#yesterday"},
        ExpressionAttributeValues=to_item({":true": True}),
    )
    assert log.completed_and_delivered({key(0): claim(0)})[1] == {key(0): [delivery(0)[1]]}


def test_deliveries_that_cannot_be_written_are_raised(dynamodb: Any, table_names: Any) -> None:
    together(dynamodb).put({f"{CALL}#0": sent(0)}, NOW)
    throttled, waits = Refusing(dynamodb, refusal("ThrottlingException"), "update_item"), list[float]()
    with pytest.raises(TemporarilyUnavailable):
        together(throttled, waits).put_delivered([delivery(0)], {key(0): claim(0)})
    assert len(waits) == 4


def test_without_deliveries_nothing_is_written(dynamodb: Any, table_names: Any) -> None:
    assert together(Refusing(dynamodb, AssertionError("a write"), "update_item")).put_delivered([], {}) == set()
