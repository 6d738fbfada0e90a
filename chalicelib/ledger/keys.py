"""Keys: the ids that banks choose, and the keys that tables are read by."""

import re

IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,64}")


def transaction_key(bank: str, transaction_id: str) -> str:
    return f"{bank}#{transaction_id}"  # '#' is in neither, so that no two pairs share a key


def account_key(bank: str, account: str) -> str:
    return f"{bank}#{account}"
