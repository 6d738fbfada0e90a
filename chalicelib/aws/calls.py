"""Calling AWS: which refusals pass, and the one way that every call is made."""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from chalicelib.errors import TemporarilyUnavailable

T = TypeVar("T")
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


def error_code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def call(operation: Callable[..., T], **arguments: Any) -> T:
    """Call a client's operation; raises TemporarilyUnavailable when AWS refuses for a passing reason."""
    try:
        return operation(**arguments)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if error_code(error) in PASSING or status >= 500:
            raise TemporarilyUnavailable from error
        raise
    except (AwsConnectionError, HTTPClientError) as error:
        raise TemporarilyUnavailable from error
