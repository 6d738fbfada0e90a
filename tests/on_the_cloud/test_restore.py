"""The drill of a restore on the local cloud: a table is restored, and the data stack adopts it.

The emulator restores a table as it is now: it keeps no earlier state. All other steps are those of AWS.
"""

from typing import Any

import pytest

from infra.stacks import outputs, stack_name
from operations import restore
from tests.cloud import CloudUnderTest

pytestmark = pytest.mark.cloud
NAME = "NotificationsTable"


def test_a_restored_table_takes_the_place_of_the_old_one_in_the_stack(
    cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(restore, "open_stage", lambda _: cloud.deployed.stage)
    dynamodb, cloudformation = cloud.client("dynamodb"), cloud.client("cloudformation")
    stack = stack_name("local", "data")
    before = outputs(cloudformation, stack)
    old = before[NAME]
    row: dict[str, Any] = {"transaction_key": {"S": "drill#t1"}, "holder": {"S": "awa"}, "state": {"S": "sent"}}
    dynamodb.put_item(TableName=old, Item=row)

    assert restore.main(["table", NAME]) == 0
    restored = capsys.readouterr().out.split("--table ")[1].split("`")[0]
    table = dynamodb.describe_table(TableName=restored)["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["DeletionProtectionEnabled"] is True

    assert restore.main(["adopt", NAME, "--table", restored]) == 0

    after = outputs(cloudformation, stack)
    assert after[NAME] == restored
    assert after["NotificationsTableArn"] == table["TableArn"]
    assert after["NotificationsStreamArn"] == table["LatestStreamArn"] != before["NotificationsStreamArn"]
    assert after["NotificationsStreamLabel"] == table["LatestStreamLabel"]
    differing = {key for key in before if before[key] != after[key]}
    assert differing == {NAME, "NotificationsTableArn", "NotificationsStreamArn", "NotificationsStreamLabel"}
    key = {name: row[name] for name in ("transaction_key", "holder")}
    assert dynamodb.get_item(TableName=restored, Key=key)["Item"] == row
    assert dynamodb.get_item(TableName=old, Key=key)["Item"] == row  # it stays, outside of the stack

    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    assert described["EnableTerminationProtection"] is True
    assert restore.main(["adopt", NAME, "--table", restored]) == 0  # nothing is left to do
    assert outputs(cloudformation, stack) == after

    # The functions still write to the old table, as no release followed: it comes back, for the other tests.
    assert restore.main(["adopt", NAME, "--table", old]) == 0
    assert outputs(cloudformation, stack) == before
