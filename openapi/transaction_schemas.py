"""Schemas of the answers about transactions: one, a page of them, and a batch."""

from chalicelib.api.batch import MAX_ITEM_ERRORS, MAX_ITEMS, MAX_NAME, QUEUED_STATUSES, RECORDED_STATUSES
from chalicelib.api.requests import MAX_PAGE
from chalicelib.errors import MAX_ERRORS
from chalicelib.flags.answers import MAX_ANSWERS
from openapi.answered import answered, answered_objects
from openapi.decimals import answered_decimal
from openapi.flag_schemas import answer_schemas, flags_by_name
from openapi.json_schema import IDENTIFIER_SCHEMA, MOST_OF_A_TEXT, TIME, Json, object_schema, open_text, ref
from openapi.problems import FIELD_ERROR
from openapi.related_schema import RELATED_SCHEMA

_EXACT = "Exact, with all of the currency's decimals."
_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS}
_ITEM_STATUSES = tuple(dict.fromkeys((*RECORDED_STATUSES, *QUEUED_STATUSES)))
_ITEM_CODES = (
    "transaction_conflict",
    "validation_failed",
    "malformed_body",
    "card_number_refused",
    "body_too_large",
)
_WARNINGS: Json = {
    "type": "array",
    "maxItems": MAX_ERRORS,
    "items": ref("FieldError"),
    "description": "What was left out or cut of what only informs. Absent if nothing was.",
}


def transaction_schemas(requests: Json) -> Json:
    """Return the schemas by name; `requests` has those of what a bank sends."""
    recorded = _recorded(requests)
    properties, required = recorded["properties"], recorded["required"]
    judged = {
        "description": "A recorded transaction with its flags, which it has within seconds.",
        "properties": {**properties, "flags": ref("Flags")},
        "required": [*required, "flags"],
    }
    return {
        **answered_objects(requests, ["Transaction"]),
        "RecordedTransaction": recorded,
        **flags_by_name(),
        **answer_schemas(),
        "JudgedTransaction": {**recorded, **judged},
        "TransactionDetails": {**recorded, **_details(judged)},
        "ForeseenTransaction": {
            **recorded,
            "description": "A transaction as it would be recorded.",
            "required": [name for name in required if name != "recorded_at"],
        },
        "TransactionReceipt": _receipt(properties),
        "TransactionPage": _PAGE,
        "ItemError": _ITEM_ERROR,
        "BatchResult": _BATCH_RESULT,
        "BatchCounts": _BATCH_COUNTS,
        "BatchReceipt": _BATCH_RECEIPT,
    }


_ANSWERS: Json = {
    "type": "array",
    "maxItems": MAX_ANSWERS,
    "description": "What holders answered to the security alert; absent until one does.",
    "items": ref("HolderAnswer"),
}


def _details(judged: Json) -> Json:
    return {
        "description": "A recorded transaction with its flags and related transactions, which it has within seconds.",
        "properties": {**judged["properties"], "answers": _ANSWERS, "related": RELATED_SCHEMA},
        "required": [*judged["required"], "related"],
    }


def _recorded(requests: Json) -> Json:
    found = answered(requests, "Transaction")
    found["description"] = "A recorded transaction in its canonical form: equal content has one form here."
    found["properties"] |= {
        "amount": answered_decimal("Amount", _EXACT),
        "timestamp": {**TIME, "description": "In UTC."},
        "currency": ref("Currency", "Always named."),
        "balance": answered_decimal("SignedAmount", _EXACT),
        "recorded_at": {**TIME, "description": "When this service stored it, in UTC."},
    }
    always = {*found["required"], "currency", "status", "recorded_at"}
    found["required"] = [name for name in found["properties"] if name in always]
    return found


def _receipt(properties: Json) -> Json:
    """Return the one schema of all that `POST /transactions` answers when it succeeds."""
    statuses = properties["status"]["x-extensible-enum"]
    return {
        "type": "object",
        "description": "The recorded transaction (201, or 200 for a replay). Of a queued transaction (202) `id` and "
        "`status` only. Of a dry run (200) `dry_run`, `status` and `transaction` only.",
        "properties": {
            **properties,
            "status": open_text(
                [*statuses, "queued", "created", "replayed"],
                "The transaction's status; `queued` for a queued transaction; `created` or `replayed` for a dry run.",
            ),
            "warnings": _WARNINGS,
            "dry_run": {"type": "boolean", "description": "`true` for a dry run: nothing was written."},
            "transaction": ref("ForeseenTransaction", "Of a dry run: the transaction as it would be recorded."),
        },
        "required": ["status"],
    }


_PAGE = object_schema(
    "A page of a listing.",
    {
        "transactions": {
            "type": "array",
            "maxItems": MAX_PAGE,
            "items": ref("JudgedTransaction"),
            "description": "A page with much `metadata` ends before `limit`: go on with its cursor.",
        },
        "next_cursor": {
            "type": ["string", "null"],
            "description": "Continues this listing, and no other. `null` at the end. With `type` or `status`, a page "
            "may have fewer items than `limit`, or none, and still have a cursor.",
        },
    },
)
# The answer names more of the errors of a request than of each of 500 items.
_ITEM_ERROR = {
    **FIELD_ERROR,
    "properties": {
        "field": {**FIELD_ERROR["properties"]["field"], "maxLength": MAX_NAME},
        "message": {**FIELD_ERROR["properties"]["message"], "pattern": "^[ -~]+$", "maxLength": MOST_OF_A_TEXT},
    },
}
_BATCH_RESULT = object_schema(
    "The result of one item.",
    {
        "index": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_ITEMS - 1,
            "description": "The item's place in the batch, from 0.",
        },
        "id": {
            "type": ["string", "null"],
            "pattern": IDENTIFIER_SCHEMA["pattern"],
            "description": "`null` if the item has no id that could be recorded.",
        },
        "status": open_text(
            _ITEM_STATUSES, "With `retry`, the table can't take the item now: send it again, which is safe."
        ),
        "code": open_text(_ITEM_CODES, "Of a conflict or an invalid item: the problem's code."),
        "errors": {
            "type": "array",
            "maxItems": MAX_ITEM_ERRORS,
            "items": ref("ItemError"),
            "description": "Of a conflict or an invalid item.",
        },
        "warnings": {**_WARNINGS, "maxItems": MAX_ITEM_ERRORS, "items": ref("ItemError")},
    },
    optional=("code", "errors", "warnings"),
)
_BATCH_COUNTS: Json = {
    "type": "object",
    "description": "How many items have each status. A batch that was recorded at once has no `queued`; one that was "
    "queued has `queued` and `invalid` only.",
    "properties": dict.fromkeys(_ITEM_STATUSES, _COUNT),
    "required": ["invalid"],
}
_BATCH_RECEIPT = object_schema(
    "The result of each item, in the order of the batch, and how many have each status.",
    {
        "results": {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": ref("BatchResult")},
        "counts": ref("BatchCounts"),
    },
)
