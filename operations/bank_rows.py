"""Which bank a stored row is of, by its keys alone. Pure rules, one for each table.

No bank's id has a `#` or `_` (`banks.bank:BANK_ID`), and no transaction's a `#`. A key may begin with a word or with a
bank, and a bank may be called like a word: then what the row is sorted by says which it is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]

_DAY = re.compile(r"\d{4}-\d\d-\d\dT")
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
    first, *others = str(row["transaction_key"]).split("#")
    if not others:
        return SHARED  # the time that is booked at SES
    # A page of the feed (`feed`, the bank, a shard) is kept by its time. The other keys begin with the bank, which may
    # be called `feed`; where such a key has three parts, what it is sorted by begins with `#`.
    is_page = first == "feed" and len(others) == 2 and _DAY.match(str(row["holder"]))
    return others[0] if is_page else first


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
