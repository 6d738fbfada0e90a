"""Tracing by X-Ray is a switch of the release: on for the API and all functions, with the right to write traces."""

import json
from typing import Any

import pytest

from infra.observing import TEMPLATE
from tests.iam_data import described
from tests.samples import PROJECT_DIR

CONTENT: dict[str, Any] = json.loads(TEMPLATE.read_text())
RESOURCES = CONTENT["Resources"]
FUNCTIONS = sorted(name for name, one in RESOURCES.items() if "Tracing" in one.get("Properties", {}))


def test_it_is_off_at_first() -> None:
    assert CONTENT["Parameters"]["Tracing"] == {"Type": "String", "Default": "off", "AllowedValues": ["off", "on"]}
    assert CONTENT["Conditions"]["IsTraced"] == {"Fn::Equals": [{"Ref": "Tracing"}, "on"]}
    assert RESOURCES["RestAPI"]["Properties"]["TracingEnabled"] == {"Fn::If": ["IsTraced", True, False]}


def test_it_is_a_switch_of_every_function() -> None:
    policies = {path.stem for path in (PROJECT_DIR / "infra" / "policies").glob("*.json")}
    assert len(FUNCTIONS) == len(policies)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_traced_function_may_write_its_traces(function: str) -> None:
    assert RESOURCES[function]["Properties"]["Tracing"] == {"Fn::If": ["IsTraced", "Active", "PassThrough"]}
    policy = RESOURCES[f"TraceOf{function}"]
    assert policy["Condition"] == "IsTraced"
    assert policy["Properties"]["RoleName"] == {"Ref": f"{function.replace('APIHandler', 'ApiHandler')}Role"}
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    for action in statement["Action"]:
        assert {entry["resource_arn_format"] for entry in described(action)} == {"*"}


def test_every_log_is_kept_for_some_time_only() -> None:
    config = json.loads((PROJECT_DIR / ".chalice" / "config.json").read_text())
    assert config["log_retention_in_days"] == RESOURCES["AccessLogGroup"]["Properties"]["RetentionInDays"] == 30
    logged = {name.removesuffix("LogGroup") for name in RESOURCES if name.endswith("LogGroup")} - {"Access"}
    assert {name.replace("ApiHandler", "APIHandler") for name in logged} == set(FUNCTIONS)
