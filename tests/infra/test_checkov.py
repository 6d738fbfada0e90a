"""checkov's exceptions: each has a reason, and what a reason claims is true of the templates.

tests/infra/test_package.py runs checkov itself on both templates, from an environment of its own.
"""

import json
import re
from typing import Any

from cfnlint.decode import decode

from tests.samples import PROJECT_DIR

CONFIG = (PROJECT_DIR / "infra" / "checkov" / "config.yaml").read_text()


def data_stack(type_name: str) -> list[dict[str, Any]]:
    content, errors = decode(str(PROJECT_DIR / "infra" / "data.yaml"))
    assert not errors
    found = [one for one in content["Resources"].values() if one["Type"] == type_name]
    assert found
    return found


def test_each_exception_has_a_reason_and_is_named_once() -> None:
    lines = re.findall(r"^  - (CKV\w+)(.*)$", CONFIG, re.M)
    assert len({name for name, _ in lines}) == len(lines) > 0
    for name, reason in lines:
        assert re.fullmatch(r" +# \S.{15,}", reason), name


def test_queues_tables_and_buckets_are_encrypted_with_keys_of_aws() -> None:
    assert all(one["Properties"]["SqsManagedSseEnabled"] is True for one in data_stack("AWS::SQS::Queue"))
    assert all(
        one["Properties"]["SSESpecification"]["SSEEnabled"] is True for one in data_stack("AWS::DynamoDB::Table")
    )
    assert all("BucketEncryption" in one["Properties"] for one in data_stack("AWS::S3::Bucket"))


def test_batches_of_streams_have_a_failure_destination() -> None:
    resources = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
    streams = [
        event["Properties"]
        for resource in resources.values()
        for name, event in resource.get("Properties", {}).get("Events", {}).items()
        if name.endswith("DynamodbEventSource")
    ]
    assert len(streams) == 4
    assert all("DestinationConfig" in one for one in streams)
