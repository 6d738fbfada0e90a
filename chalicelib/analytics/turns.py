"""The turns of banks: what one step of the analytics job takes of which bank.

Every other step is everybody's: it reads a page of each shard, in the order of recording, and gives each bank that is
in it a share. A bank with more than its share is left behind: it keeps its own positions, all other banks' go on, and
its transactions are read apart from then on. The banks that are behind have the steps in between, in turns, until
they have come as far as the others. So a bank's flood makes the bank itself wait, and no other one.
"""

import dataclasses
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.analytics.checkpoint import Behind, Checkpoint, Positions
from chalicelib.analytics.rollups import Day, Sums, day_of, is_countable
from chalicelib.analytics.shares import Shares
from chalicelib.aws.telemetry import skipped
from chalicelib.ledger.keys import account_key
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import is_flag_row, shards_of

PAGE = 2_500
# The checkpoint has the positions of each bank that is behind, some 500 bytes with four shards. When more banks than
# this have more than their share, the others wait for them, as long as it takes.
MAX_BEHIND = 50
# So many are read on at once past the rows of banks that are behind: 1 MB each, of which DynamoDB drops those.
PAGES_AT_ONCE = 10
_Row = Mapping[str, Any]


class Step:
    """What one commit adds: to roll-ups `days`, by day; to baselines `rows`, by account; of both so many at most."""

    def __init__(self, max_days: int, max_accounts: int) -> None:
        self.days: dict[Day, Sums] = {}
        self.rows: dict[str, list[_Row]] = {}
        self._max_days = max_days
        self._max_accounts = max_accounts

    def fold(self, rows: Iterable[_Row]) -> str | None:
        """Take a shard's rows in; return the place of the last one that went in (None for none).

        Stops before the row that would need one day or one account too many. A malformed row, which the stream handler
        has dead-lettered, is passed over: it must not hold up the others for ever.
        """
        position = None
        for row in rows:
            if _is_counted(row) and not self.takes(row):
                break
            position = row["recorded_key"]
        return position

    def takes(self, row: _Row) -> bool:
        """Take a countable row in, if there is room for it; return whether there was."""
        day = day_of(row)
        if day not in self.days and len(self.days) == self._max_days:
            return False
        if not is_flag_row(row) and row["status"] != "reversed":  # of a reversal no baseline remembers anything
            account = account_key(row["bank"], row["account"])
            if account not in self.rows and len(self.rows) == self._max_accounts:
                return False
            self.rows.setdefault(account, []).append(row)
        self.days.setdefault(day, Sums()).add(row)
        return True


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """A step and the checkpoint's positions behind it. `has_more`: whether there is more to do than that."""

    step: Step
    positions: Positions
    behind: tuple[Behind, ...]
    has_more: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Page:
    """Rows of a shard that are not folded yet, the place behind which more follow, if any, and where those end."""

    rows: list[dict[str, Any]]
    more: str | None
    until: str

    def behind(self, position: str | None) -> "_Page":
        """Return the page without the rows up to a position."""
        if position is None:
            return self
        left = bisect_right(self.rows, position, key=lambda row: row["recorded_key"])
        return dataclasses.replace(self, rows=self.rows[left:])


class Turns:
    """One run's turns, up to the watermark. Keeps what it has read of the index and what didn't fit into a step."""

    def __init__(
        self,
        transactions: TransactionRepository,
        watermark: str,
        max_days: int,
        max_accounts: int,
        page: int = PAGE,
        max_behind: int = MAX_BEHIND,
    ) -> None:
        self._transactions = transactions
        self._watermark = watermark
        self._bounds = max_days, max_accounts
        self._page = page
        self._max_behind = max_behind
        self._is_all_read = False  # but of the banks that are behind
        self._held: dict[tuple[str | None, str], _Page] = {}  # by bank (None: everybody) and shard

    def next(self, at: Checkpoint) -> Turn | None:
        """Return the next step from a checkpoint, None when all up to the watermark is folded."""
        # By the version, so that the next run goes on with who comes to turn now.
        turn = self._of_one_behind(at) if at.version % 2 else None
        return turn or self._of_everybody(at) or self._of_one_behind(at)

    def _of_everybody(self, at: Checkpoint) -> Turn | None:
        late = {one.bank for one in at.behind}
        pages = {shard: self._page_of_everybody(at, shard, late) for shard in _rotated(at)}
        counted = [row for page in pages.values() for row in page.rows if is_countable(row)]
        is_more_than_read = any(page.more is not None for page in pages.values())
        shares = Shares(counted, *self._bounds, self._page // 2 if is_more_than_read else None)
        step = Step(*self._bounds)
        positions = dict(at.positions)
        behind = list(at.behind)
        for shard, page in pages.items():
            for row in page.rows:
                if _is_counted(row) and row["bank"] not in late:
                    if not shares.allow(row):
                        if len(behind) >= self._max_behind:
                            break
                        late.add(row["bank"])
                        behind.append(Behind(row["bank"], dict(positions)))
                    elif not step.takes(row):
                        break  # more banks than a step has room for, each within its share
                positions[shard] = row["recorded_key"]
        has_more = self._move_on(pages, positions, is_apart=bool(behind))
        self._is_all_read = not has_more
        for one in behind[len(at.behind) :]:
            self._hold(one, pages, positions)
        if positions == at.positions:
            return None
        return Turn(step, positions, tuple(behind), has_more or bool(behind))

    def _page_of_everybody(self, at: Checkpoint, shard: str, late: set[str]) -> _Page:
        if (page := self._held.pop((None, shard), None)) is not None:
            return dataclasses.replace(page, rows=[row for row in page.rows if _bank_of(row) not in late])
        rows: list[dict[str, Any]] = []
        more = at.positions.get(shard)
        limit = None if late else self._page
        for _ in range(PAGES_AT_ONCE):
            found, more = self._transactions.recorded(shard, more, self._watermark, limit, without=sorted(late))
            rows += found
            if more is None or len(rows) >= self._page:
                break
        return _Page(rows, more, self._watermark)

    def _move_on(self, pages: Mapping[str, _Page], positions: dict[str, str], *, is_apart: bool) -> bool:
        """Move positions behind what was read and has nothing for everybody, and hold what is left; return whether
        there is more."""
        has_more = False
        for shard, page in pages.items():
            left = page.behind(positions.get(shard))
            if left.rows:
                self._held[None, shard] = left
            elif left.more is not None:
                positions[shard] = left.more
            elif is_apart:  # the banks that are behind read up to here
                positions[shard] = max(positions.get(shard, ""), left.until)
            has_more = has_more or bool(left.rows) or left.more is not None
        return has_more

    def _hold(self, one: Behind, pages: Mapping[str, _Page], positions: Positions) -> None:
        """Hold what was read and not folded of a bank that is left behind: it has the next step of its own."""
        for shard, page in pages.items():
            after, until = one.positions.get(shard, ""), positions.get(shard, "")
            if after < until:
                own = [row for row in page.rows if _bank_of(row) == one.bank and after < row["recorded_key"] <= until]
                self._held[one.bank, shard] = _Page(own, None, until)

    def _of_one_behind(self, at: Checkpoint) -> Turn | None:
        # Who is as far as the others stays apart until all is read: the rest of its flood may be before the others'.
        one = next((one for one in at.behind if self._is_all_read or one.positions != at.positions), None)
        if one is None:
            return None
        others = [other for other in at.behind if other is not one]
        step = Step(*self._bounds)
        positions = dict(one.positions)
        read = 0
        for shard in _rotated(at):
            until = at.positions.get(shard)
            if until is None or positions.get(shard) == until:
                continue
            page = self._held.pop((one.bank, shard), None)
            if page is None:
                page = _Page(*self._transactions.recorded(shard, positions.get(shard), until, bank=one.bank), until)
            position = step.fold(page.rows)
            left = page.behind(position)
            if left.rows:
                self._held[one.bank, shard] = left
                positions |= {shard: position} if position is not None else {}
            else:
                positions[shard] = left.more or left.until
            read += len(page.rows)
            if left.rows or read >= self._page:
                break
        if positions != at.positions or not self._is_all_read:
            return Turn(step, at.positions, (*others, Behind(one.bank, positions)), has_more=True)
        # What is held for everybody was read without this bank.
        self._held = {key: page for key, page in self._held.items() if key[0] is not None}
        return Turn(step, at.positions, tuple(others), has_more=bool(others))


def _rotated(at: Checkpoint) -> tuple[str, ...]:
    """Return the shards, another one first each step: one whose rows fill the step leaves no other waiting."""
    shards = shards_of(at.shards)
    turn = at.version % len(shards)
    return shards[turn:] + shards[:turn]


def _bank_of(row: _Row) -> str | None:
    bank = row.get("bank")
    return bank if isinstance(bank, str) else None


def _is_counted(row: _Row) -> bool:
    if is_countable(row):
        return True
    skipped("malformed_row", "MalformedRows", key=row["recorded_key"])
    return False
