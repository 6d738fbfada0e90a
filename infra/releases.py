"""The releases of a stage in its artifacts bucket: stored, listed, and found again by the beginning of their hash.

A release is a template, stored under the hash of its content. It names the zip of the functions by the zip's own hash,
so the template's hash stands for both. Beside it is the list of what it ships (SBOM).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.stacks import StackFailed

_FOLDER = "releases/"
_TEMPLATE = ".json"
_BILL = ".cdx"  # what the release ships, in the form of CycloneDX
SHORT = 12  # characters of a hash, as it is shown


@dataclass(frozen=True, slots=True)
class Release:
    """A stored release: its hash, and when it was last stored (UTC)."""

    hash: str
    stored_at: datetime


class Releases:
    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def store(self, packaged: Path, adjust: Callable[[dict[str, Any]], None] = lambda _: None) -> str:
        """Store the packaged app and return the release's hash. `adjust` changes the template before."""
        zip_key = self._put((packaged / "deployment.zip").read_bytes(), ".zip")
        template = json.loads((packaged / "sam.json").read_text())
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = {"Bucket": self._bucket, "Key": zip_key}
        adjust(template)
        release = self._put(json.dumps(template).encode(), _TEMPLATE).removeprefix(_FOLDER).removesuffix(_TEMPLATE)
        bill = (packaged / "sbom.json").read_bytes()
        self._s3.put_object(Bucket=self._bucket, Key=f"{_FOLDER}{release}{_BILL}", Body=bill)
        return release

    def listed(self) -> list[Release]:
        """Return the stored releases, newest first."""
        return sorted(self._beginning_with(""), key=lambda release: release.stored_at, reverse=True)

    def find(self, beginning: str) -> str:
        """Return the hash of the one stored release whose hash begins so. Raises StackFailed."""
        found = self._beginning_with(beginning) if beginning.isalnum() else []
        if len(found) != 1:
            why = "more than one release begins" if found else "no stored release begins"
            raise StackFailed(f"{why} with {beginning!r}: `python -m infra.release --list` shows the stage's releases.")
        return found[0].hash

    def template(self, release: str) -> dict[str, str]:
        """Return the release's template as an argument for CloudFormation."""
        key = f"{_FOLDER}{release}{_TEMPLATE}"
        url = self._s3.generate_presigned_url("get_object", Params={"Bucket": self._bucket, "Key": key})
        return {"TemplateURL": url.partition("?")[0]}

    def _beginning_with(self, beginning: str) -> list[Release]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{_FOLDER}{beginning}")
        return [
            Release(entry["Key"].removeprefix(_FOLDER).removesuffix(_TEMPLATE), entry["LastModified"])
            for page in pages
            for entry in page.get("Contents", ())
            if entry["Key"].endswith(_TEMPLATE)
        ]

    def _put(self, content: bytes, extension: str) -> str:
        key = f"{_FOLDER}{hashlib.sha256(content).hexdigest()}{extension}"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        return key
