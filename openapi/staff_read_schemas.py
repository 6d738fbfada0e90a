"""Schemas of what a bank's staff reads: pages of transactions and accounts, the audit trail, quotas."""

from chalicelib.api.requests import MAX_PAGE
from chalicelib.api.staff_accounts import NEWEST
from chalicelib.api.staff_search import HOLDERS_A_PAGE
from chalicelib.api.staff_transactions import MOST_WEBHOOKS
from chalicelib.audit.entry import API_KEY, HOLDER, MOST_FIELDS, OPERATOR, STAFF
from chalicelib.audit.looks import MOST_LOOKS
from chalicelib.banks.plans import DAILY, Metered
from chalicelib.flags.baselines import MAX_AMOUNTS
from chalicelib.holders.holder import MAX_HOLDERS
from chalicelib.ledger.transaction import TYPES
from chalicelib.notifications.records import MOST_OF_A_TRANSACTION
from chalicelib.webhooks.records import Standing
from chalicelib.webhooks.resending import MOST_A_CALL
from chalicelib.webhooks.webhook import TYPES as WEBHOOK_TYPES
from openapi.holder_schemas import holder_schemas
from openapi.json_schema import IDENTIFIER_SCHEMA, MOST_OF_A_VALUE, TIME, Json, object_schema, open_text, ref, string

NEXT_CURSOR: Json = {"type": "string", "description": "The `cursor` for what follows, if there is more."}
_COUNT: Json = {"type": "integer", "minimum": 0}
_SEEN_BY: Json = {
    "type": "array",
    "maxItems": MOST_LOOKS,
    "items": ref("Look"),
    "description": "Who looked before, newest first, as far as the newest entries of the audit trail say it.",
}
_USUAL: Json = {
    "type": "array",
    "maxItems": MAX_AMOUNTS,
    "items": ref("UsualAmounts"),
    "description": "The account's settled amounts, the most used first.",
}


def _rounded(what: str) -> Json:
    return {
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)?$",
        "description": f"{what}, rounded to the currency's decimals.",
    }


def staff_read_schemas(requests: Json) -> Json:
    """Return the schemas by name; `requests` has those of what a bank sends."""
    holder = holder_schemas(requests)["EnrolledHolder"]
    return {
        **_of_transactions(),
        **_of_holders(holder),
        **_of_the_bank(),
        "Look": object_schema(
            "A look of a member of staff.",
            {
                "subject": {"type": "string", "description": "The member's id."},
                "at": {**TIME, "description": "When, in UTC."},
            },
        ),
        "SentWebhook": object_schema(
            "A webhook as it was posted.",
            {
                "id": {"type": "string", "description": "The webhook's id."},
                "type": open_text(WEBHOOK_TYPES, "The webhook's type."),
                "endpoint": {"type": "string", "description": "The endpoint's id; `default` is the short form's."},
                "body": {
                    "type": "string",
                    "maxLength": 65_536,
                    "description": "The body, as it was signed and posted.",
                },
            },
        ),
        "WebhookSecret": object_schema(
            "A bank's new webhook secret.",
            {
                "secret": string(
                    "^whsec_[A-Za-z0-9+/]{43}=$", "What signs the bank's webhooks. It is never shown again."
                ),
                "previous_valid_until": {**TIME, "description": "Until when the previous secret signs too, in UTC."},
            },
        ),
        "WebhooksResent": object_schema(
            "How many webhooks are sent again.",
            {"resent": {**_COUNT, "maximum": MOST_A_CALL}, "next_cursor": NEXT_CURSOR},
            optional=("next_cursor",),
        ),
    }


def _of_transactions() -> Json:
    return {
        "FoundTransactions": object_schema(
            "A page of a search.",
            {
                "transactions": {"type": "array", "maxItems": MAX_PAGE, "items": ref("JudgedTransaction")},
                "next_cursor": NEXT_CURSOR,
                "searched_to": {
                    **TIME,
                    "description": "All that is newer has been searched. Absent where the page is full or the last.",
                },
            },
            optional=("next_cursor", "searched_to"),
        ),
        "UsualAmounts": object_schema(
            "What is usual on an account, in one currency and direction.",
            {
                "currency": ref("Currency"),
                "type": open_text(TYPES, "The direction of the money, as the account sees it."),
                "count": {**_COUNT, "description": "How many settled transactions it is of."},
                "average": _rounded("The average"),
                "spread": _rounded("The standard deviation"),
            },
        ),
        "TransactionWebhook": object_schema(
            "A webhook about the transaction, after its last attempt.",
            {
                "id": {"type": "string", "maxLength": MOST_OF_A_VALUE, "description": "The webhook's id."},
                "type": open_text(WEBHOOK_TYPES, "The webhook's type."),
                "holder": {**IDENTIFIER_SCHEMA, "description": "The holder whom it is about."},
                "state": open_text([one.value for one in Standing], "The webhook's delivery status."),
                "answer": {
                    "type": "string",
                    "maxLength": MOST_OF_A_VALUE,
                    "description": "The status of the answer, or a code that says why none.",
                },
                "attempts": {**_COUNT, "description": "How often it was posted."},
                "at": {**TIME, "description": "When it was tried last, in UTC."},
                "next_at": {**TIME, "description": "When it is tried next, in UTC."},
            },
            optional=("holder", "next_at"),
        ),
        "StaffTransaction": object_schema(
            "All that is known of a transaction.",
            {
                "transaction": ref("TransactionDetails"),
                "usual": ref("UsualAmounts", "Of the account, in the transaction's currency and direction."),
                "notifications": {"type": "array", "maxItems": MOST_OF_A_TRANSACTION, "items": ref("Notification")},
                "webhooks": {"type": "array", "maxItems": MOST_WEBHOOKS, "items": ref("TransactionWebhook")},
                "case": ref("Case", "The case that its flags opened, with its history."),
                "seen_by": _SEEN_BY,
            },
            optional=("usual", "case"),
        ),
    }


def _of_holders(holder: Json) -> Json:
    statement = object_schema(
        "The statement that the holder gets next.",
        {
            "period": open_text(("weekly", "monthly"), "What it is of."),
            "next_due": {**TIME, "description": "When it is sent, in UTC."},
        },
    )
    return {
        "NextStatement": statement,
        "StaffHolder": {**holder, "properties": {**holder["properties"], "statement": ref("NextStatement")}},
        "StaffAccount": object_schema(
            "An account.",
            {
                "account": IDENTIFIER_SCHEMA,
                "usual": _USUAL,
                "holders": {"type": "array", "maxItems": MAX_HOLDERS, "items": ref("StaffHolder")},
                "transactions": {
                    "type": "array",
                    "maxItems": NEWEST,
                    "items": ref("JudgedTransaction"),
                    "description": "The newest.",
                },
                "seen_by": _SEEN_BY,
                "next_cursor": {
                    "type": "string",
                    "description": "Continues `GET /staff/transactions` with this `account`, if there are more.",
                },
            },
            optional=("next_cursor",),
        ),
        "FoundHolder": object_schema(
            "A holder of an account.", {"account": IDENTIFIER_SCHEMA, "holder": ref("EnrolledHolder")}
        ),
        "FoundHolders": object_schema(
            "Holders, by account.",
            {
                "holders": {"type": "array", "maxItems": HOLDERS_A_PAGE, "items": ref("FoundHolder")},
                "next_cursor": NEXT_CURSOR,
            },
            optional=("next_cursor",),
        ),
    }


def _of_the_bank() -> Json:
    maybe: Json = {"type": ["string", "null"]}
    return {
        "AuditAuthor": object_schema(
            "Who made a change or looked.",
            {
                "kind": open_text((API_KEY, HOLDER, OPERATOR, STAFF), "The kind of author."),
                "id": {"type": "string", "description": "The author's id, of its kind."},
            },
        ),
        "AuditEntry": object_schema(
            "A change, or a look, as it was about to be made.",
            {
                "id": {"type": "string", "description": "The entry's id."},
                "bank": {"type": "string", "description": "The bank's id."},
                "at": {**TIME, "description": "When, in UTC."},
                "author": ref("AuditAuthor"),
                "action": {"type": "string", "description": "What was done, like `settings.patch`."},
                "subject": {**maybe, "description": "A hash of what it was done to. `null` for the bank itself."},
                "fields": {
                    "type": "array",
                    "maxItems": MOST_FIELDS,
                    "items": {"type": "string", "pattern": "^[A-Za-z0-9_.#-]*$", "maxLength": MOST_OF_A_VALUE},
                    "description": "The names of what was changed of it.",
                },
                "source_ip": {**maybe, "description": "The address that the request came from."},
                "request_id": {**maybe, "description": "The request's id."},
            },
        ),
        "AuditEntries": object_schema(
            "A page of the audit trail.",
            {
                "entries": {"type": "array", "maxItems": MAX_PAGE, "items": ref("AuditEntry")},
                "next_cursor": NEXT_CURSOR,
            },
            optional=("next_cursor",),
        ),
        "Quota": QUOTA,
        "QuotaUse": object_schema(
            "The plan, and how much of it is used today (UTC).",
            {
                "plan": open_text(DAILY, "The bank's plan."),
                "resets_at": {**TIME, "description": "When the quotas begin anew, in UTC."},
                "quotas": {"type": "array", "maxItems": len(Metered), "items": ref("Quota")},
            },
        ),
    }


QUOTA = object_schema(
    "How much of a quota is used.",
    {
        "what": open_text([one.value for one in Metered], "What is counted."),
        "used": {"type": ["integer", "null"], "minimum": 0, "description": "`null` where nothing is counted."},
        "limit": {"type": ["integer", "null"], "minimum": 0, "description": "`null` without a limit."},
    },
)
