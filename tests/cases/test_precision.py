"""What counts as a true alarm, and what a rule's precision is."""

import pytest

from chalicelib.cases.case import Outcome
from chalicelib.cases.precision import Labelled, precision_of
from chalicelib.flags.answers import Answer

NO, YES = Answer.NOT_RECOGNIZED, Answer.RECOGNIZED


def labelled(outcome: Outcome | None = None, *answers: Answer, flags: tuple[str, ...] = ("velocity",)) -> Labelled:
    return Labelled(flags, (), outcome, outcome is not None, answers)


@pytest.mark.parametrize(
    ("one", "is_fraud"),
    [
        (labelled(Outcome.FRAUD, YES), True),
        (labelled(Outcome.LEGITIMATE, NO), False),
        (labelled(Outcome.UNCLEAR), None),
        (labelled(Outcome.UNCLEAR, NO), True),
        (labelled(None, YES), False),
        (labelled(None, YES, NO), True),
        (labelled(), None),
    ],
)
def test_what_staff_found_decides_and_then_what_the_holders_say(one: Labelled, is_fraud: bool | None) -> None:
    assert one.is_fraud is is_fraud


def test_a_rule_is_as_precise_as_the_alarms_of_which_it_is_known() -> None:
    flagged = [
        labelled(Outcome.FRAUD, NO),
        labelled(Outcome.FRAUD, flags=("velocity", "new_country")),
        labelled(Outcome.LEGITIMATE),
        labelled(Outcome.UNCLEAR),
        labelled(None, YES),
        labelled(),
        Labelled((), ("velocity",), None, False, ()),
    ]
    found = precision_of(flagged, ("velocity", "new_country", "large_amount"))
    assert found["velocity"].to_json() == {
        "flagged": 6,
        "shadow": 1,
        "fraud": 2,
        "legitimate": 1,
        "unclear": 1,
        "recognized": 1,
        "not_recognized": 1,
        "open": 2,
        "precision": "0.50",
    }
    assert found["new_country"].to_json()["precision"] == "1.00"
    assert found["large_amount"].to_json()["precision"] is None
