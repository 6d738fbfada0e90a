"""The data stack on the local cloud: an update that would lose data is refused, and changes nothing."""

import pytest

from infra.protection import refuse_losses
from infra.stacks import StackFailed, deploy, stack_name
from tests.cloud import CloudUnderTest
from tests.samples import PROJECT_DIR

TEMPLATE = (PROJECT_DIR / "infra" / "data.yaml").read_text()
pytestmark = pytest.mark.cloud


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "- {AttributeName: address_key, KeyType: HASH}",
            "- {AttributeName: entry, KeyType: HASH}",
            "AddressesTable could be replaced by an empty one, because KeySchema changes",
        ),
        ("ArchiveBucket", "OtherBucket", "ArchiveBucket would be removed"),
    ],
)
def test_an_update_that_would_lose_data_is_refused_and_changes_nothing(
    cloud: CloudUnderTest, before: str, after: str, says: str
) -> None:
    cloudformation, name = cloud.client("cloudformation"), stack_name("local", "data")
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    changed = {"TemplateBody": TEMPLATE.replace(before, after)}

    with pytest.raises(StackFailed, match=says):
        deploy(cloudformation, name, changed, {}, poll_s=0.1, check=refuse_losses)

    assert cloudformation.describe_stack_resources(StackName=name)["StackResources"] == resources
    left = cloudformation.list_change_sets(StackName=name)["Summaries"]
    assert [one for one in left if one["ExecutionStatus"] == "AVAILABLE"] == []


def test_the_data_stack_is_protected_from_deletion(cloud: CloudUnderTest) -> None:
    (stack,) = cloud.client("cloudformation").describe_stacks(StackName=stack_name("local", "data"))["Stacks"]
    assert stack["EnableTerminationProtection"] is True
