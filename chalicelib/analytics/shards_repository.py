"""How many shards of the index by_recorded are read: a number beside the checkpoint, which every reader reads first."""

from typing import Any

from chalicelib.analytics.repository import CHECKPOINT
from chalicelib.aws.dynamo import call_if, to_item


def raise_shards(client: Any, table: str, number: int) -> None:
    """Make all readers of the index read so many shards from now on; never fewer than before.

    Raises TemporarilyUnavailable, also while the job is just making a step.
    """
    call_if(
        client.update_item,
        TableName=table,
        Key=to_item(CHECKPOINT),
        UpdateExpression="SET shards = :number",
        ConditionExpression="attribute_not_exists(shards) OR shards < :number",
        ExpressionAttributeValues=to_item({":number": number}),
    )
