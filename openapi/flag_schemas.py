"""Schemas of flags and their evidence, and of the event that carries them."""

from chalicelib.banks.thresholds import FLAGS
from chalicelib.changes.answer_teller import ALERT_ANSWERED
from chalicelib.flags.answers import Answer
from chalicelib.flags.baselines import MAX_COUNTRIES
from chalicelib.flags.events import TRANSACTION_FLAGGED
from openapi.json_schema import (
    DIGITS,
    IDENTIFIER_SCHEMA,
    OVER_ZERO,
    TIME,
    Json,
    event_of,
    object_schema,
    open_text,
    ref,
)

_AMOUNT: Json = {"type": "string", "pattern": f"^{OVER_ZERO}{DIGITS}$", "description": "Exact."}
_CURRENCY: Json = {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217."}
_COUNTRY: Json = {"type": "string", "pattern": "^[A-Z]{2}$", "description": "ISO 3166-1 alpha-2."}
_MINUTES: Json = {"type": "integer", "minimum": 1, "description": "The bank's window."}
_TIME: Json = {"type": "string", "format": "date-time", "pattern": "Z$", "description": "In UTC."}
_COUNT: Json = {"type": "integer", "minimum": 1}


def _evidence(description: str, **properties: Json) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_EVIDENCE = {
    "large_amount": _evidence(
        "The amount is over the bank's threshold for its currency.",
        amount=_AMOUNT,
        currency=_CURRENCY,
        threshold={**_AMOUNT, "description": "The bank's threshold."},
    ),
    "velocity": _evidence(
        "There were too many attempts on the account within minutes, this one among them.",
        count={**_COUNT, "description": "The number of attempts within the minutes, this one included."},
        limit={**_COUNT, "description": "The most attempts that are not flagged."},
        minutes=_MINUTES,
    ),
    "unusual_amount": _evidence(
        "The amount is far above the account's usual amounts of its currency and type.",
        amount=_AMOUNT,
        currency=_CURRENCY,
        usual={**_AMOUNT, "description": "The mean of the earlier amounts."},
        times={"type": "string", "pattern": r"^[0-9]+\.[0-9]$", "description": "The amount as a multiple of `usual`."},
        count={**_COUNT, "description": "The number of amounts in the mean."},
    ),
    "duplicate_suspect": _evidence(
        "The account paid the same amount to the same merchant within minutes.",
        amount=_AMOUNT,
        currency=_CURRENCY,
        seconds={"type": "integer", "minimum": 0, "description": "The seconds between the two payments."},
        minutes=_MINUTES,
    ),
    "new_country": _evidence(
        "The account has not used a merchant in this country before.",
        country=_COUNTRY,
        known={
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_COUNTRIES,
            "items": _COUNTRY,
            "description": "The countries that the account has used, in order.",
        },
        count={**_COUNT, "description": "The number of transactions in the account's history."},
    ),
}
_FLAGS = "Why the transaction was flagged: the evidence by flag. Rules in shadow are left out."


def flags_by_name() -> Json:
    """Return the schemas of flags in answers by name, none of them closed: evidence may come to say more."""
    evidence = {flag: f"{flag.title().replace('_', '')}Evidence" for flag in FLAGS}
    properties = {flag: ref(name) for flag, name in evidence.items()}
    opened = {
        name: {key: value for key, value in _EVIDENCE[flag].items() if key != "additionalProperties"}
        for flag, name in evidence.items()
    }
    return {**opened, "Flags": {"type": "object", "description": _FLAGS, "properties": properties}}


_ANSWERED: Json = {
    "holder": {**IDENTIFIER_SCHEMA, "description": "The bank's id of the holder."},
    "answer": open_text(list(Answer), "Whether the transaction was the holder's. An answer can change for an hour."),
    "answered_at": {**TIME, "description": "When the holder gave this answer, in UTC."},
}


def answer_schemas() -> Json:
    """Return the schemas of holders' answers by name: in a transaction, and in a webhook."""
    about = {name: {**IDENTIFIER_SCHEMA, "description": f"The {name}'s id."} for name in ("account", "transaction")}
    return {
        "HolderAnswer": object_schema("A holder's answer to the security alert.", _ANSWERED),
        "AlertAnswer": object_schema("A holder's answer to a security alert.", {**about, **_ANSWERED}),
    }


def answer_event_schema() -> Json:
    """Return the JSON Schema of the AlertAnswered event, as EventBridge delivers it."""
    return event_of(
        ALERT_ANSWERED,
        "A holder answered a security alert. The event may come more than once, with the same content; a corrected "
        "answer comes as another event.",
        {
            "account": IDENTIFIER_SCHEMA,
            "transaction": IDENTIFIER_SCHEMA,
            "holder": _ANSWERED["holder"],
            "answer": {"type": "string", "enum": [str(answer) for answer in Answer]},
            "answered_at": {**_TIME, "description": "When the holder gave this answer, in UTC."},
        },
    )


def event_schema() -> Json:
    """Return the JSON Schema of the TransactionFlagged event, as EventBridge delivers it."""
    transaction = {
        "id": IDENTIFIER_SCHEMA,
        "account": IDENTIFIER_SCHEMA,
        "amount": {**_AMOUNT, "description": "Exact, with all of the currency's decimals."},
        "currency": _CURRENCY,
        "type": {"type": "string", "enum": ["credit", "debit"]},
        "status": {"type": "string", "enum": ["settled", "authorized"]},
        "timestamp": {**_TIME, "description": "The transaction's own, in UTC."},
        "merchant": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("name", "mcc", "city", "country")},
            "additionalProperties": False,
        },
        "recorded_at": {**_TIME, "description": "When it was stored, in UTC."},
    }
    detail = {
        "flagged_at": _TIME,
        "transaction": {
            "type": "object",
            "properties": transaction,
            "required": [name for name in transaction if name != "merchant"],
            "additionalProperties": False,
        },
        "flags": {
            "type": "object",
            "description": _FLAGS,
            "properties": {name: _EVIDENCE[name] for name in FLAGS},
            "additionalProperties": False,
            "minProperties": 1,
        },
    }
    return event_of(
        TRANSACTION_FLAGGED,
        "A transaction was flagged. The event may come more than once: `bank` and `transaction.id` identify it.",
        detail,
    )
