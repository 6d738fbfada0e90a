"""SnapStart in the released template: off at first, refused before Python 3.12, and wired to the API when it is on."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from infra.snap_start import ALIAS, add_snap_start, with_snap_start
from tests.released import packaged as released
from tests.released import translated
from tests.samples import PROJECT_DIR

APP = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
URI = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${APIHandler.Arn}/invocations"


def packaged(runtime: str) -> dict[str, Any]:
    """Return the part of a packaged template that SnapStart is about, as Chalice writes it."""
    route = {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": URI}, "type": "aws_proxy"}}
    return {
        "Parameters": copy.deepcopy(APP["Parameters"]),
        "Conditions": copy.deepcopy(APP["Conditions"]),
        "Resources": {
            "APIHandler": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"Runtime": runtime, "MemorySize": 512, "Environment": {"Variables": {"A": "1"}}},
            },
            "APIHandlerInvokePermission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {"FunctionName": {"Ref": "APIHandler"}, "Action": "lambda:InvokeFunction"},
            },
            "Feedback": {"Type": "AWS::Serverless::Function", "DependsOn": ["FeedbackLogGroup", "APIHandler"]},
            "Mailer": {"Type": "AWS::Serverless::Function", "DependsOn": ["MailerLogGroup"]},
            "RestAPI": {
                "Properties": {"DefinitionBody": {"paths": {"/transactions": {"post": route}, "/x": {"options": {}}}}}
            },
        },
    }


def versions(template: dict[str, Any]) -> list[str]:
    return [name for name, one in template["Resources"].items() if one.get("Type") == "AWS::Lambda::Version"]


@pytest.mark.parametrize("runtime", ["python3.10", "python3.11"])
def test_an_older_python_s_release_takes_only_off_and_says_why(runtime: str) -> None:
    template = packaged(runtime)
    before = copy.deepcopy(template)
    with_snap_start(template, "code")
    parameter = template["Parameters"].pop("SnapStart")
    assert parameter["Default"] == "off"
    assert parameter["AllowedValues"] == ["off"]
    assert parameter["ConstraintDescription"] == f"off. SnapStart needs Python 3.12 or later, not {runtime}"
    assert template == before, "nothing else changes"


@pytest.mark.parametrize("runtime", ["python3.12", "python3.13", "python4.0"])
def test_from_python_3_12_on_it_can_be_switched_on(runtime: str) -> None:
    template = packaged(runtime)
    with_snap_start(template, "code")
    assert template["Parameters"]["SnapStart"]["AllowedValues"] == ["off", "on"]
    assert template["Parameters"]["SnapStart"]["Default"] == "off"
    assert template["Conditions"]["HasSnapStart"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "on"]}
    function = template["Resources"]["APIHandler"]["Properties"]
    assert function["SnapStart"] == {"ApplyOn": {"Fn::If": ["HasSnapStart", "PublishedVersions", "None"]}}
    made = {"ApiAlias", "ApiAliasInvokePermission", *versions(template)}
    assert len(made) == 3
    assert all(template["Resources"][name]["Condition"] == "HasSnapStart" for name in made)


def test_the_api_calls_the_alias_of_the_release_s_version() -> None:
    template = packaged("python3.12")
    with_snap_start(template, "code")
    resources = template["Resources"]
    route = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]["/transactions"]["post"]
    text, values = route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    assert text == URI.replace("${APIHandler.Arn}", "${Called}")
    called = ["HasSnapStart", {"Ref": "ApiAlias"}, {"Fn::GetAtt": ["APIHandler", "Arn"]}]
    assert values == {"Called": {"Fn::If": called}}
    alias = resources["ApiAlias"]["Properties"]
    assert alias["Name"] == ALIAS
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [versions(template)[0], "Version"]}
    allowed = resources["ApiAliasInvokePermission"]["Properties"]
    assert allowed["FunctionName"] == {"Ref": "ApiAlias"}
    assert resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] == {"Ref": "APIHandler"}


def test_who_waits_for_the_api_s_function_waits_for_the_alias_that_its_routes_call() -> None:
    template = packaged("python3.12")
    with_snap_start(template, "code")
    after = {"Fn::If": ["HasSnapStart", {"Ref": "ApiAlias"}, {"Ref": "AWS::NoValue"}]}
    assert template["Resources"]["Feedback"]["Metadata"] == {"After": after}
    assert "Metadata" not in template["Resources"]["Mailer"]


def test_what_changes_the_function_makes_another_version() -> None:
    names = []
    for code, change in (("code", {}), ("code", {}), ("other", {}), ("code", {"MemorySize": 1024})):
        template = packaged("python3.12")
        template["Resources"]["APIHandler"]["Properties"] |= change
        with_snap_start(template, code)
        names += versions(template)
    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert all(name.isalnum() for name in names)


def test_a_packaged_template_is_changed_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "sam.json").write_text(json.dumps(packaged("python3.12")))
    (tmp_path / "deployment.zip").write_bytes(b"zip")
    add_snap_start(tmp_path / "sam.json", tmp_path / "deployment.zip")
    expected = packaged("python3.12")
    with_snap_start(expected, "3f3cbb6bb5ef5a02e0c5b9a1b8b3ad1c")
    found = json.loads((tmp_path / "sam.json").read_text())
    assert found["Parameters"] == expected["Parameters"]
    assert len(versions(found)) == 1


# As SAM deploys the API of the real template


def deployed(resources: dict[str, Any]) -> str:
    """Return the deployment that the API's stage shows, after a look that it is one of the template."""
    (stage,) = [one for one in resources.values() if one["Type"] == "AWS::ApiGateway::Stage"]
    name: str = stage["Properties"]["DeploymentId"]["Ref"]
    assert resources[name]["Type"] == "AWS::ApiGateway::Deployment"
    return name


def deployments(template: dict[str, Any], *switched: str) -> list[str]:
    return [deployed(one["Resources"]) for one in translated(template, *({"SnapStart": to} for to in switched))]


@pytest.mark.parametrize(("runtime", "differs"), [("python3.11", False), ("python3.12", True)])
def test_the_api_is_deployed_anew_where_a_switch_changes_what_its_routes_call(
    runtime: str, differs: bool, tmp_path: Path
) -> None:
    template = released(tmp_path, runtime)
    called = json.dumps(template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"])
    assert ("Fn::If" in called or '"Ref"' in called) == differs
    names = deployments(template, "off", "on", "off")
    assert len(set(names)) == (3 if differs else 1)


def test_the_feedback_function_of_the_release_waits_for_the_alias(tmp_path: Path) -> None:
    (template,) = translated(released(tmp_path, "python3.12"), {"SnapStart": "on"})
    feedback = template["Resources"]["Feedback"]
    assert feedback["Type"] == "AWS::Lambda::Function"
    condition, alias, _ = feedback["Metadata"]["After"]["Fn::If"]
    assert (condition, alias) == ("HasSnapStart", {"Ref": "ApiAlias"})


def test_sam_by_itself_does_not_see_the_switch(tmp_path: Path) -> None:
    template = released(tmp_path, "python3.12")
    del template["Resources"]["RestAPI"]["Properties"]["AlwaysDeploy"]
    assert len(set(deployments(template, "off", "on"))) == 1
