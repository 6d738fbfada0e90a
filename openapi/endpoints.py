"""The operations on a bank's endpoints for webhooks."""

from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import LIMIT, answer, operation, parameter


def list_attempts() -> Json:
    return operation(
        "listWebhookAttempts",
        "Endpoints",
        "Read what became of webhooks lately",
        "The bank's endpoints with their status, and the attempts of the last seven days to deliver webhooks, newest "
        "first.",
        answers={200: answer("The attempts.", ref("WebhookAttempts"), examples.WEBHOOK_ATTEMPTS)},
        parameters=[
            parameter(
                "query", "cursor", "`next_cursor` of the previous answer, for what was before.", {"type": "string"}
            ),
            LIMIT,
        ],
        codes=["invalid_cursor"],
    )


def test_endpoints() -> Json:
    return operation(
        "testWebhooks",
        "Endpoints",
        "Test the bank's endpoints",
        "Posts a signed `webhook.test` to each endpoint at once, and answers with what each of them answered. An "
        "endpoint that answers 2xx is in use within a minute. At most one test in ten seconds.",
        answers={200: answer("The endpoints' answers.", ref("EndpointTests"), examples.WEBHOOK_TESTS)},
        codes=["no_endpoint", "tried_lately"],
        is_write=True,
    )


def resend() -> Json:
    return operation(
        "resendWebhook",
        "Endpoints",
        "Send a webhook again",
        "Queues one more try of a webhook that was tried in the last seven days, also of one that was delivered. It "
        "keeps its id and its body. At most once a minute.",
        answers={200: answer("It is queued.", ref("WebhookResent"), examples.WEBHOOK_RESENT)},
        parameters=[
            parameter(
                "path",
                "webhook_id",
                "The webhook's id: the header `webhook-id`.",
                {"type": "string", "minLength": 1},
                "msg_9f3bY2nT0fQk1c8rVd5mWx7z",
            )
        ],
        codes=["webhook_not_found", "tried_lately"],
        is_write=True,
    )
