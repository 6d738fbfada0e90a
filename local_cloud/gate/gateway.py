"""What API Gateway refuses in front of the app, and how long it waits for it."""

from local_cloud.gate.rule import Call, rule

_QUOTAS = "Amazon API Gateway Developer Guide, “Quotas for configuring and running a REST API”"
WAITS_S = 29
_MOST_BYTES = 10 * 1024 * 1024
_MOST_FOR_LAMBDA = 6 * 1024 * 1024


@rule("apigateway.body", error="Request Too Long", status=413, source=_QUOTAS)
def body_too_large(call: Call) -> str | None:
    """A request of more than 10 MB."""
    return "Request Too Long" if call.size > _MOST_BYTES else None


@rule(
    "apigateway.event",
    error="Request Too Long",
    status=413,
    source="AWS Lambda Developer Guide, “Lambda quotas”; API Gateway Developer Guide, “Gateway response types”",
)
def event_too_large(call: Call) -> str | None:
    """A request that is more than 6 MB as the function's event."""
    return "Request Too Long" if call.size > _MOST_FOR_LAMBDA else None


@rule("apigateway.timeout", error="Endpoint request timed out", status=504, source=_QUOTAS)
def too_slow(_: Call) -> str | None:
    """An answer that takes longer than 29 seconds."""
    return "Endpoint request timed out"
