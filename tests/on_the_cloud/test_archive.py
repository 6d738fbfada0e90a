"""The archive on the local cloud: what the deployed function keeps, and the command puts back."""

import gzip
import json
from typing import Any

import pytest

from operations.archive import main
from tests.cloud import CloudUnderTest, eventually

pytestmark = pytest.mark.cloud


def test_what_two_banks_post_is_archived_by_the_deployed_function_and_replays_as_already_there(
    cloud: CloudUnderTest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, bucket = cloud.client("s3"), cloud.deployed.outputs["ArchiveBucket"]
    posted: dict[str, list[dict[str, Any]]] = {}
    for bank in ("archive-one", "archive-two"):
        client = cloud.new_bank(bank)
        for number in range(3):
            answer = client.post(
                id=f"t{number}",
                account="A1",
                amount="12.50",
                type="debit",
                timestamp="2026-01-10T14:00:00Z",
                metadata={"channel": "é"},
            )
            assert answer.status == 201, answer.data
            posted.setdefault(bank, []).append(answer.json())

    def lines(bank: str) -> list[dict[str, Any]]:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"bank={bank}/").get("Contents", ())
        keys = [found["Key"] for found in listed]
        bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
        return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]

    for bank, answers in posted.items():
        eventually(lambda bank=bank: len(lines(bank)) == 3)
        assert sorted(lines(bank), key=lambda line: str(line["id"])) == answers

    with monkeypatch.context() as environment:
        cloud.use_by_commands(environment)
        for bank in posted:
            for options in ([], ["--dry-run"]):
                assert main(["--stage", "local", "replay", "--bank", bank, *options]) == 0
                assert " 3 already there, 0 conflicts" in capsys.readouterr().out
