"""The generators and what their clients need, installed below `.local/clients` from PyPI, npm and Debian."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.package import PROJECT_DIR

HOME = PROJECT_DIR / ".local" / "clients"
_HERE = Path(__file__).parent
_VENV = HOME / "venv"
_JARS = HOME / "jars"
_NPM_FILES = ("package.json", "package-lock.json")
# What openapi-generator's Java client needs beside Jackson, by Debian package: Maven Central isn't asked.
_DEBIAN = {
    "libgeronimo-annotation-1.3-spec-java": "geronimo-annotation-1.3-spec.jar",
    "libhttpcore-java": "httpcore.jar",
    "libhttpmime-java": "httpmime.jar",
}
_DEBIAN_JARS = Path("/usr/share/java")


class CommandFailed(Exception):
    """A command of a generator, a compiler or a client failed; the message is what it printed."""


@dataclass(frozen=True)
class Tools:
    """Where the tools are. On the class path is openapi-generator's own jar, too: it has Jackson in it."""

    python: Path
    node_modules: Path
    class_path: str

    def script(self, name: str) -> Path:
        """Return a command of the Python environment."""
        return self.python.with_name(name)

    def node_script(self, name: str) -> Path:
        """Return a command of an npm package."""
        return self.node_modules / ".bin" / name


def installed() -> Tools:
    """Install what is missing; return the tools."""
    HOME.mkdir(parents=True, exist_ok=True)
    _unless_made(_VENV, [_HERE / "requirements.txt"], _make_venv)
    if shutil.which("npm"):
        _unless_made(HOME / "node_modules", [_HERE / name for name in _NPM_FILES], _install_npm)
    python = _VENV / "bin" / "python"
    jar = next(_VENV.glob("lib/*/site-packages/openapi_generator_cli/*.jar"))
    jars = [jar, *(_jar(package, name) for package, name in _DEBIAN.items())]
    return Tools(python, HOME / "node_modules", os.pathsep.join(map(str, jars)))


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Run a command; return what it printed. Raises CommandFailed."""
    path = f"{_VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    # UTF-8: the programs print names with accents, and Java asks the locale.
    settings = {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **environment}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=settings, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(map(str, command[:3]))} …\n{done.stdout}{done.stderr}")
    return done.stdout


def _unless_made(folder: Path, sources: Sequence[Path], make: Callable[[], None]) -> None:
    """Make a folder anew unless it was made from these very sources."""
    stamp = folder / ".made-from"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(folder, ignore_errors=True)
    make()
    stamp.write_text(digest)


def _make_venv() -> None:
    run([sys.executable, "-m", "venv", _VENV], HOME)
    pip = [_VENV / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run([*pip, "-r", _HERE / "requirements.txt"], HOME)


def _install_npm() -> None:
    for name in _NPM_FILES:
        shutil.copy2(_HERE / name, HOME / name)
    run(["npm", "ci", "--no-audit", "--no-fund"], HOME)


def _jar(package: str, name: str) -> Path:
    """Return a jar of a Debian package: the machine's own, or else one that is unpacked here."""
    for folder in (_DEBIAN_JARS, _JARS / "usr" / "share" / "java"):
        if (folder / name).exists():
            return folder / name
    _JARS.mkdir(exist_ok=True)
    try:
        run(["apt-get", "download", package], _JARS)
    except CommandFailed:  # a new machine knows no package yet
        run(["apt-get", "update"], _JARS)
        run(["apt-get", "download", package], _JARS)
    (archive,) = _JARS.glob(f"{package}_*.deb")
    run(["dpkg", "-x", archive, _JARS], _JARS)
    return _JARS / "usr" / "share" / "java" / name
