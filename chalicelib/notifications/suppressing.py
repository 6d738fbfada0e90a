"""The long steps behind a batch of SES's feedback: suppressions of addresses, and steps of their sweeps.

They are made when what SES told is kept and in the feed. A step that a passing error stops is put off: it becomes a
message of its own, which has nothing that is kept already, so that nothing is written into the feed again for it.
Meanwhile its bank may have left: then nothing is made.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from chalicelib.aws.calls import code_behind
from chalicelib.aws.dead_letters import Letter, SetAside
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.bank import BankStore
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.holders import late_suppression as late_suppressions
from chalicelib.holders import sweep as sweeps
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.late_suppression import LateSuppression
from chalicelib.holders.sweep import Sweep

# As long as SQS waits with a batch that failed.
PUT_OFF_S = 200
# A call that gets no answer takes twelve seconds. The rest is for dead letters and what goes back to the queue. A step
# takes a second, but each of its marks may be throttled and tried again: so none is begun with less than that.
_LAST_CALL_S = 15

Step = LateSuppression | Sweep


def pack(step: Step) -> str:
    """Return the step as the body of a message of the feedback queue."""
    return sweeps.pack(step) if isinstance(step, Sweep) else late_suppressions.pack(step)


def unpack(body: str) -> Step | None:
    """Return the step in a message, None for another message; any exception for one that can't be read."""
    return sweeps.unpack(body) or late_suppressions.unpack(body)


class _NoTime(Exception):
    """The function has too little time left to begin a step, or to go on with one."""


class Suppressor:
    def __init__(self, enrolment: Enrolment, banks: BankStore, clock: Callable[[], datetime]) -> None:
        self._enrolment = enrolment
        self._banks = banks
        self._clock = clock

    def make(
        self, steps: Iterable[tuple[str, Step]], letters: list[Letter], seconds_left: Callable[[], float]
    ) -> list[Step]:
        """Make the steps, each with the message that it comes from; return those that are to be tried again later.

        These are steps that met a passing error, or for which `seconds_left` was too little: a step that was begun is
        stopped between two holders, and goes on there when it is made again. A step that fails for good, or has been
        tried for too long, becomes a letter. A step whose bank is gone is dropped.
        """

        def check_time() -> None:
            if seconds_left() < _LAST_CALL_S:
                raise _NoTime

        put_off: list[Step] = []
        for body, step in steps:
            is_sweep = isinstance(step, Sweep)
            now = self._clock()
            if step.is_too_old(now):
                reason = "sweep_given_up" if is_sweep else "suppression_given_up"
                letters.append(Letter(pack(step.set_aside()), reason))
            else:
                with SetAside(letters, body, "not_swept" if is_sweep else "not_suppressed"):
                    try:
                        check_time()
                        self._make(step.begun(now), now, check_time)
                    except (TemporarilyUnavailable, _NoTime) as error:
                        _log(step, error)
                        put_off.append(step.begun(now))
        count("SuppressionsPutOff", len(put_off))  # Lambda counts no error of them
        return put_off

    def _make(self, step: Step, now: datetime, check_time: Callable[[], None]) -> None:
        # Not by the directory, which knows a bank for another minute: its deletion has looked for rows by then.
        if self._banks.bank(step.address.bank) is None:
            logger.info("step_of_no_bank", extra={"bank": step.address.bank})
            return
        check_time()
        if isinstance(step, Sweep):
            self._enrolment.sweep(step, check_time)
        else:
            self._enrolment.suppress(step.address, step.suppressed, now, check_time)


def _log(step: Step, error: TemporarilyUnavailable | _NoTime) -> None:
    why = "no_time" if isinstance(error, _NoTime) else code_behind(error) or type(error.__cause__ or error).__name__
    logger.error("suppression_put_off", extra={"bank": step.address.bank, "error": why})
