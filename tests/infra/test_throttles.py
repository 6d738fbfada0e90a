"""The throttles of public routes, for the release and for `chalice deploy`, and the web ACL of the template."""

import json
import re
from typing import Any

import pytest

import app as app_module
from infra.gateway import apply_throttles
from infra.package import PROJECT_DIR
from tests.app_bench import AWS, Bench

TEMPLATE = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
ALL, *OWN = RESOURCES["RestAPI"]["Properties"]["MethodSettings"]
PUBLIC = {
    (path, method)
    for path, methods in app_module.app.routes.items()
    for method, entry in methods.items()
    if not entry.api_key_required and not path.startswith("/staff/")
}


def place(setting: dict[str, Any]) -> tuple[str, str]:
    return setting["ResourcePath"].removeprefix("/").replace("~1", "/"), setting["HttpMethod"]


def test_every_route_without_a_key_has_a_throttle_of_its_own_below_that_of_all() -> None:
    assert (ALL["ResourcePath"], ALL["HttpMethod"]) == ("/*", "*")
    assert sorted(map(place, OWN)) == sorted(PUBLIC)
    for setting in OWN:
        assert setting["ThrottlingRateLimit"] <= ALL["ThrottlingRateLimit"] / 10
        assert setting["ThrottlingRateLimit"] <= setting["ThrottlingBurstLimit"] <= ALL["ThrottlingBurstLimit"] / 10


def test_a_command_sets_them_where_chalice_has_deployed(bench: Bench) -> None:
    gateway = AWS["apigateway"]
    api_id = gateway.create_rest_api(name="transaction-notifier")["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    gateway.put_method(restApiId=api_id, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api_id, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api_id, stageName="prod")
    for _ in range(2):
        assert apply_throttles(gateway, api_id, "prod") == len(OWN) + 1
    found = gateway.get_stage(restApiId=api_id, stageName="prod")["methodSettings"]
    assert found["*/*"]["throttlingRateLimit"] == ALL["ThrottlingRateLimit"]
    for setting in OWN:
        set_to = found[f"{setting['ResourcePath'].removeprefix('/')}/{setting['HttpMethod']}"]
        assert set_to["throttlingRateLimit"] == setting["ThrottlingRateLimit"]
        assert set_to["throttlingBurstLimit"] == setting["ThrottlingBurstLimit"]


# The web ACL


def test_the_web_acl_is_there_only_when_the_parameter_says_so() -> None:
    assert TEMPLATE["Parameters"]["Waf"] == {"Type": "String", "Default": "off", "AllowedValues": ["off", "on"]}
    assert TEMPLATE["Conditions"]["HasWaf"] == {"Fn::Equals": [{"Ref": "Waf"}, "on"]}
    firewall = [name for name, resource in RESOURCES.items() if resource.get("Type", "").startswith("AWS::WAFv2::")]
    assert firewall == ["WebAcl", "WebAclAssociation"]
    assert all(RESOURCES[name]["Condition"] == "HasWaf" for name in firewall)


def test_the_web_acl_limits_rate_and_size_and_has_the_common_rules() -> None:
    properties = RESOURCES["WebAcl"]["Properties"]
    assert properties["Scope"] == "REGIONAL"
    statements = [rule["Statement"] for rule in properties["Rules"]]
    assert [next(iter(statement)) for statement in statements] == [
        "RateBasedStatement",
        "RateBasedStatement",
        "OrStatement",
        "ManagedRuleGroupStatement",
    ]
    assert len({rule["Priority"] for rule in properties["Rules"]}) == len(statements)
    with_key = statements[1]["RateBasedStatement"]
    # A bank's system posts from one address: what it may do is in its plan, 2,000 requests a second at most.
    assert "ScopeDownStatement" not in with_key
    assert with_key["Limit"] == with_key["EvaluationWindowSec"] * ALL["ThrottlingRateLimit"]


@pytest.mark.parametrize("base", ["", "/prod", "/v1"])
@pytest.mark.parametrize("path", sorted(app_module.app.routes))
def test_no_header_takes_a_route_that_needs_no_key_out_of_the_low_rate(path: str, base: str) -> None:
    low = RESOURCES["WebAcl"]["Properties"]["Rules"][0]["Statement"]["RateBasedStatement"]
    without_header, by_path = low["ScopeDownStatement"]["OrStatement"]["Statements"]
    assert without_header["NotStatement"]["Statement"]["SizeConstraintStatement"]["FieldToMatch"] == {
        "SingleHeader": {"Name": "x-api-key"}
    }
    # As the path may be written: the rule decodes it first.
    transformed = [one["Type"] for one in by_path["RegexMatchStatement"]["TextTransformations"]]
    assert transformed == ["URL_DECODE", "NORMALIZE_PATH"]
    matches = re.search(by_path["RegexMatchStatement"]["RegexString"], base + re.sub(r"{\w+}", "t1", path))
    is_without_key = path.startswith("/staff/") or path in {public for public, _ in PUBLIC}
    assert bool(matches) == is_without_key


def test_the_web_acl_keeps_no_sample_of_a_request() -> None:
    """A sample has keys, tokens and links in clear, for three hours. The ACL can't leave a path out of one."""
    properties = RESOURCES["WebAcl"]["Properties"]
    for one in (properties, *properties["Rules"]):
        assert one["VisibilityConfig"]["SampledRequestsEnabled"] is False


def test_the_common_rules_block_no_body_that_the_api_takes() -> None:
    (rules,) = [
        rule["Statement"]["ManagedRuleGroupStatement"]
        for rule in RESOURCES["WebAcl"]["Properties"]["Rules"]
        if "ManagedRuleGroupStatement" in rule["Statement"]
    ]
    # AWS's rule for bodies refuses over 8 KB, and a batch has 4 MB; a merchant's name may look like a tag.
    counted = {one["Name"] for one in rules["RuleActionOverrides"] if one["ActionToUse"] == {"Count": {}}}
    assert {"SizeRestrictions_BODY", "CrossSiteScripting_BODY"} <= counted
