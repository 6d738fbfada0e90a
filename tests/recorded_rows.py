"""The index by_recorded in memory."""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from typing import Any

from chalicelib.analytics.turns import PAGE
from chalicelib.ledger.stored_form import SHARDS, shards_of


class RecordedRows:
    """Rows by shard, in order. A page has `page` of them at most."""

    def __init__(self, rows: Iterable[dict[str, Any]] = (), page: int = PAGE) -> None:
        self.shards: dict[str, list[dict[str, Any]]] = {shard: [] for shard in shards_of(SHARDS)}
        self._page = page
        for one in sorted(rows, key=lambda row: str(row["recorded_key"])):
            self.shards[one["recorded_shard"]].append(one)

    def recorded(
        self,
        shard: str,
        after: str | None,
        until: str,
        limit: int | None = None,
        bank: str | None = None,
        without: Collection[str] = (),
    ) -> tuple[list[dict[str, Any]], str | None]:
        rows = self.shards[shard]
        first, end = (
            bisect_right(rows, place, key=lambda each: each["recorded_key"]) for place in (after or "", until)
        )
        found = rows[first:end]
        page = found[: min(limit or self._page, self._page)]
        rows = [each for each in page if bank in (None, each["bank"]) and each["bank"] not in without]
        return rows, page[-1]["recorded_key"] if len(page) < len(found) else None
