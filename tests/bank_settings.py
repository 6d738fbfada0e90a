"""A bank's settings with every field set, as a request has them."""

import json
from typing import Any

from chalicelib.api.json_body import read_json
from chalicelib.banks.settings import BankSettings, load_settings

WHOLE: dict[str, Any] = {
    "flags": {
        "large_amount": {"mode": "shadow", "thresholds": {"EUR": "1500.00", "KWD": "400.000", "XAF": "750000"}},
        "velocity": {"mode": "off", "count": 8, "minutes": 15},
        "unusual_amount": {"mode": "on", "times": "2.5", "deviations": "0", "min_count": 30},
        "duplicate_suspect": {"mode": "shadow", "minutes": 2},
        "new_country": {"mode": "on", "min_count": 1},
    },
    "webhooks": [{"url": "https://flags.bank.example/", "types": ["transaction.flagged", "webhook.test"]}],
    "digest_after": 5,
    "confirm_addresses": True,
    "alert_addresses": ["fraud@bank.example", "night@bank.example"],
}


def load(body: Any) -> BankSettings:
    """Load settings as they come in a request."""
    return load_settings(read_json(json.dumps(body).encode()))
