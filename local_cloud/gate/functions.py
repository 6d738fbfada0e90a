"""What Lambda refuses: settings of functions and triggers, and payloads.

The checks of settings take CloudFormation's properties too, which have the same names: see `inside`.
"""

import json
import re
from typing import Any

from local_cloud.gate.rule import Call, emulator, rule, size_of

CREATE, UPDATE = "lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"
INVOKE = "lambda:Invoke"
_QUOTAS = "AWS Lambda Developer Guide, “Lambda quotas”"
_VARIABLES = "AWS Lambda Developer Guide, “Working with Lambda environment variables”"
_CONCURRENCY = "AWS Lambda Developer Guide, “Configuring reserved concurrency for a function”"
_TRIGGER = "AWS Lambda Developer Guide, “Creating and configuring an Amazon SQS event source mapping”"
_MOST_SYNC, _MOST_ASYNC, _MOST_VARIABLES = 6 * 1024 * 1024, 1024 * 1024, 4096
_ACCOUNT_CONCURRENCY, _STAYS_UNRESERVED = 1000, 100
# What the runtime sets.
_RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_DEFAULT_REGION|AWS_REGION|AWS_EXECUTION_ENV"
    r"|AWS_LAMBDA_FUNCTION_(NAME|MEMORY_SIZE|VERSION)|AWS_LAMBDA_(INITIALIZATION_TYPE|LOG_GROUP_NAME|LOG_STREAM_NAME|RUNTIME_API)|AWS_ACCESS_KEY(_ID)?"
    r"|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
)


def _variables(call: Call) -> dict[str, Any]:
    environment = call.parameters.get("Environment")
    found = environment.get("Variables") if isinstance(environment, dict) else None
    return found if isinstance(found, dict) else {}


@rule("lambda.environment-size", CREATE, UPDATE, error="InvalidParameterValueException", source=_QUOTAS)
def environment_too_large(call: Call) -> str | None:
    """Environment variables of more than 4 KB together."""
    total = sum(size_of(name) + size_of(str(value)) for name, value in _variables(call).items())
    if total <= _MOST_VARIABLES:
        return None
    return (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        f"provided exceeded the 4KB limit: {total} bytes."
    )


@rule("lambda.environment-name", CREATE, UPDATE, error="InvalidParameterValueException", source=_VARIABLES)
def bad_variable(call: Call) -> str | None:
    """An environment variable that the runtime sets, or whose name is no letter followed by letters and digits."""
    for name in _variables(call):
        if _RESERVED.fullmatch(name):
            return (
                "Lambda was unable to configure your environment variables because the environment variables you have "
                f"provided contains reserved keys that are currently not supported for modification: {name}"
            )
        if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]+", name):
            return f"Environment variable name {name} must satisfy [a-zA-Z]([a-zA-Z0-9_])+"
    return None


@rule("lambda.limits", CREATE, UPDATE, error="ValidationException", source=_QUOTAS)
def beyond_limits(call: Call) -> str | None:
    """A function's timeout beyond 900 s, its memory beyond 128 to 10,240 MB, or its name beyond 64 characters."""
    timeout, memory = call.parameters.get("Timeout"), call.parameters.get("MemorySize")
    if timeout is not None and not 1 <= int(timeout) <= 900:
        return f"Value '{timeout}' at 'timeout' failed to satisfy constraint: Member must be 1 to 900"
    if memory is not None and not 128 <= int(memory) <= 10_240:
        return f"'MemorySize' value failed to satisfy constraint: Member must be 128 to 10240, was {memory}"
    name = str(call.parameters.get("FunctionName") or "").rpartition(":")[2]
    if len(name) > 64:
        return f"Value '{name}' at 'functionName' failed to satisfy constraint: Member must have length at most 64"
    return None


@rule(
    "lambda.concurrency",
    CREATE,
    "lambda:PutFunctionConcurrency",
    error="InvalidParameterValueException",
    source=_CONCURRENCY,
)
def reserves_too_much(call: Call) -> str | None:
    """Reserved concurrency that leaves less than 100 of the account's 1,000 unreserved."""
    wanted = call.parameters.get("ReservedConcurrentExecutions")
    if wanted is None:
        return None
    name = str(call.parameters.get("FunctionName") or "").rpartition(":")[2]
    others = sum(
        int(function.get("concurrency") or 0)
        for other, function in emulator("services.lambda_svc")._functions.items()
        if other != name
    )
    if others + int(wanted) <= _ACCOUNT_CONCURRENCY - _STAYS_UNRESERVED:
        return None
    return (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{_STAYS_UNRESERVED}]."
    )


@rule(
    "lambda.trigger-batch",
    "lambda:CreateEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
    error="InvalidParameterValueException",
    source=_TRIGGER,
)
def bad_batch(call: Call) -> str | None:
    """A queue's trigger with more than 10,000 messages a batch, or more than 10 without a batching window."""
    arn, size = str(call.parameters.get("EventSourceArn") or ""), int(call.parameters.get("BatchSize") or 1)
    if ":sqs:" not in arn or size <= 10:
        return None
    if size > (10 if arn.endswith(".fifo") else 10_000):
        return f"Invalid batch size for SQS: {size}."
    if not int(call.parameters.get("MaximumBatchingWindowInSeconds") or 0):
        return "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    return None


@rule(
    "lambda.trigger-visibility",
    "lambda:CreateEventSourceMapping",
    error="InvalidParameterValueException",
    source=_TRIGGER,
)
def hidden_too_short(call: Call) -> str | None:
    """A queue's trigger whose visibility timeout is shorter than the function's timeout."""
    service, _, queue = str(call.parameters.get("EventSourceArn") or "").partition(":sqs:")[0:3]
    found = emulator("services.sqs")._queues if service and queue else {}
    url = next((url for url in found if url.rpartition("/")[2] == queue.rpartition(":")[2]), None)
    # Name, name with a qualifier, or ARN.
    name = str(call.parameters.get("FunctionName") or "").partition(":function:")
    function = emulator("services.lambda_svc")._functions.get((name[2] or name[0]).partition(":")[0])
    if url is None or function is None:
        return None
    hidden = int(found[url]["attributes"].get("VisibilityTimeout", 30))
    timeout = int(function["config"].get("Timeout", 3))
    if hidden >= timeout:
        return None
    return f"Queue visibility timeout: {hidden} seconds is less than Function timeout: {timeout} seconds"


@rule("lambda.payload", INVOKE, error="RequestEntityTooLargeException", status=413, source=_QUOTAS)
def payload_too_large(call: Call) -> str | None:
    """A payload of more than 6 MB, or of more than 1 MB for an asynchronous call."""
    most = _MOST_ASYNC if call.parameters.get("InvocationType") == "Event" else _MOST_SYNC
    return f"{call.size} byte payload is too large for the limit ({most} bytes)" if call.size > most else None


@rule(
    "lambda.payload-json",
    INVOKE,
    error="InvalidRequestContentException",
    source="AWS Lambda API Reference, “Invoke”, errors",
)
def payload_no_json(call: Call) -> str | None:
    """A payload that is no JSON."""
    try:
        json.loads(call.parameters.get("Payload") or b"null")
    except (ValueError, RecursionError):
        return "Could not parse request body into json: Unrecognized token"
    return None


@rule("lambda.answer", error="Function.ResponseSizeTooLarge", status=200, source=_QUOTAS)
def answer_too_large(call: Call) -> str | None:
    """A function's answer of more than 6 MB: the call counts as failed."""
    if call.size <= _MOST_SYNC:
        return None
    return f"Response payload size exceeded maximum allowed payload size ({_MOST_SYNC} bytes)."
