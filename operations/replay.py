"""A replay of the archive: archived transactions go through the intake again, which records those that are missing."""

import contextlib
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from botocore.config import Config

from chalicelib.aws.batching import batches
from chalicelib.aws.clients import WRITERS
from chalicelib.errors import TemporarilyUnavailable, TransactionConflict
from chalicelib.intake_stores import utc_now
from chalicelib.ledger.archive import from_line
from chalicelib.ledger.intake import Intake, RecordResult
from chalicelib.ledger.transaction import Transaction
from operations.archive_reader import Archive, ArchiveObject, UnreadableObject

PART = 200  # transactions
# The analytics job assumes that a row is stored within a minute of its `recorded_at`. So a try is short, a part of an
# object takes at most this time, and the transactions that are left get a later `recorded_at` with the next try.
PART_TAKES_AT_MOST_S = 30
CLIENT = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=WRITERS,
)
# Not at random, as `retries.back_off` would be: there is only one replay, and it gives up after two minutes.
_WAITS_S = (1, 2, 4, 8, 15, 30, 30, 30)


class Replay:
    """Records archived transactions that the table lacks; with `is_dry_run` it only asks the intake what it would do.

    `counts` has the number of transactions by result (created, replayed, conflict), and of unreadable lines and
    unreadable objects. `report` gets a line for each conflict and for everything that can't be read.
    """

    def __init__(
        self,
        archive: Archive,
        intake: Intake,
        is_dry_run: bool = False,
        report: Callable[[str], None] = print,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._archive = archive
        self._intake = intake
        self._is_dry_run = is_dry_run
        self._report = report
        self._clock = clock
        self._sleep = sleep
        self._readers = ThreadPoolExecutor(WRITERS)
        self.counts = Counter[str]()

    def take(self, found: ArchiveObject) -> None:
        """Replay one object; raises TemporarilyUnavailable when the table takes nothing for minutes."""
        try:
            lines = self._archive.lines(found.key)
        except UnreadableObject as error:
            self._unreadable("object", str(error))
            return
        for part in batches(self._transactions(found, lines), PART):
            self._take_part(part)

    def _take_part(self, part: Sequence[Transaction]) -> None:
        for wait_s in _WAITS_S:
            part = self._attempt(part)
            if not part:
                return
            self._sleep(wait_s)
        raise TemporarilyUnavailable

    def _attempt(self, part: Sequence[Transaction]) -> list[Transaction]:
        """Try each transaction once, count the results, and return those that the table did not take for now."""
        results = list(self._readers.map(self._foreseen, part)) if self._is_dry_run else self._recorded(part)
        left = []
        for transaction, result in zip(part, results, strict=True):
            match result:
                case TemporarilyUnavailable():
                    left.append(transaction)
                case TransactionConflict():
                    self.counts["conflict"] += 1
                    self._report(f"conflict\t{transaction.bank}\t{transaction.id}\t{', '.join(result.differing)}")
                case _:
                    self.counts[result.status] += 1
        return left

    def _foreseen(self, transaction: Transaction) -> RecordResult:
        try:
            return self._intake.foresee(transaction)
        except (TransactionConflict, TemporarilyUnavailable) as error:
            return error

    def _recorded(self, part: Sequence[Transaction]) -> list[RecordResult]:
        now = self._clock()
        end = time.monotonic() + PART_TAKES_AT_MOST_S
        # The intake prints metrics to standard output, where only Lambda reads them.
        with contextlib.redirect_stdout(io.StringIO()):
            return self._intake.record_all(
                [replace(transaction, recorded_at=now) for transaction in part], lambda: end - time.monotonic()
            )

    def _transactions(self, found: ArchiveObject, lines: Sequence[str]) -> Iterator[Transaction]:
        for number, line in enumerate(lines, 1):
            try:
                yield from_line(line, found.bank)
            except ValueError as error:
                self._unreadable("line", f"{found.key}: line {number}: {error}")

    def _unreadable(self, what: str, where: str) -> None:
        self.counts[f"unreadable {what}"] += 1
        self._report(f"unreadable\t{where}")
