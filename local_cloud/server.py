"""The local cloud's process: MiniStack, an AWS emulator, with IAM enforced and bound to loopback."""

import os
import secrets
import signal
import socket
import string
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3

from infra.failures import CommandFailed

PROJECT_DIR = Path(__file__).parent.parent
EXECUTABLE = PROJECT_DIR / ".venv-cloud" / "bin" / "python"
# The last word is for finding the process again: see `processes`.
_COMMAND = (str(EXECUTABLE), "-P", str(PROJECT_DIR / "local_cloud" / "emulator.py"), "ministack")
REGION = "us-east-2"
_START_TAKES_AT_MOST_S = 60
# The processes that this process has started, by pid. They must be waited for, and their objects kept until then.
_started: dict[int, "subprocess.Popen[bytes]"] = {}


class CloudFailed(CommandFailed):
    """The local cloud can't be started or reached."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a local cloud's root. They are made at each start."""

    access_key_id: str
    secret_access_key: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers with which the emulator's own paths, which are no API of AWS, are asked."""
        return urllib3.make_headers(basic_auth=f"{self.access_key_id}:{self.secret_access_key}")


def new_keys() -> Keys:
    """Return new random keys, in the form of AWS's."""
    letters = string.ascii_uppercase + "234567"
    return Keys("AKIA" + "".join(secrets.choice(letters) for _ in range(16)), secrets.token_urlsafe(30))


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running local cloud, and the keys that it wants."""

    pid: int
    port: int
    keys: Keys

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def session(self) -> "CloudSession":
        return CloudSession(self.endpoint_url, self.keys)

    def is_up(self) -> bool:
        return answers(f"{self.endpoint_url}/_ministack/health")

    def stop(self, timeout_s: float = 15) -> None:
        """End the process and the function workers that it started, and wait until it has ended."""
        end_process(self.pid, timeout_s)


class CloudSession:
    """The part of a boto3 session that the project uses, with clients that talk to the local cloud as its root."""

    def __init__(self, endpoint_url: str, keys: Keys) -> None:
        self._session = boto3.session.Session(keys.access_key_id, keys.secret_access_key, region_name=REGION)
        self._endpoint_url = endpoint_url

    def client(self, service: str, **arguments: Any) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint_url, **arguments)


# A loopback address is never behind a proxy, even if the environment names one.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start(port: int, folder: Path, keys: Keys | None = None, gate: bool = True) -> Cloud:
    """Start a local cloud on this port and return it when it answers; its state and log are in `folder`.

    Its keys are new unless they are given. Only tests have a use for an emulator without the gate.
    """
    keys = keys or new_keys()
    if not EXECUTABLE.exists():
        raise CloudFailed("The local cloud is not installed: `make run` installs and starts it.")
    if not is_free(port):
        raise CloudFailed(f"Another program uses port {port}: end it, or choose a port with `make run PORT=…`.")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_"))},
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(_made(folder / "tmp")),
        "GATE_FOLDER": os.environ.get("GATE_FOLDER", str(folder / "gate")),
    }
    log = folder / "cloud.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (*_COMMAND, *(() if gate else ("--no-gate",))),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started[process.pid] = process
    cloud = Cloud(process.pid, port, keys)
    deadline = time.monotonic() + _START_TAKES_AT_MOST_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CloudFailed(f"The local cloud ended while it started; {log} says why.")
        if cloud.is_up():
            return cloud
        time.sleep(0.1)
    cloud.stop()
    raise CloudFailed(f"The local cloud did not answer within {_START_TAKES_AT_MOST_S} s; {log} may say why.")


def is_free(port: int) -> bool:
    """Return whether no program listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port on which no program listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether a GET of this loopback URL is answered with a status of 2xx within 2 s."""
    try:
        with _DIRECT.open(url, timeout=2) as answer:
            return bool(200 <= answer.status < 300)
    except OSError:
        return False


def end_process(pid: int, timeout_s: float = 15) -> None:
    """End a process and its group, whose leader it is. Nothing happens if it has ended already."""
    try:
        os.killpg(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if (process := _started.get(pid)) is not None:
                process.poll()
            os.killpg(pid, 0)
            time.sleep(0.1)
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
