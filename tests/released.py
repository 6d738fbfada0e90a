"""The app's template as it is released: packaged by Chalice, and as SAM makes CloudFormation's resources of it.

No packages are installed for it, and the zip is empty: only the template is looked at. SAM's own translator is in the
local cloud's environment, which translates templates with it too.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from infra import package, wheels
from infra.provision import record, with_arns
from local_cloud.server import EXECUTABLE
from tests.samples import PROJECT_DIR
from tests.tables import template_outputs

STAGE = "prod"
_CHALICE = """
import sys, zipfile
from chalice.deploy.packager import LambdaDeploymentPackager

def empty(self, project_dir, python_version):
    name = project_dir + "/empty.zip"
    zipfile.ZipFile(name, "w").close()
    return name

LambdaDeploymentPackager.create_deployment_package = empty
from chalice.cli import main
sys.exit(main())
"""


def packaged(folder: Path, runtime: str) -> dict[str, Any]:
    """Return the released template for a runtime like `python3.12`; `folder` is empty before."""
    # Any ARN and URL will do where nothing is called; the shape is the data stack's.
    arn = "arn:aws:dynamodb:us-east-2:123456789012:table/example/stream/2026-01-01T00:00:00.000"
    url = "https://sqs.us-east-2.amazonaws.com/123456789012/example"
    outputs = {name: url if name.endswith("QueueUrl") else arn for name in template_outputs()}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wheels, "RUNTIME", runtime)
        patched.setattr(package, "install", lambda *_: None)
        patched.setattr(package, "CHALICE", (sys.executable, "-c", _CHALICE))
        package.copy_project(folder)
        record(folder, STAGE, with_arns({**outputs, "Stage": STAGE, "MailFrom": "A <a@example.com>"}))
        template: dict[str, Any] = json.loads((package.package(folder, STAGE, "us-east-2") / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": "releases/0.zip"}
    return template


@dataclass(frozen=True)
class Stacks:
    """All resources of both stacks, as CloudFormation gets them, by their logical ids."""

    data: Mapping[str, Any]
    app: Mapping[str, Any]

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [*self.data.values(), *self.app.values()]

    @property
    def types(self) -> list[str]:
        return sorted({one["Type"] for one in self.resources})

    def of(self, type_name: str) -> list[dict[str, Any]]:
        return [one for one in self.resources if one["Type"] == type_name]


def both_stacks(folder: Path) -> Stacks:
    """Return both stacks' resources; of the app's, those that a switch adds too. `folder` is empty before."""
    data, errors = decode(str(PROJECT_DIR / "infra" / "data.yaml"))
    assert not errors
    (app,) = translated(packaged(folder, "python3.12"), {})  # SnapStart's are in releases for such a Python only
    return Stacks(data["Resources"], app["Resources"])


def translated(template: Mapping[str, Any], *parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the template as CloudFormation gets it of SAM, for each of these parameters; a minute lies between two."""
    done = subprocess.run(
        [EXECUTABLE, "-m", "tests.sam_translation"],
        cwd=PROJECT_DIR,
        input=json.dumps({"template": template, "parameters": parameters}),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
