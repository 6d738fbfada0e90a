"""The desk: where staff works on cases. Of two who change a case at once, one has it, and the other is refused."""

from collections.abc import Callable
from datetime import datetime

from chalicelib.cases.case import Actor, Case, State
from chalicelib.cases.moves import claim
from chalicelib.cases.queue_repository import CaseQueue
from chalicelib.cases.refusals import CaseClaimed, CaseClosed, NoOpenCase
from chalicelib.cases.repository import CaseRepository
from chalicelib.errors import TemporarilyUnavailable

_TRIES = 6
# Colleagues take from the top of the queue too: each time, some of so many are gone.
_LOOKED_AT = 10
_LOOKS = 3

Move = Callable[[Case, datetime], Case]
Announce = Callable[[Case], None]


class CaseDesk:
    def __init__(self, cases: CaseRepository, queue: CaseQueue, clock: Callable[[], datetime]) -> None:
        self._cases = cases
        self._queue = queue
        self._clock = clock

    def change(self, bank: str, case_id: str, move: Move, check: Announce, announce: Announce) -> Case:
        """Make a move with the bank's case, and return it.

        `check` sees the case before, and may refuse. `announce` sees it when the move is possible, and before it is
        made; a move that changes nothing isn't announced. Both see it again when somebody else was faster.
        Raises what the move and they raise, CaseNotFound and TemporarilyUnavailable.
        """
        for _ in range(_TRIES):
            before = self._cases.get(bank, case_id)
            check(before)
            after = move(before, self._clock())
            if after == before:
                return before
            announce(before)
            if self._cases.replace(before, after):
                return after
        raise TemporarilyUnavailable

    def claim_next(self, bank: str, by: Actor, announce: Announce) -> Case:
        """Claim the bank's heaviest open case, of those the oldest. Raises NoOpenCase and TemporarilyUnavailable."""
        for _ in range(_LOOKS):
            found, _ = self._queue.page(bank, State.OPEN, _LOOKED_AT)
            if not found:
                raise NoOpenCase
            for one in found:
                claimed = self._claimed(one, by, announce)
                if claimed is not None:
                    return claimed
        raise TemporarilyUnavailable

    def _claimed(self, listed: Case, by: Actor, announce: Announce) -> Case | None:
        """Return the listed case, claimed; None if it isn't open any more: the index is a moment behind."""
        try:
            case = self._cases.get(listed.bank, listed.id)
            after = claim(case, by, self._clock())
        except (CaseClaimed, CaseClosed):
            return None
        if after == case:
            return None  # one's own
        announce(case)
        return after if self._cases.replace(case, after) else None
