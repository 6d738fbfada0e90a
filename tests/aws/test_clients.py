"""AWS clients: one for each service and process, with time limits that leave room for an answer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError
from moto import mock_aws

from chalicelib.aws import clients
from chalicelib.aws.direct import DirectDynamoDB

# API Gateway ends a request after this.
GATEWAY_S = 29


def longest_call_s(client: Any) -> float:
    config = client.meta.config
    tries: int = config.retries["total_max_attempts"]
    return tries * float(config.connect_timeout + config.read_timeout)


def test_a_process_has_one_client_for_each_service() -> None:
    assert clients.client("sqs") is clients.client("sqs")
    assert clients.client("sqs") is not clients.client("sns")


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "secretsmanager", "s3", "events", "sns"])
def test_three_tries_end_while_a_request_can_still_be_answered(service: str) -> None:
    client = clients.client(service)
    assert client.meta.config.retries["total_max_attempts"] == 3
    assert longest_call_s(client) < GATEWAY_S / 2


def test_ses_is_never_asked_twice_by_itself() -> None:
    config = clients.client("sesv2").meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > clients.client("sqs").meta.config.read_timeout


def test_every_writer_has_a_connection_of_its_own() -> None:
    assert clients.client("dynamodb").meta.config.max_pool_connections >= clients.WRITERS


def test_only_dynamodb_items_are_not_checked_against_the_service_s_model() -> None:
    with mock_aws():
        with pytest.raises(ClientError):  # it is sent, and refused there
            clients.client("dynamodb").get_item(TableName="nowhere", Key={"entry": {"N": 1}})
        with pytest.raises(ParamValidationError):
            clients.client("sqs").send_message(QueueUrl="url", MessageBody=1)


def test_threads_share_the_client() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: id(clients.client("sqs")), range(50)))
    assert found == {id(clients.client("sqs"))}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function, with no client made."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "api")
    clients.client.cache_clear()
    yield monkeypatch
    clients.client.cache_clear()


def test_a_function_s_client_for_dynamodb_goes_past_botocore_and_no_other_does(function: pytest.MonkeyPatch) -> None:
    assert isinstance(clients.client("dynamodb"), DirectDynamoDB)
    assert not isinstance(clients.client("sqs"), DirectDynamoDB)
    # What the direct client hands over is botocore's own client, with the limits of the others.
    assert longest_call_s(clients.client("dynamodb")) == longest_call_s(clients.client("sqs"))


@pytest.mark.parametrize(("name", "value"), [(clients.BOTOCORE_ONLY, "1"), ("AWS_DEFAULT_REGION", "cn-north-1")])
def test_a_setting_or_a_region_with_another_domain_leaves_every_call_to_botocore(
    function: pytest.MonkeyPatch, name: str, value: str
) -> None:
    function.setenv(name, value)
    assert not isinstance(clients.client("dynamodb"), DirectDynamoDB)


def test_outside_of_a_function_every_call_is_botocore_s() -> None:
    clients.client.cache_clear()
    assert not isinstance(clients.client("dynamodb"), DirectDynamoDB)


def test_a_function_restored_from_a_snapshot_uses_the_credentials_of_the_moment(function: pytest.MonkeyPatch) -> None:
    class Refreshed:
        def __init__(self) -> None:
            self.asked = 0

        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            self.asked += 1
            return ReadOnlyCredentials(f"key {self.asked}", "secret", "token")

    refreshed = Refreshed()
    function.delenv("AWS_ACCESS_KEY_ID")
    function.setattr(clients._session(), "get_credentials", lambda: refreshed)
    request = clients.client("dynamodb").request
    assert [f"Credential=key {number}/".encode() in request("GetItem", b"{}") for number in (1, 2)] == [True, True]


def test_a_function_without_credentials_is_told_so(function: pytest.MonkeyPatch) -> None:
    function.delenv("AWS_ACCESS_KEY_ID")
    function.setattr(clients._session(), "get_credentials", lambda: None)
    with pytest.raises(NoCredentialsError):
        clients.client("dynamodb")
