"""Work that several threads do at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WRITERS = 8


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Run the work in several threads at the same time; return what each call returned or raised."""

    def outcome(number: int) -> Any:
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(outcome, range(WRITERS)))
