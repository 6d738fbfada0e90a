"""Requests and their answers as the description shows them; a test holds each to its schema."""

from openapi.json_schema import Json

SMALLEST: Json = {
    "id": "1",
    "account": "A123",
    "amount": 250.50,
    "type": "credit",
    "timestamp": "2026-01-10T14:00:00Z",
}
FRENCH_MERCHANT: Json = {
    "id": "card-417-20260110",
    "account": "A123",
    "amount": "15400",
    "type": "debit",
    "timestamp": "2026-01-10T19:42:07+01:00",
    "currency": "XAF",
    "status": "settled",
    "authorization_id": "auth-000417",
    "merchant": {"name": "Boulangerie de l'Étoile", "mcc": "5462", "city": "Lyon", "country": "FR"},
    "description": "Paiement par carte",
    "balance": "187600",
    "card_last4": "4417",
    "metadata": {"terminal": "T-0093"},
}
TRANSFER: Json = {
    "id": "sepa-20260110-88",
    "account": "A123",
    "amount": "120.00",
    "type": "credit",
    "timestamp": "2026-01-10T14:00:00Z",
    "currency": "EUR",
    "booking_date": "2026-01-10",
    "value_date": "2026-01-12",
    "original": {"amount": "130.80", "currency": "USD", "rate": "0.917431"},
    "counterparty": {"name": "Société Générale de Presse", "account": "FR7630006000011234567890189"},
    "reference": "INVOICE 2026-017",
}
SMALLEST_RECORDED: Json = {
    **SMALLEST,
    "amount": "250.50",
    "currency": "EUR",
    "status": "settled",
    "recorded_at": "2026-01-10T14:00:00.412Z",
}
FRENCH_MERCHANT_RECORDED: Json = {
    **FRENCH_MERCHANT,
    "timestamp": "2026-01-10T18:42:07Z",
    "recorded_at": "2026-01-10T18:42:08.093Z",
}
FRENCH_MERCHANT_LISTED: Json = {
    **FRENCH_MERCHANT_RECORDED,
    "flags": {"new_country": {"country": "FR", "known": ["CM", "SN"], "count": 42}},
}
FRENCH_MERCHANT_JUDGED: Json = {
    **FRENCH_MERCHANT_LISTED,
    "related": [{"id": "auth-000417", "relation": "settles", "role": "settled_as_authorized"}],
}
DRY_RUN: Json = {
    "dry_run": True,
    "status": "created",
    "transaction": {name: value for name, value in SMALLEST_RECORDED.items() if name != "recorded_at"},
}
WITH_WARNING: Json = {
    **SMALLEST_RECORDED,
    "warnings": [
        {"field": "merchant.country", "message": "Must be an ISO 3166-1 code, alpha-2 or alpha-3, or XK. Left out."}
    ],
}
QUEUED: Json = {"id": "1", "status": "queued"}
PAGE: Json = {"transactions": [FRENCH_MERCHANT_LISTED, {**SMALLEST_RECORDED, "flags": {}}], "next_cursor": None}

BATCH: Json = {"transactions": [SMALLEST, FRENCH_MERCHANT]}
BATCH_OUTCOME: Json = {
    "results": [
        {"index": 0, "id": "1", "status": "replayed"},
        {
            "index": 1,
            "id": "2",
            "status": "conflict",
            "code": "transaction_conflict",
            "errors": [{"field": "amount", "message": "Differs from what is recorded."}],
        },
        {
            "index": 2,
            "id": None,
            "status": "invalid",
            "code": "validation_failed",
            "errors": [{"field": "id", "message": "Missing data for required field."}],
        },
        {"index": 3, "id": "4", "status": "retry"},
    ],
    "counts": {"created": 0, "replayed": 1, "conflict": 1, "invalid": 1, "retry": 1},
}
QUEUED_BATCH: Json = {
    "results": [
        {"index": 0, "id": "1", "status": "queued"},
        {"index": 1, "id": "card-417-20260110", "status": "queued"},
    ],
    "counts": {"queued": 2, "invalid": 0},
}

HOLDER: Json = {
    "name": "Awa Ndiaye",
    "email": "awa@example.com",
    "locale": "fr",
    "timezone": "Africa/Douala",
    "preferences": {"types": ["debit"], "min_amount": {"XAF": "5000"}, "muted": False},
}
HOLDER_PATCH: Json = {"locale": "en", "preferences": {"statement": "weekly"}}
ENROLLED_HOLDER: Json = {
    "id": "awa",
    **HOLDER,
    "preferences": {**HOLDER["preferences"], "muted": True},
    "preferences_chosen_by": "holder",
    "preferences_chosen_at": "2026-01-12T08:30:00Z",
    "created_at": "2026-01-10T14:00:00Z",
    "enrolled_at": "2026-01-10T14:00:00Z",
    "updated_at": "2026-01-12T08:30:00Z",
}
HOLDERS: Json = {"holders": [ENROLLED_HOLDER]}

SETTINGS: Json = {
    "flags": {
        "large_amount": {"thresholds": {"EUR": "1500.00", "XAF": "750000"}},
        "velocity": {"count": 8, "minutes": 15},
        "new_country": {"mode": "shadow"},
    },
    "alert_addresses": ["fraud@bank.example"],
    "webhook_url": "https://hooks.bank.example/notifications",
}
ALL_SETTINGS: Json = {
    "flags": {
        "large_amount": {"mode": "on", "thresholds": {"EUR": "1500.00", "XAF": "750000"}},
        "velocity": {"mode": "on", "count": 8, "minutes": 15},
        "unusual_amount": {"mode": "on", "times": "3", "deviations": "3", "min_count": 20},
        "duplicate_suspect": {"mode": "on", "minutes": 5},
        "new_country": {"mode": "shadow", "min_count": 10},
    },
    "alert_addresses": ["fraud@bank.example"],
    "confirm_addresses": False,
    "digest_after": 20,
    "webhooks": [{"url": "https://fraud.bank.example/flags", "types": ["transaction.flagged"]}],
    "webhook_url": "https://hooks.bank.example/notifications",
}
_URL = "https://fraud.bank.example/flags"
WEBHOOK_ATTEMPTS: Json = {
    "endpoints": [
        {
            "id": "ep_5a7dd9e6d0a8ab31",
            "url": _URL,
            "types": ["transaction.flagged"],
            "status": "in_use",
            "since": "2026-01-10T13:58:00Z",
        }
    ],
    "attempts": [
        {
            "id": "msg_9f3bY2nT0fQk1c8rVd5mWx7z",
            "type": "transaction.flagged",
            "transaction": "1",
            "endpoint": "ep_5a7dd9e6d0a8ab31",
            "url": _URL,
            "state": "waiting",
            "answer": "500",
            "attempts": 1,
            "at": "2026-01-10T14:00:03.114Z",
            "next_at": "2026-01-10T14:00:08.114Z",
        }
    ],
}
WEBHOOK_TESTS: Json = {
    "tests": [
        {
            "id": "msg_0a3bY2nT0fQk1c8rVd5mWx7z",
            "endpoint": "ep_5a7dd9e6d0a8ab31",
            "url": _URL,
            "answer": "204",
            "accepted": True,
        }
    ]
}
WEBHOOK_RESENT: Json = {
    "id": "msg_9f3bY2nT0fQk1c8rVd5mWx7z",
    "type": "transaction.flagged",
    "endpoint": "ep_5a7dd9e6d0a8ab31",
    "state": "queued",
}
NOTIFICATION: Json = {
    "holder": "awa",
    "state": "delivered",
    "queued_at": "2026-01-10T14:00:00.412Z",
    "sent_at": "2026-01-10T14:00:01.029Z",
    "updated_at": "2026-01-10T14:00:02.577Z",
    "message_id": "010f019b-a8a1-4b6e-9d3c-000000",
    "history": [
        {"state": "queued", "at": "2026-01-10T14:00:00.412Z"},
        {"state": "sent", "at": "2026-01-10T14:00:01.029Z"},
        {"state": "delivered", "at": "2026-01-10T14:00:02.577Z"},
    ],
}
NOTIFICATIONS: Json = {"notifications": [NOTIFICATION]}
NOTIFICATION_FEED: Json = {
    "notifications": [{"transaction": "1", **NOTIFICATION}],
    "next_cursor": "W1siZWF6eWNhcmQiLCJub3RpZmljYXRpb25zIl0sIiJd.c2lnbmF0dXJl",
}

ANALYTICS: Json = {
    "from": "2026-01-01",
    "to": "2026-01-31",
    "as_of": "2026-01-31T10:00:02Z",
    "totals": [
        {
            "currency": "XAF",
            "count": 3,
            "credit": {"count": 1, "amount": "250500"},
            "debit": {"count": 2, "amount": "90000"},
            "reversed": {"credit": {"count": 0, "amount": "0"}, "debit": {"count": 1, "amount": "40000"}},
            "net": "200500",
            "average": "113500",
            "max_transaction": {
                "id": "1",
                "account": "A123",
                "amount": "250500",
                "type": "credit",
                "timestamp": "2026-01-10T14:00:00Z",
            },
        }
    ],
    "statuses": {"settled": 3, "authorized": 2, "reversed": 1, "declined": 0},
    "flags": {"large_amount": 0, "velocity": 0, "unusual_amount": 0, "duplicate_suspect": 0, "new_country": 0},
    "days": [
        {"date": "2026-01-10", "currency": "XAF", "count": 1, "credit": "250500", "debit": "0"},
        {"date": "2026-01-12", "currency": "XAF", "count": 2, "credit": "0", "debit": "90000"},
    ],
}

PREFERENCES_FORM: Json = {
    "seen": "4f3a9c10bb7ed211",
    "types": ["credit", "debit"],
    "min_amount.XAF": "5000",
    "quiet": "on",
    "quiet_from": "22:00",
    "quiet_to": "07:00",
    "statement": "weekly",
}
