"""Schemas of what is answered to a bank's staff about cases."""

from chalicelib.api.requests import MAX_PAGE
from chalicelib.banks.thresholds import FLAGS
from chalicelib.cases.case import Outcome, State, What
from chalicelib.cases.moves import MAX_EVENTS, MAX_NOTE
from chalicelib.cases.queue_repository import MOST_COUNTED
from chalicelib.flags.answers import MAX_ANSWERS, Answer
from chalicelib.ledger.transaction import TYPES
from openapi.json_schema import (
    DIGITS,
    IDENTIFIER_SCHEMA,
    MOST_OF_A_VALUE,
    TIME,
    Json,
    object_schema,
    open_text,
    ref,
    string,
)

_COUNTS = {
    "flagged": "Transactions that the rule flagged, and people heard of.",
    "shadow": "Transactions that it flagged in shadow.",
    "fraud": "Cases that were closed as fraud.",
    "legitimate": "Cases that were closed as legitimate.",
    "unclear": "Cases that were closed as unclear.",
    "recognized": "Transactions that all holders who answered recognize.",
    "not_recognized": "Transactions that a holder doesn't recognize.",
    "open": "Cases that aren't closed.",
}
_ALARMS = {
    "flagged": "Transactions that the rule flags.",
    "fraud": "Fraud: as staff found, or else as a holder says.",
    "legitimate": "No fraud: as staff found, or else as the holders say.",
    "unclear": "Closed as unclear, and no holder has answered.",
    "unlabelled": "Nothing is known of them.",
}
_COUNT: Json = {"type": "integer", "minimum": 0, "maximum": MOST_COUNTED}


def case_schemas() -> Json:
    """Return the schemas by name."""
    return {
        **_precision_schemas(),
        **_trial_schemas(),
        "CaseMember": object_schema(
            "A member of the bank's staff.",
            {
                "subject": {"type": "string", "minLength": 1, "description": "The member's id."},
                "name": {"type": "string", "description": "The member's name."},
            },
        ),
        "CaseAnswer": object_schema(
            "A holder's answer to the alert.",
            {
                "holder": {**IDENTIFIER_SCHEMA, "description": "The bank's id of the holder."},
                "answer": open_text([str(one) for one in Answer], "What the holder says."),
                "answered_at": {**TIME, "description": "When, in UTC."},
            },
        ),
        "CaseActor": object_schema(
            "Who did something to a case.",
            {
                "kind": open_text(["staff", "holder", "system"], "What kind of actor."),
                "id": {"type": "string", "minLength": 1, "description": "A member's subject, or a holder's id."},
                "name": {"type": "string", "minLength": 1, "description": "A member's name."},
            },
            optional=("name",),
        ),
        "CaseEvent": object_schema(
            "Something that happened to a case.",
            {
                "at": {**TIME, "description": "When, in UTC."},
                "by": ref("CaseActor"),
                "what": open_text([str(one) for one in What], "What happened."),
                "note": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_NOTE,
                    "description": "What the member noted.",
                },
                "outcome": open_text([str(one) for one in Outcome], "The outcome it was closed with."),
                "answer": open_text([str(one) for one in Answer], "What the holder says."),
            },
            optional=("note", "outcome", "answer"),
        ),
        "Case": object_schema(
            "A flagged transaction that staff looks at.", _case(), ("merchant", "claimed_by", "history")
        ),
        "ListedCase": object_schema(
            "A case without its history.",
            {name: value for name, value in _case().items() if name != "history"},
            ("merchant", "claimed_by"),
        ),
        "OneCase": object_schema("A case.", {"case": ref("Case")}),
        "Cases": _cases(),
    }


def _cases() -> Json:
    return object_schema(
        "A bank's cases in a state, without their histories, and how many wait.",
        {
            "cases": {"type": "array", "maxItems": MAX_PAGE, "items": ref("ListedCase")},
            "counts": object_schema(
                f"How many wait; more than {MOST_COUNTED:,} are counted as {MOST_COUNTED:,}.",
                {
                    "open": {**_COUNT, "description": "Open cases."},
                    "claimed": {**_COUNT, "description": "Claimed cases."},
                    "not_recognized": {**_COUNT, "description": "Open ones whose holder says that it wasn't them."},
                },
            ),
            "next_cursor": {"type": "string", "description": "The `cursor` for the next page, if there is one."},
        },
        optional=("next_cursor",),
    )


def _precision_schemas() -> Json:
    return {
        "RulePrecision": object_schema(
            "What became of a rule's flags.",
            {
                **{name: {"type": "integer", "minimum": 0, "description": text} for name, text in _COUNTS.items()},
                "precision": {
                    "type": ["string", "null"],
                    "description": "The share of true alarms among those of which it is known; null without any.",
                },
            },
        ),
        "Precision": object_schema(
            "How often each rule was right.",
            {
                "from": {"type": "string", "format": "date", "description": "The first day."},
                "to": {"type": "string", "format": "date", "description": "The last day."},
                "is_complete": {
                    "type": "boolean",
                    "description": "Whether all are counted: if not, only the newest days are. Ask for fewer.",
                },
                "rules": {
                    "type": "object",
                    "maxProperties": len(FLAGS),
                    "propertyNames": {"type": "string", "maxLength": MOST_OF_A_VALUE},
                    "additionalProperties": ref("RulePrecision"),
                    "description": "The counts by rule.",
                },
            },
        ),
    }


def _trial_schemas() -> Json:
    counts = {name: {"type": "integer", "minimum": 0, "description": text} for name, text in _ALARMS.items()}
    return {
        "Alarms": object_schema("A rule's flags by what is known of the transactions.", counts),
        "RuleTrial": object_schema(
            "What a rule flags by the present settings, and by the changed ones.",
            {"now": ref("Alarms"), "then": ref("Alarms")},
        ),
        "Trial": object_schema(
            "What changed settings would have flagged.",
            {
                "transactions": {"type": "integer", "minimum": 0, "description": "How many were judged or looked at."},
                "from": {**TIME, "description": "How far back they go."},
                "to": {**TIME, "description": "When the trial was made."},
                "is_complete": {
                    "type": "boolean",
                    "description": "Whether these are all of the days that were asked for, with all that is known.",
                },
                "rules": {
                    "type": "object",
                    "maxProperties": len(FLAGS),
                    "propertyNames": {"type": "string", "maxLength": MOST_OF_A_VALUE},
                    "additionalProperties": ref("RuleTrial"),
                    "description": "The counts by rule.",
                },
            },
        ),
    }


def _case() -> Json:
    outcomes = ", ".join(f"`{one}`" for one in Outcome)
    return {
        "id": {**IDENTIFIER_SCHEMA, "description": "The case's id: the transaction's."},
        "transaction": {**IDENTIFIER_SCHEMA, "description": "The transaction's id."},
        "account": {**IDENTIFIER_SCHEMA, "description": "The account's id."},
        "amount": string(f"^{DIGITS}$", "The transaction's amount."),
        "currency": ref("Currency", "The amount's currency."),
        "type": open_text(TYPES, "Whether money comes in or goes out."),
        "merchant": {"type": "string", "description": "The merchant's name."},
        "timestamp": {**TIME, "description": "The transaction's own time, in UTC."},
        "flags": {
            "type": "array",
            "maxItems": len(FLAGS),
            "items": open_text(FLAGS, "A rule."),
            "description": "The rules that flagged it.",
        },
        "state": open_text([str(one) for one in State], "Where the case stands."),
        "weight": {
            "type": "integer",
            "minimum": 0,
            "description": "How soon somebody should look at it, the highest first: by the flags, the amount and the "
            "holders' answers.",
        },
        "opened_at": {**TIME, "description": "When it was opened, in UTC."},
        "claimed_by": ref("CaseMember", "Who works on it."),
        "claimed_at": {"type": ["string", "null"], "format": "date-time", "description": "Since when, in UTC."},
        "outcome": {"type": ["string", "null"], "description": f"What it was found to be: {outcomes}."},
        "closed_at": {"type": ["string", "null"], "format": "date-time", "description": "When it was closed, in UTC."},
        "answers": {
            "type": "array",
            "maxItems": MAX_ANSWERS,
            "items": ref("CaseAnswer"),
            "description": "The holders' answers to the alert.",
        },
        "history": {
            "type": "array",
            "maxItems": MAX_EVENTS,
            "items": ref("CaseEvent"),
            "description": "What happened, in the order of time.",
        },
    }
