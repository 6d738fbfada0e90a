"""The main job of `make run`: deploy, enrol holders, post transactions, wait for e-mails, analytics and webhooks."""

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

from tqdm import tqdm

from bank_simulator import generate, sender
from bank_simulator.bank_api import BankApi, Target
from bank_simulator.counted import counted, counted_since, to_be_counted
from bank_simulator.report import Report
from local_cloud import bounces, demo, staff_demo, webhook_demo
from local_cloud.console import Steps, step
from local_cloud.deploy import LOCAL, Deployed, deploy_stage, describe, read_stack, write_stack
from local_cloud.processes import FOLDER, resume, running_inbox, running_or_started, stop_all
from local_cloud.run_result import MailTimes, RunResult, print_result
from local_cloud.server import Cloud, CloudFailed

TOTAL_STEPS = 7
# An alert soon after another one on its account, as in the run before, comes a minute later in one e-mail; what settles
# its transaction comes soon after that.
MAIL_TAKES_AT_MOST_S = 180


def run_main_job(port: int | None, count: int, rate: float) -> int:
    """Bring the local cloud up to date with the working tree, post `count` transactions at `rate` a second.

    Returns the exit status: 0 if every transaction was accepted, every e-mail sent, and all else is as expected.
    """
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "run.lock").open("a+") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = lock.read().strip() or "unknown"
            raise CloudFailed(
                f"Another `make run` (process {other}) is under way in this folder: wait until it ends, or end it with "
                f"`kill -INT {other}`."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        steps = Steps(TOTAL_STEPS)
        resume()
        stack = read_stack()
        cloud, was_started = running_or_started(stack, port, steps)
        with _cleaned_up(was_started):
            return _run_on(cloud, None if was_started else stack, count, rate, steps)


@contextmanager
def _cleaned_up(was_started: bool) -> Iterator[None]:
    """If the run doesn't come to its end, end the local cloud that it has started, and say what is left."""
    try:
        yield
    except BaseException as error:
        if was_started:
            stop_all()
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else "not done"
            print(f"  The run is {why}: the local cloud that it started is ended and erased.", file=sys.stderr)
        else:
            print("  The local cloud keeps running, with what it stores.", file=sys.stderr)
        raise


def _run_on(cloud: Cloud, stack: dict[str, Any] | None, count: int, rate: float, steps: Steps) -> int:
    with steps.step("deploy the data stack and the app stack (the first time, requirements are downloaded)"):
        deployed = deploy_stage(cloud, LOCAL / "build" / "local")
    with steps.step("enrol the demo bank, its account holders and its staff"):
        api_key = demo.ensure_bank(deployed, stack["api_key"] if stack else None)
        is_first_secret = webhook_demo.keep_secret(deployed, demo.BANK.id, FOLDER.resolve())
        holders = demo.enrol_holders(deployed, api_key, generate.DEMO_ACCOUNTS)
        staff = staff_demo.ensure_staff(deployed, demo.BANK.id, (stack or {}).get("staff_users", ()))
    inbox_url, inbox_pid = running_inbox(cloud, stack)
    write_stack(describe(deployed, api_key, inbox_url, inbox_pid, staff))
    target = Target(deployed.api_url, api_key)
    _name_endpoint(target, inbox_url, is_first_secret)
    result = _post(deployed, target, holders, inbox_url, count, rate, steps)
    print_result(deployed, result, inbox_url, api_key, staff)
    return 0 if result.is_right else 1


def _name_endpoint(target: Target, inbox_url: str, is_first_secret: bool) -> None:
    """Have the demo bank's webhooks sent to the inbox, and wait until every function knows."""
    changed = FOLDER / "endpoint-changed"  # It exists until the wait is over, also when a run is interrupted.
    # Before its first secret, the bank could name no endpoint: no function remembers another endpoint.
    if webhook_demo.name_endpoint(target, inbox_url) and not is_first_secret:
        changed.touch()
    if changed.exists():
        with step("wait a minute until all functions know the bank's changed endpoint"):
            webhook_demo.wait_until_known()
        changed.unlink()


def _post(
    deployed: Deployed,
    target: Target,
    holders: Mapping[str, Sequence[str]],
    inbox_url: str,
    count: int,
    rate: float,
    steps: Steps,
) -> RunResult:
    now = datetime.now(UTC)
    # An alert about its account soon after its own would come a minute later.
    of_the_suspicious = generate.DEMO_ACCOUNTS[1]
    others = [account for account in generate.DEMO_ACCOUNTS if account != of_the_suspicious]
    postings = list(generate.transactions(Random(now.timestamp()), now, count, accounts=others))
    suspicious = demo.suspicious(now, of_the_suspicious)
    with BankApi(target, clients=1) as api:
        before = counted(api)
    with steps.step("post the first transaction and wait for its e-mails (functions may start cold)"):
        first = _mail_times(deployed, holders, sender.send(postings[:1], target))
    with steps.step("post a suspicious transaction and wait for its security alert"):
        alert = _mail_times(deployed, holders, sender.send([suspicious], target))
    print(f"  → the bank simulator posts {count - 1} more, {rate:g} a second", flush=True)
    with tqdm(total=count - 1, desc="posting", unit="tx") as progress:
        report = sender.send(postings[1:], target, clients=4, rate=rate, progress=progress)
    rest = _mail_times(deployed, holders, report)
    with BankApi(target, clients=1) as api:
        since = counted_since(before, counted(api))
    with steps.step("let an e-mail bounce at SES's mailbox simulator, and post again"):
        bounce = bounces.show(deployed, target.api_key, now)
    with steps.step("wait until the bank's own endpoint has received both webhooks"):
        received = webhook_demo.received(inbox_url, bounce.webhooks, bounce.published_at)
    return RunResult(
        count,
        first,
        alert,
        rest,
        demo.flags_of(target, suspicious.id),
        since,
        to_be_counted((posting.body for posting in (*postings, suspicious)), demo.BANK.default_currency),
        bounce,
        received,
    )


def _mail_times(deployed: Deployed, holders: Mapping[str, Sequence[str]], report: Report) -> MailTimes:
    """Wait for the e-mails of the accepted transactions."""
    named = demo.notified_as(deployed, holders)
    expected = {(sent.id, holder): sent.posted_at for sent in report.created for holder in named[sent.account]}
    with tqdm(total=len(expected), desc="e-mails", unit="mail", delay=2) as progress:
        sent_at, skipped = demo.sent_times(deployed, expected, MAIL_TAKES_AT_MOST_S, progress)
    seconds = [(sent_at[pair] - posted_at).total_seconds() for pair, posted_at in expected.items() if pair in sent_at]
    return MailTimes(len(report.created), seconds, len(expected.keys() - skipped) - len(seconds))
