"""What must be in place before anything of the app is imported: a run's own time, threads, chance and log.

Modules of the app take `time.sleep` as the default of a parameter, and executors by name. In a run, a function sleeps
on the virtual clock, what it does side by side is done one after the other, and its random bytes are Python's, of the
run's seed, so that a seed gives the same run.
"""

import concurrent.futures
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

REGION = "eu-west-3"
ACCOUNT = "123456789012"

_sleeper: list[Callable[[float], None]] = []


def _sleep(seconds: float) -> None:
    if _sleeper:
        _sleeper[-1](seconds)


def sleep_with(sleep: Callable[[float], None]) -> None:
    """Let every `time.sleep` of the app call this function from now on."""
    _sleeper[:] = [sleep]


class InTurn(concurrent.futures.Executor):
    """An executor that makes each call at once, in the thread that submits it."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[Any]":
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, fn: Callable[..., Any], *iterables: Any, **_: Any) -> Iterator[Any]:
        return iter([fn(*values) for values in zip(*iterables, strict=False)])


def prepare(environment: dict[str, str]) -> None:
    """Put the settings into the environment, and the run's own sleep and executor into Python's modules."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        **environment,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "POWERTOOLS_METRICS_NAMESPACE": "Simulation",
    }
    time.sleep = _sleep  # type: ignore[assignment]
    os.urandom = random.randbytes
    concurrent.futures.ThreadPoolExecutor = InTurn  # type: ignore[misc, assignment]
