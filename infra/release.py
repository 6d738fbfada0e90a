"""Release the app: package it, upload the package to the artifacts bucket, create or update the app stack.

python -m infra.release --stage prod
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.command_line import open_stage, run, stage_parser
from infra.gateway import attach_plans
from infra.package import PROJECT_DIR, copy_project, package
from infra.provision import check_stage, record, with_arns
from infra.stacks import deploy, outputs, stack_name


def main(arguments: list[str] | None = None) -> int:
    parser = stage_parser(
        "infra.release", __doc__, required_stage="a provisioned stage of .chalice/config.json: dev, prod"
    )
    options = parser.parse_args(arguments)
    return run("release", lambda: _release(options))


def _release(options: argparse.Namespace) -> int:
    check_stage(PROJECT_DIR, options.stage)
    stage = open_stage(options)
    released = release(stage.session, stage.name, PROJECT_DIR / ".local" / "build" / stage.name, report=print)
    print(f"\nStage {stage.name} is released: {released['EndpointURL']}")
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

    For a cloud that isn't AWS, `overrides` replaces outputs of the data stack, and `adjust` changes the packaged
    template. Raises StackFailed, PackagingFailed.
    """
    cloudformation = session.client("cloudformation")
    data = {**with_arns(outputs(cloudformation, stack_name(stage, "data"))), **(overrides or {})}
    report("packaging (the first time takes a minute, to download the requirements for Lambda)")
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
    """Upload the zip, and the template that names it, each under the hash of its content."""
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
