"""What answers say about endpoints: only an accepted test proves, and only 410 ends."""

from typing import Any

import pytest

from chalicelib.banks.webhook_endpoints import Status
from chalicelib.webhooks.attempt import Attempt
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.proof import is_proof, settle
from chalicelib.webhooks.webhook import test_of as endpoint_test
from tests.webhook_desk import ALL, BROKEN, GONE, TAKEN, Desk, name, statuses


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


@pytest.mark.parametrize(
    ("answer", "status"),
    [(TAKEN, Status.IN_USE), (BROKEN, Status.UNPROVED), (Answer(302), Status.UNPROVED), (GONE, Status.GONE)],
    ids=str,
)
def test_the_answer_to_a_test_decides(desk: Desk, answer: Answer, status: Status) -> None:
    name(desk, ALL)
    (endpoint,) = desk.directory.of("eazycard")
    settle(desk.directory, [Attempt(endpoint_test("eazycard", ALL.id, desk.now), endpoint, answer)], desk.now)
    assert statuses(desk) == {ALL.url: status}


def test_an_accepted_webhook_that_is_no_test_proves_nothing(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    (webhook,) = map(desk.unpacked, desk.webhook_queue.bodies)
    assert not is_proof(Attempt(webhook, None, TAKEN))
