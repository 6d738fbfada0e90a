"""The opener: opens a case for each flagged transaction, and adds the holders' answers to it.

It reads the stream of the transactions table, where flags lie in rows of their own. Each image of such a row has all
flags and all answers, so a record that comes again, or late, changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.aws.dead_letters import DeadLetters, Letter, SetAside
from chalicelib.aws.dynamo import Item, from_item
from chalicelib.aws.telemetry import count, logger
from chalicelib.cases.case import Case, opened
from chalicelib.cases.moves import answered
from chalicelib.cases.repository import CaseRepository, NotTaken
from chalicelib.cases.stored_form import case_item, sighting_item
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.answers import HolderAnswer, answers_in
from chalicelib.flags.repository import flagging_of_row
from chalicelib.ledger.keys import TransactionKey
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import is_flag_row

_TRIES = 8  # of a case that staff changes at the same time


@dataclass(frozen=True, slots=True)
class _Flagged:
    """A row of flags: the stream's record of it, its plain values, and the answers in it."""

    record: Mapping[str, Any]
    row: Mapping[str, Any]
    answers: tuple[HolderAnswer, ...]


class CaseOpener:
    def __init__(
        self,
        cases: CaseRepository,
        transactions: TransactionRepository,
        dead_letters: DeadLetters,
        clock: Callable[[], datetime],
    ) -> None:
        self._cases = cases
        self._transactions = transactions
        self._dead_letters = dead_letters
        self._clock = clock

    def handle(self, stream_records: Sequence[Mapping[str, Any]]) -> None:
        """Open the cases of the flags in the records, and add the answers in them. Without flags it makes no call.

        A record that can't be processed becomes a dead letter. Raises only when a table or queue can't be reached: the
        stream then brings the batch again, and each case is opened, and each answer added, once all the same.
        """
        letters: list[Letter] = []
        flagged = _read(stream_records, letters)
        if flagged:
            answers = {key: one for key, one in flagged.items() if one.answers}
            there = self._cases.of_keys(answers) if answers else {}
            self._open({key: one for key, one in flagged.items() if key not in there}, letters)
            for key, case in there.items():
                with SetAside(letters, answers[key].record, "answer_not_added"):
                    self._add(case, answers[key].answers)
        self._dead_letters.put(letters)

    def _open(self, flagged: Mapping[TransactionKey, _Flagged], letters: list[Letter]) -> None:
        """Open a case for each, with its answers, unless it is there: without answers, that isn't looked up first."""
        if not flagged:
            return
        transactions = self._transactions.stored(flagged)
        items: dict[TransactionKey, Item] = {}
        for key, one in flagged.items():
            with SetAside(letters, one.record, "case_not_opened"):
                flagging = flagging_of_row(transactions[key], one.row)
                items[key] = (
                    case_item(answered(opened(flagging), one.answers, self._clock()))
                    if flagging.told
                    else sighting_item(flagging)
                )
        are_new = self._put(flagged, items, letters)
        for key in [key for key, is_new in are_new.items() if not is_new and flagged[key].answers]:
            with SetAside(letters, flagged[key].record, "answer_not_added"):
                self._add(self._cases.get(*key), flagged[key].answers)
        logger.info("cases_opened", extra={"cases": sum(are_new.values())})
        count("CasesOpened", sum(are_new.values()))

    def _put(
        self, flagged: Mapping[TransactionKey, _Flagged], items: Mapping[TransactionKey, Item], letters: list[Letter]
    ) -> dict[TransactionKey, bool]:
        """Return for each item that is stored now whether it is new."""
        try:
            return dict(zip(items, self._cases.put_new(list(items.values())), strict=True))
        except NotTaken:
            # One that DynamoDB refuses keeps the others of its call from being put.
            found = {}
            for key, item in items.items():
                with SetAside(letters, flagged[key].record, "case_not_opened"):
                    found[key] = self._cases.put_one_new(item)
            return found

    def _add(self, case: Case, answers: Iterable[HolderAnswer]) -> None:
        for _ in range(_TRIES):
            after = answered(case, answers, self._clock())
            if after == case or self._cases.replace(case, after):
                return
            case = self._cases.get(case.bank, case.id)
        raise TemporarilyUnavailable


def _read(records: Sequence[Mapping[str, Any]], letters: list[Letter]) -> dict[TransactionKey, _Flagged]:
    """Return the flagged transactions by key, each as its last record has it; others are left out."""
    found: dict[TransactionKey, _Flagged] = {}
    for record in records:
        if record.get("eventName") not in ("INSERT", "MODIFY"):
            continue
        with SetAside(letters, record, "malformed_record"):
            image = record["dynamodb"]["NewImage"]
            if not is_flag_row(image):
                continue
            # A redrive opens the case of a letter with this reason.
            with SetAside(letters, record, "case_not_opened"):
                row = from_item(image)
                one = _Flagged(record, row, tuple(answers_in(row)))
                # Without an answer, what has changed is the outcome, which came from the case.
                if one.answers or record["eventName"] == "INSERT":
                    found[TransactionKey(row["bank"], row["id"])] = one
    return found
