"""Drills of the runbook on the local cloud: the cause, its sign, how to tell, what to do, and the end, for five alarms.

The sign is what the alarm looks at: a function's errors, a queue, a metric in a log. Telling is a saved query on the
log's lines. In the end everybody is told once. tests/test_drills.py has such drills on the functions' own code.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.queries import QUERIES
from local_cloud.deploy import STAGE
from local_cloud.gate.faults import Trouble
from local_cloud.switches import Switches
from operations.archive import main as archive
from operations.dead_letters import main as dead_letters
from tests import insights
from tests.cloud import BankClient, CloudUnderTest, eventually

pytestmark = pytest.mark.cloud
ONCE_MORE_WITHIN_S = 2  # a second e-mail would come


@dataclass
class Drill:
    """A cloud with a bank whose holders are told of each transaction alone, from this moment (milliseconds) on."""

    cloud: CloudUnderTest
    bank: BankClient
    began_ms: int

    @property
    def switches(self) -> Switches:
        return self.cloud.switches

    def post(self, account: str, count: int = 1) -> list[str]:
        """Enrol the account's holder, post transactions, and return their ids."""
        self.bank.enrol(account)
        ids = [f"{account}-{number}" for number in range(count)]
        for one in ids:
            answer = self.bank.post(
                id=one, account=account, amount="12.50", type="debit", timestamp="2026-01-10T14:00:00Z"
            )
            assert answer.status == 201, answer.data
        return ids

    def lines(self, function: str) -> list[str]:
        """Return what a function has logged since the drill began."""
        pages = (
            self.cloud.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=f"/aws/lambda/transaction-notifier-{STAGE}-{function}", startTime=self.began_ms)
        )
        return [event["message"] for page in pages for event in page["events"]]

    def tell(self, query: str, function: str) -> list[dict[str, Any]]:
        """Return what a saved query finds in a function's log, waiting for it: a line comes after its cause."""
        (found,) = [one for one in QUERIES if one.name == query]
        return eventually(lambda: insights.run(found.text, [(function, line) for line in self.lines(function)]))

    def counted(self, metric: str, function: str) -> float:
        """Return the sum of a metric in a function's log, as CloudWatch reads it (embedded metric format)."""
        lines = [json.loads(line) for line in self.lines(function) if line.startswith('{"')]
        return sum(sum(line[metric]) for line in lines if metric in line)

    def errors(self, function: str) -> float:
        """Return how many calls of a function have failed, which is Lambda's metric Errors."""
        return float(self.switches.counts()["functions"].get(function, {}).get("errors", 0))

    def told_once(self, account: str, count: int) -> None:
        """Wait until the account's holder has so many e-mails, and see that no other one comes."""
        address = f"{account}.h@".lower()
        eventually(lambda: len(self.cloud.mails(address)) >= count)
        time.sleep(ONCE_MORE_WITHIN_S)
        assert len(self.cloud.mails(address)) == count


@pytest.fixture(scope="module")
def drilled_bank(cloud: CloudUnderTest) -> BankClient:
    bank = cloud.new_bank("drilled-bank")
    bank.tell_each_alone()
    return bank


@pytest.fixture
def drill(cloud: CloudUnderTest, drilled_bank: BankClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drill]:
    cloud.use_by_commands(monkeypatch)
    found = Drill(cloud, drilled_bank, int(time.time() * 1000))
    found.switches.meter(is_on=True)
    yield found
    found.switches.meter(is_on=False)
    for queue in ("StreamDeadLetterQueueUrl", "NotificationDeadLetterQueueUrl"):
        cloud.dead_letters(queue)  # a drill that failed leaves nothing to other tests


def test_notifications_late_ses_throttles(drill: Drill) -> None:
    with drill.switches.faults(1, [Trouble("throttled", service="sesv2", operation="SendBulkEmail")]):
        drill.post("D1", 3)
        (row,) = drill.tell("why e-mails were put off or failed", "mailer")[:1]
        assert "TooManyRequestsException" in row["reasons_found"]
        assert drill.cloud.waiting("NotificationQueueUrl") > 0, "the sign: they wait in the queue"
        assert drill.cloud.mails("d1.h@") == []
    drill.told_once("D1", 3)
    eventually(lambda: drill.cloud.waiting("NotificationQueueUrl") == 0)


def test_dead_letters_of_mailer_ses_refuses_an_address(drill: Drill, capsys: pytest.CaptureFixture[str]) -> None:
    queue = "NotificationDeadLetterQueueUrl"
    drill.cloud.dead_letters(queue)  # of other tests
    with drill.switches.faults(1, [Trouble("refused", service="sesv2", containing="d2.h@example.com")]):
        drill.post("D2")
        drill.post("D2-GOOD")
        eventually(lambda: drill.cloud.waiting(queue) == 1)
        rows = drill.tell("dead letters by reason", "mailer")
        assert [(row["reason"], row["letters"]) for row in rows] == [("refused: BadRequestException", 1)]
        drill.told_once("D2-GOOD", 1)
    assert dead_letters(["--stage", STAGE, "redrive", "--reason", "refused"]) == 0
    assert "1 sent through again" in capsys.readouterr().out
    drill.told_once("D2", 1)
    assert drill.cloud.waiting(queue) == 0


def test_stream_errors_the_queue_can_not_be_reached(drill: Drill) -> None:
    with drill.switches.faults(1, [Trouble("dropped", service="sqs", function="transaction_stream")]):
        drill.post("D3", 2)
        eventually(lambda: drill.errors("transaction_stream") >= 2)  # the batch comes again
        eventually(lambda: drill.tell("errors", "transaction_stream")[0]["lines"] >= 2)
        assert drill.cloud.mails("d3.h@") == []
    drill.told_once("D3", 2)
    assert drill.counted("DeadLettered", "transaction_stream") == 0


def test_records_skipped_a_baseline_was_written_past_the_job(drill: Drill) -> None:
    dynamodb, table = drill.cloud.client("dynamodb"), drill.cloud.deployed.environment["ANALYTICS_TABLE"]
    key = {"owner": {"S": "account#drilled-bank#D4"}, "entry": {"S": "baseline"}}
    dynamodb.put_item(TableName=table, Item={**key, "sums": {"S": "nonsense"}})
    drill.post("D4")
    eventually(lambda: drill.counted("RecordsSkipped", "transaction_stream") >= 1)
    (row,) = drill.tell("records left out", "transaction_stream")
    assert (row["message"], row["bank"]) == ("malformed_baseline", "drilled-bank")
    drill.told_once("D4", 1)
    dynamodb.delete_item(TableName=table, Key=key)
    before = drill.counted("RecordsSkipped", "transaction_stream")
    drill.post("D4-AFTER")
    drill.told_once("D4-AFTER", 1)
    assert drill.counted("RecordsSkipped", "transaction_stream") == before


def test_archiver_errors_the_bucket_refuses_it(drill: Drill, capsys: pytest.CaptureFixture[str]) -> None:
    def archived() -> int:
        bucket = drill.cloud.deployed.environment["ARCHIVE_BUCKET"]
        count: int = drill.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="bank=drilled-bank/")["KeyCount"]
        return count

    refusal = Trouble("refused", service="s3", function="archiver", error="AccessDenied")
    with drill.switches.faults(1, [refusal]):
        before = archived()
        drill.post("D5")
        eventually(lambda: drill.errors("archiver") >= 1)
        eventually(lambda: any("AccessDenied" in line for line in drill.lines("archiver")))
        assert drill.tell("errors", "archiver")[0]["lines"] >= 1
        drill.told_once("D5", 1)  # nobody waits for the archive
        assert archived() == before
    # Not by its log: the emulator may log a line that comes late at the function's next call only.
    eventually(lambda: archived() > before)
    assert archive(["--stage", STAGE, "list"]) == 0
    assert "drilled-bank" in capsys.readouterr().out
