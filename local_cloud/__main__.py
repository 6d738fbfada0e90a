"""The local cloud: start it, deploy to it, run the main job, end it.

python -m local_cloud run | stop | status | inbox | env | feedback
"""

import argparse
import fcntl
import io
import os
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from bank_simulator import generate, sender
from bank_simulator.bank_api import Target
from bank_simulator.report import Report, percentile
from chalicelib.errors import DomainError
from infra.package import PackagingFailed
from infra.sessions import no_proxy_for_loopback
from infra.stacks import StackFailed
from local_cloud import bounces, demo, inbox, mailbox_simulator, webhook_demo, webhook_receiver
from local_cloud.console import step
from local_cloud.deploy import LOCAL, STACK_FILE, Deployed, deploy_stage, describe, read_stack, write_stack
from local_cloud.server import Cloud, CloudFailed, answers, end_process, is_free, start
from operations.bank_registry import BankRefused

DEFAULT_PORT = 4566
FOLDER = LOCAL / "cloud"
# The background processes, by what their command lines hold; the inbox ends before what it shows.
PROCESSES = {"inbox": "local_cloud.inbox", "cloud": "ministack"}
MAIL_TAKES_AT_MOST_S = 120


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="start the local cloud if need be, deploy to it, run the main job")
    run.add_argument(
        "--port", type=int, help=f"the local cloud's port (default: {DEFAULT_PORT}); the inbox takes the next"
    )
    run.add_argument("--count", type=_at_least_one, default=60, help="transactions to post (default: 60)")
    run.add_argument("--rate", type=float, default=20, help="transactions a second (default: 20)")
    commands.add_parser("stop", help="end the local cloud and its inbox; what it stored is gone")
    commands.add_parser("status", help="say whether the local cloud runs, and where; status 1 if it does not")
    commands.add_parser("inbox", help="say where the inbox page is; start it if need be")
    commands.add_parser("env", help="print the API's URL and the demo bank's key as shell variables")
    commands.add_parser("feedback", help="play SES's mailbox simulator for what was sent to its addresses")
    options = parser.parse_args(arguments)
    no_proxy_for_loopback()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets question marks, not a traceback
    try:
        if options.command == "run":
            return run_main_job(options.port, options.count, options.rate)
        others = {"stop": stop, "status": status, "inbox": show_inbox, "env": print_environment, "feedback": feedback}
        return others[options.command]()
    except (
        CloudFailed,
        StackFailed,
        PackagingFailed,
        BankRefused,
        DomainError,
        ClientError,
        BotoCoreError,
        HTTPError,
    ) as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has gone; what Python flushes at its end must not meet that again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nlocal cloud: interrupted", file=sys.stderr)
        return 130


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def run_main_job(port: int | None, count: int, rate: float) -> int:
    """Bring the local cloud up to date with the working tree and drive transactions through it; return 0 if every
    transaction was accepted and every holder's e-mail went out."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CloudFailed("Another `make run` is at work here: wait for it to end.") from None
        stack = read_stack()
        cloud, started_here = _running_or_started(stack, port)
        try:
            return _run_on(cloud, None if started_here else stack, count, rate)
        except BaseException:
            if started_here:
                _end_all()
            raise


def _run_on(cloud: Cloud, stack: dict[str, Any] | None, count: int, rate: float) -> int:
    with step("deploy the data stack and the app stack (the first time, requirements are downloaded)"):
        deployed = deploy_stage(cloud, LOCAL / "build" / "local")
    with step("enrol the demo bank and its account holders"):
        api_key = demo.ensure_bank(deployed, stack["api_key"] if stack else None)
        is_first_secret = webhook_demo.keep_secret(deployed, demo.BANK.id, FOLDER.resolve())
        holders = demo.enrol_holders(deployed, api_key, generate.DEMO_ACCOUNTS)
    inbox_url, inbox_pid = _inbox(cloud, stack)
    write_stack(describe(deployed, api_key, inbox_url, inbox_pid))
    now = datetime.now(UTC)
    postings = list(generate.transactions(Random(now.timestamp()), now, count, accounts=generate.DEMO_ACCOUNTS))
    suspicious = demo.suspicious(now, generate.DEMO_ACCOUNTS[1])
    target = Target(deployed.api_url, api_key)
    # Nothing remembers another endpoint of a bank that couldn't name one before.
    changed = FOLDER / "endpoint-changed"  # until the wait is over, whichever run's it is
    if webhook_demo.name_endpoint(target, inbox_url) and not is_first_secret:
        changed.touch()
    if changed.exists():
        with step("wait a minute until all functions know of the bank's changed endpoint"):
            webhook_demo.wait_until_obeyed()
        changed.unlink()
    before = demo.answered_totals(target)
    with step("post the first transaction and wait for its e-mails (functions may start cold)"):
        first = _told(deployed, holders, sender.send(postings[:1], target))
    with step("post a suspicious one and wait for its security alert"):
        alert = _told(deployed, holders, sender.send([suspicious], target))
    print(f"  → the bank simulator posts {count - 1} more, {rate:g} a second", flush=True)
    with tqdm(total=count - 1, desc="posting", unit="tx") as progress:
        report = sender.send(postings[1:], target, clients=4, rate=rate, progress=progress)
    rest = _told(deployed, holders, report)
    counted = demo.totals_since(before, demo.answered_totals(target))
    with step("let an e-mail bounce at SES's mailbox simulator, and post once more"):
        bounce = bounces.show(deployed, api_key, now)
    with step("wait until the bank's own endpoint has heard of it"):
        heard = webhook_demo.heard(inbox_url, bounce.webhooks, bounce.told_at)
    outcome = Outcome(
        count,
        first,
        alert,
        rest,
        demo.flags_of(target, suspicious.id),
        counted,
        demo.own_totals([*postings, suspicious]),
        bounce,
        heard,
    )
    _print_outcome(deployed, outcome, inbox_url, api_key)
    return 0 if outcome.is_right else 1


@dataclass(frozen=True, slots=True)
class Told:
    """What became of posted transactions: how many were accepted, and how long each e-mail took from POST to SES."""

    accepted: int
    seconds: list[float]
    missing: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run: the first transaction, the suspicious one with its flags, the rest, what the analytics
    have counted of them beside what was posted, a bounce, and what the bank's own endpoint has heard."""

    count: int
    first: Told
    alert: Told
    rest: Told
    flags: list[str]
    counted: dict[str, demo.Totals]
    posted: dict[str, demo.Totals]
    bounce: bounces.Bounce
    heard: list[webhook_demo.Heard]

    @property
    def is_right(self) -> bool:
        is_accepted = self.first.accepted + self.rest.accepted == self.count and self.alert.accepted == 1
        is_told = not (self.first.missing or self.alert.missing or self.rest.missing)
        is_counted = bool(self.flags) and self.counted == self.posted
        return is_accepted and is_told and is_counted and self.bounce.is_as_expected and self.is_heard

    @property
    def is_heard(self) -> bool:
        return [one.type for one in self.heard if one.is_signature_valid] == list(self.bounce.webhooks.values())


def _told(deployed: Deployed, holders: Mapping[str, Sequence[str]], report: Report) -> Told:
    expected = {(sent.id, holder): sent.posted_at for sent in report.created for holder in holders[sent.account]}
    with tqdm(total=len(expected), desc="e-mails", unit="mail", delay=2) as progress:
        sent_at, untold = demo.sent_times(deployed, expected, MAIL_TAKES_AT_MOST_S, progress)
    seconds = [(sent_at[pair] - posted_at).total_seconds() for pair, posted_at in expected.items() if pair in sent_at]
    return Told(len(report.created), seconds, len(expected.keys() - untold) - len(seconds))


def _print_outcome(deployed: Deployed, outcome: Outcome, inbox_url: str, api_key: str) -> None:
    first, alert, rest = outcome.first, outcome.alert, outcome.rest
    seconds = first.seconds + alert.seconds + rest.seconds
    expected = len(seconds) + first.missing + alert.missing + rest.missing
    counted = sum(totals.count for totals in outcome.counted.values())
    rows = {
        "transactions accepted": f"{first.accepted + alert.accepted + rest.accepted} of {outcome.count + 1}",
        "e-mails accepted by SES": f"{len(seconds)} of {expected} ({demo.mails_taken(deployed)} since the start)",
        "first e-mail after": f"{max(first.seconds):.2f} s" if first.seconds else "-",
        "security alert after": f"{max(alert.seconds):.2f} s ({', '.join(outcome.flags)})" if alert.seconds else "-",
        "GET /analytics counts": f"{counted} settled in {len(outcome.counted)} currencies, credits and debits "
        + ("exactly as posted" if outcome.counted == outcome.posted else "NOT as posted"),
    }
    if rest.seconds:
        p50, p95 = (percentile(Counter(rest.seconds), percent) for percent in (50, 95))
        rows["from POST to SES, then"] = f"p50 {p50:.2f} s, p95 {p95:.2f} s, max {max(rest.seconds):.2f} s"
    bounce = outcome.bounce
    rows["an e-mail that bounces"] = f"{bounce.first}; the address is {bounce.address}; the next: {bounce.second}"
    heard = ", ".join(f"{one.type} after {one.after_s:.1f} s" for one in outcome.heard)
    signed = "signatures valid" if outcome.is_heard else "NOT all, or not with a valid signature"
    missing = f"none; `python -m operations.webhooks list {demo.BANK.id}` says what became of them"
    rows["webhooks received"] = f"{heard}, {signed}" if heard else missing
    payload = '{"id": "1", "account": "A123", "amount": 250.50, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}'
    print()
    for name, value in rows.items():
        print(f"  {name + ':':<26}{value}")
    print(
        f"\n  inbox   {inbox_url} (webhooks: {inbox_url}{webhook_receiver.PATH[1:]})\n  API     {deployed.api_url}"
        f"\n  try     curl -i {deployed.api_url}/transactions \\"
    )
    print(f"            -H 'x-api-key: {api_key}' -H 'content-type: application/json' \\\n            -d '{payload}'")
    print("\n  The local cloud stays up: `make inbox`, `make simulate`, `make stop`.")


def stop() -> int:
    """End the local cloud and its inbox, whatever is left of their traces."""
    was_there = STACK_FILE.exists() or FOLDER.is_symlink()
    _end_all()
    print("The local cloud is stopped." if was_there else "The local cloud is not running.")
    return 0


def status() -> int:
    """Print whether the local cloud runs, and where."""
    stack, _ = _running()
    print(f"The local cloud runs: API {stack['api_url']}, inbox {stack['inbox_url']}")
    return 0


def feedback() -> int:
    """Tell what SES's mailbox simulator would, of e-mails to its addresses that nothing was told of yet."""
    _, cloud = _running()
    published = mailbox_simulator.play(cloud)
    said = ", ".join(f"{number} {event_type}" for event_type, number in sorted(published.items()))
    print(f"Events published: {said or 'none; no such e-mail is left'}.")
    return 0


def print_environment() -> int:
    """Print what a shell needs to call the API as the demo bank: API_URL and API_KEY."""
    stack, _ = _running()
    print(f"export API_URL={shlex.quote(stack['api_url'])} API_KEY={shlex.quote(stack['api_key'])}")
    return 0


def show_inbox() -> int:
    """Print the inbox page's URL; start the page if it has ended."""
    stack, cloud = _running()
    url, pid = _inbox(cloud, stack)
    write_stack({**stack, "inbox_url": url, "inbox": {"pid": pid}})
    print(f"Every e-mail that the local cloud took: {url}")
    print(f"Every webhook that the demo bank was sent: {url}{webhook_receiver.PATH[1:]}")
    return 0


def _running() -> tuple[dict[str, Any], Cloud]:
    stack = read_stack()
    if stack is not None:
        cloud = Cloud(stack["cloud"]["pid"], stack["cloud"]["port"])
        if cloud.is_up():
            return stack, cloud
    raise CloudFailed("The local cloud is not running: `make run` starts it.")


def _running_or_started(stack: dict[str, Any] | None, port: int | None) -> tuple[Cloud, bool]:
    if stack is not None:
        cloud = Cloud(stack["cloud"]["pid"], stack["cloud"]["port"])
        if _runs(cloud.pid, PROCESSES["cloud"]) and cloud.is_up():
            if port not in (None, cloud.port):
                raise CloudFailed(f"The local cloud runs on port {cloud.port} already: `make stop` ends it.")
            print(f"  ✓ the local cloud runs on port {cloud.port}")
            return cloud, False
    _end_all()  # what an ended or broken run may have left
    try:
        with step("start the local cloud"):
            cloud = start(port or DEFAULT_PORT, _new_folder())
    except BaseException:
        _end_all()
        raise
    _pid_file("cloud").write_text(str(cloud.pid))
    return cloud, True


def _new_folder() -> Path:
    """Return a fresh folder for what the local cloud writes, outside of the working tree and linked into it:
    `chalice local` restarts whenever a file in the tree changes, but follows no links."""
    FOLDER.symlink_to(tempfile.mkdtemp(prefix="transaction-notifier-"))
    return FOLDER.resolve()


def _pid_file(part: str) -> Path:
    return FOLDER / f"{part}.pid"


def _end_all() -> None:
    """End the processes whose pids the folder holds, then remove the folder and what describes it."""
    for part in PROCESSES:
        _end(part)
    STACK_FILE.unlink(missing_ok=True)
    if FOLDER.is_symlink():
        shutil.rmtree(FOLDER.resolve(), ignore_errors=True)
        FOLDER.unlink()


def _end(part: str) -> None:
    try:
        pid = int(_pid_file(part).read_text())
    except (OSError, ValueError):
        return
    if _runs(pid, PROCESSES[part]):
        end_process(pid)


def _inbox(cloud: Cloud, stack: dict[str, Any] | None) -> tuple[str, int]:
    if (
        stack is not None
        and _runs(stack["inbox"]["pid"], PROCESSES["inbox"])
        and answers(f"{stack['inbox_url']}{webhook_receiver.PATH[1:]}.json")  # one of an earlier version has none
    ):
        return stack["inbox_url"], stack["inbox"]["pid"]
    _end("inbox")
    port = next(port for port in range(cloud.port + 1, cloud.port + 100) if is_free(port))
    pid = inbox.start(port, cloud.endpoint_url, FOLDER.resolve())
    _pid_file("inbox").write_text(str(pid))
    return f"http://127.0.0.1:{port}/", pid


def _runs(pid: int, marker: str) -> bool:
    """Whether this process is alive and the one meant: a pid may have been given to another program since."""
    try:
        os.kill(pid, 0)
        command_line = Path(f"/proc/{pid}/cmdline")
        return not command_line.exists() or marker.encode() in command_line.read_bytes()
    except (ProcessLookupError, PermissionError, FileNotFoundError):
        return False


if __name__ == "__main__":
    sys.exit(main())
