"""What the steps of long work on an address have in common: since when a step is tried, and for how long."""

import dataclasses
from datetime import datetime, timedelta
from typing import Self

from chalicelib.holders.address import Address

# A table that throttles, or is down, is back within hours. A sweep of 20,000 holders has 400 steps, one after another,
# and takes some minutes.
TRIED_FOR = timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class LongStep:
    """A step of work on an address, and since when it, or the work that it continues, is tried.

    `began_at` is None for a step that was not tried yet, or was set aside: its time begins with the next try.
    """

    address: Address
    began_at: datetime | None = dataclasses.field(default=None, kw_only=True)

    def is_too_old(self, now: datetime) -> bool:
        return self.began_at is not None and now - self.began_at > TRIED_FOR

    def begun(self, now: datetime) -> Self:
        return self if self.began_at else dataclasses.replace(self, began_at=now)

    def set_aside(self) -> Self:
        return dataclasses.replace(self, began_at=None)
