"""A bank's settings as they are deployed, with the API's role and a real topic; and the trial of settings there."""

import json
from pathlib import Path

import pytest

from local_cloud.deploy import STAGE
from operations.settings_trial import main
from tests.cloud import CloudUnderTest

pytestmark = pytest.mark.cloud
BANK = "settled-bank"


def subscribed(cloud: CloudUnderTest) -> list[str]:
    """Return the addresses that are subscribed to the bank's operators' alerts."""
    topic = f"{cloud.deployed.outputs['OperatorAlertsTopicArn']}-{BANK}"
    found = cloud.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [one["Endpoint"] for one in found if one["Protocol"] == "email"]


def test_settings_are_kept_obeyed_by_the_settings_trial_and_alert_addresses_subscribed(
    cloud: CloudUnderTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = cloud.new_bank(BANK)
    settings = {
        "flags": {"large_amount": {"thresholds": {"EUR": "100.00"}}},
        "alert_addresses": ["fraud@settled-bank.example"],
    }
    answer = bank("PUT", "/settings", settings)
    assert answer.status == 200, answer.data
    assert bank("GET", "/settings").json() == answer.json()
    assert bank("PUT", "/settings", settings).status == 200
    assert subscribed(cloud) == ["fraud@settled-bank.example"]

    for number, amount in enumerate(("99.00", "101.00", "2500.00")):
        one = {"id": f"t{number}", "account": "A1", "amount": amount, "type": "debit"}
        assert bank.post(**one, timestamp="2026-01-10T14:00:00Z").status == 201
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps({"flags": {"large_amount": {"thresholds": {"EUR": "2000.00"}}}}))
    cloud.use_by_commands(monkeypatch)
    span = ["--from", "2026-01-10", "--to", "2026-01-10", "--json"]
    assert main(["--stage", STAGE, "--bank", BANK, *span, "--settings", str(changed)]) == 0
    large = json.loads(capsys.readouterr().out)["rules"]["large_amount"]
    assert (large["now"], large["changed"]) == (2, 1)

    assert bank("PUT", "/settings", {}).json()["alert_addresses"] == []
    assert subscribed(cloud) == []
