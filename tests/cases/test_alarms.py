"""What counts as a true and as a false alarm in a trial."""

import pytest

from chalicelib.cases.alarms import Alarms, TrialAlarms
from chalicelib.cases.case import Outcome
from chalicelib.cases.precision import Labelled
from chalicelib.flags.answers import Answer


@pytest.mark.parametrize(
    ("outcome", "answers", "kind"),
    [
        (Outcome.FRAUD, (Answer.RECOGNIZED,), "fraud"),
        (Outcome.LEGITIMATE, (Answer.NOT_RECOGNIZED,), "legitimate"),
        (Outcome.UNCLEAR, (), "unclear"),
        (Outcome.UNCLEAR, (Answer.NOT_RECOGNIZED,), "fraud"),
        (None, (Answer.RECOGNIZED,), "legitimate"),
        (None, (), "unlabelled"),
    ],
)
def test_what_staff_found_decides_then_what_holders_say(
    outcome: Outcome | None, answers: tuple[Answer, ...], kind: str
) -> None:
    alarms = Alarms()
    alarms.add(Labelled(("velocity",), (), outcome, outcome is not None, answers))
    expected = dict.fromkeys(("flagged", "fraud", "legitimate", "unclear", "unlabelled"), 0) | {"flagged": 1, kind: 1}
    assert alarms.to_json() == expected


def test_a_transaction_that_no_rule_has_flagged_is_unlabelled() -> None:
    alarms = Alarms()
    alarms.add(None)
    assert alarms.to_json() == {"flagged": 1, "fraud": 0, "legitimate": 0, "unclear": 0, "unlabelled": 1}


def test_the_precision_is_the_share_of_true_alarms_among_those_of_which_it_is_known() -> None:
    assert Alarms(flagged=9, fraud=2, legitimate=1, unclear=3, unlabelled=3).precision == "0.67"
    assert Alarms(flagged=2, unclear=1, unlabelled=1).precision is None


def test_a_transaction_counts_for_each_rule_that_flags_it_and_once_for_all_of_them() -> None:
    fraud = Labelled(("velocity",), (), Outcome.FRAUD, True, ())
    alarms = TrialAlarms(("velocity", "new_country", "large_amount"))
    alarms.add(fraud, ("velocity", "new_country"), ("velocity",))
    alarms.add(None, (), ("velocity",))
    alarms.add(None, (), ())
    assert alarms.rules["velocity"] == (Alarms(1, fraud=1), Alarms(2, fraud=1, unlabelled=1))
    assert alarms.rules["new_country"] == (Alarms(1, fraud=1), Alarms())
    assert alarms.rules["large_amount"] == (Alarms(), Alarms())
    assert alarms.any == (Alarms(1, fraud=1), Alarms(2, fraud=1, unlabelled=1))
