"""The wait for the main job's e-mails: until all are known, and it says when only others are waited for."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from local_cloud import demo
from tests.tables import create_tables

NOW = "2026-01-10T14:00:05+00:00"


class Progress:
    """A progress bar that keeps what it shows."""

    def __init__(self) -> None:
        self.done = 0
        self.said: list[str] = []

    def update(self) -> None:
        self.done += 1

    def set_postfix_str(self, text: str) -> None:
        self.said.append(text)


@pytest.mark.parametrize(
    ("first", "second", "is_said"),
    [
        (("queued", "alerts"), ("queued", "put_off: authorization_first"), True),
        (("queued", "alerts"), ("sending", ""), False),
        (("queued", "alerts"), None, False),
    ],
    ids=["both wait for others", "one is on its way", "one is not known yet"],
)
def test_the_bar_says_when_the_last_e_mails_are_told_together_with_others(
    dynamodb: Any,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, str],
    second: tuple[str, str] | None,
    is_said: bool,
) -> None:
    create_tables(dynamodb)

    def put(transaction: str, state: str, reason: str = "") -> None:
        values = {"transaction_key": f"eazycard#{transaction}", "holder": "awa", "state": state, "updated_at": NOW}
        item = {name: {"S": value} for name, value in (values | {"reason": reason}).items() if value}
        dynamodb.put_item(TableName="NotificationsTable", Item=item)

    put("t1", *first)
    if second:
        put("t2", *second)

    looks: list[float] = []

    def all_are_sent(wait_s: float) -> None:
        looks.append(wait_s)
        if len(looks) < 3:
            return
        put("t1", "sent")
        put("t2", "skipped", "settled_as_authorized")

    monkeypatch.setattr("time.sleep", all_are_sent)
    session = SimpleNamespace(client=lambda _: dynamodb)
    cloud = SimpleNamespace(session=lambda: session)
    deployed: Any = SimpleNamespace(cloud=cloud, environment={"NOTIFICATIONS_TABLE": "NotificationsTable"})
    progress, pairs = Progress(), [("t1", "awa"), ("t2", "awa")]
    sent, skipped = demo.sent_times(deployed, pairs, 60, progress)
    assert (sent, skipped) == ({pairs[0]: datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)}, {pairs[1]})
    assert progress.done == 2
    assert len(progress.said) == is_said, "once"
