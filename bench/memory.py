"""The memory of one function, measured in its own process.

python -m bench.memory posts 50000    its peak after a tenth of the POSTs, and after all of them
python -m bench.memory idle           its peak after one POST
python -m bench.memory every_field    its peak after a batch of 500 with every field
python -m bench.memory largest        its peak after a batch of 500 that is as large as a body may be
python -m bench.memory digits         its peak after a batch of 500 with one that has megabytes of digits
"""

import json
import sys

from tqdm import tqdm

from bench import own_process

# Without a terminal, progress is printed seldom.
PROGRESS_S = 0.1 if sys.stderr.isatty() else 10


def peak_after_posts(count: int) -> tuple[int, int]:
    """Return a function's peak memory in bytes, after a tenth of this many POSTs and after all of them."""
    after_a_tenth, after_all = own_process.run(__name__, "posts", str(count))
    return after_a_tenth, after_all


def peak_of(case: str) -> int:
    """Return a function's peak memory in bytes in one of the cases above: idle, every_field, largest, digits."""
    (peak,) = own_process.run(__name__, case)
    return int(peak)


def _measure(case: str, count: int) -> list[int]:
    from bench import events, function

    # On the network level, with all of botocore: growth or a leak may be in there.
    service = function.service("network")
    service(events.post(events.smallest(0)))
    if case == "posts":
        peaks = []
        for number in tqdm(range(1, count + 1), desc="memory", unit="POST", delay=2, mininterval=PROGRESS_S):
            service(events.post(events.every_field(number)))
            if number in (max(1, count // 10), count):
                peaks.append(own_process.peak())
        return [peaks[0], peaks[-1]]
    if case != "idle":
        service(events.post_batch(map(getattr(events, case), range(500))))
    return [own_process.peak()]


if __name__ == "__main__":
    from bench.environment import divert_output

    output = divert_output()
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)), file=output)
