"""Give a stage's API the gateway's own errors (no key, over the plan, no such route) as problem documents.

    python -m infra.gateway --stage prod

The CloudFormation release does this by its template. `chalice deploy` can't, and the local cloud's import of an
API's description leaves it out: there this command does it, from the same template.
"""

import argparse
import json
import sys
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.banks import BankRefused, attach_plans, find_api
from infra.package import PROJECT_DIR
from infra.sessions import session_for
from infra.stacks import DEFAULT_REGION


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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.gateway", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", required=True, help="a stage that `chalice deploy` deployed")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    options = parser.parse_args(arguments)
    try:
        gateway = session_for(options.stage, options.region).client("apigateway")
        api_id = find_api(gateway, options.stage)
        apply_gateway_responses(gateway, api_id, options.stage)
        attach_plans(gateway, options.stage, api_id)
    except (BankRefused, ClientError, BotoCoreError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 1
    print(f"Stage {options.stage} answers the gateway's own errors as problem documents.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
