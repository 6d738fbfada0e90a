"""Workers of pytest-xdist that tell the process that prints only what it prints.

For each test a worker sends six messages, of which one says that it passed: writing and reading the others takes half
of a millisecond for each test.
"""

from typing import Any

import pytest


def tells_nothing(event: str, told: dict[str, Any]) -> bool:
    """Return whether a worker's message changes nothing of what pytest prints."""
    if event in ("logstart", "logfinish"):
        return True
    report = told.get("data", {})
    return event == "testreport" and report["outcome"] == "passed" and report["when"] != "call"


def quieten(config: pytest.Config) -> None:
    """Let this process, if it is a worker, leave out the messages that tell nothing."""
    for plugin in config.pluginmanager.get_plugins():
        if hasattr(plugin, "sendevent"):  # execnet gives a worker a class of its own, which can't be imported
            _leave_out(plugin)


def _leave_out(worker: Any) -> None:
    send = worker.sendevent

    def sendevent(name: str, **told: Any) -> None:
        if not tells_nothing(name, told):
            send(name, **told)

    worker.sendevent = sendevent
