"""The operation of the console's first page, and the schemas of what it answers."""

from chalicelib.activity.hour import EMAILS
from chalicelib.api.staff_today import PERIODS
from chalicelib.banks.plans import Metered
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.staff.member import Group
from openapi.json_schema import TIME, Json, object_schema, open_text, ref
from openapi.operation import answer, header, operation, parameter

_COUNT: Json = {"type": "integer", "minimum": 0}
_DATE: Json = {"type": "string", "format": "date"}
_SECONDS: Json = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
_MOST_STEPS = 31  # a month's days, today among them
_KINDS = (
    "cases_not_recognized",
    "quota",
    "webhooks_gone",
    "webhooks_unproved",
    "webhooks_failed",
    "emails_failed",
)
# Each quota comes alone.
_MOST_ATTENTION = len(_KINDS) + len(Metered)


def get_today() -> Json:
    found = operation(
        "getToday",
        "Staff",
        "Get what happens at the bank now",
        "Figures of this clock hour and the one before (`hour`), of 24 clock hours (`day`), or of 30 days (`month`), "
        "and what needs a person. Totals are of whole UTC days: of today, or of 30 days. Send the `ETag` of the last "
        "answer in `If-None-Match`: an answer that has not changed is 304, without a body.",
        answers={200: answer("The figures.", ref("Today"), headers=["ETag"])},
        parameters=[
            parameter("query", "period", "The period.", {"type": "string", "enum": list(PERIODS), "default": "day"}),
            parameter("header", "If-None-Match", "The `ETag` of an earlier answer.", {"type": "string"}),
        ],
        group=Group.VIEWER,
    )
    headers = {name: header(name) for name in ("ETag", "x-request-id")}
    found["responses"]["304"] = {"description": "Nothing has changed.", "headers": headers}
    found["responses"] = dict(sorted(found["responses"].items()))
    return found


def staff_today_schemas() -> Json:
    """Return the schemas by name."""
    return {
        "EmailCounts": object_schema(
            "How many e-mails reached each state. One counts in each state that it reached.",
            {one.value: _COUNT for one in EMAILS},
        ),
        "WebhookCounts": object_schema(
            "How many tries to deliver webhooks were accepted, and how many failed.",
            {"delivered": _COUNT, "failed": _COUNT},
        ),
        "AlertCounts": object_schema(
            "Security alerts and their answers.", {"sent": _COUNT, "recognized": _COUNT, "not_recognized": _COUNT}
        ),
        "CaseCounts": object_schema(
            "How many cases wait; not_recognized are those of the open ones whose holder doesn't know the payment.",
            {"open": _COUNT, "claimed": _COUNT, "not_recognized": _COUNT},
        ),
        "EmailLatency": object_schema(
            "How long e-mails took, from the recording of the transaction to SES's acceptance.",
            {
                "count": {**_COUNT, "description": "How many e-mails it is of."},
                "p50_s": {**_SECONDS, "description": "Half of them took no longer, in seconds."},
                "p95_s": {**_SECONDS, "description": "Of a hundred, 95 took no longer, in seconds."},
            },
        ),
        "ActivityStep": object_schema(
            "What happened in a step of the chart.",
            {
                "hour": {**TIME, "description": "The beginning of the step, in UTC."},
                "transactions": {**_COUNT, "description": "Transactions that were recorded."},
                "flagged": {**_COUNT, "description": "Of them, those with a flag that people hear of."},
                "emails": ref("EmailCounts"),
                "alerts": {**_COUNT, "description": "Security alerts that were sent."},
                "webhooks": ref("WebhookCounts"),
            },
        ),
        "Attention": object_schema(
            "Something that needs a person.",
            {
                "kind": open_text(_KINDS, "What it is."),
                "count": {**_COUNT, "description": "How many; of a quota, how many percent are used."},
                "text": {"type": "string", "description": "The same in English words."},
                "link": {"type": "string", "description": "The console's page for it."},
                "what": open_text([one.value for one in Metered], "Of a quota: what it is of. Absent otherwise."),
            },
            optional=("what",),
        ),
        "Today": _TODAY,
    }


_TODAY = object_schema(
    "What happens at the bank now.",
    {
        "period": open_text(PERIODS, "The period that was asked for."),
        "from": {**TIME, "description": "From when on e-mails, alerts, webhooks and `hours` are counted, in UTC."},
        "to": {**TIME, "description": "Until when, in UTC."},
        "as_of": {**TIME, "description": "Everything that was recorded until then is in the totals."},
        "totals_from": {**_DATE, "description": "The first day (UTC) of totals, statuses, flags and days."},
        "totals_to": {**_DATE, "description": "The last day (UTC) of them."},
        "totals": {
            "type": "array",
            "maxItems": len(CURRENCY_DECIMALS),
            "items": ref("CurrencyTotal"),
            "description": "By currency.",
        },
        "statuses": ref("StatusCounts"),
        "flags": ref("FlagCounts"),
        "days": {
            "type": "array",
            "maxItems": _MOST_STEPS * len(CURRENCY_DECIMALS),
            "items": ref("DayTotal"),
            "description": "Of a month: its days with transactions.",
        },
        "step": open_text(("hour", "day"), "How long a step of `hours` is."),
        "hours": {
            "type": "array",
            "maxItems": _MOST_STEPS,
            "items": ref("ActivityStep"),
            "description": "The steps, oldest first.",
        },
        "emails": ref("EmailCounts"),
        "alerts": ref("AlertCounts"),
        "webhooks": ref("WebhookCounts"),
        "latency": ref("EmailLatency", "Absent where no e-mail was sent."),
        "cases": ref("CaseCounts"),
        "quota": {
            "type": "array",
            "maxItems": len(Metered),
            "items": ref("Quota"),
            "description": "Those with a limit.",
        },
        "attention": {
            "type": "array",
            "maxItems": _MOST_ATTENTION,
            "items": ref("Attention"),
            "description": "The most urgent first.",
        },
    },
    optional=("latency", "cases"),
)
