"""Holders' answers to security alerts: was it you? Pure; the repository of flags keeps an answer beside the flags."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.ledger.times import format_time

# An answer given by mistake can be corrected for so long. Afterwards the bank has acted on it.
CORRECTABLE_FOR = timedelta(hours=1)
_SOONEST = timedelta(microseconds=1)  # that a correction is dated after what it corrects
# So many are shown of a transaction: an account has 20 holders at a time.
MAX_ANSWERS = 100
# The attribute of a holder's answer in the row of flags: each holder of the account answers alone.
_ATTRIBUTE = "answer#"
# The attribute that names the holder who answered last. An image in the table's stream has it if an answer is what is
# new in it: any other change of the row removes it.
LAST_ANSWER = "last_answer"


class Answer(StrEnum):
    """What a holder says of a flagged transaction."""

    RECOGNIZED = "recognized"
    NOT_RECOGNIZED = "not_recognized"


class AnswerIsFinal(Exception):
    """The holder gave another answer more than an hour ago: `given` is that answer."""

    def __init__(self, given: "HolderAnswer") -> None:
        super().__init__(given.answer)
        self.given = given


@dataclass(frozen=True, slots=True)
class HolderAnswer:
    """A holder's answer, given `at`; the first one was given `first_at`."""

    holder: str
    answer: Answer
    at: datetime
    first_at: datetime

    @property
    def final_at(self) -> datetime:
        """When the answer can't be corrected any more."""
        return self.first_at + CORRECTABLE_FOR

    def to_json(self) -> dict[str, str]:
        """Return the answer as the API answers it."""
        return {"holder": self.holder, "answer": str(self.answer), "answered_at": format_time(self.at)}


def answered(before: HolderAnswer | None, holder: str, answer: Answer, now: datetime) -> HolderAnswer:
    """Return the holder's answer after this one; the same again changes nothing. Raises AnswerIsFinal.

    A correction is later than what it corrects, also if this function's clock is behind: whoever reads answers in any
    order takes the latest.
    """
    if before is None:
        return HolderAnswer(holder, answer, now, now)
    if before.answer == answer:
        return before
    if now > before.final_at:
        raise AnswerIsFinal(before)
    return HolderAnswer(holder, answer, max(now, before.at + _SOONEST), before.first_at)


def attribute_of(holder: str) -> str:
    """Return the name of the attribute that holds this holder's answer."""
    return f"{_ATTRIBUTE}{holder}"


def to_value(answer: HolderAnswer) -> dict[str, str]:
    """Return the answer in its stored form."""
    return {"answer": str(answer.answer), "at": format_time(answer.at), "first_at": format_time(answer.first_at)}


def answers_in(row: Mapping[str, Any]) -> Iterator[HolderAnswer]:
    """Yield the answers in a row of flags, by holder; raises KeyError, TypeError or ValueError if one is malformed."""
    for name in sorted(row):
        if name.startswith(_ATTRIBUTE):
            value = row[name]
            at, first_at = (datetime.fromisoformat(value[key]) for key in ("at", "first_at"))
            yield HolderAnswer(name.removeprefix(_ATTRIBUTE), Answer(value["answer"]), at, first_at)


def last_answer_in(row: Mapping[str, Any]) -> HolderAnswer:
    """Return the answer that was given last; raises KeyError, TypeError, ValueError or StopIteration if malformed."""
    return next(given for given in answers_in(row) if given.holder == row[LAST_ANSWER])
