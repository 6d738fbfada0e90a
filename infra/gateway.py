"""Complete what `chalice deploy` can't: API Gateway's own errors, throttles, functions' loops, staff's way back.

    python -m infra.gateway --stage prod

A CloudFormation release does this with its template. `chalice deploy` can't, and the local cloud ignores that part of
an API's description. For them this command does it, from the same template.
"""

import json
import sys
from typing import Any

from infra.command_line import open_stage, run, stage_parser
from infra.failures import CommandFailed
from infra.package import PROJECT_DIR
from infra.recursion import allow_loops
from infra.sessions import Stage
from infra.sign_in import console_urls, enter_console
from infra.stacks import PROJECT

# Requests a second, burst, requests a day (None: no quota).
PLANS: dict[str, tuple[float, int, int | None]] = {
    "trial": (5, 10, 10_000),
    "standard": (100, 200, 5_000_000),
    "volume": (1_000, 2_000, None),
}


class GatewayRefused(CommandFailed):
    """The plan is unknown, or the stage has no API yet."""


def apply_gateway_responses(gateway: Any, api_id: str, stage: str) -> None:
    """Put the template's gateway responses on the API and deploy them to its stage."""
    template = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    for response_type, response in template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"].items():
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=response_type,
            **({"statusCode": response["StatusCode"]} if "StatusCode" in response else {}),
            responseTemplates=response["ResponseTemplates"],
            responseParameters={
                f"gatewayresponse.header.{name}": value
                for name, value in response["ResponseParameters"]["Headers"].items()
            },
        )
    gateway.create_deployment(restApiId=api_id, stageName=stage)


def apply_throttles(gateway: Any, api_id: str, stage: str) -> int:
    """Set the template's throttles of all methods, and those of the public routes' own; return how many methods."""
    template = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    settings = template["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    operations = []
    for one in settings:
        place = "/*/*" if one["HttpMethod"] == "*" else f"{one['ResourcePath']}/{one['HttpMethod']}"
        for name, limit in (("rateLimit", "ThrottlingRateLimit"), ("burstLimit", "ThrottlingBurstLimit")):
            path = f"{place}/throttling/{name}"
            operations.append({"op": "replace", "path": path, "value": str(one[limit])})
    gateway.update_stage(restApiId=api_id, stageName=stage, patchOperations=operations)
    return len(settings)


def ensure_plan(gateway: Any, stage: str, plan: str) -> str:
    """Return the id of the stage's usage plan of this name.

    Creates the plan, attached to the stage's API, if there is none. Raises GatewayRefused.
    """
    if plan not in PLANS:
        raise GatewayRefused(f"there is no plan {plan!r}, only {', '.join(PLANS)}.")
    existing = _plans(gateway).get(f"{PROJECT}-{stage}-{plan}")
    if existing is not None:
        return str(existing["id"])
    rate, burst, quota = PLANS[plan]
    created = gateway.create_usage_plan(
        name=f"{PROJECT}-{stage}-{plan}",
        throttle={"rateLimit": rate, "burstLimit": burst},
        **({"quota": {"limit": quota, "period": "DAY"}} if quota else {}),
        apiStages=[{"apiId": find_api(gateway, stage), "stage": stage}],
    )
    return str(created["id"])


def put_on_plan(gateway: Any, stage: str, key_id: str, plan: str) -> None:
    """Put a key of API Gateway on the stage's usage plan of this name, and take it off the stage's others.

    Doing it again changes nothing. A key can't be on two plans of one API, so for a moment it is on none, and requests
    with it are refused. Raises GatewayRefused.
    """
    wanted = ensure_plan(gateway, stage, plan)
    for name, other in _plans(gateway).items():
        if name.startswith(f"{PROJECT}-{stage}-") and other["id"] != wanted and _has_key(gateway, other["id"], key_id):
            gateway.delete_usage_plan_key(usagePlanId=other["id"], keyId=key_id)
    if not _has_key(gateway, wanted, key_id):
        gateway.create_usage_plan_key(usagePlanId=wanted, keyId=key_id, keyType="API_KEY")


def _has_key(gateway: Any, plan_id: str, key_id: str) -> bool:
    pages = gateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan_id)
    return any(key["id"] == key_id for page in pages for key in page["items"])


def attach_plans(gateway: Any, stage: str, api_id: str) -> None:
    """Attach the stage's usage plans to this API and to no other: a deployment may have created a new API."""
    for name, plan in _plans(gateway).items():
        if not name.startswith(f"{PROJECT}-{stage}-"):
            continue
        attached = {f"{entry['apiId']}:{entry['stage']}" for entry in plan.get("apiStages", ())}
        wanted = f"{api_id}:{stage}"
        operations = [{"op": "remove", "path": "/apiStages", "value": value} for value in sorted(attached - {wanted})]
        if wanted not in attached:
            operations.append({"op": "add", "path": "/apiStages", "value": wanted})
        if operations:
            gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=operations)


def find_api(gateway: Any, stage: str) -> str:
    """Return the id of the stage's REST API, deployed in either way; raises GatewayRefused when there is none."""
    for page in gateway.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            if api["name"] == PROJECT and any(
                found["stageName"] == stage for found in gateway.get_stages(restApiId=api["id"])["item"]
            ):
                return str(api["id"])
    raise GatewayRefused(f"stage {stage} has no API yet: deploy the app first.")


def api_url(gateway: Any, stage: str, region: str) -> str:
    """Return the URL of the stage's API on AWS, empty if it has none yet."""
    try:
        return f"https://{find_api(gateway, stage)}.execute-api.{region}.amazonaws.com/{stage}"
    except GatewayRefused:
        return ""


def _plans(gateway: Any) -> dict[str, Any]:
    pages = gateway.get_paginator("get_usage_plans").paginate()
    return {plan["name"]: plan for page in pages for plan in page["items"]}


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser("infra.gateway", __doc__, required_stage="a stage that `chalice deploy` has deployed")
    options = parser.parse_args(arguments)
    return run("gateway", lambda: _apply(open_stage(options)))


def _apply(stage: Stage) -> int:
    gateway = stage.session.client("apigateway")
    api_id = find_api(gateway, stage.name)
    apply_gateway_responses(gateway, api_id, stage.name)
    attach_plans(gateway, stage.name, api_id)
    print(f"Throttles are set for {apply_throttles(gateway, api_id, stage.name)} methods of stage {stage.name}.")
    print(f"API Gateway answers its own errors on stage {stage.name} as problem documents.")
    url = api_url(gateway, stage.name, stage.session.region_name)
    urls = console_urls(url, stage.outputs.get("PublicUrl", ""))
    enter_console(stage.session.client("cognito-idp"), stage.outputs.get("StaffPool", ""), urls)
    print(f"Staff sign in at {' and '.join(urls)}.")
    looping = allow_loops(stage.session.client("lambda"), stage.name)
    print(f"These functions may put messages back into their queues: {', '.join(looping)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
