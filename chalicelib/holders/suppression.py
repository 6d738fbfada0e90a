"""The rules of an address's suppression: what begins it, what outweighs what, when it lapses, when it can be lifted.

Whether an address is confirmed (`confirmation`) stands beside it, and neither changes the other.

Pure: the same events give the same standing, in whatever order and however often they come.
"""

import dataclasses
from datetime import datetime, timedelta

from chalicelib.errors import LiftedLately, NotSuppressed
from chalicelib.holders.holder import Suppressed

# SES keeps an address on its own list for at most so long, and a sender's policy is mended within it.
LAPSES_AFTER = timedelta(days=14)
# How often a bank can lift one address's suppression. Mail providers count each new bounce against all banks' e-mails.
LIFTED_AT_MOST_EACH = timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Whether an address is suppressed for a bank, and when a suppression of it was last lifted (UTC).

    `confirmed_at` is when it was confirmed that the bank may send to it; None if it wasn't, or needn't be.
    """

    suppressed: Suppressed | None = None
    lifted_at: datetime | None = None
    confirmed_at: datetime | None = None

    def after(self, event: Suppressed) -> "Standing":
        """Return the standing after a bounce or complaint, which may have happened long ago.

        What happened before the suppression was lifted changes nothing: feedback comes late and more than once. A
        suppression that doesn't lapse outweighs one that does. Of two that don't, the first in time stays; of two that
        lapse, the one that lapses last.
        """
        if self.lifted_at is not None and event.since <= self.lifted_at:
            return self
        if self.suppressed is not None and _weight(event) <= _weight(self.suppressed):
            return self
        return dataclasses.replace(self, suppressed=event)

    def lifted(self, now: datetime, at_most_each: timedelta = timedelta()) -> "Standing":
        """Return the standing after the suppression is lifted.

        Raises NotSuppressed when there is none or it has lapsed, and LiftedLately when the last one was lifted less
        than `at_most_each` ago.
        """
        if self.suppressed is None or self.suppressed.has_lapsed(now):
            raise NotSuppressed
        if self.lifted_at is not None and now < self.lifted_at + at_most_each:
            raise LiftedLately(self.lifted_at + at_most_each - now)
        # SES's clock may be ahead of ours: the event that is lifted must not begin it again when it comes twice.
        return dataclasses.replace(self, suppressed=None, lifted_at=max(now, self.suppressed.since))


def _weight(suppressed: Suppressed) -> tuple[bool, float, str]:
    if suppressed.until is None:
        return True, -suppressed.since.timestamp(), suppressed.reason
    return False, suppressed.until.timestamp(), suppressed.reason
