"""Erasure: after `DELETE` of a holder, no table, bucket or queue has the name or the address, and no link opens. The
holder's id is where docs/privacy.md names it only, with an end."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from operations.audit import main as audit_command
from tests.cloud import CloudUnderTest, eventually
from tests.on_the_cloud.holder_links import links_of, only_holder

pytestmark = pytest.mark.cloud
BANK, ACCOUNT, HOLDER = "erasing-bank", "erased", "quagga-7"
AT = f"/accounts/{ACCOUNT}/holders/{HOLDER}"
NAME, ADDRESS, MOVED = "Quentin-Xavier Zyzzyva", "zyzzyva.old@example.com", "zyzzyva.new@example.com"
MARK = "zyzzyva"
EVENTS = Path(__file__).parents[1] / "events"


def contents(cloud: CloudUnderTest) -> Iterator[tuple[str, str]]:
    """Yield all that is stored: the name of each table, bucket and queue, and what one of its entries holds."""
    dynamodb, s3, sqs = (cloud.client(name) for name in ("dynamodb", "s3", "sqs"))
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield table, json.dumps(item, default=repr, ensure_ascii=False)
    for bucket in (one["Name"] for one in s3.list_buckets()["Buckets"]):
        if bucket == cloud.deployed.outputs["ArtifactsBucket"]:
            continue  # released packages
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found in page.get("Contents", ()):
                body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
                yield bucket, (gzip.decompress(body) if found["Key"].endswith(".gz") else body).decode()
    for queue in sqs.list_queues().get("QueueUrls", ()):
        # They stay visible to the functions, and so come again here: until nothing new comes.
        seen: set[str] = set()
        while new := [one for one in peeked(sqs, queue) if one["MessageId"] not in seen]:
            seen.update(one["MessageId"] for one in new)
            yield from ((queue, one["Body"]) for one in new)


def peeked(sqs: Any, queue: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def places(cloud: CloudUnderTest) -> set[str]:
    return {where for where, content in contents(cloud) if MARK in content.lower()}


def places_of_id(cloud: CloudUnderTest) -> set[str]:
    """Return where the holder's id is: tables by their outputs, all else by its own name."""
    tables = {table: output for output, table in cloud.deployed.outputs.items() if output.endswith("Table")}
    return {tables.get(where, where) for where, content in contents(cloud) if HOLDER in content}


def without_end(cloud: CloudUnderTest) -> list[str]:
    """Return what has the holder's id and no time of its own end; a statement's entry goes when it is due."""
    statements = cloud.deployed.outputs["StatementsTable"]
    found = [content for where, content in contents(cloud) if HOLDER in content and where != statements]
    return [content for content in found if "expires_at" not in content]


def bounced(alias: str, transaction: str, address: str) -> str:
    """Return SES's event of a bounce, whose diagnosis repeats the address, as mail servers write it."""
    event: dict[str, Any] = json.loads((EVENTS / "ses_bounce.json").read_text())
    event["mail"]["tags"] |= {"bank": [BANK], "transaction": [transaction], "holder": [alias]}
    event["mail"]["destination"] = [address]
    (recipient,) = event["bounce"]["bouncedRecipients"]
    recipient |= {"emailAddress": address, "diagnosticCode": f"smtp; 550 5.1.1 <{address}>: {NAME} is unknown here"}
    return json.dumps(event)


def test_an_erased_holder_is_nowhere_any_more_and_the_trail_says_who_did_it(
    cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = cloud.new_bank(BANK)
    bank.enrol(ACCOUNT, HOLDER, name=NAME, email=ADDRESS, preferences={"statement": "weekly"})
    sent = bank.post(id="z1", account=ACCOUNT, amount="10", type="debit", timestamp="2026-01-10T14:00:00Z")
    assert sent.status == 201
    eventually(lambda: cloud.mails(ADDRESS))
    alias = only_holder(cloud, BANK, ACCOUNT).alias
    page = str(links_of(cloud, BANK, ACCOUNT).preferences)
    unsubscribe = str(links_of(cloud, BANK, ACCOUNT).unsubscribe)
    assert urllib3.request("POST", unsubscribe, body=b"List-Unsubscribe=One-Click").status == 200
    cloud.client("sns").publish(
        TopicArn=cloud.deployed.outputs["MailFeedbackTopicArn"], Message=bounced(alias, "z1", ADDRESS)
    )
    eventually(lambda: "suppressed" in bank("GET", AT).json())
    assert bank("PATCH", AT, {"email": MOVED}).status == 200
    assert places(cloud), "before, the scan finds the holder"
    (told,) = bank("GET", "/transactions/z1/notifications").json()["notifications"]
    assert told["holder"] == HOLDER

    assert bank("DELETE", AT).status == 204
    eventually(lambda: not places(cloud))
    eventually(lambda: places_of_id(cloud) == {"StatementsTable"})
    assert not without_end(cloud)
    bank.enrol(ACCOUNT, HOLDER, name="Another Person", email=ADDRESS)
    # The bank can still prove what was told, of nobody whom the account has now.
    (told,) = bank("GET", "/transactions/z1/notifications").json()["notifications"]
    assert (told["holder"], told["state"]) == (alias, "bounced")
    for link in (page, unsubscribe):
        assert urllib3.request("GET", link).status == 400

    cloud.use_by_commands(monkeypatch)
    assert audit_command(["list", "--bank", BANK, "--account", ACCOUNT, "--holder", HOLDER, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    actions = ["holder.put", "preferences.choose", "holder.patch", "holder.delete", "holder.put"]
    assert [entry["action"] for entry in entries] == actions
    assert entries[2]["fields"] == ["email"]
