"""The long steps behind a batch of feedback: each by itself, tried again for a day, then a dead letter."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dead_letters import Letter
from chalicelib.banks.bank import Bank
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders.address import Address
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.late_suppression import LateSuppression
from chalicelib.holders.long_step import TRIED_FOR
from chalicelib.holders.sweep import Sweep
from chalicelib.notifications.suppressing import PUT_OFF_S, Step, Suppressor, pack, unpack
from tests.fakes import refusal
from tests.metrics import counted, lines_saying
from tests.tables import template

NOW = datetime(2026, 1, 10, 14, 0, 5, tzinfo=UTC)
ADDRESSES = [Address.of("eazycard", f"{name}@example.com") for name in ("awa", "ben", "eve")]
LATE = [LateSuppression(address, Suppressed("hard_bounce", NOW)) for address in ADDRESSES]
SWEEPS = [Sweep(address, 1) for address in ADDRESSES]
STEPS: list[list[Any]] = [LATE, SWEEPS]


class Desk:
    """An enrolment that fails over some addresses, and has the others' steps in `made`; and the banks.

    Each step marks `marks` holders, and each mark takes `mark_s` of the function's time, `left_s`; a look at a bank
    takes `look_s`.
    """

    def __init__(self, *failing: Address, error: Exception | None = None) -> None:
        self.failing, self.error = failing, error or TemporarilyUnavailable()
        self.made: list[Address] = []
        self.letters: list[Letter] = []
        self.marks, self.mark_s, self.look_s, self.left_s = 1, 0.0, 0.0, 30.0
        self.banks = {"eazycard": Bank("eazycard", "EAZYCard", "EUR", "standard")}

    def bank(self, bank_id: str) -> Bank | None:
        self.left_s -= self.look_s
        return self.banks.get(bank_id)

    def suppress(
        self, address: Address, _suppressed: Suppressed, now: datetime, check_time: Callable[[], None]
    ) -> None:
        assert now >= NOW
        for _ in range(self.marks):
            check_time()
            self.left_s -= self.mark_s
        if address in self.failing:
            raise self.error
        self.made.append(address)

    def sweep(self, sweep: Sweep, check_time: Callable[[], None]) -> None:
        assert sweep.began_at is not None
        self.suppress(sweep.address, Suppressed("", NOW), sweep.began_at, check_time)

    def make(self, steps: list[Step], now: datetime = NOW) -> list[Step]:
        suppressor = Suppressor(self, self, lambda: now)  # type: ignore[arg-type]
        return suppressor.make(
            [(f"body {place}", one) for place, one in enumerate(steps)], self.letters, lambda: self.left_s
        )


def test_what_gave_no_answer_is_named_by_what_was_behind_it(logged: Any) -> None:
    error = TemporarilyUnavailable()
    error.__cause__ = TimeoutError()
    Desk(ADDRESSES[0], error=error).make([LATE[0]])
    (line,) = lines_saying(logged(), "suppression_put_off")
    assert line["error"] == "TimeoutError"


def test_it_is_put_off_for_as_long_as_the_queue_waits_with_what_failed() -> None:
    queue = template()["Resources"]["FeedbackQueue"]["Properties"]
    assert queue["VisibilityTimeout"] == PUT_OFF_S == 200


@pytest.mark.parametrize("steps", STEPS)
def test_one_that_meets_a_passing_error_is_put_off_and_the_others_are_made(steps: list[Step], logged: Any) -> None:
    desk = Desk(ADDRESSES[1])
    assert desk.make(steps) == [steps[1].begun(NOW)]
    assert desk.made == [ADDRESSES[0], ADDRESSES[2]]
    assert desk.letters == []
    text = logged()
    (line,) = lines_saying(text, "suppression_put_off")
    assert (line["bank"], line["error"]) == ("eazycard", "TemporarilyUnavailable")
    assert counted(text, "SuppressionsPutOff") == 1


@pytest.mark.parametrize(("steps", "reason"), [(LATE, "not_suppressed"), (SWEEPS, "not_swept")])
def test_one_that_fails_for_good_is_a_letter_with_its_own_message(steps: list[Step], reason: str) -> None:
    desk = Desk(ADDRESSES[1], error=refusal("ValidationException"))
    assert desk.make(steps) == []
    assert desk.made == [ADDRESSES[0], ADDRESSES[2]]
    assert desk.letters == [Letter("body 1", f"{reason}: ClientError")]


@pytest.mark.parametrize(("steps", "reason"), [(LATE, "suppression_given_up"), (SWEEPS, "sweep_given_up")])
def test_one_that_was_tried_for_a_day_is_a_letter_which_can_be_tried_for_another(
    steps: list[Step], reason: str
) -> None:
    begun = [one.begun(NOW) for one in steps[:2]]
    desk = Desk(*ADDRESSES)
    assert desk.make([begun[0], steps[1]], NOW + TRIED_FOR + timedelta(seconds=1)) == [
        steps[1].begun(NOW + TRIED_FOR + timedelta(seconds=1))
    ]
    (letter,) = desk.letters
    assert letter == Letter(pack(steps[0]), reason)
    assert unpack(letter.payload) == steps[0]


@pytest.mark.parametrize("step", [LATE[0], SWEEPS[0].begun(NOW)])
def test_nothing_is_made_for_a_bank_that_has_left(step: Step, logged: Any) -> None:
    desk = Desk()
    del desk.banks["eazycard"]
    assert desk.make([step]) == desk.made == desk.letters == []
    (line,) = lines_saying(logged(), "step_of_no_bank")
    assert line["bank"] == "eazycard"


def test_a_disabled_bank_s_are_made() -> None:
    desk = Desk()
    desk.banks["eazycard"] = replace(desk.banks["eazycard"], disabled=True)
    assert desk.make([LATE[0]]) == []
    assert desk.made == ADDRESSES[:1]


def test_what_can_not_be_known_of_the_bank_puts_it_off() -> None:
    class Unknowing(Desk):
        def bank(self, bank_id: str) -> Bank | None:
            raise TemporarilyUnavailable

    assert Unknowing().make([LATE[0]]) == [LATE[0].begun(NOW)]


def test_nothing_is_begun_without_the_time_to_end_it() -> None:
    desk = Desk()
    desk.left_s, desk.look_s = 14.9, 0.1
    assert desk.make([LATE[0], SWEEPS[1]]) == [LATE[0].begun(NOW), SWEEPS[1].begun(NOW)]
    assert (desk.made, desk.left_s) == ([], 14.9)  # no bank was looked at
    desk.look_s = 0
    desk.left_s = 15
    assert desk.make([LATE[0], SWEEPS[1]]) == []


@pytest.mark.parametrize("step", [LATE[0], SWEEPS[0].begun(NOW)])
def test_a_step_whose_marks_are_throttled_is_stopped_while_there_is_time_to_put_it_off(step: Step, logged: Any) -> None:
    desk = Desk()
    desk.marks, desk.mark_s = 50, 1.5
    assert desk.make([step]) == [step.begun(NOW)]
    assert desk.made == []
    assert 12 < desk.left_s < 15  # the last mark was begun in time, and may have had no answer
    (line,) = lines_saying(logged(), "suppression_put_off")
    assert line["error"] == "no_time"


def test_a_step_whose_bank_is_read_slowly_is_not_begun_any_more() -> None:
    desk = Desk()
    desk.marks, desk.look_s = 0, 8.0
    assert desk.make([LATE[0], LATE[1]]) == [LATE[1].begun(NOW)]
    assert (desk.made, desk.left_s) == ([ADDRESSES[0]], 14.0)


def test_what_concerns_the_function_itself_is_raised() -> None:
    with pytest.raises(ClientError):
        Desk(ADDRESSES[0], error=refusal("AccessDeniedException")).make([LATE[0]])


def test_a_message_of_another_kind_is_no_step() -> None:
    assert unpack('{"eventType": "Bounce"}') is None
    with pytest.raises(KeyError):
        unpack('{"suppression": {}}')
