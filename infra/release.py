"""Release the app: package it, put the package into the artifacts bucket, bring the app stack up to date.

python -m infra.release --stage prod
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.gateway import GatewayRefused, attach_plans
from infra.package import PROJECT_DIR, PackagingFailed, copy_project, package
from infra.provision import check_stage, record, with_arns
from infra.sessions import session_for
from infra.stacks import DEFAULT_REGION, StackFailed, deploy, outputs, stack_name


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.release", description=__doc__.splitlines()[0])
    parser.add_argument("--stage", required=True, help="a provisioned stage of .chalice/config.json: dev, prod")
    parser.add_argument("--region", help=f"default: AWS_DEFAULT_REGION, the profile's, or {DEFAULT_REGION}")
    options = parser.parse_args(arguments)
    build = PROJECT_DIR / ".local" / "build" / options.stage
    try:
        check_stage(PROJECT_DIR, options.stage)
        session = session_for(options.stage, options.region)
        released = release(session, options.stage, build, report=print)
    except (StackFailed, PackagingFailed, GatewayRefused, ClientError, BotoCoreError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"\nStage {options.stage} is released: {released['EndpointURL']}")
    return 0


def release(
    session: Any,
    stage: str,
    build: Path,
    report: Callable[[str], None] = lambda _: None,
    poll_s: float = 2.0,
    overrides: Mapping[str, str] | None = None,
    adjust: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, str]:
    """Package the app in the folder `build` and deploy it to a provisioned stage; return the app stack's outputs.

    `overrides` replaces outputs of the data stack, and `adjust` changes the packaged template, for a cloud that
    isn't AWS. Raises StackFailed, PackagingFailed.
    """
    cloudformation = session.client("cloudformation")
    data = {**with_arns(outputs(cloudformation, stack_name(stage, "data"))), **(overrides or {})}
    report("packaging (the first time takes a minute: it downloads the requirements for Lambda)")
    copy_project(build)
    record(build, stage, data)
    packaged = package(build, stage, data["Region"])
    template = _upload(session.client("s3"), data["ArtifactsBucket"], packaged, adjust)
    released = deploy(
        cloudformation,
        stack_name(stage, "app"),
        template,
        {name: data[name] for name in json.loads((PROJECT_DIR / "infra" / "app.json").read_text())["Parameters"]},
        report=report,
        poll_s=poll_s,
    )
    attach_plans(session.client("apigateway"), stage, released["RestAPIId"])
    return released


def _upload(s3: Any, bucket: str, packaged: Path, adjust: Callable[[dict[str, Any]], None]) -> dict[str, str]:
    """Put the zip and the template, which names it, into the bucket under their content's hash."""
    zip_key = _put(s3, bucket, (packaged / "deployment.zip").read_bytes(), "zip")
    template = json.loads((packaged / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": zip_key}
    adjust(template)
    template_key = _put(s3, bucket, json.dumps(template).encode(), "json")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": template_key})
    return {"TemplateURL": url.partition("?")[0]}


def _put(s3: Any, bucket: str, content: bytes, extension: str) -> str:
    key = f"releases/{hashlib.sha256(content).hexdigest()}.{extension}"
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


if __name__ == "__main__":
    sys.exit(main())
