"""The scenarios: which banks post how many transactions, how fast, and what is to be learnt from it.

The sizes are for the local cloud, where emulator, functions and clients share the machine's processors. `scaled`
makes them larger.
"""

import math
from dataclasses import dataclass, replace

from load.pacing import Phase, count_of

MAX_LOCAL_CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Load:
    """What one bank posts, over `clients` connections, `batch` transactions in a request (0: each alone).

    With `phases` it keeps to their rates; without, it posts `count` transactions as fast as they go. One of
    `queued_every` batches asks to be queued (0: none).
    """

    bank: str
    clients: int
    batch: int = 0
    phases: tuple[Phase, ...] = ()
    count: int = 0
    queued_every: int = 0

    @property
    def total(self) -> int:
        return count_of(self.phases) if self.phases else self.count


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: its loads, how many accounts each bank has, each with a holder, and what else happens.

    `from_file` says that the transactions are those of a file, `statements` that all holders get a statement at its
    end.
    """

    name: str
    says: str
    loads: tuple[Load, ...]
    accounts: int = 60
    from_file: bool = False
    statements: bool = False

    @property
    def clients(self) -> int:
        return sum(load.clients for load in self.loads)

    @property
    def total(self) -> int:
        return sum(load.total for load in self.loads)


def _steady(seconds: float, rate: float) -> tuple[Phase, ...]:
    return (Phase(seconds, rate, rate),)


_PAYDAY = (Phase(20, 0.5, 0.5), Phase(60, 0.5, 10), Phase(20, 10, 10), Phase(20, 10, 0.5))

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "steady",
            "2 transactions a second for a minute, each alone: the latency of an ordinary hour",
            (Load("steady", 4, phases=_steady(60, 2)),),
        ),
        Scenario(
            "payday",
            "the rate rises to 20 times as much within a minute, and falls again: what waits, and for how long",
            (Load("payday", 16, phases=_PAYDAY),),
        ),
        Scenario(
            "flood",
            "2,000 transactions in batches of 100, as fast as 16 connections take them: throughput, and its queues",
            (Load("flood", 16, batch=100, count=2_000),),
        ),
        Scenario(
            "noisy",
            "one bank floods with batches, three others post one transaction after another: what they feel of it",
            (
                Load("noisy", 12, batch=100, count=1_500),
                *(Load(f"quiet-{number}", 1, phases=_steady(60, 0.25)) for number in (1, 2, 3)),
            ),
        ),
        Scenario(
            "statements",
            "all holders want a statement, and all are due in one night: how long it takes",
            (Load("statements", 8, batch=100, count=300),),
            accounts=300,
            statements=True,
        ),
        Scenario(
            "replay",
            "the transactions of a file (--file) in batches of 100: real data, compared to the last digit",
            (Load("replay", 8, batch=100, count=2_000),),
            accounts=0,
            from_file=True,
        ),
    )
}


def scaled(scenario: Scenario, scale: float, clients: int | None) -> Scenario:
    """Return the scenario with all rates and numbers times `scale`, and so many `clients` (None: its own).

    Loads share the clients as they do in the scenario, and each keeps at least one.
    """
    shares = _shares([load.clients for load in scenario.loads], clients or scenario.clients)
    return replace(
        scenario,
        accounts=math.ceil(scenario.accounts * max(1.0, scale)) if scenario.statements else scenario.accounts,
        loads=tuple(
            replace(
                load,
                clients=share,
                count=math.ceil(load.count * scale),
                phases=tuple(Phase(one.seconds, one.begins * scale, one.ends * scale) for one in load.phases),
            )
            for load, share in zip(scenario.loads, shares, strict=True)
        ),
    )


def _shares(of: list[int], clients: int) -> list[int]:
    shares = [max(1, one * clients // sum(of)) for one in of]
    while sum(shares) > max(clients, len(of)):
        shares[shares.index(max(shares))] -= 1
    return shares
