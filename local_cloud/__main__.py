"""The local cloud: start it, deploy to it, run the main job, stop it.

python -m local_cloud run | stop | status | inbox | env | feedback | gate
"""

import argparse
import io
import shlex
import sys

from urllib3.exceptions import HTTPError

from bank_simulator.counted import NotCounted
from infra.command_line import at_least_one, run
from infra.sessions import no_proxy_for_loopback
from local_cloud import mailbox_simulator, processes, webhook_receiver
from local_cloud.deploy import write_stack
from local_cloud.gate import record, rule
from local_cloud.main_job import run_main_job


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    no_proxy_for_loopback()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # A terminal without UTF-8 gets question marks, not a traceback.
    works = {
        "run": lambda: run_main_job(options.port, options.count, options.rate),
        "stop": lambda: stop(options.keep),
        "status": status,
        "inbox": show_inbox,
        "env": print_environment,
        "feedback": feedback,
        "gate": print_gate,
    }
    return run("local cloud", works[options.command], failures=(HTTPError, NotCounted), interrupted="interrupted.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start the local cloud unless it runs, deploy to it, run the main job")
    run.add_argument(
        "--port",
        type=int,
        help=f"the local cloud's port (default: {processes.DEFAULT_PORT}); the inbox gets the next free one",
    )
    run.add_argument("--count", type=at_least_one, default=60, help="transactions to post (default: 60)")
    run.add_argument("--rate", type=float, default=20, help="transactions a second (default: 20)")
    ending = commands.add_parser("stop", help="end the local cloud and its inbox, and erase what they store")
    ending.add_argument(
        "--keep", action="store_true", help="pause it instead: it keeps what it stores, and `make run` lets it go on"
    )
    commands.add_parser("status", help="print whether the local cloud runs, and where; status 1 if it does not")
    commands.add_parser("inbox", help="print where the inbox page is; start it if it has ended")
    commands.add_parser("env", help="print the API's URL and the demo bank's key as shell variables")
    commands.add_parser("feedback", help="publish SES's feedback for e-mails to its mailbox simulator")
    commands.add_parser("gate", help="print what the gate refuses, AWS's source, and how often it refused it")
    return parser


def stop(keep: bool) -> int:
    """End the local cloud and its inbox, and erase all that they stored; or pause them, so that nothing is lost."""
    if not processes.has_left_anything():
        print("The local cloud is not running.")
    elif keep:
        stack, _ = processes.running()
        processes.pause()
        print(f"The local cloud is paused, with all that it stores; its port {stack['cloud']['port']} stays taken.")
        print("`make run` lets it go on, `make stop` erases it. It doesn't outlive this machine's next restart.")
    else:
        print("Ending the local cloud, and erasing what it stores: transactions, holders, e-mails, keys …", flush=True)
        processes.stop_all()
        print("The local cloud is stopped. (`make stop KEEP=1` pauses it instead, and keeps what it stores.)")
    return 0


def status() -> int:
    """Print whether the local cloud runs, and where."""
    stack, _ = processes.running()
    print(f"The local cloud runs: API {stack['api_url']}, inbox {stack['inbox_url']}")
    return 0


def feedback() -> int:
    """Publish SES's feedback for the e-mails to its mailbox simulator that have had none."""
    _, cloud = processes.running()
    published = mailbox_simulator.play(cloud)
    counts = ", ".join(f"{number} {event_type}" for event_type, number in sorted(published.items()))
    print(f"Events published: {counts or 'none; there is no such e-mail without feedback'}.")
    return 0


def print_environment() -> int:
    """Print the shell variables for calling the API as the demo bank: API_URL and API_KEY."""
    stack, _ = processes.running()
    print(f"export API_URL={shlex.quote(stack['api_url'])} API_KEY={shlex.quote(stack['api_key'])}")
    return 0


def print_gate() -> int:
    """Print the gate's rules, each with its source and the number of its refusals since the local cloud was started."""
    rule.load()
    counts = record.refusals(processes.FOLDER / "gate")
    for code in sorted({*rule.RULES, *counts}):
        known = rule.RULES.get(code)
        print(f"{counts[code]:6} {code}" + (f": {known.refuses} [{known.source}]" if known else ""))
    return 0


def show_inbox() -> int:
    """Print the inbox page's URL; start the page if it has ended."""
    stack, cloud = processes.running()
    url, pid = processes.running_inbox(cloud, stack)
    write_stack({**stack, "inbox_url": url, "inbox": {"pid": pid}})
    print(f"Every e-mail that the local cloud accepted: {url}")
    print(f"Every webhook that the demo bank received: {url}{webhook_receiver.PATH[1:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
