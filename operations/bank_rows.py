"""Which bank a stored row is of, by its keys alone. Pure rules, one for each table.

No bank's id has a `#` or `_` (`banks.bank:BANK_ID`), and no key has a bank in two places, so that no row of one bank is
taken for another's, whatever a bank is called.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]

_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d")
# Rows that all banks share, like the jobs' positions.
SHARED = "shared"


def bank_of(table: str, row: Row) -> str:
    """Return the bank's id, SHARED for what is no bank's, "" if the keys are of no known form.

    `table` is the table's name in the data stack's template. `row` has the keys, as plain values, and `bank` where the
    row has one.
    """
    return _OF[table](row)


def _first_of(name: str) -> Callable[[Row], str]:
    return lambda row: str(row[name]).partition("#")[0]


def _of_notifications(row: Row) -> str:
    # A transaction's key has one `#`, a page of the feed's has two.
    parts = str(row["transaction_key"]).split("#")
    if len(parts) == 1:
        return SHARED  # the time that is booked at SES
    return parts[1] if parts[0] == "feed" and len(parts) == 3 else parts[0]


def _of_banks(row: Row) -> str:
    kind, _, rest = str(row["entry"]).partition("#")
    if kind in ("bank", "settings"):
        return rest
    return str(row.get("bank", "")) if kind == "key" else ""


def _of_analytics(row: Row) -> str:
    kind, _, rest = str(row["owner"]).partition("#")
    if kind in ("bank", "account"):
        return rest.partition("#")[0]
    return SHARED if kind == "job" else ""


def _of_due(row: Row) -> str:
    first, _, rest = str(row["due_hour"]).partition("#")
    if first == "checkpoint":
        return SHARED
    if _HOUR.fullmatch(first):
        # The time at which it is due, then who it is of.
        rest = str(row["due"]).partition("#")[2]
    elif first == "allowance":
        # What kind of e-mails are counted, then whose.
        rest = rest.partition("#")[2]
    return rest.partition("#")[0]


_OF: dict[str, Callable[[Row], str]] = {
    "TransactionsTable": _first_of("transaction_key"),
    "AccountsTable": _first_of("account_key"),
    "AddressesTable": _first_of("address_key"),
    "AnalyticsTable": _of_analytics,
    "BanksTable": _of_banks,
    "CasesTable": _first_of("case_key"),
    "DeferralsTable": _of_due,
    "NotificationsTable": _of_notifications,
    "StatementsTable": _of_due,
}
# The last one says that there is a bank at all, so that an interrupted deletion can go on.
TABLES = (*(table for table in _OF if table != "BanksTable"), "BanksTable")
