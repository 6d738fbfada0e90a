"""Every route of the API, as a bank's developer is to read of it."""

from chalicelib.api.documentation import ASSETS
from chalicelib.api.requests import DEFAULT_DAYS, MAX_DAYS, MAX_PAGE
from chalicelib.holders.holder import MAX_HOLDERS
from openapi import examples
from openapi.operation import JSON, answer, link, operation, parameter, ref
from openapi.request_schemas import Json

_OF_TRANSACTION = {
    "transaction": link("getTransaction", "The transaction.", transaction_id="$response.body#/id"),
    "account": link("listTransactions", "The account's transactions.", account="$response.body#/account"),
}
_HOLDER_PATH = {"account": "$request.path.account", "holder": "$request.path.holder"}
_OF_HOLDER = {
    "holder": link("getHolder", "The holder.", **_HOLDER_PATH),
    "replacement": link("putHolder", "Replaces the holder.", **_HOLDER_PATH),
    "erasure": link("deleteHolder", "Erases the holder.", **_HOLDER_PATH),
    "holders": link("listHolders", "All holders of the account.", account="$request.path.account"),
}
_MOMENT: Json = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
_LIMIT = parameter(
    "query", "limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50}
)

_ANALYTICS_PARAMETERS = [
    parameter(
        "query",
        "from",
        f"The first day (UTC): {DEFAULT_DAYS} days with `to` if it is not given, {MAX_DAYS} at most.",
        {"type": "string", "format": "date"},
        "2026-01-01",
    ),
    parameter(
        "query",
        "to",
        "The last day (UTC), inclusive; today if it is not given.",
        {"type": "string", "format": "date"},
        "2026-01-31",
    ),
    parameter("query", "currency", "Only this one.", ref("Currency"), "XAF"),
]


def paths() -> dict[str, dict[str, Json]]:
    """Return the operations by path and method."""
    return {
        "/transactions": {"post": _record_transaction()},
        "/transactions/batch": {
            "post": _record_batch(),
            "get": operation(
                "getTransactionNamedBatch",
                "Transactions",
                "The transaction whose id is batch",
                "As `GET /transactions/{transaction_id}`: a bank may name a transaction so.",
                answers={200: answer("The transaction.", ref("JudgedTransaction"))},
                codes=["transaction_not_found"],
            ),
        },
        "/transactions/{transaction_id}": {
            "get": operation(
                "getTransaction",
                "Transactions",
                "One transaction, with its flags",
                answers={200: answer("The transaction.", ref("JudgedTransaction"), examples.FRENCH_MERCHANT_JUDGED)},
                parameters=["transaction_id"],
                codes=["transaction_not_found"],
            )
        },
        "/transactions/batch/notifications": {
            "get": operation(
                "listNotificationsOfTransactionNamedBatch",
                "Notifications",
                "What became of the e-mails about the transaction whose id is batch",
                "As `GET /transactions/{transaction_id}/notifications`.",
                answers={200: answer("Each holder's, by id.", ref("Notifications"))},
                codes=["transaction_not_found"],
            )
        },
        "/transactions/{transaction_id}/notifications": {
            "get": operation(
                "listNotifications",
                "Notifications",
                "What became of the e-mails about a transaction",
                "For each holder who was to be told: the state, and how it came to it. Nobody is told of a transaction "
                "within the same instant: for some seconds there may be none.",
                answers={200: answer("Each holder's, by id.", ref("Notifications"), examples.NOTIFICATIONS)},
                parameters=["transaction_id"],
                codes=["transaction_not_found"],
            )
        },
        "/notifications": {"get": _follow_notifications()},
        "/accounts/{account}/transactions": {"get": _list_transactions()},
        "/accounts/{account}/holders": {
            "get": operation(
                "listHolders",
                "Holders",
                "An account's holders",
                answers={200: answer("The holders, by id.", ref("Holders"), examples.HOLDERS)},
                parameters=["account"],
            )
        },
        "/accounts/{account}/holders/{holder}": {
            "put": _put_holder(),
            "get": operation(
                "getHolder",
                "Holders",
                "One holder",
                answers={200: answer("The holder.", ref("EnrolledHolder"), examples.ENROLLED_HOLDER)},
                parameters=["account", "holder"],
                codes=["holder_not_found"],
            ),
            "delete": operation(
                "deleteHolder",
                "Holders",
                "Erase a holder",
                "Erases the holder's data at once; the table's backups forget it after 35 days.",
                answers={204: {"description": "The holder's data is erased."}},
                parameters=["account", "holder"],
                codes=["holder_not_found"],
                is_write=True,
            ),
        },
        "/analytics": {
            "get": operation(
                "getAnalytics",
                "Analytics",
                "Totals and days of the bank",
                "Exact: each settled transaction counts once, on the UTC day of its own `timestamp`. Current to "
                "`as_of`, at the same price however much is stored.",
                answers={200: answer("Totals by currency, and days.", ref("Analytics"), examples.ANALYTICS)},
                parameters=_ANALYTICS_PARAMETERS,
            )
        },
        "/accounts/{account}/analytics": {
            "get": operation(
                "getAccountAnalytics",
                "Analytics",
                "Totals and days of an account",
                "As `GET /analytics`. An account that is not known has none.",
                answers={200: answer("Totals by currency, and days.", ref("Analytics"), examples.ANALYTICS)},
                parameters=["account", *_ANALYTICS_PARAMETERS],
            )
        },
        "/settings": {
            "get": operation(
                "getSettings",
                "Settings",
                "The bank's settings",
                "All of them, with the default of each that was never set.",
                answers={200: answer("The settings.", ref("AllSettings"), examples.ALL_SETTINGS)},
            ),
            "put": _put_settings(),
        },
        "/preferences/{token}": _preferences(),
        "/health": {
            "get": operation(
                "getHealth",
                "Service",
                "Liveness",
                "Touches nothing, so that a probe costs nothing.",
                answers={200: answer("The function runs.", ref("Health"), {"status": "ok"})},
                is_open=True,
            )
        },
        **_documentation(),
    }


def _record_transaction() -> Json:
    again = answer(
        "The same was recorded before, and is answered as it was then; or, with `dry_run`, what would happen.",
        {"oneOf": [ref("RecordedTransaction"), ref("DryRun")]},
        headers=["Idempotency-Replayed"],
    )
    again["content"][JSON]["examples"] = {
        "replayed": {"summary": "The same again", "value": examples.SMALLEST_RECORDED},
        "dryRun": {"summary": "A dry run", "value": examples.DRY_RUN},
    }
    return operation(
        "recordTransaction",
        "Transactions",
        "Record a transaction",
        "Exactly once, whatever is retried: the same `id` with the same content is a replay, with other content a "
        'conflict. A replay may spell the content differently (`250.5`, `"250.50"`, another offset). Up to 256 KB.',
        answers={
            200: again,
            201: answer(
                "Recorded, for good.",
                ref("RecordedTransaction"),
                examples.SMALLEST_RECORDED,
                ["Location"],
                _OF_TRANSACTION,
            ),
            202: answer(
                "The table couldn't take it now, but the queue did: it will be recorded soon, and is at `Location` "
                "from then on.",
                ref("QueuedTransaction"),
                examples.QUEUED,
                ["Location"],
            ),
        },
        parameters=[
            parameter(
                "query",
                "dry_run",
                "With `true`, the answer says what would happen, and nothing is written.",
                {"type": "boolean", "default": False},
            )
        ],
        body=("Transaction", {"smallest": examples.SMALLEST, "frenchMerchant": examples.FRENCH_MERCHANT}),
        codes=["transaction_conflict"],
        is_write=True,
    )


def _record_batch() -> Json:
    return operation(
        "recordBatch",
        "Transactions",
        "Record up to 500 transactions",
        "Each by itself: the answer says what became of it, in order, and one bad item harms no other. Up to 4 MB.",
        answers={
            200: answer(
                "What became of each. With a `Retry-After` if any is `retry`.",
                ref("BatchOutcome"),
                examples.BATCH_OUTCOME,
                ["Retry-After"],
            ),
            202: answer(
                "Asked for by `Prefer: respond-async`: the valid ones are queued, and will be recorded soon.",
                ref("QueuedBatch"),
                examples.QUEUED_BATCH,
                ["Preference-Applied"],
            ),
        },
        parameters=[
            parameter(
                "header",
                "Prefer",
                "With `respond-async` (RFC 7240), what is valid is queued and the answer is 202 at once.",
                {"type": "string"},
                "respond-async",
            )
        ],
        body=("Batch", {"batch": examples.BATCH}),
        is_write=True,
    )


def _list_transactions() -> Json:
    next_page = link(
        "listTransactions",
        "The next page, of the same `from`, `to` and `type`.",
        account="$request.path.account",
        cursor="$response.body#/next_cursor",
    )
    return operation(
        "listTransactions",
        "Transactions",
        "An account's transactions, newest first",
        "By their own `timestamp`, a page at a time. An account that is not known has none.",
        answers={200: answer("A page.", ref("TransactionPage"), examples.PAGE, links={"next": next_page})},
        parameters=[
            "account",
            parameter("query", "from", "The first day (UTC) or moment.", _MOMENT, "2026-01-01"),
            parameter("query", "to", "The last day (UTC) or moment, inclusive.", _MOMENT, "2026-01-31"),
            parameter("query", "type", "Only these.", {"type": "string", "enum": ["credit", "debit"]}),
            _LIMIT,
            parameter("query", "cursor", "`next_cursor` of the page before.", {"type": "string"}),
        ],
        codes=["invalid_cursor"],
    )


def _follow_notifications() -> Json:
    return operation(
        "followNotifications",
        "Notifications",
        "What has become of all e-mails, in order of change",
        "Each notification that changed, as it is now, in the order in which the last changes were written down; some "
        "five seconds behind now. Each change is shown at least once. The feed has no end: ask again from "
        "`next_cursor`, sooner if there was something, later if not.",
        answers={200: answer("What changed.", ref("NotificationFeed"), examples.NOTIFICATION_FEED)},
        parameters=[
            parameter(
                "query", "since", "`next_cursor` of the answer before; from the beginning without.", {"type": "string"}
            ),
            _LIMIT,
        ],
        codes=["invalid_cursor"],
    )


def _put_holder() -> Json:
    return operation(
        "putHolder",
        "Holders",
        "Enrol or replace a holder",
        f"Replaces the whole holder. An account has at most {MAX_HOLDERS}. The holder is told by e-mail of every "
        "transaction that is recorded from now on, unless the preferences say otherwise.",
        answers={
            200: answer("Replaced.", ref("EnrolledHolder"), examples.ENROLLED_HOLDER, links=_OF_HOLDER),
            201: answer("Enrolled.", ref("EnrolledHolder"), examples.ENROLLED_HOLDER, links=_OF_HOLDER),
        },
        parameters=["account", "holder"],
        body=("Holder", {"holder": examples.HOLDER}),
        codes=["too_many_holders"],
        is_write=True,
    )


def _put_settings() -> Json:
    return operation(
        "putSettings",
        "Settings",
        "Replace the bank's settings",
        "Replaces all of them: what is left out is as by default. Obeyed within a minute. Every alert address gets an "
        "e-mail that asks for its owner's confirmation, and no alert before it is given; one that is left out gets no "
        "more. An address can be told of one bank only.",
        answers={200: answer("All settings, as they are now.", ref("AllSettings"), examples.ALL_SETTINGS)},
        body=("BankSettings", {"settings": examples.SETTINGS}),
        is_write=True,
    )


def _preferences() -> dict[str, Json]:
    def page(description: str) -> Json:
        return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}

    token = parameter(
        "path",
        "token",
        "What the link in an e-mail ends with.",
        {"type": "string", "pattern": r"^\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"},
        "WyJlYXp5Y2FyZCIsIkExMjMiLCJhd2EiLCI0ZjNhOWMxMGJiN2UiXQ.aWJbAA.Zm9yZ2VkLCBvZiBjb3Vyc2UuIQ",
    )
    invalid = page(
        "The link is forged or old, or its holder is erased or has another address: a page that says what to do."
    )
    busy = page("A page that says to try again.")
    one_click = {
        "schema": ref("OneClick"),
        "examples": {"oneClick": {"value": {"List-Unsubscribe": "One-Click"}}},
    }
    form = {
        "schema": {"anyOf": [ref("OneClick"), ref("PreferencesForm")]},
        "examples": {
            "oneClick": {"value": {"List-Unsubscribe": "One-Click"}},
            "form": {"value": examples.PREFERENCES_FORM},
        },
    }
    return {
        "get": operation(
            "getPreferences",
            "Preferences",
            "The holder's page",
            "A form in the holder's language; by a link to unsubscribe, the question whether to. It changes nothing.",
            answers={200: page("The page."), 400: invalid, 503: busy},
            parameters=[token],
            is_open=True,
        ),
        "post": operation(
            "postPreferences",
            "Preferences",
            "Save the holder's form, or unsubscribe with one click (RFC 8058)",
            "Fields that the form doesn't have are passed over.",
            answers={
                200: page("Saved, or all e-mails are turned off."),
                400: page("As for `GET`; or the form again, with what is wrong beside its fields. Nothing is saved."),
                409: page("The form again: the preferences were changed meanwhile. Nothing is saved."),
                503: busy,
            },
            parameters=[token],
            form={"application/x-www-form-urlencoded": form, "multipart/form-data": one_click},
            is_open=True,
        ),
    }


def _documentation() -> dict[str, dict[str, Json]]:
    page = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    part = {media_type: {"schema": {"type": "string"}} for media_type in ("text/css", "text/javascript")}
    return {
        "/openapi.json": {
            "get": operation(
                "getDescription",
                "Service",
                "This description",
                answers={200: answer("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "paths"]})},
                is_open=True,
            )
        },
        "/docs": {
            "get": operation("getDocs", "Service", "This description as a page", answers={200: page}, is_open=True)
        },
        "/docs/{asset}": {
            "get": operation(
                "getDocsAsset",
                "Service",
                "A style or script of the page",
                answers={200: {"description": "The file.", "content": part}},
                parameters=[
                    parameter("path", "asset", "The file's name.", {"type": "string", "enum": sorted(ASSETS)}),
                    parameter("query", "v", "Its version: with it, the answer may be kept.", {"type": "string"}),
                ],
                codes=["route_not_found"],
                is_open=True,
            )
        },
    }
