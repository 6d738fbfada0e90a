"""Schemas of what the API takes, made from the marshmallow schemas that check it."""

import copy
import json
from typing import Any

from apispec import APISpec

from chalicelib.api.batch import MAX_ITEMS
from chalicelib.api.preferences_form import STATEMENTS
from chalicelib.api.staff_flags import DEFAULT_DAYS_OF_TRIAL, MAX_DAYS_OF_TRIAL
from chalicelib.banks.schemas import MAX_URL, URL, BankSettingsSchema
from chalicelib.cases.case import Outcome
from chalicelib.cases.moves import MAX_NOTE
from chalicelib.flags.answers import Answer
from chalicelib.holders.holder import HolderSchema
from chalicelib.ledger.posted import TransactionSchema
from chalicelib.ledger.transaction import TYPES
from openapi import field_texts, settings_texts
from openapi.decimals import DECIMALS
from openapi.json_schema import TIME, Json, ref
from openapi.marshmallow_fields import CODES

# A date or a time. No schema has a format for both that generators read.
DATE_OR_TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?$"
WEBHOOK_URL: Json = {"type": "string", "format": "uri", "pattern": f"^{URL.pattern}$", "maxLength": MAX_URL}
_FIELDS = field_texts.OF_FIELDS | settings_texts.OF_FIELDS
_SCHEMAS = field_texts.OF_SCHEMAS | settings_texts.OF_SCHEMAS


def add_request_schemas(spec: APISpec) -> None:
    """Add a schema for every body, or part of one, that a bank sends; the description must have an ExactPlugin."""
    for name, schema in {**CODES, **DECIMALS}.items():
        spec.components.schema(name, schema)
    spec.components.schema("Transaction", schema=TransactionSchema)
    spec.components.schema("Holder", schema=HolderSchema)
    spec.components.schema("BankSettings", schema=BankSettingsSchema)
    spec.components.schemas["BankSettings"]["properties"]["alert_addresses"]["uniqueItems"] = True
    spec.components.schemas["BankSettings"]["properties"]["webhook_url"] = {**WEBHOOK_URL}
    spec.components.schemas["WebhookEndpoint"]["properties"]["url"] = {**WEBHOOK_URL}
    spec.components.schemas["BankSettings"]["properties"]["webhooks_disabled_at"] = {**TIME, "readOnly": True}
    spec.components.schema("Batch", _BATCH)
    spec.components.schema("CaseNote", _CASE_NOTE)
    spec.components.schema("CaseOutcome", _CASE_OUTCOME)
    spec.components.schema("WebhookSpan", _WEBHOOK_SPAN)
    spec.components.schema("TrialRequest", _TRIAL_REQUEST)
    spec.components.schema("PreferencesForm", _PREFERENCES_FORM)
    spec.components.schema("AlertForm", _ALERT_FORM)
    spec.components.schema("AddressForm", _ADDRESS_FORM)
    for name, schema in spec.components.schemas.items():
        if name in _FIELDS:
            schema["description"] = _SCHEMAS[name]
            for field, definition in schema["properties"].items():
                definition["description"] = _FIELDS[name][field]
    holder = spec.components.schemas["Holder"]
    patch = {name: value for name, value in copy.deepcopy(holder).items() if name != "required"}
    spec.components.schema("HolderPatch", {**patch, "description": _HOLDER_PATCH})


def state_defaults(schemas: Json) -> None:
    """State the defaults of requests' fields, after the answers' schemas are made of them."""
    for name, defaults in (field_texts.DEFAULTS | settings_texts.DEFAULTS).items():
        for field, default in defaults.items():
            _state_default(schemas[name]["properties"][field], default)


def _state_default(definition: Json, default: Any) -> None:
    """State a field's default: for people, and for programs where generators put it into code that compiles."""
    definition["description"] += f" Default: `{json.dumps(default)}`."
    if "$ref" not in definition and definition["type"] != "object":
        definition["default"] = default


_HOLDER_PATCH = (
    "What changes of a holder (a merge patch, RFC 7396): what is left out stays, within `preferences` too, and "
    "`null` sets "
    "a field to its default."
)
_BATCH: Json = {
    "type": "object",
    "description": "Transactions, each by itself. The answer names the items that break a rule; they do not affect the "
    "others.",
    "properties": {
        "transactions": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_ITEMS,
            "items": {"$ref": "#/components/schemas/Transaction"},
            "description": "Recorded at the same time; items with the same id are recorded in their order.",
        }
    },
    "required": ["transactions"],
    "additionalProperties": False,
}
_NOTE: Json = {"type": "string", "minLength": 1, "maxLength": MAX_NOTE, "pattern": r"^[\s\S]*\S[\s\S]*$"}
_CASE_NOTE: Json = {
    "type": "object",
    "description": "A note for colleagues.",
    "properties": {"text": {**_NOTE, "description": "The note. It may have lines; ids, please, and no names."}},
    "required": ["text"],
    "additionalProperties": False,
}
_CASE_OUTCOME: Json = {
    "type": "object",
    "description": "What a case was found to be.",
    "properties": {
        "outcome": {"type": "string", "enum": [str(one) for one in Outcome], "description": "The outcome."},
        "note": {**_NOTE, "description": "Why."},
    },
    "required": ["outcome"],
    "additionalProperties": False,
}
_WEBHOOK_SPAN: Json = {
    "type": "object",
    "description": "The time span whose undelivered webhooks are sent again.",
    "properties": {
        "from": {"type": "string", "description": "The first day (UTC) or moment.", "pattern": DATE_OR_TIME},
        "to": {"type": "string", "description": "The last day (UTC) or moment, inclusive.", "pattern": DATE_OR_TIME},
        "cursor": {"type": "string", "description": "`next_cursor` of the previous call with the same time span."},
    },
    "required": ["from", "to"],
    "additionalProperties": False,
}
_TRIAL_REQUEST: Json = {
    "type": "object",
    "description": "Changed settings to be tried.",
    "properties": {
        "settings": {**ref("BankSettings"), "description": "The change: a merge patch (RFC 7396) of the settings."},
        "days": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_DAYS_OF_TRIAL,
            "default": DEFAULT_DAYS_OF_TRIAL,
            "description": "So many days back.",
        },
    },
    "required": ["settings"],
    "additionalProperties": False,
}
_FORM_TIME: Json = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_ALERT_FORM: Json = {
    "type": "object",
    "description": "The button of the page that a security alert's link opens.",
    "properties": {"answer": {"type": "string", "enum": list(Answer), "description": "The answer of the link."}},
    "required": ["answer"],
}
_ADDRESS_FORM: Json = {
    "type": "object",
    "description": "The button of the page at the link that confirms an address.",
    "properties": {"confirm": {"type": "string", "const": "address", "description": "What is confirmed."}},
    "required": ["confirm"],
}
_PREFERENCES_FORM: Json = {
    "type": "object",
    "description": "The page's form: `seen` is required, and a box that isn't checked is absent. Or one of the page's "
    "buttons: `do`. Or what a mail program sends to unsubscribe (RFC 8058): `List-Unsubscribe` alone.",
    "properties": {
        "List-Unsubscribe": {"type": "string", "const": "One-Click"},
        "seen": {
            "type": "string",
            "description": "The value on the page: it says which preferences the holder has seen.",
        },
        "types": {"type": "array", "items": {"type": "string", "enum": list(TYPES)}, "maxItems": len(TYPES)},
        "new_currency": {"type": "string", "description": "A currency for which the form shows no minimum, or empty."},
        "new_least": {
            "type": "string",
            "description": "The minimum in this currency, as the holder's language writes amounts.",
        },
        "quiet": {"type": "string", "const": "on"},
        "quiet_from": _FORM_TIME,
        "quiet_to": _FORM_TIME,
        "statement": {"type": "string", "enum": list(STATEMENTS)},
        "muted": {"type": "string", "const": "on"},
        "do": {"type": "string", "enum": ["emails_on", "alerts_on", "alerts_off"]},
        "confirmed": {
            "type": "string",
            "description": "The value on the page that asks whether to end the security alerts.",
        },
    },
    "patternProperties": {
        "^min_amount\\.[A-Z]{3}$": {
            "type": "string",
            "description": "The minimum, as the holder's language writes amounts.",
        }
    },
}
