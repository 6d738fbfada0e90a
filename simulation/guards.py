"""Who watches the promises: each guard of the code is taken out in turn, and a run must notice it.

A guard is a condition of a write: "only if nobody else has". All of them are found by running, so a new one is
examined by itself. `EXEMPT` names those whose absence no run can show, with the reason and the test that holds them.
"""

import sys
from functools import partial

from simulation.run import Guard, run, run_all

_LOOKED_FOR_IN = 40  # runs: some guards are come upon in one of ten
_LEASE_ALONE = ("AnalyticsTable", "busy_until = :lease")  # a part of other conditions too: the whole text counts
EXEMPT = {
    _LEASE_ALONE: "gives up a lease, which runs out by itself: only time is lost",
    (
        "AnalyticsTable",
        "attribute_not_exists(version)",
    ): "two runs of the job have to add up at the same time, which none "
    "of 300 had: tests/analytics/test_job.py has another one overtake it at each call",
    ("AnalyticsTable", "version = :from"): "as of the one before: tests/analytics/test_job.py",
    ("AnalyticsTable", "NOT (busy_until BETWEEN"): "keeps a run from undoing what another one has added to a history. "
    "A run ends before the next begins, and two of one minute add the same: tests/analytics/test_lease.py",
    ("AddressesTable", "enrolled_at = :enrolled_at"): "no holder in a run gets back an address: "
    "tests/holders/test_addresses.py",
    ("AddressesTable", "attribute_not_exists(entry)"): "all that comes back from an address in a run says the same: "
    "tests/holders/test_addresses.py",
    ("AddressesTable", "marked_version"): "no address in a run has more holders than one step marks: "
    "tests/holders/test_sweep.py",
    ("AddressesTable", "version = :version"): "all that comes back from an address in a run says the same: "
    "tests/holders/test_addresses.py",
    ("AuditTable", "attribute_not_exists(entry)"): "the same entry is written again: tests/audit/test_repository.py",
    ("CasesTable", "version = :version"): "no staff changes cases in a run: tests/cases/test_repository.py",
    (
        "CasesTable",
        "attribute_not_exists(case_key)",
    ): "one reader after another opens a case: tests/cases/test_opener.py",
    (
        "NotificationsTable",
        "claim_id = :own",
    ): "a second copy of a notice has to come within two seconds of a lost answer, "
    "or a lease to end before its mailer does: tests/notifications/test_log.py",
    ("BanksTable", "attribute_not_exists(entry) OR version = :before"): "banks change no settings in a run: "
    "tests/banks/test_repository.py",
    ("DeferralsTable", "asked_at <= :over"): "an address in a run is asked by one change only: "
    "tests/changes/test_asked_repository.py",
    (
        "AccountsTable",
        "attribute_exists(#holder.confirmation_asked_at)",
    ): "a bank's change has to come within the milliseconds between a confirmation's look at a holder and its write: "
    "tests/holders/test_address_confirmations.py",
    (
        "NotificationsTable",
        "attribute_not_exists(version)",
    ): "two mailers that book the first time of all at SES send a second's worth more, which a run lets pass: "
    "tests/mail/test_pacing.py",
    ("DeferralsTable", "until_ms <= :"): "no bank in a run posts as fast as its plan allows: tests/banks/test_pace.py",
    (
        "DeferralsTable",
        "#warned < :percent",
    ): "a bank that is warned once more: tests/banks/test_quotas_repository.py",
    ("AccountsTable", "holder_count < :max"): "the run has no account that is full: tests/holders/test_repository.py",
    ("DeferralsTable", "began > :over"): "which e-mails a digest has, not whether: "
    "tests/notifications/test_allowances.py",
    ("DeferralsTable", "began <= :over"): "two mailers that begin an hour at once may let twice as many through, as "
    "mailers that have just begun may: tests/notifications/test_allowances.py",
}


def guards(first: int, seeds: int, transactions: int, workers: int) -> set[Guard]:
    """Return the guards that these runs come upon."""
    outcomes = run_all(range(first, first + seeds), partial(run, transactions=transactions), workers)
    return set().union(*(outcome.conditions for outcome in outcomes))


def exemption(guard: Guard) -> str | None:
    """Return why no run can notice that the guard is gone; None if one must."""
    return next((reason for place, reason in EXEMPT.items() if guard[1] == place[0] and _is_exempt(guard, place)), None)


def noticed(guard: Guard, first: int, seeds: int, transactions: int, workers: int) -> tuple[int, str] | None:
    """Return the first seed whose run breaks a promise without the guard, and the promise; None if none does."""
    one = partial(run, transactions=transactions, is_out=guard.__eq__)
    outcomes = run_all(range(first, first + seeds), one, workers)
    return next(((outcome.seed, outcome.broken[0]) for outcome in outcomes if outcome.broken), None)


def examine(first: int, seeds: int, transactions: int, workers: int) -> int:
    """Take out every guard in turn, and print who noticed; return the command's status."""
    known = guards(first, min(seeds, _LOOKED_FOR_IN), transactions, workers)
    missed = 0
    for guard in sorted(known):
        operation, table, text = guard
        print(f"{table} {operation}: {text}")
        if reason := exemption(guard):
            print(f"  exempt: {reason}")
            continue
        if found := noticed(guard, first, seeds, transactions, workers):
            print(f"  noticed by seed {found[0]}: {found[1][:160]}")
        else:
            missed += 1
            print(f"  NOT NOTICED in {seeds} runs")
        sys.stdout.flush()
    print(f"{len(known)} guards, {missed} not noticed")
    return 1 if missed else 0


def is_at(place: tuple[str, str], guard: Guard) -> bool:
    """Return whether the guard is on the place's table, and has its part of a condition."""
    return guard[1] == place[0] and place[1] in guard[2]


def _is_exempt(guard: Guard, place: tuple[str, str]) -> bool:
    return guard[2] == place[1] or (place[1] in guard[2] and place != _LEASE_ALONE)
