"""A measurement in its own process: its result, and the peak of its memory."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent


def run(module: str, *arguments: str) -> Any:
    """Run `python -m <module>` and return the JSON value in the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=PROJECT, stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def peak() -> int:
    """Return the peak of this process's memory, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, `getrusage` would include the peak of the process that started this one.
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(kilobytes) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes.
