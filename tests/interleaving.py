"""Several pieces of work on one client, each of whose calls waits for its turn: every interleaving can be played."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

_PATIENCE_S = 30


class _Worker:
    """A piece of work in a thread of its own, which stops before each call of its client."""

    def __init__(self, work: Callable[[Any], object], client: Any) -> None:
        self._client = client
        self._may_go = threading.Semaphore(0)
        self._has_stopped = threading.Semaphore(0)
        self.is_done = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        self._wait(self._has_stopped)

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def in_turn(**arguments: Any) -> Any:
            self._has_stopped.release()
            self._wait(self._may_go)
            return operation(**arguments)

        return in_turn

    def go_on(self) -> None:
        """Make the next call, and all that follows it, up to the call after it or to the end."""
        self._may_go.release()
        self._wait(self._has_stopped)

    def _run(self, work: Callable[[Any], object]) -> None:
        try:
            work(self)
        except BaseException as error:
            self.error = error
        self.is_done = True
        self._has_stopped.release()

    @staticmethod
    def _wait(semaphore: threading.Semaphore) -> None:
        assert semaphore.acquire(timeout=_PATIENCE_S), "a call never came to its end"


def interleaved(works: Sequence[Callable[[Any], object]], client: Any, choose: Callable[[int], int]) -> None:
    """Do the works, one call of the client at a time; `choose(n)` says which of n unfinished works goes on.

    Raises the error of the first work that failed.
    """
    workers = [_Worker(work, client) for work in works]
    while waiting := [worker for worker in workers if not worker.is_done]:
        waiting[choose(len(waiting))].go_on()
    for worker in workers:
        if worker.error is not None:
            raise worker.error
