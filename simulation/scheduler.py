"""A virtual clock, and functions that take turns on it: one at a time, in an order that the seed decides.

A function runs in a greenlet of its own. It stops where it calls AWS or sleeps, and goes on when its time has come;
meanwhile others run. So two functions meet between any two calls, as on AWS.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The function's process is killed: no handler of exceptions sees it."""


class Process:
    """A function that runs on the scheduler's clock. `ended` is called with its result and the error that ended it."""

    def __init__(
        self, scheduler: "Scheduler", name: str, run: Callable[[], Any], ended: Callable[[Any, Any], None]
    ) -> None:
        self.name = name
        self._scheduler = scheduler
        self._run = run
        self._ended = ended
        self._result: Any = None
        self._error: BaseException | None = None
        self._greenlet = greenlet(self._main)

    def _main(self) -> None:
        try:
            self._result = self._run()
        except BaseException as error:
            self._error = error

    def go_on(self) -> None:
        """Let the function run to its next stop. Called by the scheduler only."""
        self._greenlet.parent = getcurrent()
        self._scheduler.running = self
        self._greenlet.switch()
        self._scheduler.running = None
        if self._greenlet.dead:
            self._ended(self._result, self._error)

    def stop_for(self, seconds: float) -> None:
        """Stop here, and go on after so many seconds. Called in the function itself only."""
        self._scheduler.after(seconds, self.go_on)
        self._greenlet.parent.switch()


class Scheduler:
    """Does what is due, in the order of time. The seed decides the order of what is due at the same time."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.random = random.Random(seed)
        self.now = start
        self.running: Process | None = None
        self.steps = 0
        self._due: list[tuple[datetime, float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        due = self.now + timedelta(seconds=max(0.0, seconds))
        heapq.heappush(self._due, (due, self.random.random(), next(self._number), do))

    def start(self, name: str, run: Callable[[], Any], ended: Callable[[Any, Any], None]) -> None:
        """Start a function now."""
        self.after(0, Process(self, name, run, ended).go_on)

    def sleep(self, seconds: float) -> None:
        """Let the running function sleep. Outside of functions nothing sleeps."""
        if self.running is not None:
            self.running.stop_for(seconds)

    def run_until(self, end: datetime, after_step: Callable[[], None]) -> None:
        """Do what is due until then, and call `after_step` after each."""
        while self._due and self._due[0][0] <= end:
            due, _, _, do = heapq.heappop(self._due)
            self.now = max(self.now, due)
            self.steps += 1
            do()
            after_step()
        self.now = max(self.now, end)
