"""The trial of thresholds: what each of two sets flags. Its counts are tested by operations/test_settings_trial."""

import dataclasses
from datetime import timedelta

from chalicelib.banks.thresholds import DEFAULT_THRESHOLDS
from chalicelib.flags.trial import FlagTrial
from tests.samples import transaction

STRICT = dataclasses.replace(DEFAULT_THRESHOLDS, velocity_count=2)


def test_a_transaction_is_judged_by_both_and_by_what_came_before_it() -> None:
    trial = FlagTrial(DEFAULT_THRESHOLDS, STRICT)
    first = transaction(id="t0")
    flagged = [
        trial.judge(transaction(id=f"t{n}", timestamp=first.timestamp + timedelta(seconds=70 * n))) for n in range(7)
    ]
    assert ["velocity" in now for now, _ in flagged] == [False] * 5 + [True] * 2
    assert ["velocity" in changed for _, changed in flagged] == [False] * 2 + [True] * 5
    assert (trial.results["velocity"].now, trial.results["velocity"].changed) == (2, 5)


def test_attempts_that_come_newest_first_and_late_are_counted_as_any_others() -> None:
    trial = FlagTrial(DEFAULT_THRESHOLDS, None)
    newest = transaction(id="newest")
    trial.judge(newest)
    late = [transaction(id=f"t{n}", timestamp=newest.timestamp - timedelta(hours=2, minutes=n)) for n in range(7)]
    assert ["velocity" in trial.judge(one)[0] for one in late] == [False] * 5 + [True] * 2


def test_without_changed_thresholds_both_are_the_same() -> None:
    trial = FlagTrial(STRICT, None)
    flagged = [trial.judge(transaction(id=f"t{n}")) for n in range(3)]
    assert all(now == changed for now, changed in flagged)
    assert "velocity" in flagged[-1][0]


def test_what_is_declined_is_not_judged() -> None:
    trial = FlagTrial(STRICT, STRICT)
    assert [trial.judge(transaction(id=f"t{n}", status="declined")) for n in range(4)] == [({}, {})] * 4
    assert (trial.transactions, trial.judged) == (4, 0)
