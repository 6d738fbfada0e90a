"""What counts as a true and as a false alarm in a trial."""

import pytest

from chalicelib.cases.alarms import Alarms
from chalicelib.cases.case import Outcome
from chalicelib.cases.precision import Labelled
from chalicelib.flags.answers import Answer


@pytest.mark.parametrize(
    ("outcome", "answers", "kind"),
    [
        (Outcome.FRAUD, (Answer.RECOGNIZED,), "true"),
        (Outcome.LEGITIMATE, (Answer.NOT_RECOGNIZED,), "false"),
        (Outcome.UNCLEAR, (), "unclear"),
        (Outcome.UNCLEAR, (Answer.NOT_RECOGNIZED,), "true"),
        (None, (Answer.RECOGNIZED,), "false"),
        (None, (), "unlabelled"),
    ],
)
def test_what_staff_found_decides_then_what_holders_say(
    outcome: Outcome | None, answers: tuple[Answer, ...], kind: str
) -> None:
    alarms = Alarms()
    alarms.add(Labelled(("velocity",), (), outcome, outcome is not None, answers))
    expected = dict.fromkeys(("flagged", "true", "false", "unclear", "unlabelled"), 0) | {"flagged": 1, kind: 1}
    assert alarms.to_json() == expected


def test_a_transaction_that_no_rule_has_flagged_is_unlabelled() -> None:
    alarms = Alarms()
    alarms.add(None)
    assert alarms.to_json() == {"flagged": 1, "true": 0, "false": 0, "unclear": 0, "unlabelled": 1}
