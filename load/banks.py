"""The banks of a run: made for it, with holders on their accounts, and disabled at its end."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bank_simulator import generate, postings
from bank_simulator.bank_api import BankApi, Target
from bank_simulator.holders import put_holder
from bank_simulator.progress import Progress
from chalicelib.api.json_body import read_json
from chalicelib.banks.bank import Bank
from chalicelib.ledger.times import format_time
from load.scenarios import Load, Scenario
from operations.bank_registry import Registry

CURRENCY = "EUR"
HOLDER = "h"
TIMEZONE = "Africa/Douala"
A_WEEK = timedelta(days=7)
# SES's own mailbox takes what a load sends: no person gets it, and no reputation is hurt.
_MAILBOX = "success+{account}@simulator.amazonses.com"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class LoadedBank:
    """A bank of the run: what it posts, with which key, and the accounts that have a holder."""

    load: Load
    target: Target
    accounts: Sequence[str]
    bodies: Sequence[bytes]


@contextmanager
def banks_of_run(
    scenario: Scenario, registry: Registry, url: str, run: str, from_file: Sequence[bytes]
) -> Iterator[list[LoadedBank]]:
    """Make a bank for each load of the scenario, named after the `run`; disable them on the way out.

    What they post is made up, or that of a file (`from_file`).
    """
    made: list[str] = []
    try:
        loaded = []
        for load in scenario.loads:
            bank_id = f"{run}-{load.bank}"
            key = registry.create(Bank(bank_id, f"Load test {load.bank}", CURRENCY, "volume"))
            made.append(bank_id)
            accounts = [f"L{number}" for number in range(1, scenario.accounts + 1)]
            bodies = from_file[: load.total] if scenario.from_file else _made_up(load, accounts, bank_id, scenario)
            loaded.append(LoadedBank(load, Target(url, key), accounts, bodies))
        yield loaded
    finally:
        for bank_id in made:
            registry.set_disabled(bank_id, disabled=True)


def _made_up(load: Load, accounts: Sequence[str], bank_id: str, scenario: Scenario) -> list[bytes]:
    now = datetime.now(UTC)
    made = generate.transactions(Random(bank_id), now, load.total, accounts=accounts, id_prefix=bank_id)
    bodies = [posting.body for posting in made]
    if not scenario.statements:
        return bodies
    # Each account has something to state of the week that ended last.
    then = format_time(now - A_WEEK)
    return [
        postings.to_bytes({**read_json(body), "account": account, "timestamp": then})
        for body, account in zip(bodies, accounts, strict=False)
    ]


def enrol(bank: LoadedBank, preferences: dict[str, Any], progress: Progress) -> None:
    """Enrol a holder on each of the bank's accounts. Raises CannotEnrol."""
    with BankApi(bank.target, _AT_ONCE) as api, ThreadPoolExecutor(_AT_ONCE) as executor:

        def put(account: str) -> None:
            body = {
                "name": f"Holder of {account}",
                "email": _MAILBOX.format(account=account.lower()),
                "locale": "fr",
                "timezone": TIMEZONE,
                "preferences": preferences,
            }
            put_holder(api, account, HOLDER, body)
            progress.update()

        for _ in executor.map(put, bank.accounts):
            pass
