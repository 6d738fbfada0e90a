"""The local cloud's process: MiniStack, an AWS emulator, with IAM enforced and bound to loopback."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.failures import CommandFailed

PROJECT_DIR = Path(__file__).parent.parent
EXECUTABLE = PROJECT_DIR / ".venv-cloud" / "bin" / "python"
# The last word is for finding the process again: see `processes`.
_COMMAND = (str(EXECUTABLE), "-P", str(PROJECT_DIR / "local_cloud" / "emulator.py"), "ministack")
REGION = "us-east-2"
# The emulator's root credentials. It listens on loopback only and holds nothing but demo data.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105
_START_TAKES_AT_MOST_S = 60
# The processes that this process has started, by pid. They must be waited for, and their objects kept until then.
_started: dict[int, "subprocess.Popen[bytes]"] = {}


class CloudFailed(CommandFailed):
    """The local cloud can't be started or reached."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running local cloud."""

    pid: int
    port: int

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def session(self) -> "CloudSession":
        return CloudSession(self.endpoint_url)

    def is_up(self) -> bool:
        return answers(f"{self.endpoint_url}/_ministack/health")

    def stop(self, timeout_s: float = 15) -> None:
        """End the process and the function workers that it started, and wait until it has ended."""
        end_process(self.pid, timeout_s)


class CloudSession:
    """The part of a boto3 session that the project uses, with clients that talk to the local cloud as its root."""

    def __init__(self, endpoint_url: str) -> None:
        self._session = boto3.session.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
        self._endpoint_url = endpoint_url

    def client(self, service: str, **arguments: Any) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint_url, **arguments)


# A loopback address is never behind a proxy, even if the environment names one.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start(port: int, folder: Path) -> Cloud:
    """Start a local cloud on this port and return it when it answers; its state and log are in `folder`."""
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
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(_made(folder / "tmp")),
    }
    log = folder / "cloud.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _COMMAND,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started[process.pid] = process
    cloud = Cloud(process.pid, port)
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
