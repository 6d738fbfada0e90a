"""The list of what a release ships (SBOM), in the form of CycloneDX 1.6: every package with its version and licence.

It is made of the installed packages themselves, not of a list of wishes. Equal packages give an equal list: it has no
time and no serial number, which CycloneDX leaves optional.
"""

import hashlib
import re
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

_CLASSIFIED = "License :: OSI Approved :: "


def bill_of(vendor: Path, archive: Path) -> dict[str, Any]:
    """Return the list of the packages in a folder; `archive` is the zip that has them."""
    content = hashlib.sha256(archive.read_bytes()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "transaction-notifier",
                "hashes": [{"alg": "SHA-256", "content": content}],
            }
        },
        "components": sorted(map(_component, distributions(path=[str(vendor)])), key=lambda one: str(one["purl"])),
    }


def _component(package: Distribution) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", package.name).lower()  # as package URLs have it
    licence = _licence_of(package)
    return {
        "type": "library",
        "name": name,
        "version": package.version,
        "purl": f"pkg:pypi/{name}@{package.version}",
        **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
    }


def _licence_of(package: Distribution) -> str:
    about = package.metadata.json
    classified = [one.removeprefix(_CLASSIFIED) for one in about.get("classifier", ()) if one.startswith(_CLASSIFIED)]
    stated = about.get("license_expression") or ", ".join(classified) or about.get("license") or ""
    return str(stated).strip().partition("\n")[0]
