"""The operations on transactions: recorded by one or in batches, read by id, listed by account."""

from chalicelib.ledger.transaction import STATUSES
from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import JSON, LIMIT, answer, link, operation, parameter
from openapi.request_schemas import DATE_OR_TIME

_OF_TRANSACTION = {
    "transaction": link("getTransaction", "The transaction.", transaction_id="$response.body#/id"),
    "account": link("listTransactions", "The account's transactions.", account="$response.body#/account"),
}
MOMENT: Json = {"type": "string", "pattern": DATE_OR_TIME}

_EXAMPLES: dict[str, Json] = {
    "smallest": examples.SMALLEST,
    "frenchMerchant": examples.FRENCH_MERCHANT,
    "transfer": examples.TRANSFER,
}
_HANDLING = parameter(
    "header",
    "Prefer",
    "With `handling=strict` (RFC 7240), what would be a warning is an error: 400.",
    {"type": "string"},
    "handling=strict",
)


def record_transaction() -> Json:
    again = answer(
        "The same transaction was recorded before: this is the recorded one. Or, with `dry_run`, what would happen.",
        ref("TransactionReceipt"),
        headers=["Idempotency-Replayed", "Preference-Applied"],
    )
    again["content"][JSON]["examples"] = {
        "replayed": {"summary": "The same again", "value": examples.SMALLEST_RECORDED},
        "withWarning": {"summary": "A detail was left out", "value": examples.WITH_WARNING},
        "dryRun": {"summary": "A dry run", "value": examples.DRY_RUN},
    }
    return operation(
        "recordTransaction",
        "Transactions",
        "Record a transaction",
        "Records it exactly once, however often it is sent. The same `id` with the same content is a replay; with "
        'other content it is a conflict. A replay may write its content in another form (`250.5`, `"250.50"`, another '
        "offset). A detail that only informs and can't be understood is left out, and named in `warnings`. The body is "
        "at most 256 KB.",
        answers={
            200: again,
            201: answer(
                "Recorded. It stays recorded.",
                ref("TransactionReceipt"),
                examples.SMALLEST_RECORDED,
                ["Location", "Preference-Applied"],
                _OF_TRANSACTION,
            ),
            202: answer(
                "Queued, because the table can't take it now. It is recorded soon, and is at `Location` from then on.",
                ref("TransactionReceipt"),
                examples.QUEUED,
                ["Location", "Preference-Applied"],
            ),
        },
        parameters=[
            parameter(
                "query",
                "dry_run",
                "With `true`, the answer says what would happen. Nothing is written.",
                {"type": "boolean", "default": False},
            ),
            _HANDLING,
        ],
        body=("Transaction", _EXAMPLES),
        codes=["transaction_conflict"],
        is_write=True,
    )


def record_batch() -> Json:
    return operation(
        "recordBatch",
        "Transactions",
        "Record up to 500 transactions",
        "Each transaction by itself: an item that is refused does not affect the others. The answer has the result of "
        "each item, in order. The body is at most 4 MB.",
        answers={
            200: answer(
                "The result of each item. With `Retry-After` if an item is `retry`.",
                ref("BatchReceipt"),
                examples.BATCH_OUTCOME,
                ["Retry-After", "Preference-Applied"],
            ),
            202: answer(
                "With `Prefer: respond-async`: the valid items are queued, and are recorded soon.",
                ref("BatchReceipt"),
                examples.QUEUED_BATCH,
                ["Preference-Applied"],
            ),
        },
        parameters=[
            parameter(
                "header",
                "Prefer",
                "With `respond-async` (RFC 7240), the valid items are queued and the answer is 202 at once. With "
                "`handling=strict`, an item that would have warnings is invalid.",
                {"type": "string"},
                "respond-async",
            )
        ],
        body=("Batch", {"batch": examples.BATCH}),
        is_write=True,
    )


def get_transaction() -> Json:
    return operation(
        "getTransaction",
        "Transactions",
        "Read a transaction and its flags",
        answers={200: answer("The transaction.", ref("TransactionDetails"), examples.FRENCH_MERCHANT_JUDGED)},
        parameters=["transaction_id"],
        codes=["transaction_not_found"],
    )


def list_transactions() -> Json:
    next_page = link(
        "listTransactions",
        "The next page, with the same `from`, `to`, `type` and `status`.",
        account="$request.path.account",
        cursor="$response.body#/next_cursor",
    )
    return operation(
        "listTransactions",
        "Transactions",
        "List an account's transactions, newest first",
        "Ordered by `timestamp`, a page at a time. An unknown account has no transactions.",
        answers={200: answer("A page.", ref("TransactionPage"), examples.PAGE, links={"next": next_page})},
        parameters=[
            "account",
            parameter("query", "from", "The first day (UTC) or moment.", MOMENT, "2026-01-01"),
            parameter("query", "to", "The last day (UTC) or moment, inclusive.", MOMENT, "2026-01-31"),
            parameter(
                "query", "type", "Only transactions of this type.", {"type": "string", "enum": ["credit", "debit"]}
            ),
            parameter(
                "query", "status", "Only transactions with this status.", {"type": "string", "enum": list(STATUSES)}
            ),
            LIMIT,
            parameter("query", "cursor", "`next_cursor` of the previous page.", {"type": "string"}),
        ],
        codes=["invalid_cursor"],
    )
