"""Schemas of the answers about transactions: one, a page of them, and a batch."""

import copy
from typing import Any

from chalicelib.api.batch import MAX_ITEM_ERRORS, MAX_ITEMS
from openapi.flag_schemas import FLAGS_SCHEMA
from openapi.json_schema import DIGITS, IDENTIFIER_SCHEMA, OVER_ZERO, TIME, Json, object_schema, ref, string

_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS}


def transaction_schemas(requests: Json) -> Json:
    """Return the schemas by name; `requests` has those of what a bank sends."""
    answered = _answered(requests["Transaction"])
    return {
        "AnsweredTransaction": answered,
        "RecordedTransaction": {
            "description": "A transaction that is stored, for good.",
            "allOf": [ref("AnsweredTransaction"), {"required": ["recorded_at"]}],
        },
        "Flags": FLAGS_SCHEMA,
        "JudgedTransaction": {
            **answered,
            "description": "A transaction that is stored, with its flags: they come within seconds of it.",
            "properties": {**answered["properties"], "flags": ref("Flags")},
            "required": [*answered["required"], "recorded_at", "flags"],
        },
        "DryRun": _DRY_RUN,
        "QueuedTransaction": _QUEUED,
        "TransactionPage": _PAGE,
        "BatchResult": _BATCH_RESULT,
        "BatchOutcome": _outcome("created", "replayed", "conflict", "invalid", "retry"),
        "QueuedBatch": _outcome("queued", "invalid"),
    }


def _answered(posted: Json) -> Json:
    return object_schema(
        "A transaction in its canonical form: what is said differently but is the same is answered alike.",
        {
            **copy.deepcopy(posted["properties"]),
            "amount": string(f"^{OVER_ZERO}{DIGITS}$", "Exact, with all of the currency's decimals."),
            "timestamp": {**TIME, "description": "In UTC."},
            "currency": {"$ref": "#/components/schemas/Currency"},
            "balance": string(f"^-?{DIGITS}$", "Exact, with all of the currency's decimals."),
            "recorded_at": {**TIME, "description": "When this service stored it, in UTC."},
        },
        optional=("authorization_id", "merchant", "description", "balance", "card_last4", "metadata", "recorded_at"),
    )


_DRY_RUN = object_schema(
    "What would happen to the transaction. Nothing was written.",
    {
        "dry_run": {"type": "boolean", "const": True},
        "status": {"type": "string", "enum": ["created", "replayed"]},
        "transaction": ref("AnsweredTransaction"),
    },
)
_QUEUED = object_schema(
    "A transaction that is accepted and will be recorded soon.",
    {"id": IDENTIFIER_SCHEMA, "status": {"type": "string", "const": "queued"}},
)
_PAGE = object_schema(
    "A page of a listing.",
    {
        "transactions": {"type": "array", "items": ref("RecordedTransaction")},
        "next_cursor": {
            "type": ["string", "null"],
            "description": "Continues this listing, and no other; `null` at the end. With `type`, a page may hold "
            "fewer than `limit`, or none, and still have one.",
        },
    },
)
_ITEM_CODES = {
    "conflict": ["transaction_conflict"],
    "invalid": ["validation_failed", "malformed_body", "card_number_refused"],
}
_BATCH_RESULT: Json = {
    **object_schema(
        "What became of one item.",
        {
            "index": {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS - 1, "description": "Its place, from 0."},
            "id": {
                "type": ["string", "null"],
                "pattern": IDENTIFIER_SCHEMA["pattern"],
                "description": "`null` if the item has none that could be recorded.",
            },
            "status": {
                "type": "string",
                "enum": ["created", "replayed", "conflict", "invalid", "retry", "queued"],
                "description": "`retry`: the table couldn't take it now; sending it again is safe.",
            },
            "code": {"type": "string", "enum": [code for codes in _ITEM_CODES.values() for code in codes]},
            "errors": {"type": "array", "minItems": 1, "maxItems": MAX_ITEM_ERRORS, "items": ref("FieldError")},
        },
        optional=("code", "errors"),
    ),
    "allOf": [
        {
            "if": {"properties": {"status": {"const": status}}},
            "then": {"required": ["code", "errors"], "properties": {"code": {"enum": codes}}},
        }
        for status, codes in _ITEM_CODES.items()
    ],
}


def _outcome(*statuses: str) -> Json:
    result: dict[str, Any] = {"allOf": [ref("BatchResult"), {"properties": {"status": {"enum": list(statuses)}}}]}
    return object_schema(
        "What became of each item, in their order, and how many came to what.",
        {
            "results": {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": result},
            "counts": object_schema("How many items came to what.", dict.fromkeys(statuses, _COUNT)),
        },
    )
