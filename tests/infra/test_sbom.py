"""The list of what a release ships: everything that is in it, and nothing else."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from infra.sbom import bill_of


def install(vendor: Path, name: str, version: str, *lines: str) -> None:
    """Put a package's metadata into a folder, as pip does."""
    folder = vendor / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    about = [f"Name: {name}", f"Version: {version}", *lines]
    (folder / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *about, ""]))


@pytest.fixture
def bill(tmp_path: Path) -> dict[str, Any]:
    vendor, archive = tmp_path / "vendor", tmp_path / "deployment.zip"
    install(vendor, "typing_extensions", "4.1", "License-Expression: PSF-2.0")
    install(vendor, "Babel", "2.18.0", "Classifier: License :: OSI Approved :: BSD License", "License: another text")
    install(vendor, "six", "1.0")
    archive.write_bytes(b"zip")
    return bill_of(vendor, archive)


def test_each_package_has_its_name_version_and_licence(bill: dict[str, Any]) -> None:
    assert [(one["purl"], one.get("licenses")) for one in bill["components"]] == [
        ("pkg:pypi/babel@2.18.0", [{"license": {"name": "BSD License"}}]),
        ("pkg:pypi/six@1.0", None),
        ("pkg:pypi/typing-extensions@4.1", [{"license": {"name": "PSF-2.0"}}]),
    ]


def test_it_names_the_zip_and_has_nothing_that_differs_from_run_to_run(bill: dict[str, Any]) -> None:
    content = hashlib.sha256(b"zip").hexdigest()
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": content}]
    assert set(bill) == {"bomFormat", "specVersion", "version", "metadata", "components"}
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
