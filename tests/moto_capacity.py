"""What moto's CloudFormation doesn't know of tables: an update changes the capacity of a table and of its indexes.

Without it, moto forgets a table that an update changes.
"""

from typing import Any

NONE = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}


def change_capacity(_: type, original_resource: Any, cloudformation_json: dict[str, Any], **__: Any) -> Any:
    """Give moto's table the capacity that its properties say, in the place of `update_from_cloudformation_json`."""
    properties = cloudformation_json["Properties"]
    original_resource.billing_mode = properties["BillingMode"]
    original_resource.throughput = dict(properties.get("ProvisionedThroughput", NONE))
    by_name = {index.name: index for index in original_resource.global_indexes}
    for one in properties.get("GlobalSecondaryIndexes", ()):
        by_name[one["IndexName"]].throughput = dict(one.get("ProvisionedThroughput", NONE))
    return original_resource
