"""Sending postings, one by one or in batches, at a steady rate, so that each is recorded exactly once."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bank_simulator import batch
from bank_simulator.bank_api import MAX_THROTTLED_TRIES, BankApi, Reply, Target, pause_s
from bank_simulator.postings import COUNTS_DIFFER, CREATED, QUEUED, REPLAYED, RETRY, UNMARKED, Answer, Posting
from bank_simulator.progress import Progress
from bank_simulator.report import Outcome, Report

MAX_CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Mode:
    """How postings are sent.

    A request has `batch_size` postings (0: each posting is sent alone). With `respond_async`, the answer may come
    before they are recorded. After `fruitless_rounds` in a row that recorded nothing, the rest of a batch has failed.
    """

    batch_size: int = 0
    respond_async: bool = False
    fruitless_rounds: int = MAX_THROTTLED_TRIES

    def expected(self, posting: Posting) -> frozenset[Answer]:
        """Return the right answers to the posting when it is sent this way."""
        if not posting.is_valid:
            return posting.expected
        if self.respond_async:
            return frozenset({QUEUED})
        # When the table throttles, the API queues a single POST before it knows whether it is a replay or a conflict.
        return posting.expected if self.batch_size else posting.expected | {QUEUED}

    @property
    def may_be_repeated(self) -> frozenset[Answer]:
        """The answers to a first posting after which its repeats can be sent.

        While the first one waits in a queue, the right answer to a repeat is not known, unless all are queued.
        """
        return frozenset({QUEUED}) if self.respond_async else frozenset({CREATED, REPLAYED})


ONE_BY_ONE = Mode()


def send(
    bodies: Iterable[Posting],
    target: Target,
    *,
    mode: Mode = ONE_BY_ONE,
    clients: int = 4,
    rate: float = 0,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    keep_created: bool = True,
) -> Report:
    """Post the bodies over `clients` connections, at most `rate` a second (0: as fast as they go), and report.

    Setting `stop` ends it early, after the answers to the requests that are under way. `keep_created=False` is for
    endless runs, whose list of created transactions would grow without end. An error that `bodies` raises ends the run
    and is raised.
    """
    began = time.monotonic()
    stop = stop or threading.Event()
    with BankApi(target, clients) as api, ThreadPoolExecutor(clients) as executor:
        run = _Run(bodies, api, mode, rate, progress, stop, keep_created)
        workers = [executor.submit(run.work) for _ in range(clients)]
        try:
            for worker in workers:
                worker.result()
        except BaseException:
            # For example a KeyboardInterrupt: don't send the rest first.
            stop.set()
            raise
    run.report.seconds = time.monotonic() - began
    return run.report


class _Run:
    """The state that the workers of one `send` share. The lock of `_settled` guards all that changes."""

    def __init__(
        self,
        bodies: Iterable[Posting],
        api: BankApi,
        mode: Mode,
        rate: float,
        progress: Progress | None,
        stop: threading.Event,
        keep_created: bool,
    ) -> None:
        self.report = Report()
        self._postings = (replace(posting, expected=mode.expected(posting)) for posting in bodies)
        self._api = api
        self._mode = mode
        self._interval_s = 1 / rate if rate > 0 else 0.0
        self._next_slot = time.monotonic()
        self._progress = progress
        self._stop = stop
        self._keep_created = keep_created
        self._settled = threading.Condition()
        self._held: deque[Posting] = deque()
        self._under_way: set[str] = set()
        self._unrecorded: set[str] = set()

    def work(self) -> None:
        """Send one request after another until nothing is left or the run is stopped."""
        try:
            while (taken := self._take()) is not None:
                postings, slot = taken
                if self._stop.wait(max(0.0, slot - time.monotonic())):
                    return
                self._deliver(postings)
        except BaseException:
            self._stop.set()
            raise
        finally:
            # The other workers must not wait for postings that this one took and does not send.
            with self._settled:
                self._settled.notify_all()

    def _take(self) -> tuple[list[Posting], float] | None:
        with self._settled:
            while not self._stop.is_set():
                gathered = self._gathered()
                if gathered:
                    slot = max(self._next_slot, time.monotonic())
                    self._next_slot = slot + self._interval_s * len(gathered)
                    return gathered, slot
                if not self._held:
                    return None
                self._settled.wait()
            return None

    def _gathered(self) -> list[Posting]:
        """The postings of the next request. A repeat comes after its first posting, or after the answer to that."""
        gathered: list[Posting] = []
        originals: set[str] = set()
        held, self._held = self._held, deque()
        for posting in itertools.chain(_drained(held), self._postings):
            if posting.repeats and posting.id in self._unrecorded:
                self.report.skipped += 1
                self._advance(1)
                continue
            is_early = posting.repeats and posting.id in self._under_way and posting.id not in originals
            goes_alone = self._mode.batch_size > 0 and batch.breaks(posting)
            if is_early or (goes_alone and gathered):
                self._held.append(posting)
                continue
            gathered.append(posting)
            if not posting.repeats:
                originals.add(posting.id)
                self._under_way.add(posting.id)
            if goes_alone or len(gathered) >= self._mode.batch_size:
                break
        self._held.extend(held)
        return gathered

    def _deliver(self, postings: Sequence[Posting]) -> None:
        """Send the postings until each has its final answer. Only those to be sent again are sent again."""
        posted_at = datetime.now(UTC)
        with self._settled:
            self.report.sent += len(postings)
        rounds = fruitless = 0
        while postings:
            reply, answers = self._ask(postings)
            left: list[Posting] = []
            with self._settled:
                self.report.add_request(reply.latency_s)
                for posting, answer in zip(postings, answers.of_postings, strict=True):
                    if answer == RETRY and fruitless < self._mode.fruitless_rounds:
                        left.append(posting)
                    else:
                        was_retried = rounds > 0 or reply.tries > 1
                        self._settle(posting, Outcome(answer, was_retried, rounds > 0 or reply.unsure), posted_at)
                if not answers.counts_agree:
                    self.report.unexpected[COUNTS_DIFFER] += 1
                self._settled.notify_all()
            rounds += 1
            fruitless = fruitless + 1 if len(left) == len(postings) else 0
            if left:
                time.sleep(pause_s(fruitless + 1, reply.headers.get("retry-after")))
            postings = left

    def _ask(self, postings: Sequence[Posting]) -> tuple[Reply, batch.Answers]:
        if self._mode.batch_size:
            preference = batch.PREFER_ASYNC if self._mode.respond_async else None
            reply = self._api.request("POST", batch.PATH, batch.to_body(postings), preference)
            return reply, batch.answers(postings, reply, self._mode.respond_async)
        reply = self._api.request("POST", "/transactions", postings[0].body)
        is_unmarked = reply.answer == REPLAYED and reply.headers.get("idempotency-replayed") != "true"
        return reply, batch.Answers([UNMARKED if is_unmarked else reply.answer])

    def _settle(self, posting: Posting, outcome: Outcome, posted_at: datetime) -> None:
        self.report.add(posting, outcome, posted_at, self._keep_created)
        if not posting.repeats:
            self._under_way.discard(posting.id)
            if posting.is_valid and outcome.answer not in self._mode.may_be_repeated:
                self._unrecorded.add(posting.id)
        self._advance(1)

    def _advance(self, count: int) -> None:
        if self._progress is not None:
            self._progress.update(count)


def _drained(held: deque[Posting]) -> Iterator[Posting]:
    while held:
        yield held.popleft()
