"""The webhook sender: each webhook is delivered once, tried for three days, and never held up by another bank's."""

import copy
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.activity.hour import Counted
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.keys import TransactionKey
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.records import Record, Standing
from chalicelib.webhooks.sender import is_settled
from chalicelib.webhooks.webhook import TRIED_FOR, Webhook, unpack
from tests.fakes import Failing, Metered, refusal
from tests.metrics import counted, lines_saying
from tests.webhook_desk import BROKEN, GONE, NEW, TAKEN, URL, Desk, resent

OTHER_URL = "https://hooks.other.example/"


@pytest.fixture
def desk(dynamodb: Any, table_names: dict[str, str]) -> Desk:
    return Desk(dynamodb, table_names)


DELIVERED_1 = ("notification.delivered", "t1", "awa")


def test_copies_of_a_webhook_in_one_batch_are_sent_once(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.feed_webhooks()
    assert len(desk.webhook_queue.bodies) == 2
    desk.send()
    assert desk.told() == {DELIVERED_1: 1}


# What follows from an answer


def test_an_accepted_webhook_is_recorded_as_delivered(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    (body,) = desk.webhook_queue.bodies
    desk.send()
    webhook = unpack(body)
    assert desk.record_of("t1") == Record(
        NotificationKey("eazycard", "t1", "awa"), webhook.id, webhook.type, Standing.DELIVERED, "204", 1, desk.now
    )
    ((state,),) = [[found["state"] for found in desk.deliveries.of_transaction(TransactionKey("eazycard", "t1"))]]
    assert state == "delivered"


def test_a_refused_webhook_is_tried_again_with_the_same_id_and_body_until_it_is_accepted(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN, Answer(302), Answer(problem="certificate"), Answer(404), TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(hours=1))
    assert len(desk.endpoints.posted) == 5
    assert len({(posted.id, posted.body) for posted in desk.endpoints.posted}) == 1
    stamps = [int(posted.headers["webhook-timestamp"]) for posted in desk.endpoints.posted]
    assert [later - stamps[0] for later in stamps] == [0, 5, 20, 80, 320]
    record = desk.record_of("t1")
    assert (record.standing, record.answer, record.attempts) == (Standing.DELIVERED, "204", 5)
    assert desk.webhook_queue.bodies == desk.webhook_letters.bodies == []


def test_a_webhook_that_waits_is_recorded_with_its_next_try(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    record = desk.record_of("t1")
    assert (record.standing, record.answer, record.attempts) == (Standing.WAITING, "500", 1)
    assert record.next_at == desk.now + timedelta(seconds=5)
    assert desk.webhook_queue.delays == [5]


@pytest.mark.parametrize(
    ("asked_for_s", "waits_s"), [(0, 5), (4, 5), (120, 120), (6 * 3600, 6 * 3600), (7 * 3600, 6 * 3600)]
)
def test_what_an_endpoint_asks_for_makes_a_wait_longer_up_to_six_hours(
    desk: Desk, asked_for_s: int, waits_s: int
) -> None:
    desk.endpoints.answers[URL] = [Answer(400, retry_after_s=asked_for_s)]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert desk.record_of("t1").next_at == desk.now + timedelta(seconds=waits_s)


def test_a_long_wait_is_made_of_delays_that_sqs_allows_and_nothing_is_posted_meanwhile(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [Answer(503, retry_after_s=7200), TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert desk.webhook_queue.delays == [900]
    desk.send_for(timedelta(seconds=7199))
    assert len(desk.endpoints.posted) == 1
    desk.send_for(timedelta(seconds=1))
    assert len(desk.endpoints.posted) == 2


def test_after_three_days_a_webhook_becomes_a_dead_letter_whole_with_its_reason(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1")
    desk.feed_webhooks()
    (body,) = desk.webhook_queue.bodies
    desk.send_for(TRIED_FOR + timedelta(hours=6))
    assert desk.webhook_queue.bodies == []
    (letter,) = [json.loads(one) for one in desk.webhook_letters.bodies]
    assert (letter["source"], letter["reason"]) == ("webhook_sender", "given_up: 500")
    assert unpack(letter["payload"]).id == unpack(body).id
    assert len(desk.endpoints.posted) == 20
    record = desk.record_of("t1")
    assert (record.standing, record.attempts, record.next_at) == (Standing.GIVEN_UP, 20, None)


def test_an_endpoint_that_answers_410_is_disabled_until_settings_are_stored(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [GONE, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert desk.record_of("t1").standing is Standing.NOT_SENT
    assert desk.webhook_queue.bodies == desk.webhook_letters.bodies == []
    assert desk.banks.settings("eazycard").webhooks_disabled_at == desk.now
    desk.change("t2", account="a2")
    desk.feed_webhooks()
    assert desk.webhook_queue.bodies == []
    desk.name_endpoint("eazycard", URL)
    assert desk.banks.settings("eazycard").webhooks_disabled_at is None
    desk.now += timedelta(minutes=1)  # by then everybody has heard of it
    desk.change("t3", account="a3")
    desk.feed_webhooks()
    desk.send()
    assert ("notification.delivered", "t3", "awa") in desk.told()


def test_a_webhook_that_was_queued_before_the_endpoint_was_disabled_is_recorded_as_not_sent(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.disable()
    desk.restart()
    desk.send()
    record = desk.record_of("t1")
    assert (record.standing, record.answer, record.attempts) == (Standing.NOT_SENT, "no_endpoint", 0)
    assert desk.endpoints.posted == []


@pytest.mark.parametrize("url", [URL, OTHER_URL])
def test_a_410_does_not_disable_settings_that_were_stored_after_the_request(desk: Desk, url: str) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.endpoints.answers[URL] = [GONE]
    desk.endpoints.while_posting = lambda: desk.name_endpoint("eazycard", url)
    desk.send()
    assert len(desk.endpoints.posted) == 1
    assert desk.banks.settings("eazycard").webhooks_disabled_at is None


# No bank holds up another


def enter_other_bank(desk: Desk) -> None:
    desk.name_endpoint("other-bank", OTHER_URL)


def queue_for_both(desk: Desk, *numbers: int) -> None:
    """Queue a webhook for each bank and number, as if both had been told of like transactions."""
    desk.change(*(f"t{number}" for number in numbers))
    desk.feed_webhooks()
    own = list(desk.webhook_queue.bodies)
    for body in own:
        content = json.loads(body)
        desk.webhook_queue.bodies.append(json.dumps({**content, "bank": "other-bank", "id": f"{content['id']}-other"}))


def test_a_bank_whose_secret_was_taken_away_holds_up_no_other(desk: Desk) -> None:
    enter_other_bank(desk)
    queue_for_both(desk, 1)
    del desk.secrets.values["webhook-secret-of-eazycard"]
    desk.send()
    assert [posted.url for posted in desk.endpoints.posted] == [OTHER_URL]
    record = desk.record_of("t1")
    assert (record.standing, record.answer, record.attempts) == (Standing.WAITING, "no_secret", 0)
    desk.secrets.store("webhook-secret-of-eazycard", NEW)
    desk.send_for(timedelta(minutes=1))
    assert desk.record_of("t1").standing is Standing.DELIVERED


@pytest.mark.parametrize("answer", [Answer(problem="timeout"), BROKEN, TAKEN], ids=str)
def test_a_slow_endpoint_rests_for_a_while_and_other_banks_webhooks_are_posted(desk: Desk, answer: Answer) -> None:
    enter_other_bank(desk)
    desk.endpoints.answers[URL] = [answer]
    queue_for_both(desk, 1)
    desk.endpoints.takes[URL] = timedelta(seconds=9)
    desk.send()
    queue_for_both(desk, 2, 3)
    before = len(desk.endpoints.posted)
    desk.send()
    assert [posted.url for posted in desk.endpoints.posted[before:]] == [OTHER_URL] * 2
    record = desk.record_of("t3")
    assert (record.standing, record.answer, record.attempts) == (Standing.WAITING, "resting", 0)
    desk.endpoints.answers[URL], desk.endpoints.takes = [TAKEN], {}
    desk.send_for(timedelta(minutes=5))
    assert {desk.record_of(f"t{number}").standing for number in (1, 2, 3)} == {Standing.DELIVERED}


@pytest.mark.parametrize("answer", [BROKEN, Answer(problem="unreachable")], ids=str)
def test_an_endpoint_that_fails_fast_does_not_rest(desk: Desk, answer: Answer) -> None:
    desk.endpoints.answers[URL] = [answer, TAKEN]
    desk.change("t1", "t2")
    desk.feed_webhooks()
    for body in list(desk.webhook_queue.bodies):
        desk.sender.handle([body])
    assert len(desk.endpoints.posted) == 2


def test_a_webhook_whose_endpoint_rests_is_not_given_up_and_waits_15_minutes_at_most(desk: Desk) -> None:
    desk.change("t1", "t2")
    desk.feed_webhooks()
    slow, old = desk.webhook_queue.bodies
    old_id = json.loads(old)["transaction"]
    desk.now += TRIED_FOR + timedelta(hours=1)
    desk.endpoints.answers[URL], desk.endpoints.takes[URL] = [TAKEN], timedelta(seconds=9)
    desk.sender.handle([slow])
    desk.webhook_queue.bodies, desk.webhook_queue.delays = [], []
    desk.sender.handle([old])
    assert desk.record_of(old_id).answer == "resting"
    assert desk.webhook_letters.bodies == []
    assert desk.webhook_queue.delays == [900]


def test_a_disabled_banks_webhooks_wait_until_it_is_enabled(desk: Desk) -> None:
    desk.banks.change_bank("eazycard", disabled=True)
    desk.restart()
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(hours=5))
    record = desk.record_of("t1")
    assert (record.standing, record.answer, record.attempts) == (Standing.WAITING, "bank_disabled", 0)
    assert desk.endpoints.posted == []
    desk.banks.change_bank("eazycard", disabled=False)
    desk.send_for(timedelta(minutes=30))
    assert desk.told() == {DELIVERED_1: 1}


def test_webhooks_wait_for_a_secret(desk: Desk) -> None:
    desk.banks.change_bank("eazycard", webhook_secret_arn=None)
    desk.restart()
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    assert desk.record_of("t1").answer == "no_secret"
    desk.name_endpoint("eazycard", URL)
    desk.send_for(timedelta(minutes=30))
    assert desk.told() == {DELIVERED_1: 1}


def test_a_bank_without_an_endpoint_by_the_cache_is_looked_up_in_the_table(desk: Desk) -> None:
    desk.disable()
    desk.change("t1")
    desk.feed_webhooks()  # and the process remembers that there is no endpoint
    desk.name_endpoint("eazycard", URL)
    assert desk.webhook_queue.bodies == []
    desk.sender.handle([desk.queued_anew("t1")])
    assert desk.told() == {DELIVERED_1: 1}


def test_an_endpoint_that_cannot_be_disabled_leaves_the_other_banks_webhooks_recorded(desk: Desk) -> None:
    enter_other_bank(desk)
    queue_for_both(desk, 1, 2)
    bodies = list(desk.webhook_queue.bodies)
    desk.endpoints.answers[URL] = [GONE]
    desk.restart(Failing(desk.dynamodb, refusal("ThrottlingException"), operation="update_item"))
    with pytest.raises(TemporarilyUnavailable):
        desk.sender.handle(bodies)
    desk.sender.handle(bodies)
    assert Counter(posted.url for posted in desk.endpoints.posted)[OTHER_URL] == 2
    assert desk.banks.settings("eazycard").webhooks_disabled_at is not None
    assert desk.banks.settings("other-bank").webhooks_disabled_at is None


def test_a_message_that_cannot_be_read_is_a_dead_letter_and_the_others_are_sent(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.webhook_queue.bodies.insert(0, '{"bank": "eazycard"}')
    desk.send()
    (letter,) = [json.loads(one) for one in desk.webhook_letters.bodies]
    assert letter["reason"] == "malformed_webhook: KeyError"
    assert desk.told() == {DELIVERED_1: 1}


# When AWS fails, and when there are copies


@pytest.mark.parametrize("operation", ["batch_get_item", "get_item"])
def test_a_table_that_throttles_before_anything_is_posted_makes_sqs_bring_it_again(desk: Desk, operation: str) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    bodies = list(desk.webhook_queue.bodies)
    desk.restart(Failing(desk.dynamodb, refusal("ThrottlingException"), operation=operation))
    with pytest.raises(TemporarilyUnavailable):
        desk.sender.handle(bodies)
    assert desk.endpoints.posted == []
    desk.sender.handle(bodies)
    assert desk.told() == {DELIVERED_1: 1}


def test_secrets_manager_that_is_down_makes_sqs_bring_it_again(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.restart(secrets=Failing(desk.secrets, refusal("ThrottlingException")))
    bodies = list(desk.webhook_queue.bodies)
    with pytest.raises(TemporarilyUnavailable):
        desk.sender.handle(bodies)
    desk.sender.handle(bodies)
    assert desk.told() == {DELIVERED_1: 1}


def test_a_webhook_whose_record_could_not_be_stored_is_sent_twice_with_the_same_id(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    bodies = list(desk.webhook_queue.bodies)
    died = RuntimeError("the function died")
    desk.restart(Failing(desk.dynamodb, died, operation="batch_write_item"))
    with pytest.raises(RuntimeError):
        desk.sender.handle(bodies)
    desk.restart()
    desk.sender.handle(bodies)
    assert len(desk.endpoints.posted) == 2
    assert len({posted.id for posted in desk.endpoints.posted}) == 1


def test_a_delivered_webhook_is_recorded_although_following_up_another_fails(desk: Desk) -> None:
    enter_other_bank(desk)
    queue_for_both(desk, 1)
    bodies = list(desk.webhook_queue.bodies)
    desk.endpoints.answers[URL] = [BROKEN]
    desk.restart(Failing(desk.dynamodb, refusal("ThrottlingException"), at=1, operation="batch_get_item"))
    with pytest.raises(TemporarilyUnavailable):
        desk.sender.handle(bodies)
    desk.sender.handle(bodies)
    assert Counter(posted.url for posted in desk.endpoints.posted) == {URL: 2, OTHER_URL: 1}


def test_a_queue_that_is_down_loses_no_next_try(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN, BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    desk.now += timedelta(seconds=5)
    bodies = list(desk.webhook_queue.bodies)
    down = Failing(desk.webhook_queue, refusal("ServiceUnavailable"), operation="send_message_batch")
    desk.restart(queue=down)
    with pytest.raises(TemporarilyUnavailable):
        desk.sender.handle(bodies)
    desk.webhook_queue.bodies = bodies  # SQS brings the message again
    desk.restart()
    desk.send_for(timedelta(minutes=1))
    assert desk.record_of("t1").standing is Standing.DELIVERED


def test_of_two_copies_that_wait_the_one_with_the_later_try_is_kept(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    (first,) = desk.webhook_queue.bodies
    desk.webhook_queue.bodies = [resent(first)]
    desk.now += timedelta(seconds=1)
    desk.send()
    (second,) = desk.webhook_queue.bodies
    posts = len(desk.endpoints.posted)
    desk.now += timedelta(seconds=30)
    desk.webhook_queue.bodies = [first]
    desk.send()
    assert (desk.webhook_queue.bodies, len(desk.endpoints.posted)) == ([], posts)
    desk.webhook_queue.bodies = [second]
    desk.send()
    assert len(desk.endpoints.posted) == posts + 1
    assert len(desk.webhook_queue.bodies) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_copies_in_one_batch_the_one_with_the_later_try_is_kept(desk: Desk, order: int) -> None:
    desk.endpoints.answers[URL] = [BROKEN, BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    (first,) = desk.webhook_queue.bodies
    desk.webhook_queue.bodies = [resent(first)]
    desk.now += timedelta(seconds=1)
    desk.send()
    (second,) = desk.webhook_queue.bodies
    desk.webhook_queue.bodies = []
    desk.sender.handle([first, second][::order])  # neither is due yet
    desk.send_for(timedelta(minutes=5))
    assert desk.record_of("t1").standing is Standing.DELIVERED


@pytest.mark.parametrize("order", [1, -1])
def test_a_copy_to_be_sent_again_is_sent_although_another_copy_waits(desk: Desk, order: int) -> None:
    desk.endpoints.answers[URL] = [BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    (waiting,) = desk.webhook_queue.bodies
    desk.sender.handle([resent(waiting), waiting][::order])
    assert desk.record_of("t1").standing is Standing.DELIVERED


@pytest.mark.parametrize("come_together", [True, False])
def test_a_copy_from_another_page_of_the_feed_does_not_shorten_the_wait(desk: Desk, come_together: bool) -> None:
    desk.endpoints.answers[URL] = [Answer(503, retry_after_s=3600), TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    desk.feed_webhooks()
    assert len(desk.webhook_queue.bodies) == 2
    if come_together:
        desk.send()
    desk.send_for(timedelta(minutes=10))
    assert len(desk.endpoints.posted) == 1
    assert len(desk.webhook_queue.bodies) == 1
    desk.send_for(timedelta(hours=1))
    assert desk.told() == {DELIVERED_1: 2}


def test_a_copy_that_fails_while_another_is_delivered_is_not_tried_again(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    (body,) = desk.webhook_queue.bodies
    desk.webhook_queue.bodies = []
    other = copy.copy(desk.sender)

    def taken_elsewhere() -> None:
        desk.endpoints.while_posting = lambda: None
        other.handle([body])

    desk.endpoints.while_posting = taken_elsewhere
    desk.endpoints.answers[URL] = [TAKEN, BROKEN]
    desk.sender.handle([body])
    record = desk.record_of("t1")
    assert (record.standing, record.answer) == (Standing.DELIVERED, "204")
    assert desk.webhook_queue.bodies == []


def test_a_message_whose_times_have_no_offset_is_a_dead_letter(desk: Desk) -> None:
    desk.change("t1", "t2")
    desk.feed_webhooks()
    first, second = map(json.loads, desk.webhook_queue.bodies)
    desk.webhook_queue.bodies = [json.dumps({**first, "first_at": "2026-01-10T14:00:00"}), json.dumps(second)]
    desk.send()
    assert desk.told() == {("notification.delivered", second["transaction"], "awa"): 1}
    assert len(desk.webhook_letters.bodies) == 1


def test_a_webhook_to_be_sent_again_is_sent_although_it_was_delivered(desk: Desk) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    (body,) = desk.webhook_queue.bodies
    desk.send()
    desk.webhook_queue.bodies = [json.dumps({**json.loads(body), "again": True})]
    desk.send()
    assert desk.told() == {DELIVERED_1: 2}
    assert desk.record_of("t1").attempts == 2
    assert len({posted.id for posted in desk.endpoints.posted}) == 1


def test_a_webhook_that_is_sent_again_is_tried_until_it_is_accepted_although_it_was_delivered(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [TAKEN, BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    (body,) = desk.webhook_queue.bodies
    desk.send()
    desk.webhook_queue.bodies = [resent(body)]
    desk.send()
    assert desk.record_of("t1").standing is Standing.WAITING
    desk.send_for(timedelta(minutes=1))
    record = desk.record_of("t1")
    assert (record.standing, record.attempts) == (Standing.DELIVERED, 3)


def test_a_webhook_that_becomes_due_while_others_are_posted_comes_back_at_once(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    (waiting,) = desk.webhook_queue.bodies  # it is due in 5 s
    desk.change("t2")
    desk.feed_webhooks()
    (new,) = [body for body in desk.webhook_queue.bodies if unpack(body).key.transaction == "t2"]
    desk.webhook_queue.bodies, desk.webhook_queue.delays = [], []
    desk.endpoints.takes[URL] = timedelta(seconds=7)
    desk.sender.handle([waiting, new])
    assert desk.webhook_queue.bodies == [waiting]
    assert desk.webhook_queue.delays == [0]


def test_the_bank_reads_of_each_attempt(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(minutes=1))
    entries, _ = desk.attempt_log.newest("eazycard", "", 10, desk.now)
    assert [entry["answer"] for entry in entries] == ["204", "500"]


def test_each_record_is_stored_once(desk: Desk) -> None:
    calls: Counter[str] = Counter()
    desk.endpoints.answers[URL] = [BROKEN, GONE]
    desk.change("t1", "t2")
    desk.feed_webhooks()
    desk.restart(Metered(desk.dynamodb, calls, Counter()))
    for body, expected in zip(list(desk.webhook_queue.bodies), (Standing.WAITING, Standing.NOT_SENT), strict=True):
        calls.clear()
        desk.sender.handle([body])
        assert desk.record_of(unpack(body).key.transaction).standing is expected
        assert calls["batch_write_item"] == 2  # its record, and what its bank reads of it


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_copies_that_never_waited_the_one_that_was_made_last_is_tried_for_three_days(
    desk: Desk, order: int
) -> None:
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.now += TRIED_FOR
    desk.feed_webhooks()
    desk.sender.handle(desk.webhook_queue.bodies[::order])
    assert desk.record_of("t1").standing is Standing.WAITING


SECOND = timedelta(seconds=1)
NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("waits_for", "next_try_of_another", "is_skipped"),
    [
        (None, NOON + SECOND, True),
        (None, NOON, False),  # another copy was to be tried by now, and may be lost
        (NOON, NOON, False),  # it is the copy that waits
        (NOON - 2 * SECOND, NOON - SECOND, True),  # both come late: the other one is tried
        (NOON - SECOND, NOON - 2 * SECOND, False),
    ],
)
def test_a_webhook_is_skipped_while_a_copy_waits_for_a_later_try(
    waits_for: datetime | None, next_try_of_another: datetime, is_skipped: bool
) -> None:
    key = NotificationKey("eazycard", "t1", "awa")
    webhook = Webhook("msg_1", key, "notification.delivered", "{}", NOON, not_before=waits_for)
    record = Record(key, "msg_1", webhook.type, Standing.WAITING, "500", 1, NOON, next_at=next_try_of_another)
    assert is_settled(webhook, record, NOON) == is_skipped
    assert not is_settled(replace(webhook, again=True), record, NOON)


def test_an_outage_of_hours_ends_with_every_webhook_delivered_once(desk: Desk) -> None:
    ids = [f"t{number}" for number in range(25)]
    desk.change(*ids)
    desk.endpoints.answers[URL] = [BROKEN]
    desk.feed_webhooks()
    desk.send_for(timedelta(hours=4))
    desk.endpoints.answers[URL] = [TAKEN]
    before = len(desk.endpoints.posted)
    desk.send_for(timedelta(hours=8))
    assert len(desk.endpoints.posted) - before == len(ids)
    assert {desk.record_of(one).standing for one in ids} == {Standing.DELIVERED}
    assert desk.webhook_queue.bodies == desk.webhook_letters.bodies == []


def test_a_bank_that_is_called_feed_has_its_purchases_taken_for_no_page(desk: Desk) -> None:
    keys = {"transaction_key": {"S": "feed#t1#purchase"}, "holder": {"S": "#purchase"}}
    purchase = {**keys, "named": {"S": "feed#t1"}, "size": {"N": "0"}, "members": {"L": []}}
    desk.feeder.handle([{"eventName": "INSERT", "dynamodb": {"NewImage": purchase}}])
    assert desk.webhook_letters.bodies == desk.webhook_queue.bodies == []


def test_no_log_line_has_an_endpoint_s_url_or_a_secret(desk: Desk, logged: Any) -> None:
    desk.endpoints.answers[URL] = [GONE]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send()
    text = logged()
    assert "webhooks_disabled" in text
    assert "hooks.bank.example" not in text
    assert "whsec" not in text


def test_an_hour_counts_each_attempt_as_delivered_or_failed_and_no_other(desk: Desk) -> None:
    desk.endpoints.answers[URL] = [BROKEN, BROKEN, TAKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(minutes=10))
    found: Counter[Counted] = sum((Counter(hour.counts) for hour in desk.hours()), Counter())
    assert (found[Counted.WEBHOOKS_DELIVERED], found[Counted.WEBHOOKS_FAILED]) == (1, 2)
    desk.change("t2")
    desk.feed_webhooks()
    desk.disable()
    desk.restart()
    desk.send()  # nothing is posted
    assert sum(hour.counts.get(Counted.WEBHOOKS_FAILED, 0) for hour in desk.hours()) == 2


def test_a_batch_says_what_became_of_each_webhook(desk: Desk, logged: Any) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.endpoints.answers[URL] = [BROKEN, TAKEN]
    desk.send()
    (again,) = desk.webhook_queue.bodies  # it waits for its next try
    desk.webhook_queue.bodies.clear()
    desk.change("t2")
    desk.feed_webhooks()
    (new,) = [body for body in desk.webhook_queue.bodies if unpack(body).key.transaction == "t2"]
    desk.sender.handle([again, new, new])
    desk.sender.handle([new])

    text = logged()
    metrics = ("WebhooksDelivered", "WebhooksPutOff", "WebhooksGivenUp", "WebhooksNotSent")
    assert [counted(text, metric) for metric in metrics] == [1, 1, 0, 0]
    (first, mixed, over) = lines_saying(text, "webhooks")
    said = ("standings", "answers", "early", "over")
    assert [first[name] for name in said] == [{"waiting": 1}, {str(BROKEN): 1}, 0, 0]
    assert [mixed[name] for name in said] == [{"delivered": 1}, {"204": 1}, 1, 0]
    assert [over[name] for name in said] == [{}, {}, 0, 1]
    assert over["transactions"]


def test_what_is_given_up_is_counted(desk: Desk, logged: Any) -> None:
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(TRIED_FOR + timedelta(hours=12))
    assert counted(logged(), "WebhooksGivenUp") == 1


def test_what_no_endpoint_is_there_for_is_counted_as_not_sent(desk: Desk, logged: Any) -> None:
    desk.change("t1")
    desk.feed_webhooks()
    desk.disable()
    desk.restart()
    desk.send()
    assert counted(logged(), "WebhooksNotSent") == 1
