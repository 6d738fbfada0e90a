"""Forks that run tests: each has a session of its own, and is ended with all that it has started."""

import contextlib
import os
import resource
import signal
import time

MEMORY_AT_MOST = 12 * 2**30

_forks: list[int] = []


def begun() -> int:
    """Fork. Return 0 in the fork, and its process id here: whoever begins one waits with `ended`."""
    fork = os.fork()
    if fork:
        _forks.append(fork)
        return fork
    _forks.clear()
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_AT_MOST, MEMORY_AT_MOST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return 0


def ended(fork: int, at_most_s: float) -> int:
    """Wait for the fork, and kill it if it hangs; return its status, a signal as a negative number."""
    ends = time.monotonic() + at_most_s
    while time.monotonic() < ends:
        ended_one, status = os.waitpid(fork, os.WNOHANG)
        if ended_one:
            status = os.waitstatus_to_exitcode(status)
            break
        time.sleep(0.005)
    else:
        os.kill(fork, signal.SIGKILL)
        os.waitpid(fork, 0)
        status = -signal.SIGKILL
    _forks.remove(fork)
    _end_all_of(fork)
    return status


def end_with_this_process() -> None:
    """Let a SIGTERM end this process, its forks, and what they have started."""
    signal.signal(signal.SIGTERM, _stopped)


def _end_all_of(fork: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(fork, signal.SIGKILL)


def _stopped(*_: object) -> None:
    for fork in _forks:
        with contextlib.suppress(ProcessLookupError):
            os.kill(fork, signal.SIGKILL)
        _end_all_of(fork)
    os._exit(0)
