"""Each metric that alarms, the dashboard and saved queries read is seen as the service writes it."""

import contextlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.aws.secret_store import SecretStore
from chalicelib.aws.telemetry import NAMESPACE
from chalicelib.banks.bank import Bank
from chalicelib.banks.quotas import Metered, Quotas
from chalicelib.banks.quotas_repository import QuotaRepository
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.alert_topic import OperatorTopics
from chalicelib.holders.address import Address
from chalicelib.holders.links import HolderLinks
from chalicelib.ledger.ingest_queue import IngestQueue, pack
from chalicelib.ledger.ingest_worker import IngestWorker
from chalicelib.ledger.intake import Intake
from chalicelib.ledger.repository import TransactionRepository
from infra.dashboard import widgets
from infra.observing import TEMPLATE
from infra.queries import QUERIES
from tests.analytics_world import item, made, reconciliation, run, spoil, store
from tests.app_bench import SMALLEST, Bench
from tests.fakes import Failing, FakeSqs, Refusing, refusal
from tests.mail_world import NOW, many, messages, ses_event
from tests.metrics import counted
from tests.quiet_night import END, QUIET, Night
from tests.samples import transaction
from tests.stream_world import Stream, record, records
from tests.webhook_desk import BROKEN, GONE, TAKEN, URL, Desk

ANY = "any"  # a duration, or a share
Expected = dict[str, float | str]


def posting(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        bench = Bench(monkeypatch)
        for body in (SMALLEST, SMALLEST, {**SMALLEST, "amount": 5}):
            bench.post(body)
            bench.now += timedelta(seconds=1)  # another request, and no second try of the same
        bench.request("POST", "/transactions/batch", {"transactions": [SMALLEST]}, prefer="respond-async")


def emails(dynamodb: Any, names: dict[str, str]) -> None:
    night = Night(dynamodb, names)
    for number, one in enumerate(told := many(4)):
        night.enrol(one.account, "awa", **({"quiet_hours": QUIET} if number == 3 else {}))
    night.ses.statuses = {"a1.awa@example.com": "MESSAGE_REJECTED", "a2.awa@example.com": "ACCOUNT_THROTTLED"}
    night.tell(messages(*told))
    night.release(now=END + timedelta(minutes=1))


def feedback(dynamodb: Any, names: dict[str, str]) -> None:
    night = Night(dynamodb, names)
    night.enrol("a0", "awa")
    night.tell(messages(transaction(id="t0", account="a0")))
    night.hear([ses_event(name) for name in ("delivery", "bounce", "soft_bounce", "complaint")])


def putting_back(dynamodb: Any, names: dict[str, str]) -> None:
    night = Night(dynamodb, names)
    told = many(12)
    for one in told:
        night.enrol(one.account, "awa")
    night.tell(messages(*told))
    night.hear([ses_event("bounce", f"{one.account}.awa@example.com", transaction=one.id) for one in told])


def putting_off(dynamodb: Any, names: dict[str, str]) -> None:
    night = Night(dynamodb, names)
    night.enrol("a0", "awa")
    night.tell(messages(transaction(id="t0", account="a0")))
    throttled = Failing(dynamodb, refusal("ThrottlingException"), operation="put_item")
    night.hear([ses_event("bounce")], dynamodb=throttled)


def webhooks(dynamodb: Any, names: dict[str, str]) -> None:
    desk = Desk(dynamodb, names)
    desk.endpoints.answers[URL] = [BROKEN, TAKEN, GONE]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(hours=6))
    desk.change("t2")
    desk.feed_webhooks()
    desk.send_for(timedelta(hours=6))


def webhooks_given_up(dynamodb: Any, names: dict[str, str]) -> None:
    desk = Desk(dynamodb, names)
    desk.endpoints.answers[URL] = [BROKEN]
    desk.change("t1")
    desk.feed_webhooks()
    desk.send_for(timedelta(days=4))


def quota(dynamodb: Any, _names: dict[str, str]) -> None:
    quotas = Quotas(QuotaRepository(dynamodb, "DeferralsTable"), lambda *_: None, lambda: NOW)
    quotas.take(Bank("eazycard", "EAZYCard", "XAF", "trial"), Metered.TRANSACTIONS, 10)


def reconciling(dynamodb: Any, _names: dict[str, str]) -> None:
    store(dynamodb, [made(number) for number in range(10)])
    run(dynamodb)
    store(dynamodb, [made(0, id="later", status="settled", timestamp=made(0).timestamp - timedelta(days=90))])
    assert item(dynamodb)
    spoil(dynamodb, credit={"N": "987654"})
    reconciliation(dynamodb).of_day_before(datetime(2026, 1, 11, 3, 17, tzinfo=UTC))


def skipping(dynamodb: Any, names: dict[str, str]) -> None:
    stream = Stream(dynamodb, names)
    stream.handle([record({"amount": {"N": "1"}})])
    key = {"owner": {"S": "account#eazycard#a0"}, "entry": {"S": "baseline"}}
    dynamodb.put_item(TableName=names["AnalyticsTable"], Item={**key, "sums": {"S": "nonsense"}})
    stream.handle(records(transaction(id="t0", account="a0")))


def ingesting(dynamodb: Any, names: dict[str, str]) -> None:
    queue = Queue(FakeSqs(), "url", sleep=lambda _: None)
    repository = TransactionRepository(
        Failing(dynamodb, refusal("ThrottlingException"), operation="put_item"), names["TransactionsTable"]
    )
    intake = Intake(repository, lambda: IngestQueue(queue))
    worker = IngestWorker(intake, DeadLetters(queue, "ingest_worker"), lambda: NOW, is_partial=True)
    (body,) = pack([transaction(id="t0")])
    worker.handle([("m0", body)], lambda: 60)


def without_links(_dynamodb: Any, _names: dict[str, str]) -> None:
    down: Any = Refusing(None, refusal("AccessDeniedException"), "get_secret_value")
    links = HolderLinks(SecretStore(lambda: down, lambda: NOW), "arn", lambda: NOW, "https://alerts.example")
    links.confirmation_link(Address.of("eazycard", "awa@example.com"))


def without_room_for_topics(_dynamodb: Any, _names: dict[str, str]) -> None:
    full: Any = Refusing(None, refusal("TopicLimitExceeded"), "create_topic", "subscribe")
    with contextlib.suppress(TemporarilyUnavailable):
        OperatorTopics(full, "arn:aws:sns:eu-west-3:123456789012:alerts", lambda _: True).subscribe(
            "eazycard", "a@b.cm"
        )


# What is done, and the sum of each metric that is written of it.
SCENES: list[tuple[Callable[..., None], Expected]] = [
    (
        posting,
        {
            "TransactionsCreated": 1,
            "TransactionsReplayed": 1,
            "TransactionsConflicting": 1,
            "TransactionsQueued": 1,
            "RequestTime": ANY,
            "Refused": 1,
        },
    ),
    (
        emails,
        {
            "NotificationsSent": 1,
            "NotificationsFailed": 1,
            "NotificationsPutOff": 1,
            "NotificationsDeferred": 1,
            "DeadLettered": 1,
            "PostToAccepted": ANY,
            "JobLag": 0.0,  # all that was due is released
        },
    ),
    (feedback, {"MailsDelivered": 1, "MailsBounced": 2, "MailsComplained": 1, "AcceptedToDelivered": ANY}),
    (putting_back, {"FeedbackPutBack": 2, "LongFeedbackHandled": 10, "MailsBounced": 10}),
    (putting_off, {"SuppressionsPutOff": 1, "MailsBounced": 1}),
    (webhooks, {"WebhooksPutOff": 1, "WebhooksDelivered": 1, "WebhooksNotSent": 1, "WebhooksDisabled": 1}),
    (webhooks_given_up, {"WebhooksPutOff": 19, "WebhooksGivenUp": 1}),
    (quota, {"QuotaUsed": ANY}),
    (ingesting, {"MessagesPutBack": 1}),
    (without_links, {"LinksUnavailable": 1}),
    (without_room_for_topics, {"AlertSubscriptionsFull": 1}),
    (reconciling, {"ReconciliationDifferences": 1}),
    (skipping, {"RecordsSkipped": 1, "DeadLettered": 1}),
]


def operated() -> set[str]:
    """Return the names of our metrics that an alarm, the dashboard or a saved query reads."""
    named: set[str] = set()
    for resource in json.loads(TEMPLATE.read_text())["Resources"].values():
        properties = resource.get("Properties", {})
        if resource.get("Type") == "AWS::CloudWatch::Alarm":
            several = [one["MetricStat"]["Metric"] for one in properties.get("Metrics", ()) if "MetricStat" in one]
            named |= {one["MetricName"] for one in (properties, *several) if one.get("Namespace") == NAMESPACE}
    for widget in widgets():
        named |= {metric[1] for metric in widget["properties"]["metrics"] if metric[0] == NAMESPACE}
    for query in QUERIES:  # a metric is a list in a line: its first value is read
        named |= set(re.findall(r"\b([A-Z]\w+)\.0\b", query.text))
    return named


def test_each_metric_that_operations_read_is_in_a_scene() -> None:
    seen = set().union(*(expected for _, expected in SCENES))
    assert operated() <= seen
    assert {"WebhooksDisabled", "MailsDelivered", "RequestTime", "MessagesPutBack"} <= operated()


@pytest.mark.parametrize(("scene", "expected"), SCENES, ids=[scene.__name__ for scene, _ in SCENES])
def test_a_scene_writes_its_metrics(
    scene: Callable[..., None],
    expected: Expected,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    logged: Any,
) -> None:
    if scene is posting:
        scene(monkeypatch)
    else:
        scene(request.getfixturevalue("dynamodb"), request.getfixturevalue("table_names"))
    text = logged()
    assert all(f'"{name}":[' in text for name in expected)
    found = {name: counted(text, name) for name in expected}
    assert found == {name: found[name] if value == ANY else value for name, value in expected.items()}
