"""Releases in the artifacts bucket: stored by content, listed, and found again by the beginning of their hash."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.release import ROLLBACK_ALARMS
from infra.releases import Releases
from infra.stacks import StackFailed
from tests.samples import PROJECT_DIR

BUCKET = "artifacts"


@pytest.fixture
def releases() -> Iterator[Releases]:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        yield Releases(s3, BUCKET)


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    (tmp_path / "deployment.zip").write_bytes(b"PK")
    functions = {"Mailer": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}}
    (tmp_path / "sbom.json").write_text('{"bomFormat": "CycloneDX"}')
    (tmp_path / "sam.json").write_text(json.dumps({"Resources": functions}))
    return tmp_path


def stored(template: dict[str, str]) -> Any:
    """Return the content of the template that CloudFormation would read at this URL."""
    key = template["TemplateURL"].partition(".com/")[2]
    return json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def described(text: str) -> Any:
    return lambda template: template.update(Description=text)


def test_a_template_names_the_zip_that_is_stored_with_it(releases: Releases, packaged: Path) -> None:
    template = stored(releases.template(releases.store(packaged)))
    code = template["Resources"]["Mailer"]["Properties"]["CodeUri"]
    assert code["Bucket"] == BUCKET
    assert boto3.client("s3").get_object(Bucket=BUCKET, Key=code["Key"])["Body"].read() == b"PK"


def test_beside_a_release_is_the_list_of_what_it_ships(releases: Releases, packaged: Path) -> None:
    release = releases.store(packaged)
    bill = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"releases/{release}.cdx")["Body"].read()
    assert json.loads(bill) == {"bomFormat": "CycloneDX"}
    assert [one.hash for one in releases.listed()] == [release]


def test_the_same_content_is_the_same_release_and_another_template_is_another(
    releases: Releases, packaged: Path
) -> None:
    first = releases.store(packaged)
    assert releases.store(packaged) == first
    second = releases.store(packaged, described("second"))
    assert {release.hash for release in releases.listed()} == {first, second}
    assert stored(releases.template(second))["Description"] == "second"


def test_a_release_is_found_by_the_beginning_of_its_hash(releases: Releases, packaged: Path) -> None:
    wanted = releases.store(packaged)
    releases.store(packaged, described("another"))
    assert releases.find(wanted[:12]) == wanted
    assert releases.find(wanted) == wanted


@pytest.mark.parametrize("beginning", ["0000", "", "../x", "releases/"])
def test_a_hash_that_no_release_has_is_refused_and_says_what_shows_them(
    releases: Releases, packaged: Path, beginning: str
) -> None:
    releases.store(packaged)
    with pytest.raises(StackFailed, match=r"no stored release begins with .*--list"):
        releases.find(beginning)


def test_a_beginning_of_more_than_one_hash_is_refused(releases: Releases, packaged: Path) -> None:
    hashes = [releases.store(packaged, described(str(number))) for number in range(17)]
    shared = next(one[0] for one in hashes if [other[0] for other in hashes].count(one[0]) > 1)
    with pytest.raises(StackFailed, match="more than one release begins"):
        releases.find(shared)


def test_the_alarms_that_roll_a_release_back_exist_and_are_no_more_than_cloudformation_takes() -> None:
    resources = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
    assert len(ROLLBACK_ALARMS) <= 5
    assert {resources[name]["Type"] for name in ROLLBACK_ALARMS} == {"AWS::CloudWatch::Alarm"}
