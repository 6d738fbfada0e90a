"""Calls to AWS: `call` makes them, and turns an error that a later try may not meet into TemporarilyUnavailable."""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from chalicelib.errors import TemporarilyUnavailable

T = TypeVar("T")
# Error codes of refusals that end by themselves: the same call may succeed later.
PASSING = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
# Those of a table, or a part of one, that has too many requests.
THROTTLED = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException"})


def error_code(error: ClientError) -> str:
    """Return AWS's code for the error, like `ThrottlingException`; an empty string if there is none."""
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def code_behind(error: TemporarilyUnavailable) -> str:
    """Return AWS's code for the refusal of which `call` made the error; an empty string if there was no answer."""
    return error_code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""


def call(operation: Callable[..., T], **arguments: Any) -> T:
    """Call a client's operation and return its answer.

    Raises TemporarilyUnavailable when AWS can't be reached, answers 5xx, or refuses with a code in `PASSING`. Raises
    botocore's ClientError for any other refusal.
    """
    try:
        return operation(**arguments)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if error_code(error) in PASSING or status >= 500:
            raise TemporarilyUnavailable from error
        raise
    except (AwsConnectionError, HTTPClientError) as error:
        raise TemporarilyUnavailable from error
