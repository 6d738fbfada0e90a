"""What a stage has by itself is what its templates make, and what each costs adds up."""

import json
from decimal import Decimal
from typing import Any

import pytest

from operations.price_stage import OF_A_STAGE, OF_A_STEADY_STAGE, usd_a_month
from tests.metrics import written
from tests.samples import PROJECT_DIR
from tests.tables import template

APP: dict[str, Any] = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Resources"]
NUMBERS = {one.name: one.number for one in OF_A_STAGE}


def of_type(resources: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in resources.values() if one.get("Type") == type_]


def test_each_metric_of_an_alarm_is_paid_for() -> None:
    alarms = of_type(APP, "AWS::CloudWatch::Alarm")
    looked_at = [sum("MetricStat" in metric for metric in alarm.get("Metrics", [])) or 1 for alarm in alarms]
    assert NUMBERS["metrics that alarms look at"] == sum(looked_at)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("dashboards", ["AWS::CloudWatch::Dashboard"]),
        ("keys", ["AWS::KMS::Key"]),
        ("secrets", ["AWS::SecretsManager::Secret"]),
    ],
)
def test_the_templates_have_as_many(name: str, types: list[str]) -> None:
    resources = template()["Resources"] | APP
    assert NUMBERS[name] == sum(len(of_type(resources, type_)) for type_ in types)


def test_api_gateway_makes_no_metrics_of_each_method() -> None:
    (api,) = (one["Properties"] for one in APP.values() if "MethodSettings" in one.get("Properties", {}))
    # Each is billed, five a method. Said, so that a stage that had them has none any more.
    assert {one["MetricsEnabled"] for one in api["MethodSettings"]} == {False}


def test_every_trigger_and_every_job_of_app_py_is_counted() -> None:
    app = (PROJECT_DIR / "app.py").read_text()
    assert NUMBERS["queues that functions read"] == app.count("@app.on_sqs_message(")
    assert NUMBERS["functions of each minute"] == app.count("@app.schedule(Rate(1,")


def test_each_metric_of_our_own_is_counted_and_as_many_again_of_those_by_kind_and_code() -> None:
    names = len(written())
    assert names < NUMBERS["metrics of our own"] <= 2 * names


def test_auto_scaling_has_four_alarms_for_each_policy_of_a_steady_stage() -> None:
    (alarms,) = set(OF_A_STEADY_STAGE) - set(OF_A_STAGE)
    policies = of_type(template()["Resources"], "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert alarms.number == 4 * len(policies)
    assert usd_a_month(is_steady=True) == usd_a_month() + alarms.usd_a_month
    assert f"Auto scaling's {alarms.number} alarms" in (PROJECT_DIR / "docs" / "scaling.md").read_text("utf-8")


def test_a_stage_costs_the_sum_of_what_it_has() -> None:
    assert usd_a_month() == sum(Decimal(one.number) * one.usd for one in OF_A_STAGE)
    assert 0 < usd_a_month() < 200
