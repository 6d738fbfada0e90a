"""Delivery proof over HTTP: what became of a transaction's e-mails, and the bank's feed."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.notifications.feed import MARGIN
from tests.app_bench import AWS, CLIENT, HOLDER, KEY, NOW, OTHER_KEY, Bench, fields, problem
from tests.described import validator
from tests.mail_world import World, messages, ses_event
from tests.samples import transaction
from tests.tables import TABLES


class Told:
    """Banks that post over HTTP, and a mailer and an SES behind the same tables."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.world = World(bench.dynamodb, {name: name for name in TABLES})
        self.at(NOW)

    def at(self, now: Any) -> None:
        self.bench.now = self.world.now = now

    def tell(self, *ids: str, account: str = "A123") -> None:
        self.bench.record(*ids, account=account)
        self.world.tell(messages(*(transaction(id=one, account=account, recorded_at=NOW) for one in ids)))

    def hear(self, name: str, transaction_id: str, **options: Any) -> None:
        self.world.hear([self.event(name, transaction_id, **options)])

    def event(self, name: str, transaction_id: str, **options: Any) -> str:
        """Return what SES publishes of an e-mail to the holder `awa`."""
        return ses_event(name, transaction=transaction_id, holder=self.bench.alias_of("awa"), **options)

    def feed(self, key: str = KEY, **query: str) -> tuple[list[tuple[str, str]], str]:
        """Return (transaction, state) of what changed, and the cursor to go on from."""
        answer = self.bench.get("/notifications", key=key, **query)
        assert answer.status_code == 200
        found = [(one["transaction"], one["state"]) for one in answer.json_body["notifications"]]
        return found, answer.json_body["next_cursor"]

    def later(self) -> None:
        self.at(self.bench.now + MARGIN + timedelta(seconds=1))


@pytest.fixture
def told(bench: Bench) -> Told:
    for holder in ("awa", "ben"):
        assert bench.put_holder(holder, {**HOLDER, "email": f"{holder}@example.com"}).status_code == 201
    return Told(bench)


def test_each_holders_delivery_is_told_with_times_and_reasons(told: Told) -> None:
    told.tell("1")
    told.hear("bounce", "1", address="awa@example.com", message_id="message-1")
    answer = told.bench.get("/transactions/1/notifications")
    assert answer.status_code == 200
    assert answer.json_body == {
        "notifications": [
            {
                "holder": "awa",
                "state": "bounced",
                "reason": "hard: General",
                "queued_at": "2026-01-10T14:00:00Z",
                "sent_at": "2026-01-10T14:00:00Z",
                "updated_at": "2026-01-10T14:00:03.114000Z",
                "message_id": "message-1",
                "history": [
                    {"state": "queued", "at": "2026-01-10T14:00:00Z"},
                    {"state": "sent", "at": "2026-01-10T14:00:00Z"},
                    {"state": "bounced", "at": "2026-01-10T14:00:03.114000Z", "reason": "hard: General"},
                ],
            },
            {
                "holder": "ben",
                "state": "sent",
                "queued_at": "2026-01-10T14:00:00Z",
                "sent_at": "2026-01-10T14:00:00Z",
                "updated_at": "2026-01-10T14:00:00Z",
                "message_id": "message-2",
                "history": [
                    {"state": "queued", "at": "2026-01-10T14:00:00Z"},
                    {"state": "sent", "at": "2026-01-10T14:00:00Z"},
                ],
            },
        ]
    }


def test_a_transaction_that_nobody_was_told_of_has_none_and_an_unknown_one_is_404(told: Told) -> None:
    told.bench.record("untold")
    assert told.bench.get("/transactions/untold/notifications").json_body == {"notifications": []}
    for unknown in ("nothing", "a%23b", "%2A"):
        problem(told.bench.get(f"/transactions/{unknown}/notifications"), 404, "transaction_not_found")


def test_the_transaction_named_batch_has_notifications_too(told: Told) -> None:
    told.tell("batch")
    (awa, _) = told.bench.get("/transactions/batch/notifications").json_body["notifications"]
    assert (awa["holder"], awa["state"]) == ("awa", "sent")


def test_a_suppressed_address_is_seen_in_the_holders_record_until_another_is_enrolled(told: Told) -> None:
    told.tell("1")
    assert "suppressed" not in told.bench.get("/accounts/A123/holders/awa").json_body
    told.hear("complaint", "1", address="awa@example.com")
    suppressed = {"reason": "complaint", "since": "2026-01-10T15:12:44Z"}
    assert told.bench.get("/accounts/A123/holders/awa").json_body["suppressed"] == suppressed
    awa, ben = told.bench.get("/accounts/A123/holders").json_body["holders"]
    assert (awa["suppressed"], "suppressed" in ben) == (suppressed, False)
    again = told.bench.put_holder("awa", {**HOLDER, "email": "AWA@example.com"})
    assert (again.status_code, again.json_body["suppressed"]) == (200, suppressed)
    assert "suppressed" not in told.bench.put_holder("awa", {**HOLDER, "email": "new@example.com"}).json_body
    assert "suppressed" not in told.bench.get("/accounts/A123/holders/awa").json_body


def test_a_bank_lifts_a_suppression_and_once_a_day_at_most(told: Told) -> None:
    path = "/accounts/A123/holders/awa/suppression"
    problem(told.bench.request("DELETE", path), 404, "not_suppressed")
    problem(told.bench.request("DELETE", "/accounts/A123/holders/nobody/suppression"), 404, "holder_not_found")
    told.tell("1")
    told.hear("complaint", "1", address="awa@example.com")
    assert told.bench.request("DELETE", path).status_code == 204
    assert "suppressed" not in told.bench.get("/accounts/A123/holders/awa").json_body
    told.hear("complaint", "1", address="awa@example.com")  # the same event, heard twice
    problem(told.bench.request("DELETE", path), 404, "not_suppressed")


def test_suppressed_is_no_field_of_an_enrolment(told: Told) -> None:
    body = {**HOLDER, "suppressed": {"reason": "complaint", "since": "2026-01-10T15:12:44Z"}}
    assert fields(problem(told.bench.put_holder("awa", body), 400, "validation_failed")) == ["suppressed"]


def test_an_erased_holder_is_in_no_table_but_by_the_hash_of_a_suppressed_address(told: Told) -> None:
    assert told.bench.request("DELETE", "/accounts/A123/holders/awa").status_code == 204
    entries = told.bench.dynamodb.scan(TableName="AddressesTable")["Items"]
    # The other holder's: at the address, and at the id.
    assert sorted(entry["entry"]["S"] for entry in entries) == ["A123", "holder#A123#ben"]
    assert "awa" not in str(entries)


def test_the_feed_tells_what_changed_and_goes_on_for_ever(told: Told) -> None:
    nothing, begin = told.feed()
    assert nothing == []
    told.bench.request("DELETE", "/accounts/A123/holders/ben")
    told.tell("1", "2")
    assert told.feed(since=begin)[0] == []  # for some seconds
    told.later()
    found, cursor = told.feed(since=begin)
    assert sorted(found) == [("1", "sent"), ("2", "sent")]
    assert told.feed(since=cursor) == ([], cursor)
    told.hear("delivery", "2")
    told.later()
    assert told.feed(since=cursor)[0] == [("2", "delivered")]
    assert sorted(told.feed()[0]) == [("1", "sent"), ("2", "delivered")]
    first, cursor = told.feed(limit="1")
    second, cursor = told.feed(limit="1", since=cursor)
    assert sorted(first + second) == [("1", "sent"), ("2", "delivered")]


def test_an_answer_of_the_feed_is_what_the_transactions_own_route_says(told: Told) -> None:
    told.tell("1")
    told.later()
    of_transaction = told.bench.get("/transactions/1/notifications").json_body["notifications"]
    of_feed = told.bench.get("/notifications").json_body["notifications"]
    assert of_feed == [{"transaction": "1", **one} for one in of_transaction]


def test_answers_are_as_the_description_says(told: Told) -> None:
    told.tell("1", "2")
    for name in ("delivery", "delivery_delay", "complaint"):
        told.hear(name, "1", address="awa@example.com")
    told.later()
    for path, schema in (
        ("/transactions/1/notifications", "Notifications"),
        ("/notifications", "NotificationFeed"),
        ("/accounts/A123/holders", "Holders"),
    ):
        answer = told.bench.get(path).json_body
        assert len(next(iter(answer.values()))) >= 2
        validator({"$ref": f"#/components/schemas/{schema}"}).validate(answer)


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "1.5", "٣", ""])
def test_a_limit_is_a_whole_number_from_1_to_100(told: Told, limit: str) -> None:
    assert fields(problem(told.bench.get("/notifications", limit=limit), 400, "validation_failed")) == ["limit"]


def test_a_cursor_of_another_bank_or_listing_or_a_forged_one_is_refused(told: Told) -> None:
    told.tell("1", "2")
    _, cursor = told.feed(key=OTHER_KEY)
    listing = told.bench.get("/accounts/A123/transactions", limit="1").json_body["next_cursor"]
    for wrong in (cursor, listing, "forged", ""):
        problem(told.bench.get("/notifications", since=wrong), 400, "invalid_cursor")


@pytest.mark.parametrize("path", ["/notifications?until=x", "/transactions/1/notifications?limit=1"])
def test_an_unknown_parameter_is_refused(told: Told, path: str) -> None:
    told.bench.record("1")
    problem(told.bench.get(path), 400, "validation_failed")


def test_another_bank_s_notifications_are_not_to_be_seen(told: Told) -> None:
    told.tell("1")
    told.later()
    problem(told.bench.get("/transactions/1/notifications", key=OTHER_KEY), 404, "transaction_not_found")
    assert told.feed(key=OTHER_KEY)[0] == []
    told.bench.record("1", key=OTHER_KEY)
    assert told.bench.get("/transactions/1/notifications", key=OTHER_KEY).json_body == {"notifications": []}


def test_the_feedback_function_is_wired_to_its_trigger(told: Told) -> None:
    AWS["sqs"].create_queue(QueueName="feedback-dead")
    told.tell("1")
    bodies = [told.event("delivery", "1"), "{broken"]
    CLIENT.lambda_.invoke("feedback", CLIENT.events.generate_sqs_event(bodies))
    assert told.world.states("1")["awa"] == "delivered"
    (letter,) = told.bench.queued("FEEDBACK_DEAD_LETTER_QUEUE_URL")
    assert "malformed_event" in letter
