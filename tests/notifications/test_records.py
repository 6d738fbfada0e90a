"""What became of notifications, read: a record that can't be read is told without its account or holder.

All else is tested through who uses it: by test_feedback and api/test_notifications.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.dead_letters import Letter
from chalicelib.aws.dynamo import to_item
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.records import NotificationRecords
from chalicelib.notifications.sent_together import Delivery, SentTogether
from chalicelib.notifications.state import (
    CHANGE_ID,
    DIGEST_ID,
    STATEMENT_ID,
    Feedback,
    Kind,
    NotificationKey,
    State,
    StateChange,
)

NOW = datetime(2026, 1, 10, 14, tzinfo=UTC)
ACCOUNT, HOLDER = "A-secret-123", "holder-secret"
# What stands in a transaction's place, of each kind.
IN_PLACE = {
    f"statement@{ACCOUNT}@2026-W23": STATEMENT_ID,
    f"statement@{ACCOUNT}@2026-06": STATEMENT_ID,
    f"digest@{ACCOUNT}@20260110T140000.000000Z": DIGEST_ID,
    f"digest@{ACCOUNT}@20260110T140000.000000Z@2": DIGEST_ID,
    f"alerts@{ACCOUNT}@20260110T140000.000000Z": DIGEST_ID,
    f"address_changed@{ACCOUNT}@20260110T140000000000Z": CHANGE_ID,
    f"alerts_ended@{ACCOUNT}@20260110T140000000000Z": CHANGE_ID,
    f"confirm_address@{ACCOUNT}@20260110T140000000000Z": CHANGE_ID,
}
NAMED = {"t1": "eazycard#t1", **{id_: f"eazycard#{id_.partition('@')[0]}@" for id_ in IN_PLACE}}
# A record of a notification beside that of SES's feedback, of which one can't be read.
MALFORMED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a note": ({"state": "teleported", "account": ACCOUNT}, {}),
    "a note without anything": ({}, {}),
    "feedback": ({"state": "sent", "updated_at": "2026-01-10T14:00:00Z", "history": []}, {"feedback:x": ACCOUNT}),
}


def test_each_kind_is_tried() -> None:
    assert all(form.fullmatch(id_) for id_, form in IN_PLACE.items())


@pytest.mark.parametrize("malformed", MALFORMED)
@pytest.mark.parametrize("id_", NAMED)
def test_a_malformed_record_is_logged_without_an_account_or_holder(
    dynamodb: Any, table_names: dict[str, str], logged: Callable[[], str], id_: str, malformed: str
) -> None:
    key = NotificationKey("eazycard", id_, HOLDER, ACCOUNT)
    for suffix, values in zip(("", "#feedback"), MALFORMED[malformed], strict=True):
        item = to_item({**key.item_key(suffix), **values})
        dynamodb.put_item(TableName=table_names["NotificationsTable"], Item=item)
    records = NotificationRecords(dynamodb, table_names["NotificationsTable"])
    records.of_transaction(TransactionKey("eazycard", id_))
    records.of_keys([key])
    text = logged()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"')]
    found = [line for line in lines if line.get("message") == "malformed_notification"]
    assert [line["key"] for line in found] == [NAMED[id_]] * 2
    assert all(line["reason"].startswith("malformed_notification: ") for line in found)
    assert sum("MalformedNotifications" in line for line in lines) == 2
    assert "secret" not in text


def test_who_has_dead_letters_gets_the_record_s_whole_key_and_nothing_is_logged(
    dynamodb: Any, table_names: dict[str, str], logged: Callable[[], str]
) -> None:
    key = NotificationKey("eazycard", f"statement@{ACCOUNT}@2026-W23", HOLDER)
    dynamodb.put_item(TableName=table_names["NotificationsTable"], Item=to_item(key.item_key()))
    letters: list[Letter] = []
    assert NotificationRecords(dynamodb, table_names["NotificationsTable"]).of_keys([key], letters) == {}
    assert [letter.payload for letter in letters] == [key.item_key()]
    assert logged().strip() == ""


def of_one_call(client: Any, table: str, *keys: NotificationKey) -> tuple[dict[NotificationKey, Any], list[Delivery]]:
    """Note e-mails as sent in one call; return their claims, and that each was delivered."""
    SentTogether(client, table).put(
        {f"call#{number}": StateChange(key, State.SENT, message_id=f"m{number}") for number, key in enumerate(keys)},
        NOW,
    )
    notes = {key: {"state": "queued", "claim_id": f"call#{number}"} for number, key in enumerate(keys)}
    told = [(key, Feedback(NOW, Kind.DELIVERY, f"m{number}", NOW)) for number, key in enumerate(keys)]
    return notes, told


def test_a_digest_s_delivery_is_not_noted_with_those_of_its_call(dynamodb: Any, table_names: dict[str, str]) -> None:
    """It is read beside the digest's own note, of each notification that the digest told."""
    table = table_names["NotificationsTable"]
    digest = NotificationKey("eazycard", f"digest@{ACCOUNT}@20260110T140000.000000Z", HOLDER)
    notes, told = of_one_call(dynamodb, table, NotificationKey("eazycard", "t1", HOLDER), digest)
    assert NotificationRecords(dynamodb, table).note_deliveries(told, notes) == {told[0]}


def test_what_is_noted_of_deliveries_lives_as_long_as_notifications_do(
    dynamodb: Any, table_names: dict[str, str]
) -> None:
    table = table_names["NotificationsTable"]
    notes, told = of_one_call(dynamodb, table, NotificationKey("eazycard", "t1", HOLDER))
    NotificationRecords(dynamodb, table, kept_days=3).note_deliveries(told, notes)
    (item,) = (one for one in dynamodb.scan(TableName=table)["Items"] if one["holder"] == {"S": "#delivered"})
    assert item["expires_at"] == {"N": str(int((NOW + timedelta(days=3)).timestamp()))}
