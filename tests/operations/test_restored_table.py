"""A restored table becomes equal to the one that it is to replace, against moto."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from operations.restored_table import RestoreFailed, literals_of, restore


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="old",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        client.update_continuous_backups(
            TableName="old", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        client.update_time_to_live(
            TableName="old", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
        )
        client.put_item(TableName="old", Item={"id": {"S": "1"}})
        yield client


def test_a_restored_table_has_what_dynamodb_leaves_out(client: Any) -> None:
    for _ in range(2):  # an interrupted command is run again
        restore(client, "old", "new", None)
    table = client.describe_table(TableName="new")["Table"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["DeletionProtectionEnabled"] is True
    expiry = client.describe_time_to_live(TableName="new")["TimeToLiveDescription"]
    assert expiry["AttributeName"] == "expires_at"
    backups = client.describe_continuous_backups(TableName="new")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client.get_item(TableName="new", Key={"id": {"S": "1"}})["Item"] == {"id": {"S": "1"}}


def test_a_table_of_another_shape_is_no_restored_one(client: Any) -> None:
    client.create_table(
        TableName="new",
        AttributeDefinitions=[{"AttributeName": "other", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "other", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(RestoreFailed, match="other keys or indexes"):
        restore(client, "old", "new", None)


def test_the_literals_are_the_table_s_own(client: Any) -> None:
    table = client.describe_table(TableName="old")["Table"]
    assert literals_of(client, "XTable", "old") == {
        "!Ref XTable": '"old"',
        "!GetAtt XTable.Arn": f'"{table["TableArn"]}"',
        "!GetAtt XTable.StreamArn": f'"{table["LatestStreamArn"]}"',
        "${XTable}": "old",
        "${XTable.Arn}": table["TableArn"],
        "${XTable.StreamArn}": table["LatestStreamArn"],
    }
