"""What a bank's plan allows in a day (UTC) and in a second, and what it requires.

The plans' rates of requests are API Gateway's: see `infra.gateway`.
"""

import dataclasses
from enum import StrEnum

from chalicelib.banks.bank import Bank


class Metered(StrEnum):
    """What is counted: what costs, whatever number of requests it comes in."""

    TRANSACTIONS = "transactions"
    EMAILS = "emails"


@dataclasses.dataclass(frozen=True, slots=True)
class Daily:
    """How many transactions may be posted, and e-mails about single transactions sent, in a day. None: no limit."""

    transactions: int | None
    emails: int | None


DAILY = {
    "trial": Daily(10_000, 2_000),
    "standard": Daily(5_000_000, 5_000_000),
    "volume": Daily(None, None),
}


# Transactions a second in batches, over some seconds. All banks together have what the index by_recorded takes: a
# thousand for each of its shards, of which there are four at first. None: no limit.
_A_SECOND = {"trial": 50, "standard": 1_000, "volume": None}


# A trial bank is a stranger: it must not be able to flood people who never gave it their address.
_CONFIRMING = frozenset({"trial"})


def must_confirm_addresses(plan: str, is_chosen: bool = False) -> bool:
    """Return whether a bank's holders confirm their addresses: on the trial plan always, else where the bank chose."""
    return is_chosen or plan in _CONFIRMING


def pace_of(plan: str) -> int | None:
    """Return a plan's limit a second; None if it has none. A plan that is unknown here has the standard one's."""
    return _A_SECOND.get(plan, _A_SECOND["standard"])


def daily_of(plan: str) -> Daily:
    """Return a plan's limits a day. A plan that is unknown here has the standard one's."""
    return DAILY.get(plan, DAILY["standard"])


def limit_of(bank: Bank, metered: Metered) -> int | None:
    """Return a bank's limit a day; None if it has none. Its own limit of e-mails counts where it is the lower one."""
    daily = daily_of(bank.plan)
    if metered is Metered.TRANSACTIONS:
        return daily.transactions
    return min((limit for limit in (daily.emails, bank.emails_per_day) if limit is not None), default=None)
