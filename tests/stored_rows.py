"""A row of every kind that is stored of a bank, by its keys."""

from typing import Any

TIME = "2026-01-10T14:00:00.000000Z"


def rows_of(bank: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the bank's rows, each with its table's name in the data stack's template."""
    due = {"due_hour": "2026-01-10T14#3"}
    return [
        ("TransactionsTable", {"transaction_key": f"{bank}#t1", "bank": bank}),
        ("TransactionsTable", {"transaction_key": f"{bank}#flags#t1", "bank": bank}),
        ("AccountsTable", {"account_key": f"{bank}#A123"}),
        ("AddressesTable", {"address_key": f"{bank}#{'0' * 64}", "entry": "holder#A123#h1"}),
        ("AddressesTable", {"address_key": f"{bank}#holder#h1", "entry": "A123"}),
        ("AnalyticsTable", {"owner": f"bank#{bank}", "entry": "day#2026-01-10#EUR"}),
        ("AnalyticsTable", {"owner": f"account#{bank}#A123", "entry": "baseline"}),
        ("BanksTable", {"entry": f"bank#{bank}"}),
        ("BanksTable", {"entry": f"settings#{bank}"}),
        ("BanksTable", {"entry": f"key#{'1' * 60}{len(bank):04}", "bank": bank}),
        ("CasesTable", {"case_key": f"{bank}#t1"}),
        ("DeferralsTable", {**due, "due": f"{TIME}#{bank}#t1#h1"}),
        ("DeferralsTable", {"due_hour": f"quota#{bank}", "due": "2026-01-10#transactions"}),
        ("DeferralsTable", {"due_hour": f"signed#{bank}", "due": "2" * 64}),
        ("DeferralsTable", {"due_hour": f"webhook#{bank}", "due": "msg_1"}),
        ("DeferralsTable", {"due_hour": f"webhook_attempts#{bank}", "due": f"{TIME}#3"}),
        ("DeferralsTable", {"due_hour": f"activity#{bank}", "due": "2026-01-10T14"}),
        ("DeferralsTable", {"due_hour": f"digest#{bank}#A123#h1", "due": f"{TIME}#t1"}),
        ("DeferralsTable", {"due_hour": f"allowance#alerts#{bank}#A123#h1", "due": "allowance"}),
        ("DeferralsTable", {"due_hour": f"asked#{bank}#{'4' * 64}", "due": "confirmation"}),
        ("NotificationsTable", {"transaction_key": f"{bank}#t1", "holder": "h1"}),
        ("NotificationsTable", {"transaction_key": f"{bank}#statement@A123@2026-W02", "holder": "h1"}),
        ("NotificationsTable", {"transaction_key": f"feed#{bank}#3", "holder": f"{TIME}#5"}),
        ("StatementsTable", {**due, "due": f"{TIME}#{bank}#A123#h1#2026-W02"}),
    ]


# What all banks share.
SHARED_ROWS = [
    ("AnalyticsTable", {"owner": "job", "entry": "checkpoint"}),
    ("DeferralsTable", {"due_hour": "checkpoint", "due": "checkpoint"}),
    ("NotificationsTable", {"transaction_key": "pacing", "holder": "ses"}),
    ("StatementsTable", {"due_hour": "checkpoint", "due": "checkpoint"}),
]
