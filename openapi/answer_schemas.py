"""Schemas of what the API answers: what it took, in its canonical form, and what became of it."""

import copy
from typing import Any

from apispec import APISpec

from chalicelib.api.batch import MAX_ITEM_ERRORS, MAX_ITEMS
from chalicelib.api.requests import MAX_PAGE
from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import MAX_ERRORS, MAX_FIELD
from chalicelib.holders.holder import MAX_HOLDERS
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.notifications.state import MAX_FEEDBACK, STATEMENT_ID, State
from chalicelib.webhooks.webhook import TYPE_OF, TYPES
from openapi.flag_schemas import FLAGS_SCHEMA
from openapi.related_schema import RELATED_SCHEMA
from openapi.request_schemas import DIGITS, IDENTIFIER_SCHEMA, OVER_ZERO, Json

_TIME: Json = {"type": "string", "format": "date-time", "pattern": "Z$"}
_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS}


def add_answer_schemas(spec: APISpec) -> None:
    """Add to the description, which has the schemas of requests, those of all answers."""
    schemas = spec.components.schemas
    transaction = copy.deepcopy(schemas["Transaction"])
    answered = _object(
        "A transaction in its canonical form: what is said differently but is the same is answered alike.",
        {
            **transaction["properties"],
            "amount": _string(f"^{OVER_ZERO}{DIGITS}$", "Exact, with all of the currency's decimals."),
            "timestamp": {**_TIME, "description": "In UTC."},
            "currency": {"$ref": "#/components/schemas/Currency"},
            "balance": _string(f"^-?{DIGITS}$", "Exact, with all of the currency's decimals."),
            "recorded_at": {**_TIME, "description": "When this service stored it, in UTC."},
        },
        optional=("authorization_id", "merchant", "description", "balance", "card_last4", "metadata", "recorded_at"),
    )
    spec.components.schema("AnsweredTransaction", answered)
    spec.components.schema(
        "RecordedTransaction",
        {
            "description": "A transaction that is stored, for good.",
            "allOf": [_ref("AnsweredTransaction"), {"required": ["recorded_at"]}],
        },
    )
    spec.components.schema("Flags", FLAGS_SCHEMA)
    spec.components.schema(
        "JudgedTransaction",
        {
            **answered,
            "description": "A transaction that is stored, with its flags and what it has to do with others: both come "
            "within seconds of it.",
            "properties": {**answered["properties"], "flags": _ref("Flags"), "related": RELATED_SCHEMA},
            "required": [*answered["required"], "recorded_at", "flags", "related"],
        },
    )
    spec.components.schema("DryRun", _DRY_RUN)
    spec.components.schema("QueuedTransaction", _QUEUED)
    spec.components.schema("TransactionPage", _PAGE)
    spec.components.schema("BatchResult", _BATCH_RESULT)
    spec.components.schema("BatchOutcome", _outcome("created", "replayed", "conflict", "invalid", "retry"))
    spec.components.schema("QueuedBatch", _outcome("queued", "invalid"))

    preferences = copy.deepcopy(schemas["Preferences"])
    del preferences["additionalProperties"]
    least = preferences["properties"]["min_amount"]
    least["additionalProperties"] = _string(f"^{DIGITS}$", "Exact.")
    preferences["description"] = "As they were enrolled; amounts are strings."
    spec.components.schema("EnrolledPreferences", preferences)
    holder = copy.deepcopy(schemas["Holder"])["properties"]
    spec.components.schema(
        "EnrolledHolder",
        _object(
            "A holder who is told of the account's transactions.",
            {
                "id": {**IDENTIFIER_SCHEMA, "description": "The id in the path."},
                **holder,
                "preferences": _ref("EnrolledPreferences"),
                "enrolled_at": {**_TIME, "description": "When the holder was enrolled or replaced, in UTC."},
                "suppressed": _SUPPRESSED,
            },
            optional=("suppressed",),
        ),
    )
    spec.components.schema("Holders", _HOLDERS)
    spec.components.schema("AllSettings", _all_settings(schemas))
    spec.components.schema("Notification", _object("What became of a holder's e-mail.", _NOTIFICATION, _MAY_LACK))
    spec.components.schema("Notifications", _NOTIFICATIONS)
    spec.components.schema("NotificationFeed", _NOTIFICATION_FEED)
    for type_ in TYPES:
        spec.components.schema(webhook_schema(type_), _webhook(type_))
    spec.components.schema("Analytics", _ANALYTICS)
    spec.components.schema("FieldError", _FIELD_ERROR)
    spec.components.schema("Problem", _PROBLEM)
    spec.components.schema("Health", _object("The function runs.", {"status": {"const": "ok", "type": "string"}}))


def webhook_schema(type_: str) -> str:
    """Return the name of the schema of a webhook's body, like NotificationDelivered."""
    return "".join(word.capitalize() for word in type_.split("."))


def _webhook(type_: str) -> Json:
    states = sorted(state.value for state, of_state in TYPE_OF.items() if of_state == type_)
    told = {name: _NOTIFICATION[name] for name in ("holder", "reason", "message_id")}
    data = {"transaction": _TOLD_OF, **told, "state": {"type": "string", "enum": states}}
    return _object(
        "What a webhook says: the same at each try.",
        {
            "type": {"type": "string", "const": type_},
            "timestamp": {**_TIME, "description": "When it came to be so, in UTC."},
            "data": _object("Which notification, and what became of it.", data, optional=("reason", "message_id")),
        },
    )


def _all_settings(schemas: Json) -> Json:
    """Return the settings as they are answered: every one of them, with numbers that can have decimals as strings."""
    rules = {}
    for name, rule in schemas["FlagRules"]["properties"].items():
        schema = copy.deepcopy(schemas[_referred(rule)])
        for field, definition in schema["properties"].items():
            if field == "thresholds":
                definition["additionalProperties"] = _string(f"^{OVER_ZERO}{DIGITS}$", "Exact.")
            elif "oneOf" in definition:
                definition |= definition.pop("oneOf")[1]
            del definition["default"]
        rules[name] = _object(schema["description"], schema["properties"])
    properties = copy.deepcopy(schemas["BankSettings"]["properties"])
    properties["flags"] = _object("The rules that flag a transaction.", rules)
    properties["webhooks_disabled_at"] |= {"type": "string", "format": "date-time"}
    may_lack = ("webhook_url", "webhooks_disabled_at")
    return _object("All of a bank's settings, the defaults too.", properties, may_lack)


def _referred(schema: Json) -> str:
    (reference,) = schema.get("allOf", [schema])
    return str(reference["$ref"].rpartition("/")[2])


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _string(pattern: str, description: str) -> Json:
    return {"type": "string", "pattern": pattern, "description": description}


def _object(description: str, properties: Json, optional: tuple[str, ...] = ()) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": description, "properties": properties, "required": required}


_FIELD_ERROR = _object(
    "One field or parameter, and what is wrong with it.",
    {
        "field": {
            "type": "string",
            "maxLength": MAX_FIELD,
            "description": "Dotted: `merchant.mcc`. Empty for what concerns a batch's item as a whole.",
        },
        "message": {"type": "string", "minLength": 1, "description": "For people; never what was sent."},
    },
)
_PROBLEM = _object(
    "A problem document (RFC 9457). Programs may rely on `code`; the rest is for people.",
    {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:transaction-notifier:problem:"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "code": {"type": "string", "pattern": "^[a-z]+(_[a-z]+)*$"},
        "request_id": {"type": "string", "description": "Under it the request is in our logs."},
        "errors": {"type": "array", "maxItems": MAX_ERRORS, "items": _ref("FieldError")},
    },
)

_DRY_RUN = _object(
    "What would happen to the transaction. Nothing was written.",
    {
        "dry_run": {"type": "boolean", "const": True},
        "status": {"type": "string", "enum": ["created", "replayed"]},
        "transaction": _ref("AnsweredTransaction"),
    },
)
_QUEUED = _object(
    "A transaction that is accepted and will be recorded soon.",
    {"id": IDENTIFIER_SCHEMA, "status": {"type": "string", "const": "queued"}},
)
_PAGE = _object(
    "A page of a listing.",
    {
        "transactions": {"type": "array", "items": _ref("RecordedTransaction")},
        "next_cursor": {
            "type": ["string", "null"],
            "description": "Continues this listing, and no other; `null` at the end. With `type`, a page may hold "
            "fewer than `limit`, or none, and still have one.",
        },
    },
)
_STATE: Json = {"type": "string", "enum": [state.value for state in State]}
_REASON = {"type": "string", "description": "A code, or the preference that said so."}
_MAY_LACK = ("reason", "queued_at", "sent_at", "message_id")
_NOTIFICATION: Json = {
    "holder": {**IDENTIFIER_SCHEMA, "description": "The bank's id of the holder."},
    "state": _STATE,
    "reason": _REASON,
    "queued_at": {**_TIME, "description": "Since when it was to be told, in UTC."},
    "sent_at": {**_TIME, "description": "When SES had accepted it, in UTC."},
    "updated_at": {**_TIME, "description": "When it last changed, in UTC."},
    "message_id": {"type": "string", "description": "SES's id of the e-mail."},
    "history": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_FEEDBACK + 2,
        "description": "What happened, in order of time: of what SES told, the last ten.",
        "items": _object("What happened.", {"state": _STATE, "at": _TIME, "reason": _REASON}, optional=("reason",)),
    },
}
_NOTIFICATIONS = _object(
    "A transaction's notifications, by holder.", {"notifications": {"type": "array", "items": _ref("Notification")}}
)
_TOLD_OF = {
    "type": "string",
    "pattern": f"^(?:{IDENTIFIER.pattern}|{STATEMENT_ID.pattern})$",
    "description": "The transaction's id. Of a statement, `statement@`, the account, `@`, and the week or month by "
    "ISO 8601: no transaction has such an id.",
    "examples": ["t-4711", "statement@A123@2026-W23", "statement@A123@2026-06"],
}
_NOTIFICATION_FEED = _object(
    "Notifications that changed, as they are now.",
    {
        "notifications": {
            "type": "array",
            "maxItems": MAX_PAGE,
            "items": _object(
                "What became of a holder's e-mail about a transaction, or with a statement.",
                {"transaction": _TOLD_OF, **_NOTIFICATION},
                _MAY_LACK,
            ),
        },
        "next_cursor": {"type": "string", "description": "What `since` goes on from: always given."},
    },
)
_SUPPRESSED = _object(
    "No e-mail goes to the address any more, for any of the bank's holders who have it, until another is enrolled.",
    {
        "reason": {"type": "string", "enum": ["complaint", "hard_bounce"]},
        "since": {**_TIME, "description": "When it bounced or was complained of, in UTC."},
    },
)
_HOLDERS = _object(
    "An account's holders, by id.",
    {"holders": {"type": "array", "maxItems": MAX_HOLDERS, "items": _ref("EnrolledHolder")}},
)
_MANY: Json = {"type": "integer", "minimum": 0}
_DATE: Json = {"type": "string", "format": "date"}
_SUM = _string(f"^{DIGITS}$", "Exact, with all of the currency's decimals.")
_SIGNED_SUM = _string(f"^-?{DIGITS}$", "Exact, with all of the currency's decimals.")
_BY_TYPE = _object("Those of one type.", {"count": _MANY, "amount": _SUM})
_TOTAL = _object(
    "What a currency's settled transactions add up to.",
    {
        "currency": _ref("Currency"),
        "count": {"type": "integer", "minimum": 1},
        "credit": _BY_TYPE,
        "debit": _BY_TYPE,
        "net": {**_SIGNED_SUM, "description": "Credit less debit."},
        "average": {**_SUM, "description": "Of all amounts, rounded to the currency's decimals, half to even."},
        "max_transaction": _object(
            "The one with the largest amount; of several, the one whose id comes first.",
            {
                "id": IDENTIFIER_SCHEMA,
                "account": IDENTIFIER_SCHEMA,
                "amount": _SUM,
                "type": {"type": "string", "enum": ["credit", "debit"]},
                "timestamp": _TIME,
            },
        ),
    },
)
_ANALYTICS = _object(
    "A bank's, or an account's, settled transactions on the days from `from` to `to`, both inclusive.",
    {
        "from": _DATE,
        "to": _DATE,
        "as_of": {**_TIME, "description": "All that was recorded until then is counted."},
        "totals": {"type": "array", "items": _TOTAL, "description": "By currency."},
        "flags": _object("How many were flagged, by flag.", dict.fromkeys(FLAGS, _MANY)),
        "days": {
            "type": "array",
            "description": "Days with transactions, in order, by currency.",
            "items": _object(
                "A day in a currency.",
                {
                    "date": _DATE,
                    "currency": _ref("Currency"),
                    "count": {"type": "integer", "minimum": 1},
                    "credit": _SUM,
                    "debit": _SUM,
                },
            ),
        },
    },
)
_ITEM_CODES = {
    "conflict": ["transaction_conflict"],
    "invalid": ["validation_failed", "malformed_body", "card_number_refused"],
}
_BATCH_RESULT: Json = {
    **_object(
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
            "errors": {"type": "array", "minItems": 1, "maxItems": MAX_ITEM_ERRORS, "items": _ref("FieldError")},
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
    result: dict[str, Any] = {"allOf": [_ref("BatchResult"), {"properties": {"status": {"enum": list(statuses)}}}]}
    return _object(
        "What became of each item, in their order, and how many came to what.",
        {
            "results": {"type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": result},
            "counts": _object("How many items came to what.", dict.fromkeys(statuses, _COUNT)),
        },
    )
