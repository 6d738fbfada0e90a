"""The main job on the local cloud, under enforced IAM: a bank posts, the holders get their e-mails."""

import os
import re
import signal
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from chalicelib.ledger.stored_form import transaction_item
from local_cloud.deploy import STAGE, deploy_stage
from local_cloud.server import REGION
from tests.cloud import BUILD, BankClient, CloudUnderTest, eventually
from tests.samples import transaction

pytestmark = pytest.mark.cloud

SEED = b'{"id": "1", "account": "A123", "amount": 250.50, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}'
EVENTS = Path(__file__).parents[1] / "events"
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    bank = cloud.new_bank("eazycard")
    bank.tell_each_alone()
    return bank


def assert_problem(answer: urllib3.BaseHTTPResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer.data
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) == PROBLEM
    assert (body["status"], body["code"]) == (status, code)
    return body


def debit(number: int, account: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{account}-{number}",
        "account": account,
        "amount": "12500",
        "currency": "XAF",
        "type": "debit",
        "timestamp": "2026-01-10T14:00:00+01:00",
        **fields,
    }


def test_the_smallest_payload_is_created_then_replayed_then_conflicts(bank: BankClient) -> None:
    created = bank("POST", "/transactions", SEED)
    assert (created.status, created.headers["location"]) == (201, "./transactions/1")
    replayed = bank("POST", "/transactions", SEED)
    assert (replayed.status, replayed.headers["idempotency-replayed"]) == (200, "true")
    assert replayed.json() == created.json()
    conflict = bank("POST", "/transactions", SEED.replace(b"250.50", b"250.51"))
    assert_problem(conflict, 409, "transaction_conflict")
    assert bank("GET", "/transactions/1").json() == {**created.json(), "flags": {}, "related": []}


def test_each_holder_gets_one_email_in_the_own_language_within_seconds(cloud: CloudUnderTest, bank: BankClient) -> None:
    bank.enrol("CM-0001-7788", "awa", "fr", timezone="Africa/Douala")
    bank.enrol("CM-0001-7788", "grace", "en", name="Grace", timezone="Europe/London")
    merchant = {"name": "Marché <b>Mokolo</b>", "city": "Yaoundé", "country": "CM"}
    answer = bank.post(**debit(1, "CM-0001-7788", amount=250500, merchant=merchant))
    assert answer.status == 201
    eventually(lambda: len(cloud.mails("cm-0001-7788")) == 2)
    french, english = sorted(cloud.mails("cm-0001-7788"), key=lambda mail: mail["To"])
    assert french["Subject"] == "Débit de 250\u202f500\xa0FCFA sur votre compte …\u20607788"
    assert "10 janvier 2026, 14:00 (heure du Cameroun)" in french["BodyText"]
    assert "Marché <b>Mokolo</b>" in french["BodyText"]
    assert "Marché &lt;b&gt;Mokolo&lt;/b&gt;, Yaoundé, Cameroun" in french["BodyHtml"]
    assert english["Subject"] == "Debit of FCFA\xa0250,500 from your account …\u20607788"
    assert "10 January 2026, 1:00\u202fpm (United Kingdom time)" in english["BodyText"]


def test_a_purchase_is_told_once_whichever_of_its_transactions_comes_first(
    cloud: CloudUnderTest, bank: BankClient
) -> None:
    bank.enrol("PU1", locale="en")
    assert bank.post(**debit(1, "PU1", status="authorized")).status == 201
    eventually(lambda: len(cloud.mails("pu1.h@")) == 1)
    bank.post(**debit(2, "PU1", authorization_id="PU1-1"))
    bank.post(**debit(3, "PU1", authorization_id="PU1-4", description="{{html}} {{subject}}"))
    eventually(lambda: len(cloud.mails("pu1.h@")) == 2)
    bank.post(**debit(4, "PU1", status="authorized"))
    bank.post(**debit(5, "PU1", status="reversed", authorization_id="PU1-1"))
    eventually(lambda: len(cloud.mails("pu1.h@")) == 3)
    time.sleep(2)  # what is not told would come now
    mails = {mail["Subject"].split(" ")[0]: mail for mail in cloud.mails("pu1.h@")}
    assert set(mails) == {"Payment", "Debit", "Reversal"}
    assert len(cloud.mails("pu1.h@")) == 3
    assert "Reference: PU1-1" in mails["Reversal"]["BodyText"]
    # Braces arrive as they were rendered: SES's template fills in nothing of what it was filled with.
    assert "{\u2060{html}} {\u2060{subject}}" in mails["Debit"]["BodyText"]


def test_parallel_posts_with_replays_tell_every_holder_exactly_once(cloud: CloudUnderTest, bank: BankClient) -> None:
    accounts = [f"P{number}" for number in range(10)]
    for account in accounts:
        bank.enrol(account)
    bodies = [debit(number, account) for account in accounts for number in range(10)] * 2
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda body: bank.post(**body).status, bodies))
    assert sorted(statuses) == [200] * 100 + [201] * 100
    eventually(lambda: sum(len(cloud.mails(f"p{number}.h@")) for number in range(10)) >= 100)
    time.sleep(2)  # a second e-mail would come now
    assert [len(cloud.mails(f"p{number}.h@")) for number in range(10)] == [10] * 10


def test_a_malformed_record_is_dead_lettered_whole_and_the_others_are_told(
    cloud: CloudUnderTest, bank: BankClient
) -> None:
    bank.enrol("M1")
    malformed = transaction_item(transaction(id="bad", account="M1"))
    malformed["amount"] = {"S": "twelve"}
    cloud.client("dynamodb").put_item(TableName=cloud.deployed.outputs["TransactionsTable"], Item=malformed)
    assert bank.post(**debit(1, "M1")).status == 201
    eventually(lambda: len(cloud.mails("m1.h@")) == 1)
    (letter,) = eventually(lambda: cloud.dead_letters("StreamDeadLetterQueueUrl"))
    assert letter["source"] == "transaction_stream"
    assert letter["reason"] == "malformed_record: TypeError"
    assert letter["payload"]["dynamodb"]["NewImage"] == malformed


def test_an_unreadable_queue_message_is_dead_lettered_whole(cloud: CloudUnderTest) -> None:
    queue = cloud.deployed.outputs["NotificationQueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="{broken")
    (letter,) = eventually(lambda: cloud.dead_letters("NotificationDeadLetterQueueUrl"))
    assert (letter["source"], letter["payload"]) == ("mailer", "{broken")


def test_what_ses_refuses_for_a_while_arrives_once_afterwards(cloud: CloudUnderTest, bank: BankClient) -> None:
    bank.enrol("S1")
    # The emulator keeps the identities of SES's two APIs apart and takes either.
    cloud.client("ses").delete_identity(Identity="eazycard.example")
    cloud.client("sesv2").delete_email_identity(EmailIdentity="eazycard.example")
    try:
        for number in range(5):
            assert bank.post(**debit(number, "S1")).status == 201
        eventually(lambda: "put_off: MessageRejected" in cloud.log.read_text())
        assert cloud.mails("s1.h@") == []
    finally:
        cloud.client("sesv2").create_email_identity(EmailIdentity="eazycard.example")
    eventually(lambda: len(cloud.mails("s1.h@")) == 5)
    time.sleep(2)
    assert len(cloud.mails("s1.h@")) == 5
    assert cloud.dead_letters("NotificationDeadLetterQueueUrl") == []


def test_a_mailer_that_is_killed_with_a_batch_in_hand_leaves_nobody_untold(
    cloud: CloudUnderTest, bank: BankClient
) -> None:
    bank.enrol("K1")
    assert bank.post(**debit(0, "K1")).status == 201
    eventually(lambda: len(cloud.mails("k1.h@")) == 1)
    queue = {"QueueUrl": cloud.deployed.outputs["NotificationQueueUrl"]}
    sqs = cloud.client("sqs")
    sqs.set_queue_attributes(**queue, Attributes={"VisibilityTimeout": "30"})
    workers = _workers(cloud, "transaction-notifier-local-mailer")
    assert workers
    for worker in workers:  # warm and idle: they will take the next batch and get no further
        os.kill(worker, signal.SIGSTOP)
    for number in range(1, 11):
        assert bank.post(**debit(number, "K1")).status == 201
    eventually(lambda: _in_flight(sqs, queue) > 0)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    eventually(lambda: len(cloud.mails("k1.h@")) == 11, timeout_s=120)
    time.sleep(2)
    assert len(cloud.mails("k1.h@")) == 11
    sqs.set_queue_attributes(**queue, Attributes={"VisibilityTimeout": "120"})


def _in_flight(sqs: Any, queue: dict[str, str]) -> int:
    name = "ApproximateNumberOfMessagesNotVisible"
    return int(sqs.get_queue_attributes(**queue, AttributeNames=[name])["Attributes"][name])


def _workers(cloud: CloudUnderTest, function: str) -> list[int]:
    """Return the function's processes on this cloud: another one may run beside it, and keep its own."""
    listed = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True).stdout
    code = rf"{re.escape(str(cloud.log.parent))}/tmp/\S*lambda-{function}-\w+"
    return [int(line.split()[0]) for line in listed.splitlines() if re.search(code, line)]


def test_the_gateway_s_own_errors_are_problems_too(cloud: CloudUnderTest, bank: BankClient) -> None:
    for wrong in ("", "tn_no-such-key-no-such-key-no-such-key"):
        answer = BankClient(cloud.deployed.api_url, wrong)("GET", "/transactions/1")
        assert_problem(answer, 403, "unknown_api_key")
    assert_problem(bank("GET", "/nothing/here"), 404, "route_not_found")
    assert_problem(bank("POST", "/transactions", b"x", {"content-type": "text/plain"}), 415, "unsupported_media_type")
    assert_problem(bank("POST", "/transactions", b"x" * 300_000), 413, "body_too_large")


def test_a_bank_over_its_plan_is_throttled_with_a_problem(cloud: CloudUnderTest) -> None:
    small = cloud.new_bank("small-bank", plan="trial")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: small("GET", "/accounts/A1/holders"), range(60)))
    throttled = [answer for answer in answers if answer.status == 429]
    assert throttled
    assert_problem(throttled[0], 429, "throttled")
    assert throttled[0].headers["retry-after"] == "1"


def test_health_needs_no_key(cloud: CloudUnderTest) -> None:
    answer = urllib3.request("GET", f"{cloud.deployed.api_url}/health")
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


def test_one_bank_sees_nothing_of_another(cloud: CloudUnderTest, bank: BankClient) -> None:
    other = cloud.new_bank("other-bank")
    assert bank.post(**debit(1, "T1")).status == 201
    bank.enrol("T1")
    assert_problem(other("GET", "/transactions/T1-1"), 404, "transaction_not_found")
    assert other("GET", "/accounts/T1/transactions").json() == {"transactions": [], "next_cursor": None}
    assert other("GET", "/accounts/T1/holders").json() == {"holders": []}
    assert_problem(other("DELETE", "/accounts/T1/holders/h"), 404, "holder_not_found")
    assert other.post(**debit(1, "T1", amount="1")).status == 201


def test_a_disabled_bank_is_refused_and_a_rotated_key_works(cloud: CloudUnderTest) -> None:
    client = cloud.new_bank("rotating-bank")
    cloud.banks.set_disabled("rotating-bank", True)
    refused = client("GET", "/accounts/A1/holders")  # by the gateway on AWS; the emulator leaves it to the app
    assert_problem(refused, refused.status, "unknown_api_key")
    assert refused.status in (401, 403)
    cloud.banks.set_disabled("rotating-bank", False)
    renewed = BankClient(client.api_url, cloud.banks.rotate("rotating-bank", timedelta(0)))
    assert renewed("GET", "/accounts/A1/holders").status == 200
    assert_problem(client("GET", "/accounts/A1/holders"), 403, "unknown_api_key")


def test_iam_is_enforced(cloud: CloudUnderTest) -> None:
    stranger = boto3.client(
        "dynamodb",
        endpoint_url=cloud.deployed.cloud.endpoint_url,
        region_name=REGION,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError) as refused:
        stranger.scan(TableName=cloud.deployed.outputs["TransactionsTable"])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert refused.value.response["Error"]["Code"] in ("UnrecognizedClientException", "AccessDeniedException")


def test_the_scheduled_job_folds_what_was_recorded(cloud: CloudUnderTest, bank: BankClient) -> None:
    answer = cloud.client("lambda").invoke(
        FunctionName=f"transaction-notifier-{STAGE}-analytics_job",
        Payload=(EVENTS / "schedule.json").read_bytes(),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    events = cloud.client("events")
    rules = [rule for rule in events.list_rules()["Rules"] if rule.get("ScheduleExpression") == "rate(1 minute)"]
    targets = [events.list_targets_by_rule(Rule=rule["Name"])["Targets"][0]["Arn"] for rule in rules]
    assert any(target.endswith("analytics_job") for target in targets)


def test_the_release_put_its_zip_into_the_artifacts_bucket_and_left_nothing_behind_in_it(
    cloud: CloudUnderTest,
) -> None:
    s3, bucket = cloud.client("s3"), cloud.deployed.outputs["ArtifactsBucket"]
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    (zip_key,) = [key for key in keys if key.endswith(".zip")]
    shipped = zipfile.ZipFile(BytesIO(s3.get_object(Bucket=bucket, Key=zip_key)["Body"].read())).namelist()
    assert {
        "app.py",
        "chalicelib/notifications/mailer.py",
        "chalicelib/mail/templates/fr.toml",
        "marshmallow/__init__.py",
    } <= set(shipped)
    compiled = [name for name in shipped if "__pycache__" in name and name.startswith("chalicelib")]
    modules = [name for name in shipped if name.startswith("chalicelib") and name.endswith(".py")]
    assert len(compiled) == len(modules)  # that of the build, and none that was lying about
    assert not [name for name in shipped if re.search(r"(^|/)(\.env|\.chalice|tests|infra|local_cloud)(/|$)", name)]


def test_deploying_again_changes_nothing_and_keeps_what_is_stored(cloud: CloudUnderTest, bank: BankClient) -> None:
    assert bank.post(**debit(1, "R1")).status == 201
    again = deploy_stage(cloud.deployed.cloud, BUILD)
    assert dict(again.outputs) == dict(cloud.deployed.outputs)
    assert again.api_id == cloud.deployed.api_id
    assert bank("GET", "/transactions/R1-1").status == 200


def test_what_is_listed_adds_up(bank: BankClient) -> None:
    amounts = [Decimal(number) * Decimal("0.01") for number in range(1, 121)]
    for number, amount in enumerate(amounts):
        assert bank.post(**debit(number, "L1", amount=str(amount), currency="EUR")).status == 201
    total, cursor, pages = Decimal(0), "", 0
    while cursor is not None:
        page = bank("GET", f"/accounts/L1/transactions?limit=50{cursor and '&cursor=' + cursor}").json()
        total += sum(Decimal(found["amount"]) for found in page["transactions"])
        cursor, pages = page["next_cursor"], pages + 1
    assert (total, pages) == (sum(amounts), 3)
