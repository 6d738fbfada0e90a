"""Signed links as the tests' stages issue them: the keys, and whom they are for."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.holders.address import Address
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import HolderLinks, Links

LINK_KEYS = json.dumps({"newest": "a key", "older": ["the key before"]})
BASE = "https://alerts.example"
# A holder whom the served app of `tests/api_server.py` has from its start.
SERVED_ACCOUNT = "holder-page"
SERVED_ALERT = "asked"  # the id of a flagged transaction of that account
SERVED_CASES = [f"case-{number}" for number in range(30)]  # ids of flagged transactions of another account
SERVED_SINCE = datetime(2026, 6, 30, tzinfo=UTC)
SERVED_HOLDER = Holder("awa", "Awa Ndiaye", "awa@example.com", "fr", "Africa/Douala", {}, SERVED_SINCE)
# Accounts with a holder each whose address is suppressed from the start.
BOUNCED_ACCOUNTS = [f"bounced-{number}" for number in range(100)]


class _Keys:
    def get(self, *_: Any) -> str:
        return LINK_KEYS


def _issued(now: datetime, base: str = BASE) -> HolderLinks:
    secrets: Any = _Keys()
    return HolderLinks(secrets, "arn", lambda: now, base)


def confirmation_link(holder: Holder, now: datetime, bank: str = "eazycard") -> str:
    """Return the link with which the holder's address is confirmed."""
    return str(_issued(now).confirmation_link(Address.of(bank, holder.email)))


def links_for(
    account: str, holder: Holder, now: datetime, bank: str = "eazycard", base: str = BASE, alerts: Sequence[str] = ()
) -> Links:
    """Return the links of an e-mail that is sent now."""
    return _issued(now, base).links_for(bank, account, holder, alerts)
