"""The release command: for how long a release is watched, and that what it writes is read before."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.errors import TemporarilyUnavailable
from infra import provision, release
from infra.releases import Releases
from infra.stacks import exists, stack_name


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For how many minutes each release is watched that a test makes: none is made in truth."""
    minutes: list[int] = []

    def released(*_: Any, watch_minutes: int, **__: Any) -> dict[str, str]:
        minutes.append(watch_minutes)
        return {"EndpointURL": "https://example.com/prod"}

    class Stage:
        name, outputs = "prod", {}
        session = type("Session", (), {"client": lambda *_: None})()

    monkeypatch.setattr(release, "release", released)
    monkeypatch.setattr(release, "open_stage", lambda _: Stage())
    for name in ("check_stage", "enter_console", "smoke_test"):
        monkeypatch.setattr(release, name, lambda *_: [])
    return minutes


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        ([], 5),
        (["--watch", "0"], 0),
        (["--watch", "180"], 180),
        # The alarm for which one goes back is on.
        (["--to", "3f0c"], 0),
        (["--to", "3f0c", "--watch", "5"], 5),
    ],
)
def test_a_release_is_watched_as_long_as_it_is_said_and_going_back_is_not(
    watched: list[int], arguments: list[str], minutes: int
) -> None:
    assert release.main(["--stage", "prod", *arguments]) == 0
    assert watched == [minutes]


@pytest.mark.parametrize("text", ["-1", "181", "5m", ""])
def test_a_watch_that_cloudformation_does_not_take_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        release.main(["--stage", "prod", f"--watch={text}"])
    assert "no whole number from 0 to 180" in capsys.readouterr().err


# Shards: readers before writers

APP = {
    "Parameters": {"Stage": {"Type": "String"}},
    "Resources": {"RestAPI": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": {"Ref": "Stage"}}}},
    "Outputs": {"RestAPIId": {"Value": {"Ref": "RestAPI"}}},
}


def fail(*_: Any) -> None:
    raise TemporarilyUnavailable


def provisioned(session: boto3.session.Session, stage: str, **others: str) -> dict[str, str]:
    return provision.deploy_data_stack(session, stage, mail_from="a@example.com", others=others, poll_s=0.01)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> str:
    """The hash of a stored release of a small app: moto reads no template from a bucket."""
    monkeypatch.setattr(Releases, "find", lambda _, beginning: beginning)
    monkeypatch.setattr(Releases, "template", lambda *_: {"TemplateBody": json.dumps(APP)})
    return "3f0c2a91d4be"


def shards_read(session: boto3.session.Session, outputs: dict[str, str]) -> int:
    return AnalyticsRepository(session.client("dynamodb"), outputs["AnalyticsTable"]).checkpoint().shards


def test_readers_read_all_shards_before_the_app_changes_although_provisioning_failed_to_tell_them(
    session: boto3.session.Session, stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = provisioned(session, "dev")
    with monkeypatch.context() as failing:
        failing.setattr(provision, "tell_readers", fail)
        with pytest.raises(TemporarilyUnavailable):
            provisioned(session, "dev", RecordedShards="8")
    assert shards_read(session, outputs) == 4

    read_then: list[int] = []
    watched = boto3.session.Session(region_name="us-east-2")
    watched.events.register(
        "before-call.cloudformation.CreateChangeSet", lambda **_: read_then.append(shards_read(session, outputs))
    )
    release.release(watched, "dev", tmp_path, to=stored, poll_s=0.01)
    assert read_then == [8]


def test_nothing_is_released_as_long_as_readers_can_not_be_told(
    session: boto3.session.Session, stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioned(session, "prod", RecordedShards="8")
    monkeypatch.setattr(release, "tell_readers", fail)
    with pytest.raises(TemporarilyUnavailable):
        release.release(session, "prod", tmp_path, to=stored, poll_s=0.01)
    assert not exists(session.client("cloudformation"), stack_name("prod", "app"))
