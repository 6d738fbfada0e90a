"""A table restored from its point-in-time backups: made equal to the one that it is to replace.

DynamoDB restores items, indexes and encryption. It doesn't restore the stream, the time to live, the protection from
deletion, or the backups themselves ("Restoring a table to a point in time", DynamoDB Developer Guide).
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from infra.failures import CommandFailed

_WAIT_S = 5.0


class RestoreFailed(CommandFailed):
    """The table can't be restored, or what was restored differs from what it is to replace."""


def restore(
    dynamodb: Any, source: str, target: str, at: datetime | None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Restore the table `source` as of a time, None for the latest one, into the new table `target`, and wait for it.

    Then give it all that a restore leaves out. Run again, it goes on with a table that is there.
    """
    if not _exists(dynamodb, target):
        when = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
        dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, **when)
    while dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] != "ACTIVE":
        sleep(_WAIT_S)
    wanted, found = (dynamodb.describe_table(TableName=name)["Table"] for name in (source, target))
    if _shape(wanted) != _shape(found):
        raise RestoreFailed(f"{target} has other keys or indexes than {source}.")
    stream = wanted.get("StreamSpecification")
    if stream and not found.get("StreamSpecification", {}).get("StreamEnabled"):
        dynamodb.update_table(TableName=target, StreamSpecification=stream)
        while dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] != "ACTIVE":
            sleep(_WAIT_S)
    expiry = dynamodb.describe_time_to_live(TableName=source)["TimeToLiveDescription"]
    there = dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    if expiry["TimeToLiveStatus"].startswith("ENABL") and not there["TimeToLiveStatus"].startswith("ENABL"):
        dynamodb.update_time_to_live(
            TableName=target, TimeToLiveSpecification={"Enabled": True, "AttributeName": expiry["AttributeName"]}
        )
    dynamodb.update_continuous_backups(
        TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True)


def literals_of(dynamodb: Any, name: str, table: str) -> dict[str, str]:
    """Return each form in which a template refers to its resource `name`, with the text that names this table instead.

    A form refers to the name, the ARN or the stream's ARN, as a value of its own or within the text of a `!Sub`.
    """
    found = dynamodb.describe_table(TableName=table)["Table"]
    values = {f"!Ref {name}": table, f"!GetAtt {name}.Arn": found["TableArn"]}
    within = {f"${{{name}}}": table, f"${{{name}.Arn}}": found["TableArn"]}
    if "LatestStreamArn" in found:
        values[f"!GetAtt {name}.StreamArn"] = found["LatestStreamArn"]
        within[f"${{{name}.StreamArn}}"] = found["LatestStreamArn"]
    return {reference: f'"{value}"' for reference, value in values.items()} | within


def _exists(dynamodb: Any, table: str) -> bool:
    try:
        dynamodb.describe_table(TableName=table)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True


def _shape(table: dict[str, Any]) -> Any:
    indexes = table.get("GlobalSecondaryIndexes", ())
    return table["KeySchema"], sorted((index["IndexName"], repr(index["KeySchema"])) for index in indexes)
