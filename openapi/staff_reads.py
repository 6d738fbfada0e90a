"""What a bank's staff may read: searches, pages of a transaction and an account, the audit trail and quotas."""

from collections.abc import Iterable

from chalicelib.api.staff_search import HOLDERS_A_PAGE
from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.search_repository import MOST_ACCOUNTS
from chalicelib.ledger.transaction import STATUSES, TYPES
from chalicelib.staff.member import Group
from openapi import examples
from openapi.json_schema import IDENTIFIER_SCHEMA, Json, ref
from openapi.operation import LIMIT, answer, operation, parameter
from openapi.transactions import MOMENT

_AMOUNT: Json = {"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,9})?$"}
_EMAIL: Json = {"type": "string", "minLength": 1, "maxLength": 254, "pattern": "^[^@]*@.*$"}
CURSOR = parameter("query", "cursor", "`next_cursor` of the previous page.", {"type": "string"})
_FROM = parameter("query", "from", "The first day (UTC) or moment.", MOMENT, "2026-01-01")
_TO = parameter("query", "to", "The last day (UTC) or moment, inclusive.", MOMENT, "2026-01-31")


def _one_of(name: str, values: Iterable[str], description: str) -> Json:
    return parameter("query", name, description, {"type": "string", "enum": list(values)})


def search_transactions() -> Json:
    return operation(
        "searchTransactions",
        "Staff",
        "Search the bank's transactions, newest first",
        "All that is given must be true of a transaction. It is read from an index, with a bounded number of reads: a "
        "page may have fewer transactions than `limit`, or none, and a `next_cursor`. Then `searched_to` says how far "
        "the search has come. "
        f"A holder who has more than {MOST_ACCOUNTS} accounts is searched for with `account`. The search is "
        "noted in the audit trail.",
        answers={
            200: answer(
                "A page.",
                ref("FoundTransactions"),
                {"transactions": examples.PAGE["transactions"], "searched_to": "2025-12-01T08:30:00Z"},
            )
        },
        parameters=[
            parameter("query", "id", "The bank's id of the transaction.", IDENTIFIER_SCHEMA),
            parameter("query", "account", "The account's id.", IDENTIFIER_SCHEMA),
            parameter("query", "holder", "The bank's id of a holder of the account.", IDENTIFIER_SCHEMA),
            parameter("query", "email", "The exact address of a holder of the account, in any spelling.", _EMAIL),
            _one_of("status", STATUSES, "The status."),
            _one_of("type", TYPES, "The type."),
            _one_of("flag", FLAGS, "A flag that people hear of: not a shadow rule's."),
            parameter("query", "currency", "The currency.", ref("Currency")),
            parameter("query", "min_amount", "The least amount, in the transaction's own currency.", _AMOUNT, "250.50"),
            parameter("query", "max_amount", "The largest amount, in the transaction's own currency.", _AMOUNT, "5000"),
            _FROM,
            _TO,
            LIMIT,
            CURSOR,
        ],
        codes=["invalid_cursor"],
        group=Group.VIEWER,
    )


def get_transaction() -> Json:
    return operation(
        "getStaffTransaction",
        "Staff",
        "Get all that is known of a transaction",
        "The look is noted in the audit trail; looks of one member within 15 minutes are one.",
        answers={200: answer("The transaction.", ref("StaffTransaction"))},
        parameters=["transaction_id"],
        codes=["transaction_not_found"],
        group=Group.VIEWER,
    )


def get_account() -> Json:
    return operation(
        "getStaffAccount",
        "Staff",
        "Get an account's holders, usual amounts and newest transactions",
        "An unknown account has none of them. The look is noted in the audit trail.",
        answers={200: answer("The account.", ref("StaffAccount"))},
        parameters=["account"],
        group=Group.VIEWER,
    )


def find_holders() -> Json:
    email = {**parameter("query", "email", "The exact address, in any spelling.", _EMAIL), "required": True}
    return operation(
        "findHolders",
        "Staff",
        "Find the holders with an address",
        f"By account, {HOLDERS_A_PAGE} at a time. The search is noted in the audit trail, with a hash of the address.",
        answers={200: answer("The holders.", ref("FoundHolders"))},
        parameters=[{**email, "example": "awa@example.com"}, CURSOR],
        codes=["invalid_cursor"],
        group=Group.VIEWER,
    )


def list_entries() -> Json:
    return operation(
        "listAuditEntries",
        "Staff",
        "List the audit trail, newest first",
        "Of the last 31 days, unless `from` or `to` are given: of at most 366 days.",
        answers={200: answer("The entries.", ref("AuditEntries"))},
        parameters=[_FROM, _TO, LIMIT, CURSOR],
        codes=["invalid_cursor"],
        group=Group.ADMIN,
    )


def get_quota() -> Json:
    return operation(
        "getQuota",
        "Staff",
        "Get how much of the plan is used today",
        answers={200: answer("The day's quotas.", ref("QuotaUse"))},
        group=Group.VIEWER,
    )
