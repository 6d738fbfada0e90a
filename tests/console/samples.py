"""What the sample bank's `/staff` routes show: one afternoon. Amounts and names are made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

NOW = datetime(2026, 6, 30, 14, 31, 8, tzinfo=UTC)
MEMBERS: dict[str, Json] = {
    "vera": {"name": "Véra Ngo", "groups": ["viewer"]},
    "ines": {"name": "Inès Mbarga", "groups": ["viewer", "analyst"]},
    "adam": {"name": "Adam Fotso", "groups": ["viewer", "analyst", "admin"]},
    "nobody": {"name": "Noé Bassa", "groups": []},
}
ENDPOINTS = [
    {
        "id": "ep_5a7dd9e6d0a8ab31",
        "url": "https://fraud.eazycard.example/flags",
        "types": ["transaction.flagged", "alert.answered"],
        "status": "in_use",
        "since": "2026-05-02T08:00:00Z",
    },
    {
        "id": "ep_0b51c2d3e4f50617",
        "url": "https://hooks.eazycard.example/notifications",
        "types": ["notification.bounced", "notification.failed"],
        "status": "unproved",
        "since": "2026-06-30T09:12:00Z",
    },
]


def at(minutes: float) -> str:
    """Return the time so many minutes before now."""
    return (NOW - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


def transaction(name: str, minutes: float, amount: str, **more: Any) -> Json:
    return {
        "id": name,
        "account": "237-0041-8823",
        "amount": amount,
        "type": "debit",
        "timestamp": at(minutes),
        "currency": "XAF",
        "status": "settled",
        "recorded_at": at(minutes - 0.02),
        "flags": {},
        **more,
    }


BOUTIQUE = {"name": "Boutique Akwa", "mcc": "5411", "city": "Douala", "country": "CM"}
TOULOUSE = {"name": "Électro Garonne", "mcc": "5732", "city": "Toulouse", "country": "FR"}
UNUSUAL = {"amount": "485000", "currency": "XAF", "usual": "38200", "times": "12.7", "count": 64}
NEW_COUNTRY = {"country": "FR", "known": ["CM", "GA"], "count": 64}
TRANSACTIONS = [
    transaction(
        "card-88120", 3, "485000", merchant=TOULOUSE, flags={"unusual_amount": UNUSUAL, "new_country": NEW_COUNTRY}
    ),
    transaction("card-88119", 4, "1500", merchant=TOULOUSE, status="authorized", flags={"new_country": NEW_COUNTRY}),
    transaction("card-88102", 64, "23500", merchant=BOUTIQUE),
    transaction(
        "card-88090",
        190,
        "24000",
        merchant=BOUTIQUE,
        flags={"duplicate_suspect": {"amount": "24000", "currency": "XAF", "seconds": 41, "minutes": 5}},
    ),
    transaction(
        "sal-0626",
        4300,
        "612000",
        type="credit",
        description="Salaire juin",
        counterparty={"name": "Brasserie du Wouri"},
    ),
    transaction("card-87710", 5900, "18250", merchant=BOUTIQUE, status="declined", decline_reason="Insufficient funds"),
]
DETAILS = {
    **TRANSACTIONS[0],
    "authorization_id": "card-88119",
    "balance": "127400",
    "card_last4": "4417",
    "original": {"amount": "739.35", "currency": "EUR", "rate": "655.957"},
    "reference": "GARONNE/2026-06/88120",
    "related": [{"id": "card-88119", "relation": "settles", "role": "final_amount"}],
}
USUAL = {"currency": "XAF", "type": "debit", "count": 64, "average": "38200", "spread": "21750"}
NOTIFICATIONS = [
    {
        "holder": "awa",
        "state": "delivered",
        "updated_at": at(2.6),
        "history": [
            {"state": "queued", "at": at(2.98)},
            {"state": "sent", "at": at(2.97)},
            {"state": "delivered", "at": at(2.6)},
        ],
    },
    {
        "holder": "paul",
        "state": "suppressed",
        "updated_at": at(2.97),
        "reason": "hard_bounce",
        "history": [
            {"state": "queued", "at": at(2.98)},
            {"state": "suppressed", "at": at(2.97), "reason": "hard_bounce"},
        ],
    },
]
SECRET = f"whsec_{'0' * 43}="
ATTEMPTS = [
    {
        "id": "msg_flagged-88120",
        "type": "transaction.flagged",
        "transaction": "card-88120",
        "endpoint": ENDPOINTS[0]["id"],
        "url": ENDPOINTS[0]["url"],
        "state": "delivered",
        "answer": "204",
        "attempts": 1,
        "at": at(2.9),
    },
    {
        "id": "msg_flagged-88090",
        "type": "transaction.flagged",
        "transaction": "card-88090",
        "endpoint": ENDPOINTS[0]["id"],
        "url": ENDPOINTS[0]["url"],
        "state": "given_up",
        "answer": "503",
        "attempts": 8,
        "at": at(95),
    },
    {
        "id": "msg_answered-88119",
        "type": "alert.answered",
        "transaction": "card-88119",
        "endpoint": ENDPOINTS[0]["id"],
        "url": ENDPOINTS[0]["url"],
        "state": "waiting",
        "answer": "timeout",
        "attempts": 2,
        "at": at(1.2),
        "next_at": at(-3),
    },
]
HOLDERS = [
    {
        "id": "awa",
        "name": "Awa Ndiaye",
        "email": "awa.ndiaye@example.com",
        "locale": "fr-CM",
        "timezone": "Africa/Douala",
        "preferences": {
            "types": ["debit"],
            "min_amount": {"XAF": "5000"},
            "quiet_hours": {"from": "22:00", "to": "07:00"},
            "statement": "monthly",
        },
        "preferences_chosen_by": "holder",
        "preferences_chosen_at": "2026-05-12T08:30:00Z",
        "created_at": "2026-01-10T14:00:00Z",
        "enrolled_at": "2026-01-10T14:00:00Z",
        "updated_at": "2026-05-12T08:30:00Z",
        "statement": {"period": "monthly", "next_due": "2026-07-01T05:00:00Z"},
    },
    {
        "id": "paul",
        "name": "Paul Ndiaye",
        "email": "paul.ndiaye@example.com",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "preferences": {"muted": True},
        "preferences_chosen_by": "bank",
        "preferences_chosen_at": "2026-02-01T10:00:00Z",
        "created_at": "2026-02-01T10:00:00Z",
        "enrolled_at": "2026-02-01T10:00:00Z",
        "updated_at": "2026-06-21T18:00:00Z",
        "suppressed": {"reason": "hard_bounce", "since": "2026-06-21T18:00:00Z"},
    },
]
SETTINGS: Json = {
    "flags": {
        "large_amount": {"mode": "on", "thresholds": {"EUR": "1500.00", "XAF": "750000"}},
        "velocity": {"mode": "on", "count": 8, "minutes": 15},
        "unusual_amount": {"mode": "on", "times": "3", "deviations": "3", "min_count": 20},
        "duplicate_suspect": {"mode": "on", "minutes": 5},
        "new_country": {"mode": "shadow", "min_count": 10},
    },
    "alert_addresses": ["fraud@eazycard.example"],
    "webhooks": [{"url": one["url"], "types": one["types"]} for one in ENDPOINTS],
    "digest_after": 20,
    "confirm_addresses": False,
}


def _rule(flagged: int, fraud: int, legitimate: int, precision: str | None, **more: int) -> Json:
    counts = {"shadow": 0, "unclear": 2, "recognized": 9, "not_recognized": 4, "open": 3, **more}
    return {"flagged": flagged, "fraud": fraud, "legitimate": legitimate, "precision": precision, **counts}


PRECISION = {
    "large_amount": _rule(48, 21, 19, "0.525"),
    "velocity": _rule(31, 18, 6, "0.75"),
    "unusual_amount": _rule(57, 29, 14, "0.674"),
    "duplicate_suspect": _rule(22, 1, 18, "0.053"),
    "new_country": _rule(0, 0, 0, None, shadow=140, recognized=0, not_recognized=0, open=0, unclear=0),
}


def _trial(flagged: int, true: int, false: int, unlabelled: int) -> Json:
    unclear = flagged - true - false - unlabelled
    return {"flagged": flagged, "fraud": true, "legitimate": false, "unclear": unclear, "unlabelled": unlabelled}


TRIAL = {
    "large_amount": {"now": _trial(48, 21, 19, 7), "then": _trial(48, 21, 19, 7)},
    "velocity": {"now": _trial(31, 18, 6, 6), "then": _trial(24, 17, 2, 4)},
    "unusual_amount": {"now": _trial(57, 29, 14, 13), "then": _trial(57, 29, 14, 13)},
    "duplicate_suspect": {"now": _trial(22, 1, 18, 2), "then": _trial(22, 1, 18, 2)},
    "new_country": {"now": _trial(0, 0, 0, 0), "then": _trial(0, 0, 0, 0)},
}


def case(name: str, minutes: float, amount: str, weight: int, flags: list[str], **more: Any) -> Json:
    return {
        "id": name,
        "transaction": name,
        "account": "237-0041-8823",
        "amount": amount,
        "currency": "XAF",
        "type": "debit",
        "merchant": "Électro Garonne",
        "timestamp": at(minutes),
        "flags": flags,
        "state": "open",
        "weight": weight,
        "opened_at": at(minutes - 0.05),
        "claimed_by": None,
        "claimed_at": None,
        "outcome": None,
        "closed_at": None,
        "answers": [],
        "history": [{"at": at(minutes - 0.05), "by": {"kind": "system", "id": "flags"}, "what": "opened"}],
        **more,
    }


def cases() -> list[Json]:
    """Return the cases of the afternoon, the heaviest first."""
    refused = {"holder": "awa", "answer": "not_recognized", "answered_at": at(1.4)}
    told = {"at": at(1.4), "by": {"kind": "holder", "id": "awa"}, "what": "answered", "answer": "not_recognized"}
    first = case("card-88120", 3, "485000", 1072, ["unusual_amount", "new_country"], answers=[refused])
    first["history"].append(told)
    closed = case(
        "card-87001", 1500, "96000", 20, ["velocity"], state="closed", outcome="legitimate", closed_at=at(1400)
    )
    by = {"kind": "staff", "id": "ines", "name": "Inès Mbarga"}
    closed["history"] += [
        {"at": at(1450), "by": by, "what": "claimed"},
        {"at": at(1400), "by": by, "what": "closed", "outcome": "legitimate", "note": "Called the holder: a trip."},
    ]
    return [
        first,
        case("card-87990", 410, "61500", 31, ["velocity"], account="237-0011-0908", merchant="Station Bonabéri"),
        case("tr-55021", 75, "2400000", 23, ["large_amount"], merchant="Transfert Mobile", account="237-0077-1200"),
        case("card-88090", 190, "24000", 11, ["duplicate_suspect"], merchant="Boutique Akwa"),
        case(
            "card-87444",
            35,
            "310000",
            38,
            ["unusual_amount"],
            state="claimed",
            claimed_by={"subject": "adam", "name": "Adam Fotso"},
            claimed_at=at(20),
        ),
        closed,
    ]
