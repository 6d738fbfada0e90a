"""What a transaction and its e-mail use of each service, counted on the running local cloud (`make run`).

    python -m bench.units                     a quick look: counts, and prints
    python -m bench.units --write             writes operations/units.json, from which `operations.price` makes prices

A bank posts, of accounts with one holder each, first one transaction at a time ("alone"), each told before the next,
then batches of a hundred ("full"). The command waits until all is told, the feedback is stored and the analytics count
it. What the functions of each minute use with nothing to do is counted before, and taken off.

What differs from AWS: milliseconds on the clock are of this machine, whose processors the emulator and all functions
share. So GB-seconds are made of the processor's time: it takes longer by as much as the function's memory has less
than a processor, and 5 ms are added for each call of a service (50 ms of SES), as `bench.price` does. The emulator has
no batching windows, so archiver and feeder are called more often; the feedback function's trigger is held while SES's
events are published. Receiving and deleting are counted by AWS's rule, ten
messages in a request; what Lambda's pollers ask of empty queues isn't counted. Reads of parts of items are rated by the
part. Bytes are those of bodies.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import used
from bench.units_bank import UnitsBank
from infra.command_line import at_least_one, run
from infra.sessions import Stage, no_proxy_for_loopback
from local_cloud import processes
from local_cloud.deploy import STAGE
from local_cloud.server import Cloud
from local_cloud.switches import Switches

FILE = Path(__file__).parent.parent / "operations" / "units.json"
IDLE_S = 65  # the functions of each minute have run at least once


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print, and write the file if that is wanted. Returns the status."""
    description, examples, *rest = (__doc__ or "").strip().split("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m bench.units",
        description=description,
        epilog="\n\n".join([f"examples:\n{examples}", *rest]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--alone", type=at_least_one, default=15, help="transactions posted one at a time (15)")
    parser.add_argument("--full", type=at_least_one, default=300, help="transactions in batches of a hundred (300)")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.parent.name}/{FILE.name}")
    options = parser.parse_args(arguments)
    return run("units", lambda: _work(options))


def _work(options: argparse.Namespace) -> int:
    no_proxy_for_loopback()
    stack, cloud = processes.running()
    counted = count(cloud, str(stack["api_url"]), options.alone, options.full, IDLE_S)
    for name, found in counted.items():
        print(used.as_text(f"{name}: each of {found['transactions']} transactions", found), end="\n\n")
    if options.write:
        content = {"counted_on": datetime.now(UTC).date().isoformat(), "runs": counted}
        FILE.write_text(json.dumps(content, indent=1) + "\n")
        print(f"written: {FILE}")
    return 0


def count(cloud: Cloud, api_url: str, alone: int, full: int, idle_s: float, folded: bool = True) -> dict[str, Any]:
    """Return what each transaction of the two runs, `alone` and `full`, uses.

    Without `folded` it isn't waited until the analytics count it: the job's figures are then a part of what they are.
    """
    switches = Switches(cloud.endpoint_url, cloud.keys)
    bank = UnitsBank(cloud, Stage(STAGE, cloud.session()), api_url)
    bank.enrol(alone + full + 1)
    bank.post_alone(1)  # warms the functions up
    found = {}
    try:
        switches.meter(is_on=True)
        bank.wait(idle_s)
        idle = switches.counts()
        for name, post, number in (("alone", bank.post_alone, alone), ("full", bank.post_full, full)):
            switches.meter(is_on=True)
            post(number)
            if folded:
                bank.wait_until_folded()
            counts = used.without_idle(switches.counts(), idle)
            found[name] = {"transactions": number, **used.figures(counts, number)}
    finally:
        switches.meter(is_on=False)
        bank.leave()
    return found


if __name__ == "__main__":
    sys.exit(main())
