"""The outcome of a bad day: what is right, and the table."""

from dataclasses import replace

import pytest

from load.counting import Account
from load.outcome import Outcome
from local_cloud.switches import Mails

ACCOUNT = Account(
    "bad-day", 90, 90, 90, [], {"sent": 80, "delivered": 10}, 0, True, {"created": 95, "replayed": 5}, [], []
)
HAPPENED = {"killed_after sesv2 mailer": 1, "lost sqs mailer": 3}
RIGHT = Outcome(ACCOUNT, 7, 61.2, 10, Mails(91, 89, 1), {"stream: late": 1}, 0, 6, 6, HAPPENED)


def test_a_right_outcome_says_so_with_its_seed_and_every_count() -> None:
    assert RIGHT.is_right
    assert RIGHT.as_text().splitlines() == [
        "faults: seed 7, 100 posts in 61 s",
        "  posted                 90  and 10 repeats; answered 95 created, 5 replayed",
        "  stored                 90  0 differ from what was posted",
        "  told                   90  of 90 x 1 holder who wants it; 2 in 1 e-mails of several alerts; 0 missing",
        "  extra e-mails           2  of at most 50: 50 a killed mailer or lost answer",
        "  roll-ups               90  counted, exactly the sums",
        "  dead letters            0  left; sent through again: 1 stream: late",
        "  unreadable              6  messages that nobody can read, of which 6 are dead letters, whole",
        "  killed_after            1  1 mailer",
        "  lost                    3  3 sqs",
        "Everything is accounted for.",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, account=replace(ACCOUNT, stored=89)),
        replace(RIGHT, account=replace(ACCOUNT, missing=1)),
        replace(RIGHT, account=replace(ACCOUNT, is_added_up=False)),
        replace(RIGHT, account=replace(ACCOUNT, told={"sent": 89, "failed": 1})),
        replace(RIGHT, mails=Mails(91, 89, 0)),
        replace(RIGHT, mails=Mails(91, 91, 1)),
        replace(RIGHT, mails=Mails(140, 89, 1)),
        replace(RIGHT, happened={}),
        replace(RIGHT, left=1),
        replace(RIGHT, found=5),
    ],
)
def test_what_is_lost_left_or_doubled_is_wrong(wrong: Outcome) -> None:
    assert not wrong.is_right
    assert "NOT all is as it should be." in wrong.as_text()
