"""Post transactions to the running local cloud on a bad day, then count what became of each of them.

    make faults-cloud COUNT=1000 SEED=7
    python -m load.faults --count 100000 --seed 7

A tenth of the transactions are repeats, and one of five batches asks to be queued. Meanwhile the processes of each
stage are killed, calls of AWS are throttled, delayed, dropped, made twice or lose their answers, SES refuses for a
while, and Secrets Manager and Cognito can't be reached for a while. Each queue gets a message that nobody can read. The
seed decides what is posted, who is killed when, and which calls fail; what meets what is decided by the machine, so a
seed that fails does so again in most runs, not in all.

The status is 0 if every transaction is stored once as posted, its holder is told, the roll-ups are the sums, no dead
letter is left but what nobody can read, and e-mails went out again only as often as mailers were killed or SES's
answers lost: at most 50 each time, which is one call of SES.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bank_simulator import generate
from bank_simulator.bank_api import BankApi
from bank_simulator.holders import CannotEnrol
from bank_simulator.mix import Shares
from bank_simulator.postings import to_bytes
from bank_simulator.progress import progress_bar
from bank_simulator.verify import CannotRead
from chalicelib.api.json_body import read_json
from infra.command_line import at_least_one, open_stage, run, stage_parser
from infra.failures import CommandFailed
from infra.sessions import Stage, local_stack
from load.banks import LoadedBank, banks_of_run, enrol
from load.counting import PATIENCE_S, Account, account_of
from load.outcome import Outcome
from load.pacing import Phase
from load.running import PROJECT, Answered, run_locust
from load.scenarios import Load, Scenario
from load.weather import bad_day
from local_cloud.server import Keys
from local_cloud.switches import Switches
from operations.bank_registry import registry
from operations.dead_letter_queues import QUEUES, dead_letter_queues

FOLDER = PROJECT / ".local" / "load"
_REPEATS = 0.1
_A_SECOND = 12  # transactions that the local cloud takes on a bad day, with two processors that have other work
_CLIENTS, _BATCH, _QUEUED_EVERY = 8, 10, 5
_AFTER_S = 20.0  # of bad weather when all is posted: what comes late meets it too
_LEAST_ACCOUNTS, _OF_AN_ACCOUNT = 20, 200
# What makes a transaction a part of another one's story, or none that is told by itself.
_STORY = ("status", "authorization_id", "reversal_of", "decline_reason")
# A holder gets an e-mail about each transaction, not a digest. Alerts that come soon after another one are told in one.
_SETTINGS = {"digest_after": 1_000, "flags": {"velocity": {"mode": "off"}, "duplicate_suspect": {"mode": "off"}}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status."""
    options = _parser().parse_args(arguments)
    return run("faults", lambda: _run(options), failures=(CannotEnrol, CannotRead))


def _parser() -> ArgumentParser:
    parser = stage_parser("load.faults", __doc__ or "")
    parser.add_argument("--count", type=at_least_one, default=1_000, help="transactions, repeats among them (1000)")
    parser.add_argument("--rate", type=at_least_one, default=_A_SECOND, help=f"transactions a second ({_A_SECOND})")
    parser.add_argument("--seed", type=int, default=1, help="of what is posted and what goes wrong (1)")
    parser.add_argument("--url", help="the API (default: the running local cloud's)")
    return parser


def _run(options: Namespace) -> int:
    stage = open_stage(options)
    if stage.name != "local":
        raise CommandFailed("faults are for the local cloud alone.")
    url = options.url or str(local_stack()["api_url"])
    outcome = bad_weather(stage, url, options.count, options.seed, FOLDER, rate=options.rate)
    print(outcome.as_text())
    return 0 if outcome.is_right else 1


def bad_weather(stage: Stage, url: str, count: int, seed: int, folder: Path, *, rate: float = _A_SECOND) -> Outcome:
    """Post on a bad day, `rate` transactions a second; return the account of it when all has come to an end."""
    credentials = stage.session.get_credentials()
    endpoint = stage.session.client("sqs").meta.endpoint_url
    switches = Switches(endpoint, Keys(credentials.access_key, credentials.secret_key))
    began = datetime.now(UTC)
    name = f"faults-{began:%m%d-%H%M%S}"
    work = folder / name
    work.mkdir(parents=True)
    scenario = Scenario(
        "faults",
        "a bad day",
        (
            Load(
                "bad-day",
                _CLIENTS,
                batch=_BATCH,
                phases=(Phase(count / rate, rate, rate),),
                queued_every=_QUEUED_EVERY,
            ),
        ),
        accounts=max(_LEAST_ACCOUNTS, count // _OF_AN_ACCOUNT),
        from_file=True,
    )
    bodies = list(_made_up(Random(seed), began, scenario, name))
    with banks_of_run(scenario, registry(stage), url, name, bodies) as (bank,):
        with BankApi(bank.target, 1) as api:
            api.request("PUT", "/settings", json.dumps(_SETTINGS).encode())
        with progress_bar("enrolling holders", len(bank.accounts), "holders") as bar:
            enrol(bank, {}, bar)
        unreadable = _put_unreadable(stage, name)
        with switches.faults(seed, bad_day(seed, count / rate)):
            with progress_bar("posting on a bad day", len(bank.bodies)) as bar:
                answered = run_locust(url, [bank], work, bar)
            time.sleep(_AFTER_S)
        account, redriven, left, found = _counted(stage, began, unreadable, lambda: _account(bank, answered))
        mails = switches.mails(f"{name}-{bank.load.bank}")
    seconds = (datetime.now(UTC) - began).total_seconds()
    repeats = len(bodies) - account.posted
    happened = switches.happened()
    return Outcome(account, seed, seconds, repeats, mails, redriven, left, len(unreadable), found, happened)


def _put_unreadable(stage: Stage, name: str) -> set[str]:
    """Put a message that nobody can read into each queue with a reader; return their texts."""
    sqs, texts = stage.session.client("sqs"), set()
    for output in sorted({reader for _, reader in QUEUES.values()} | {"AlertQueueUrl"}):
        texts.add(text := json.dumps({"unreadable": f"{name}-{output}"}))
        sqs.send_message(QueueUrl=stage.output(output), MessageBody=text)
    return texts


def _made_up(chance: Random, now: datetime, scenario: Scenario, prefix: str) -> Iterator[bytes]:
    """Yield what is posted: no transaction is part of another one's story, so each has an e-mail of its own."""
    accounts = [f"L{number}" for number in range(1, scenario.accounts + 1)]
    shares = Shares(duplicates=_REPEATS)
    for made in generate.transactions(chance, now, scenario.total, accounts=accounts, id_prefix=prefix, shares=shares):
        body = read_json(made.body)
        yield to_bytes({name: value for name, value in body.items() if name not in _STORY})


def _account(bank: LoadedBank, answered: Sequence[Answered]) -> Account:
    with progress_bar("counting", len(bank.bodies)) as bar:
        return account_of(bank, answered, [], bar, PATIENCE_S)


def _counted(
    stage: Stage, since: datetime, unreadable: set[str], count: Callable[[], Account]
) -> tuple[Account, Counter[str], int, int]:
    """Return the account, the dead letters that were sent through again for it, by reason, how many are left, and how
    many of the unreadable messages were found among them, and removed."""
    account, queues, redriven = count(), dead_letter_queues(stage), Counter[str]()
    for letter in queues.letters(datetime.now(UTC)):
        if letter.sent_at >= since and queues.redrive(letter, datetime.now(UTC)):
            redriven[f"{letter.queue}: {letter.reason}"] += 1
    if redriven:
        account = count()
    left, found = 0, set()
    for letter in queues.letters(datetime.now(UTC)):
        text = letter.payload if isinstance(letter.payload, str) else json.dumps(letter.payload)
        if text in unreadable:
            found.add(text)
            queues.remove(letter)
        else:
            left += letter.sent_at >= since
    return account, redriven, left, len(found)


if __name__ == "__main__":
    sys.exit(main())
