"""Releases on the local cloud: back to an earlier one, a bad one rolled back, and the smoke test."""

from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from infra.releases import Releases
from infra.smoke import smoke_test
from infra.stacks import StackFailed, deploy, stack_name
from tests.cloud import BUILD, CloudUnderTest

pytestmark = pytest.mark.cloud


@pytest.fixture
def as_it_was(cloud: CloudUnderTest) -> Iterator[str]:
    """The hash of the release that is out, which is out again after the test."""
    releases = stored(cloud)
    before = releases.listed()[0].hash
    yield before
    put_out(cloud, before)


def stored(cloud: CloudUnderTest) -> Releases:
    return Releases(cloud.client("s3"), cloud.deployed.outputs["ArtifactsBucket"])


def put_out(cloud: CloudUnderTest, release: str) -> None:
    deploy(cloud.client("cloudformation"), stack_name("local", "app"), stored(cloud).template(release), {}, poll_s=0.1)


def changed(cloud: CloudUnderTest, before: str, change: Any) -> str:
    """Store a release like the earlier one, but with a change of its template; return its hash."""
    key = f"releases/{before}.json"
    bucket = cloud.deployed.outputs["ArtifactsBucket"]
    content = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    folder = BUILD / "changed"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sam.json").write_bytes(content)
    (folder / "sbom.json").write_text("{}")
    (folder / "deployment.zip").write_bytes((BUILD / "out" / "deployment.zip").read_bytes())
    return stored(cloud).store(folder, change)


def memory_of(cloud: CloudUnderTest, function: str) -> int:
    name = f"transaction-notifier-local-{function}"
    return int(cloud.client("lambda").get_function_configuration(FunctionName=name)["MemorySize"])


def test_an_earlier_release_is_put_out_again_by_its_hash(cloud: CloudUnderTest, as_it_was: str) -> None:
    memory = memory_of(cloud, "statements")

    def with_more_memory(template: dict[str, Any]) -> None:
        template["Resources"]["Statements"]["Properties"]["MemorySize"] = memory + 64

    newer = changed(cloud, as_it_was, with_more_memory)
    put_out(cloud, newer)
    assert memory_of(cloud, "statements") == memory + 64

    put_out(cloud, stored(cloud).find(as_it_was[:12]))
    assert memory_of(cloud, "statements") == memory


def test_a_release_that_fails_is_rolled_back_and_the_api_answers_as_before(
    cloud: CloudUnderTest, as_it_was: str
) -> None:
    memory = memory_of(cloud, "statements")

    def broken(template: dict[str, Any]) -> None:
        template["Resources"]["Statements"]["Properties"]["MemorySize"] = memory + 64
        template["Resources"]["Taken"] = {
            "Type": "AWS::S3::Bucket",
            "DependsOn": ["Statements"],
            "Properties": {"BucketName": cloud.deployed.outputs["ArtifactsBucket"]},
        }

    with pytest.raises(StackFailed, match="ROLLBACK_COMPLETE"):
        put_out(cloud, changed(cloud, as_it_was, broken))
    assert memory_of(cloud, "statements") == memory
    assert urllib3.request("GET", f"{cloud.deployed.api_url}/health").status == 200


def test_the_smoke_test_passes_with_the_gateway_s_own_refusals(cloud: CloudUnderTest) -> None:
    assert smoke_test(cloud.deployed.api_url) == []
