"""The memory of one function, measured in a process of its own.

python -m bench.memory posts 50000    its peak after a tenth of the POSTs, and after all
python -m bench.memory idle           its peak after one POST
python -m bench.memory every_field    its peak after a batch of 500 with every field
python -m bench.memory largest        its peak after a batch of 500 that is as large as a body may be
python -m bench.memory digits         its peak after a batch of 500 in which one has megabytes of digits
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

PROJECT = Path(__file__).parent.parent
# Where nobody watches, progress is shown seldom.
PROGRESS_S = 0.1 if sys.stderr.isatty() else 10


def peak_after_posts(count: int) -> tuple[int, int]:
    """Return a function's peak memory in bytes, after a tenth of this many POSTs and after all of them."""
    after_a_tenth, after_all = _measured("posts", str(count))
    return after_a_tenth, after_all


def peak_of(case: str) -> int:
    """Return a function's peak memory in bytes in one of the cases above: idle, every_field, largest, digits."""
    return _measured(case)[0]


def _measured(*arguments: str) -> list[int]:
    command = [sys.executable, "-m", "bench.memory", *arguments]
    run = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    peaks: list[int] = json.loads(run.stdout)
    return peaks


def _measure(case: str, count: int) -> list[int]:
    from bench import events, function

    # With botocore as a whole: what leaks or grows may do so in there.
    service = function.service("network")
    service(events.post(events.smallest(0)))
    if case == "posts":
        peaks = []
        for number in tqdm(range(1, count + 1), desc="memory", unit="POST", delay=2, mininterval=PROGRESS_S):
            service(events.post(events.every_field(number)))
            if number in (max(1, count // 10), count):
                peaks.append(_peak())
        return [peaks[0], peaks[-1]]
    if case != "idle":
        service(events.post_batch(map(getattr(events, case), range(500))))
    return [_peak()]


def _peak() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        # Where there is /proc, `getrusage` also knows the peak of the process that started this one.
        kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(kilobytes) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes


if __name__ == "__main__":
    from bench.environment import divert_output

    output = divert_output()
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)), file=output)
