"""SnapStart of the API function: a parameter of the released template, from Python 3.12 on.

Lambda takes snapshots of published versions only ("Improving startup performance with Lambda SnapStart", AWS Lambda
Developer Guide). With `SnapStart` on, each release publishes a version, and the API calls the alias that leads to it.
In a release for an older Python the parameter can only be off: CloudFormation refuses the change, and says why.

SAM deploys an API anew when the text of its description changes ("AWS::Serverless::Api", AWS SAM Developer Guide). That
text is the same for on and off: only CloudFormation fills in what the routes call. So each release deploys the API.
Otherwise the deployed one would call the alias that switching off has removed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

ALIAS = "live"
_FUNCTION, _ALIAS, _CONDITION = "APIHandler", "ApiAlias", "HasSnapStart"
_NEEDS = (3, 12)


def add_snap_start(template: Path, archive: Path) -> None:
    """Add the parameter `SnapStart` to the packaged template, whose functions run what is in the archive."""
    content = json.loads(template.read_text())
    with_snap_start(content, hashlib.sha256(archive.read_bytes()).hexdigest())
    template.write_text(json.dumps(content, indent=2))


def with_snap_start(template: dict[str, Any], code: str) -> None:
    """Change the template in place; `code` is the hash of what the functions run."""
    resources = template["Resources"]
    function = resources[_FUNCTION]["Properties"]
    runtime = function["Runtime"]
    is_known = _has_snapshots(runtime)
    why = "Each release publishes a version" if is_known else f"SnapStart needs Python 3.12 or later, not {runtime}"
    template["Parameters"]["SnapStart"] = {
        "Type": "String",
        "Default": "off",
        "AllowedValues": ["off", "on"] if is_known else ["off"],
        "Description": why,
        "ConstraintDescription": f"off or on. {why}" if is_known else f"off. {why}",
    }
    if not is_known:
        return
    template["Conditions"][_CONDITION] = {"Fn::Equals": [{"Ref": "SnapStart"}, "on"]}
    function["SnapStart"] = {"ApplyOn": {"Fn::If": [_CONDITION, "PublishedVersions", "None"]}}
    # cfn-lint looks for SAM's way, whose version would not follow settings.
    resources[_FUNCTION]["Metadata"] = {"cfn-lint": {"config": {"ignore_checks": ["W2530"]}}}
    version = f"ApiVersion{_hash_of(function, code)}"
    resources[version] = {
        "Type": "AWS::Lambda::Version",
        "Condition": _CONDITION,
        # What a parameter changes in the function needs another version, too.
        "Properties": {"FunctionName": {"Ref": _FUNCTION}, "Description": {"Fn::Sub": "Tracing ${Tracing}"}},
    }
    resources[_ALIAS] = {
        "Type": "AWS::Lambda::Alias",
        "Condition": _CONDITION,
        "Properties": {
            "FunctionName": {"Ref": _FUNCTION},
            "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
            "Name": ALIAS,
        },
    }
    for resource in resources.values():
        # Who waits for the function waits for what the routes call. `DependsOn` takes no condition: a reference does.
        if _FUNCTION in resource.get("DependsOn", ()):
            after = {"Fn::If": [_CONDITION, {"Ref": _ALIAS}, {"Ref": "AWS::NoValue"}]}
            resource["Metadata"] = {**resource.get("Metadata", {}), "After": after}
    permission = resources[f"{_FUNCTION}InvokePermission"]
    resources["ApiAliasInvokePermission"] = {
        **permission,
        "Condition": _CONDITION,
        "Properties": {**permission["Properties"], "FunctionName": {"Ref": _ALIAS}},
    }
    api = resources["RestAPI"]["Properties"]
    api["AlwaysDeploy"] = True
    for methods in api["DefinitionBody"]["paths"].values():
        for method in methods.values():
            integration = method.get("x-amazon-apigateway-integration", {})
            if _FUNCTION in json.dumps(integration.get("uri", "")):
                integration["uri"] = _uri()


def _uri() -> dict[str, Any]:
    """Return what a route calls: the alias, or the function itself."""
    place = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Called}/invocations"
    called = {"Fn::If": [_CONDITION, {"Ref": _ALIAS}, {"Fn::GetAtt": [_FUNCTION, "Arn"]}]}
    return {"Fn::Sub": [place, {"Called": called}]}


def _has_snapshots(runtime: str) -> bool:
    return tuple(map(int, runtime.removeprefix("python").split("."))) >= _NEEDS


def _hash_of(function: dict[str, Any], code: str) -> str:
    """Return what differs between releases: a version keeps code, settings and memory as they were."""
    return hashlib.sha256(f"{json.dumps(function, sort_keys=True)} {code}".encode()).hexdigest()[:16]
