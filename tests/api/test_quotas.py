"""A plan's transactions of a day, at the API: refused in the bank's words, per item in a batch, and tomorrow again."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.banks.plans import Metered
from chalicelib.banks.quotas_repository import QuotaRepository
from tests.app_bench import AWS, OTHER_KEY, SMALLEST, Bench, problem
from tests.fakes import Refusing, refusal

LIMIT = 10_000
ASYNC = {"prefer": "respond-async"}


@pytest.fixture
def trial(bench: Bench) -> Bench:
    """A bank that may post two more transactions today."""
    bench.banks.change_bank("eazycard", plan="trial")
    bench.restart()
    used = QuotaRepository(bench.dynamodb, "DeferralsTable")
    used.take("eazycard", Metered.TRANSACTIONS, bench.now.date(), LIMIT - 2, LIMIT)
    return bench


def post(bench: Bench, id_: str, **options: Any) -> Any:
    return bench.request("POST", "/transactions", {**SMALLEST, "id": id_}, **options)


def batch(bench: Bench, count: int, **options: Any) -> Any:
    items = [{**SMALLEST, "id": f"b{number}"} for number in range(count)]
    return bench.request("POST", "/transactions/batch", {"transactions": items}, **options)


def test_over_the_quota_a_transaction_is_refused_until_midnight(trial: Bench) -> None:
    assert [post(trial, id_).status_code for id_ in ("1", "2")] == [201, 201]
    refused = post(trial, "3")
    problem(refused, 429, "quota_exceeded")
    assert refused.headers["Retry-After"] == str(10 * 3600)  # it is 14:00
    problem(trial.get("/transactions/3"), 404, "transaction_not_found")
    trial.now += timedelta(hours=10)
    assert post(trial, "3").status_code == 201


def test_what_is_refused_for_another_reason_or_writes_nothing_does_not_count(trial: Bench) -> None:
    for _ in range(5):
        problem(post(trial, "bad id!"), 400, "validation_failed")
        dry_run = trial.request("POST", "/transactions?dry_run=true", SMALLEST)
        assert dry_run.status_code == 200
    assert [post(trial, id_).status_code for id_ in ("1", "2")] == [201, 201]


def test_a_batch_over_the_quota_is_recorded_in_part_and_the_rest_is_to_be_sent_again(trial: Bench) -> None:
    answer = batch(trial, 5)
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json_body["results"]] == ["created"] * 2 + ["retry"] * 3
    assert answer.headers["Retry-After"] == str(10 * 3600)
    trial.now += timedelta(hours=10)
    assert batch(trial, 5).json_body["counts"] == {"created": 3, "replayed": 2, "conflict": 0, "invalid": 0, "retry": 0}


def test_a_batch_to_be_queued_is_taken_as_a_whole_or_not_at_all(trial: Bench) -> None:
    problem(batch(trial, 3, **ASYNC), 429, "quota_exceeded")
    assert not trial.queued("INGEST_QUEUE_URL")
    assert batch(trial, 2, **ASYNC).status_code == 202


def test_another_bank_has_its_own(trial: Bench) -> None:
    batch(trial, 5)
    assert post(trial, "1", key=OTHER_KEY).status_code == 201


def test_nothing_is_refused_while_quotas_can_not_be_read(trial: Bench) -> None:
    trial.restart(dynamodb=Refusing(trial.dynamodb, refusal("ThrottlingException"), "update_item"))
    assert batch(trial, 5).json_body["counts"]["created"] == 5


def test_the_bank_s_operators_hear_of_it(trial: Bench) -> None:
    queue = AWS["sqs"].create_queue(QueueName="operators")["QueueUrl"]
    arn = AWS["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    trial.request("PUT", "/settings", {"alert_addresses": ["fraud@bank.example"]})
    (topic,) = [one["TopicArn"] for one in AWS["sns"].list_topics()["Topics"] if one["TopicArn"].endswith("-eazycard")]
    AWS["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    batch(trial, 5)
    (message,) = AWS["sqs"].receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = json.loads(message["Body"])
    assert told["Subject"] == "100 % of today's transactions used"
    assert "10000 of 10000 transactions of 2026-01-10 (UTC) are used." in told["Message"]


def test_a_batch_over_the_pace_is_recorded_in_part_and_the_rest_is_to_be_sent_again_soon(bench: Bench) -> None:
    bench.banks.change_bank("eazycard", plan="trial")
    bench.restart()
    assert batch(bench, 300).json_body["counts"]["created"] == 300
    bench.now += timedelta(milliseconds=1)
    answer = batch(bench, 400)
    assert answer.status_code == 200
    assert answer.json_body["counts"] == {"created": 0, "replayed": 200, "conflict": 0, "invalid": 0, "retry": 200}
    assert answer.headers["Retry-After"] == str(200 // 50)
    assert batch(bench, 3, key=OTHER_KEY).json_body["counts"]["created"] == 3
    # Neither is counted: the plan's requests limit the one, the queue's turns the other.
    assert post(bench, "alone").status_code == 201
    assert batch(bench, 400, **ASYNC).status_code == 202
    bench.now += timedelta(seconds=4)
    assert batch(bench, 400).json_body["counts"]["retry"] == 200


def test_the_day_s_quota_counts_only_what_the_pace_lets_through(bench: Bench) -> None:
    bench.banks.change_bank("eazycard", plan="trial")
    bench.restart()
    batch(bench, 500)
    assert batch(bench, 100).json_body["counts"]["retry"] == 100
    used = QuotaRepository(bench.dynamodb, "DeferralsTable").used("eazycard", Metered.TRANSACTIONS, bench.now.date())
    assert used.taken == 500
