"""Takes the packages of `packages.json` from npm, checks their hashes, and writes what the console loads of them.

`make vendor` runs it. With `--pin` it writes the hashes of what npm hands out instead of checking them: for a new
version, whose changes somebody has read.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGES = Path(__file__).with_name("packages.json")
FOLDER = Path("chalicelib/api/console_files")
LICENSES = "vendor-licenses.txt"
LICENSE_FILE = "LICENSE"


class WrongHash(Exception):
    """What npm hands out is not what `packages.json` names."""


def integrity(content: bytes) -> str:
    """Return the hash of a file as npm and browsers write it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


def checked(what: str, content: bytes, pinned: str) -> bytes:
    """Return the content; raise WrongHash when it isn't what is pinned."""
    if integrity(content) != pinned:
        raise WrongHash(f"{what} has the hash {integrity(content)}, not {pinned}")
    return content


def download(package: dict[str, Any], folder: Path) -> bytes:
    """Return the package's archive, as npm hands it out."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package['name']}@{package['version']}"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return (folder / done.stdout.split()[-1]).read_bytes()


def take(package: dict[str, Any], archive: bytes, pin: bool) -> tuple[dict[str, bytes], str]:
    """Return what is loaded of a package, by the files' new names, and its licence.

    Raises WrongHash when the archive or a file has another hash than the one that is pinned; `pin` writes it instead.
    """
    if pin:
        package["integrity"] = integrity(archive)
    checked(f"{package['name']} {package['version']}", archive, package["integrity"])
    files = {}
    with tempfile.SpooledTemporaryFile() as stored:
        stored.write(archive)
        stored.seek(0)
        with tarfile.open(fileobj=stored) as content:
            for file in package["files"]:
                files[file["to"]] = _read(content, file["from"])
                if pin:
                    file["integrity"] = integrity(files[file["to"]])
                checked(file["to"], files[file["to"]], file["integrity"])
            return files, _read(content, LICENSE_FILE).decode().strip()


def _read(content: tarfile.TarFile, name: str) -> bytes:
    file = content.extractfile(f"package/{name}")
    if file is None:
        raise WrongHash(f"{name} is no file")
    return file.read()


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pin", action="store_true", help="write the hashes instead of checking them")
    pin = parser.parse_args(arguments).pin
    packages = json.loads(PACKAGES.read_text())
    licenses = []
    with tempfile.TemporaryDirectory() as folder:
        for package in packages:
            files, license_text = take(package, download(package, Path(folder)), pin)
            for name, content in files.items():
                (FOLDER / name).write_bytes(content)
                print(f"{FOLDER / name}: {package['name']} {package['version']}")
            licenses.append(f"{package['name']} {package['version']} ({package['license']})\n\n{license_text}\n")
    (FOLDER / LICENSES).write_text(f"\n{'-' * 80}\n\n".join(licenses))
    if pin:
        PACKAGES.write_text(json.dumps(packages, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
