"""A row of every kind that is stored of a bank, by its keys."""

from typing import Any

TIME = "2026-01-10T14:00:00.000000Z"


def rows_of(
    bank: str, transaction: str = "t1", account: str = "A123", holder: str = "h1"
) -> list[tuple[str, dict[str, Any]]]:
    """Return the bank's rows, each with its table's name in the data stack's template."""
    due = {"due_hour": "2026-01-10T14#3"}
    return [
        ("TransactionsTable", {"transaction_key": f"{bank}#{transaction}", "bank": bank}),
        ("TransactionsTable", {"transaction_key": f"{bank}#{transaction}#flags", "bank": bank}),
        ("AccountsTable", {"account_key": f"{bank}#{account}"}),
        ("AddressesTable", {"address_key": f"{bank}#{'0' * 64}", "entry": f"holder#{account}#{holder}"}),
        ("AddressesTable", {"address_key": f"{bank}#holder#{holder}", "entry": account}),
        ("AnalyticsTable", {"owner": f"bank#{bank}", "entry": "day#2026-01-10#EUR"}),
        ("AnalyticsTable", {"owner": f"account#{bank}#{account}", "entry": "baseline"}),
        ("BanksTable", {"entry": f"bank#{bank}"}),
        ("BanksTable", {"entry": f"settings#{bank}"}),
        ("BanksTable", {"entry": f"key#{'1' * 60}{len(bank):04}", "bank": bank}),
        ("CasesTable", {"case_key": f"{bank}#{transaction}"}),
        ("DeferralsTable", {**due, "due": f"{TIME}#{bank}#{transaction}#{holder}"}),
        ("DeferralsTable", {"due_hour": f"quota#{bank}", "due": "2026-01-10#transactions"}),
        ("DeferralsTable", {"due_hour": f"signed#{bank}", "due": "2" * 64}),
        ("DeferralsTable", {"due_hour": f"webhook#{bank}", "due": "msg_1"}),
        ("DeferralsTable", {"due_hour": f"webhook_attempts#{bank}", "due": f"{TIME}#3"}),
        ("DeferralsTable", {"due_hour": f"activity#{bank}", "due": "2026-01-10T14"}),
        ("DeferralsTable", {"due_hour": f"digest#{bank}#{account}#{holder}", "due": f"{TIME}#{transaction}"}),
        ("DeferralsTable", {"due_hour": f"alerts#{bank}#{account}#{holder}", "due": f"{TIME}#{transaction}"}),
        ("DeferralsTable", {"due_hour": f"allowance#alerts#{bank}#{account}#{holder}", "due": "allowance"}),
        ("DeferralsTable", {"due_hour": f"asked#{bank}#{'4' * 64}", "due": "confirmation"}),
        ("NotificationsTable", {"transaction_key": f"{bank}#statement@{account}@2026-W02", "holder": holder}),
        *(
            ("NotificationsTable", {"transaction_key": f"{bank}#{transaction}", "holder": f"{holder}{mark}"})
            for mark in ("", "#feedback", "#webhook#msg_1", "#members#0")
        ),
        ("NotificationsTable", {"transaction_key": f"{bank}#{transaction}", "holder": "#webhook#msg_1"}),
        ("NotificationsTable", {"transaction_key": f"{bank}#{transaction}#purchase", "holder": "#purchase"}),
        *(
            ("NotificationsTable", {"transaction_key": f"{bank}#sent#{'5' * 16}", "holder": mark})
            for mark in ("#sent", "#delivered")
        ),
        *(
            ("NotificationsTable", {"transaction_key": f"feed#{bank}#{shard}", "holder": f"{TIME}#5"})
            for shard in range(4)
        ),
        ("StatementsTable", {**due, "due": f"{TIME}#{bank}#{account}#{holder}#2026-W02"}),
    ]


# What all banks share.
SHARED_ROWS = [
    ("AnalyticsTable", {"owner": "job", "entry": "checkpoint"}),
    ("DeferralsTable", {"due_hour": "checkpoint", "due": "checkpoint"}),
    ("NotificationsTable", {"transaction_key": "pacing", "holder": "ses"}),
    ("StatementsTable", {"due_hour": "checkpoint", "due": "checkpoint"}),
]
