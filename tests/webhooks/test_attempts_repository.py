"""The log of attempts: best effort, by batches. `tests/api/test_webhooks.py` has what a bank reads of it."""

from typing import Any

import pytest

from tests.fakes import refusal
from tests.webhook_desk import BROKEN, URL, Desk


class Down:
    """A table that takes no batch."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, **_: Any) -> None:
        raise refusal("ThrottlingException")


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


def test_the_sender_logs_delivered_and_failed_attempts(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1", "t2")
    desk.feed_webhooks()
    desk.send()
    entries, position = desk.attempt_log.newest("eazycard", "", 10, desk.now)
    assert {(one["transaction"], one["state"], one["answer"]) for one in entries} == {
        ("t1", "waiting", "500"),
        ("t2", "waiting", "500"),
    }
    assert all(one["url"] == URL and one["next_at"] for one in entries)
    assert position is None
    items = desk.dynamodb.scan(TableName=desk.names["DeferralsTable"])["Items"]
    assert len([item for item in items if "attempts" in item]) == 1  # a page for the batch
    assert all("expires_at" in item for item in items if item["due_hour"]["S"].startswith("webhook"))


def test_a_log_that_throttles_holds_up_no_webhook(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    (body,) = desk.webhook_queue.bodies
    desk.attempt_log._client = Down(desk.dynamodb)
    desk.sender.handle([body])
    assert desk.record_of("t1").answer == "204"
    desk.restart()
    assert desk.attempt_log.newest("eazycard", "", 10, desk.now) == ([], None)
