"""AWS clients: one for each service and process, with time limits that leave room for an answer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from moto import mock_aws

from chalicelib.aws import clients

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
