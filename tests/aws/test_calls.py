"""Calls to AWS: which errors a later try may not meet, and which are raised as they are."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from chalicelib.aws.calls import PASSING, call, error_code
from chalicelib.errors import TemporarilyUnavailable
from tests.fakes import refusal


def raises(error: Exception) -> Any:
    """Return an operation that raises the error."""

    def operation(**_: Any) -> None:
        raise error

    return operation


def test_a_call_hands_on_the_arguments_and_returns_the_answer() -> None:
    assert call(dict, TableName="t", Limit=5) == {"TableName": "t", "Limit": 5}


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_refusal_that_passes_is_temporarily_unavailable_and_keeps_its_cause(code: str) -> None:
    error = refusal(code)
    with pytest.raises(TemporarilyUnavailable) as raised:
        call(raises(error))
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(("status", "passes"), [(500, True), (503, True), (499, False), (400, False)])
def test_an_unknown_code_passes_only_with_a_status_of_the_server(status: int, passes: bool) -> None:
    error = refusal("NeverHeardOf")
    error.response["ResponseMetadata"] = {"HTTPStatusCode": status}
    with pytest.raises(TemporarilyUnavailable if passes else ClientError):
        call(raises(error))


@pytest.mark.parametrize(
    "code",
    ["ConditionalCheckFailedException", "ValidationException", "AccessDeniedException", "ResourceNotFoundException"],
)
def test_any_other_refusal_is_raised_as_it_is(code: str) -> None:
    error = refusal(code)
    with pytest.raises(ClientError) as raised:
        call(raises(error))
    assert raised.value is error


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://dynamodb"),
        ConnectTimeoutError(endpoint_url="https://dynamodb"),
        ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_service_that_cannot_be_reached_is_temporarily_unavailable(error: Exception) -> None:
    with pytest.raises(TemporarilyUnavailable):
        call(raises(error))


def test_a_function_without_credentials_is_a_defect_and_not_unavailable() -> None:
    with pytest.raises(NoCredentialsError):
        call(raises(NoCredentialsError()))


def test_an_error_has_its_code_or_none() -> None:
    assert error_code(refusal("ThrottlingException")) == "ThrottlingException"
    assert error_code(ClientError({}, "PutItem")) == ""
