"""What follows from an attempt to deliver a webhook: its record, and when it is tried next."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.banks.endpoints import Endpoint
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.attempt import (
    BANK_DISABLED,
    NO_ENDPOINT,
    NO_SECRET,
    PACED,
    RESTING,
    UNPROVED,
    Attempt,
    follow_up,
)
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.records import Record, Standing
from chalicelib.webhooks.webhook import TRIED_FOR, Webhook

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
WEBHOOK = Webhook("msg_1", NotificationKey("eazycard", "t1", "awa"), "notification.delivered", "{}", NOW)
ENDPOINT = Endpoint("https://bank.example/", "arn:webhooks", is_bank_disabled=False, version=1)
BROKEN, TIMED_OUT, GONE = Answer(500), Answer(problem="timeout"), Answer(410)
NOT_POSTED = [NO_ENDPOINT, BANK_DISABLED, NO_SECRET, UNPROVED, RESTING, PACED]
IDS = {"ids": str}


def attempt(answer: Answer) -> Attempt:
    return Attempt(WEBHOOK, None if answer == NO_ENDPOINT else ENDPOINT, answer)


def waited_s(answer: Answer, after: timedelta, jitter: float = 0) -> float | None:
    """Return how long a webhook waits whose attempt, so long after its first, got this answer."""
    next_try = follow_up(attempt(answer), None, NOW + after, jitter).next_try
    if next_try is None:
        return None
    assert next_try.not_before is not None
    return (next_try.not_before - NOW - after).total_seconds()


@pytest.mark.parametrize("answer", [Answer(200), Answer(204), Answer(299)], **IDS)
def test_any_2xx_delivers_the_webhook(answer: Answer) -> None:
    result = follow_up(attempt(answer), None, NOW, 0)
    assert result.next_try is None
    assert result.record == Record(
        WEBHOOK.key, "msg_1", WEBHOOK.type, Standing.DELIVERED, str(answer), 1, NOW, next_at=None
    )


@pytest.mark.parametrize("answer", [GONE, NO_ENDPOINT], **IDS)
@pytest.mark.parametrize("after", [timedelta(0), TRIED_FOR])
def test_an_endpoint_that_is_gone_or_that_there_is_none_of_ends_the_webhook(answer: Answer, after: timedelta) -> None:
    result = follow_up(attempt(answer), None, NOW + after, 0)
    assert (result.record.standing, result.next_try) == (Standing.NOT_SENT, None)


@pytest.mark.parametrize("answer", [BROKEN, TIMED_OUT, Answer(302), Answer(404), Answer(problem="certificate")], **IDS)
def test_any_other_answer_and_none_wait_longer_each_time_up_to_six_hours(answer: Answer) -> None:
    assert [waited_s(answer, timedelta(seconds=after)) for after in (0, 5, 20, 3600, 86_400)] == [
        5,
        15,
        60,
        3 * 3600,
        6 * 3600,
    ]


def test_a_wait_is_recorded_and_up_to_a_quarter_longer() -> None:
    result = follow_up(attempt(BROKEN), None, NOW, 1)
    assert result.record.standing is Standing.WAITING
    assert result.next_try is not None
    assert result.record.next_at == result.next_try.not_before == NOW + timedelta(seconds=6.25)


@pytest.mark.parametrize(("asked_for_s", "waits_s"), [(3, 5), (120, 120), (86_400, 21_600)])
def test_an_endpoint_gets_the_wait_that_it_asks_for_up_to_six_hours(asked_for_s: int, waits_s: int) -> None:
    assert waited_s(Answer(503, retry_after_s=asked_for_s), timedelta(0)) == waits_s


@pytest.mark.parametrize("answer", [BANK_DISABLED, NO_SECRET, UNPROVED, RESTING, PACED], **IDS)
def test_a_webhook_that_was_not_posted_waits_a_quarter_of_an_hour_at_most(answer: Answer) -> None:
    assert [waited_s(answer, timedelta(seconds=after)) for after in (0, 20, 86_400)] == [5, 60, 900]


@pytest.mark.parametrize("answer", [BROKEN, TIMED_OUT, BANK_DISABLED, NO_SECRET, UNPROVED], **IDS)
def test_three_days_after_the_first_try_it_is_given_up(answer: Answer) -> None:
    assert waited_s(answer, TRIED_FOR - timedelta(seconds=1)) is not None
    result = follow_up(attempt(answer), None, NOW + TRIED_FOR, 0)
    assert (result.record.standing, result.next_try, result.record.next_at) == (Standing.GIVEN_UP, None, None)


@pytest.mark.parametrize("answer", [RESTING, PACED], **IDS)
def test_a_webhook_is_never_given_up_because_its_endpoint_rests_or_its_host_has_enough(answer: Answer) -> None:
    assert waited_s(answer, TRIED_FOR * 2) == 900


def test_why_a_webhook_was_not_posted_has_the_contract_s_words() -> None:
    words = ["no_endpoint", "bank_disabled", "no_secret", "unproved", "resting", "paced"]
    assert [str(answer) for answer in NOT_POSTED] == words


@pytest.mark.parametrize("answer", [Answer(200), BROKEN, TIMED_OUT, GONE, *NOT_POSTED], **IDS)
def test_only_what_was_posted_counts_as_an_attempt(answer: Answer) -> None:
    before = follow_up(attempt(BROKEN), None, NOW, 0).record
    made = follow_up(attempt(answer), before, NOW, 0).record.attempts
    assert made == (1 if answer in NOT_POSTED else 2)
    assert attempt(answer).is_posted == (answer not in NOT_POSTED)
