"""The two background processes of the local cloud, the emulator and the inbox: started, found again, and stopped."""

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from local_cloud import inbox, webhook_receiver
from local_cloud.console import Steps
from local_cloud.deploy import LOCAL, STACK_FILE, read_stack
from local_cloud.server import Cloud, CloudFailed, Keys, answers, end_process, is_free, start

DEFAULT_PORT = 4566
FOLDER = LOCAL / "cloud"
# A word of each process's command line. The inbox is stopped first, because it shows what the cloud holds.
_PAUSED = "stack.json"  # in the folder: where `.local/stack.json` is while the processes stand still
PROCESSES = {"inbox": "local_cloud.inbox", "cloud": "ministack"}


def running() -> tuple[dict[str, Any], Cloud]:
    """Return the content of `.local/stack.json` and the running local cloud; raises CloudFailed if it doesn't run."""
    stack = read_stack()
    if stack is not None and not is_paused():
        cloud = _described(stack)
        if cloud.is_up():
            return stack, cloud
    if is_paused():
        raise CloudFailed("The local cloud is paused: `make run` lets it go on.")
    raise CloudFailed("The local cloud is not running: `make run` starts it.")


def running_or_started(stack: dict[str, Any] | None, port: int | None, steps: Steps) -> tuple[Cloud, bool]:
    """Return the local cloud that `stack` describes, or a new one, and whether it was started now.

    Raises CloudFailed when it runs already on another port than `port`, or can't be started.
    """
    if stack is not None:
        cloud = _described(stack)
        if _runs(cloud.pid, PROCESSES["cloud"]) and cloud.is_up():
            if port not in (None, cloud.port):
                raise CloudFailed(f"The local cloud runs on port {cloud.port} already: `make stop` ends it.")
            with steps.step(f"use the local cloud that runs on port {cloud.port}, with what it stores"):
                return cloud, False
    stop_all()  # An earlier run may have left processes or files.
    try:
        with steps.step("start the local cloud"):
            cloud = start(port or DEFAULT_PORT, _new_folder())
    except BaseException:
        stop_all()
        raise
    _pid_file("cloud").write_text(str(cloud.pid))
    return cloud, True


def running_inbox(cloud: Cloud, stack: dict[str, Any] | None) -> tuple[str, int]:
    """Return the URL and process id of the inbox page; start the page unless it runs."""
    if (
        stack is not None
        and _runs(stack["inbox"]["pid"], PROCESSES["inbox"])
        and answers(f"{stack['inbox_url']}{webhook_receiver.PATH[1:]}.json")  # An inbox of an earlier version has none.
    ):
        return stack["inbox_url"], stack["inbox"]["pid"]
    _stop("inbox")
    port = next(port for port in range(cloud.port + 1, cloud.port + 100) if is_free(port))
    pid = inbox.start(port, cloud.endpoint_url, FOLDER.resolve(), cloud.keys)
    _pid_file("inbox").write_text(str(pid))
    return f"http://127.0.0.1:{port}/", pid


def _described(stack: dict[str, Any]) -> Cloud:
    keys = Keys(stack["access_key_id"], stack["secret_access_key"])
    return Cloud(stack["cloud"]["pid"], stack["cloud"]["port"], keys)


def has_left_anything() -> bool:
    """Return whether a local cloud runs, or an earlier one has left files."""
    return STACK_FILE.exists() or FOLDER.is_symlink()


def is_paused() -> bool:
    """Return whether the local cloud's processes stand still, with all that they store."""
    return (FOLDER / _PAUSED).exists()


def pause() -> None:
    """Let the local cloud's processes stand still until `resume`: they keep their memory and their ports.

    The emulator stores everything in its memory, so a cloud that is ended can't be brought back.
    """
    # Without it, every other command says at once that the cloud doesn't run, instead of waiting for an answer.
    shutil.move(STACK_FILE, FOLDER.resolve() / _PAUSED)
    for part in PROCESSES:
        _signal(part, signal.SIGSTOP)


def resume() -> None:
    """Let the processes of a paused local cloud go on; nothing happens if it isn't paused."""
    if is_paused():
        for part in PROCESSES:
            _signal(part, signal.SIGCONT)
        shutil.move(FOLDER.resolve() / _PAUSED, STACK_FILE)


def stop_all() -> None:
    """Stop the processes whose ids the folder holds; remove the folder and `.local/stack.json`."""
    resume()  # A process that stands still takes no other signal.
    for part in PROCESSES:
        _stop(part)
    STACK_FILE.unlink(missing_ok=True)
    if FOLDER.is_symlink():
        shutil.rmtree(FOLDER.resolve(), ignore_errors=True)
        FOLDER.unlink()


def _stop(part: str) -> None:
    if (pid := _pid_of(part)) is not None:
        end_process(pid)


def _signal(part: str, number: signal.Signals) -> None:
    """Send a signal to a process and those that it has started."""
    if (pid := _pid_of(part)) is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)


def _pid_of(part: str) -> int | None:
    """Return the id of a process that runs and is ours, None if there is none."""
    try:
        pid = int(_pid_file(part).read_text())
    except (OSError, ValueError):
        return None
    return pid if _runs(pid, PROCESSES[part]) else None


def _runs(pid: int, marker: str) -> bool:
    """Return whether this process is alive and ours: the system may have given its id to another program."""
    try:
        os.kill(pid, 0)
        command_line = Path(f"/proc/{pid}/cmdline")
        return not command_line.exists() or marker.encode() in command_line.read_bytes()
    except (ProcessLookupError, PermissionError, FileNotFoundError):
        return False


def _new_folder() -> Path:
    """Return a new folder for the files of the local cloud: outside of the working tree, with a link in the tree.

    `chalice local` restarts whenever a file in the tree changes. It doesn't follow links.
    """
    FOLDER.symlink_to(tempfile.mkdtemp(prefix="transaction-notifier-"))
    return FOLDER.resolve()


def _pid_file(part: str) -> Path:
    return FOLDER / f"{part}.pid"
