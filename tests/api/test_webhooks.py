"""The routes of a bank's webhooks: attempts, tests and one more try, each of the bank's own only."""

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.webhooks.poster import Answer
from chalicelib.webhooks.webhook import unpack
from tests.app_bench import OTHER_KEY, Bench, problem
from tests.webhook_desk import BROKEN, TAKEN
from tests.webhook_routes import URL, tried

FLAGS = {"url": "https://flags.bank.example/", "types": ["transaction.flagged"]}


def test_named_endpoints_are_tested_by_the_queue_and_shown_with_their_status(bench: Bench, endpoints: Any) -> None:
    settings = {"webhook_url": URL, "webhooks": [FLAGS]}
    assert bench.request("PUT", "/settings", settings).json_body["webhooks"] == [FLAGS]
    queued = [unpack(body) for body in bench.queued("WEBHOOK_QUEUE_URL")]
    assert {one.type for one in queued} == {"webhook.test"}
    shown = bench.get("/webhooks/attempts").json_body
    assert shown["attempts"] == []
    assert [(one["id"], one["url"], one["status"]) for one in shown["endpoints"]] == [
        ("default", URL, "unproved"),
        (queued[1].endpoint, FLAGS["url"], "unproved"),
    ]
    endpoints.answers[URL] = [BROKEN]
    tests = bench.request("POST", "/webhooks/test").json_body["tests"]
    assert [(one["url"], one["answer"], one["accepted"]) for one in tests] == [
        (URL, "500", False),
        (FLAGS["url"], "204", True),
    ]
    shown = bench.get("/webhooks/attempts").json_body
    assert [one["status"] for one in shown["endpoints"]] == ["unproved", "in_use"]
    assert {(one["type"], one["answer"]) for one in shown["attempts"]} == {
        ("webhook.test", "500"),
        ("webhook.test", "204"),
    }
    bench.request("PUT", "/settings", settings)
    assert [unpack(body).endpoint for body in bench.queued("WEBHOOK_QUEUE_URL")] == ["default"]  # the other is proved


def test_tests_are_refused_within_ten_seconds_and_without_an_endpoint(bench: Bench, endpoints: Any) -> None:
    problem(bench.request("POST", "/webhooks/test"), 404, "no_endpoint")
    bench.request("PUT", "/settings", {"webhook_url": URL})
    assert bench.request("POST", "/webhooks/test").status_code == 200
    answer = bench.request("POST", "/webhooks/test")
    problem(answer, 429, "tried_lately")
    assert answer.headers["Retry-After"] == "10"
    assert len(endpoints.posted) == 1


def test_attempts_come_newest_first_in_pages_of_the_bank_s_own(bench: Bench, endpoints: Any) -> None:
    for number in range(5):
        tried(bench, "eazycard", number)
    tried(bench, "other-bank", 9)
    seen, cursor = [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = bench.get("/webhooks/attempts", **query).json_body
        seen += [one["transaction"] for one in page["attempts"]]
        assert len(page["attempts"]) <= 2
        cursor = page.get("next_cursor")
        if cursor is None:
            break
        problem(bench.get("/webhooks/attempts", key=OTHER_KEY, cursor=cursor), 400, "invalid_cursor")
    assert seen == [f"t-{number}" for number in (4, 3, 2, 1, 0)]
    assert [one["transaction"] for one in bench.get("/webhooks/attempts", key=OTHER_KEY).json_body["attempts"]] == [
        "t-9"
    ]


def test_attempts_older_than_seven_days_are_not_shown(bench: Bench, endpoints: Any) -> None:
    webhook = tried(bench, "eazycard", 1)
    bench.now += timedelta(days=7)
    assert bench.get("/webhooks/attempts").json_body["attempts"] == []
    problem(bench.request("POST", f"/webhooks/{webhook.id}/resend"), 404, "webhook_not_found")


@pytest.mark.parametrize("answer", [TAKEN, BROKEN], ids=str)
def test_a_webhook_is_sent_again_at_once_but_once_a_minute(bench: Bench, endpoints: Any, answer: Answer) -> None:
    webhook = tried(bench, "eazycard", 1, answer)
    problem(bench.request("POST", f"/webhooks/{webhook.id}/resend"), 429, "tried_lately")
    bench.now += timedelta(minutes=1)
    sent = bench.request("POST", f"/webhooks/{webhook.id}/resend")
    assert (sent.status_code, sent.json_body["id"], sent.json_body["state"]) == (200, webhook.id, "queued")
    (body,) = bench.queued("WEBHOOK_QUEUE_URL")
    assert unpack(body) == dataclasses.replace(webhook, first_at=bench.now, again=True)
    problem(bench.request("POST", f"/webhooks/{webhook.id}/resend"), 429, "tried_lately")


@pytest.mark.parametrize("name", ["other", "test", "msg_1", "%C3%A9", "a" * 3000])
def test_an_unknown_webhook_is_404(bench: Bench, endpoints: Any, name: str) -> None:
    problem(bench.request("POST", f"/webhooks/{name}/resend"), 404, "webhook_not_found")


def test_another_bank_s_webhook_is_404_and_is_not_sent(bench: Bench, endpoints: Any) -> None:
    webhook = tried(bench, "other-bank", 1)
    bench.now += timedelta(minutes=1)
    problem(bench.request("POST", f"/webhooks/{webhook.id}/resend"), 404, "webhook_not_found")
    assert bench.queued("WEBHOOK_QUEUE_URL") == []


@pytest.mark.parametrize(
    "route", [("GET", "/webhooks/attempts"), ("POST", "/webhooks/test"), ("POST", "/webhooks/m/resend")]
)
def test_no_key_no_webhooks(bench: Bench, endpoints: Any, route: tuple[str, str]) -> None:
    problem(bench.request(*route, key=None), 401, "unknown_api_key")
    problem(bench.request(route[0], f"{route[1]}?bank=other-bank"), 400, "validation_failed")


def test_the_attempts_have_nobody_s_name_address_or_id(bench: Bench, endpoints: Any) -> None:
    tried(bench, "eazycard", 1)
    assert "awa" not in json.dumps(bench.get("/webhooks/attempts").json_body)
