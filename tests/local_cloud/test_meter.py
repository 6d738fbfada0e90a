"""The gate's meter on a bare cloud: calls, bytes, DynamoDB's units by AWS's rules, and calls of functions."""

from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from local_cloud.gate.meter import read_units, short_name
from local_cloud.server import free_port, start
from local_cloud.switches import Switches
from tests.local_cloud.refusals import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    cloud = start(free_port(), tmp_path_factory.mktemp("meter"))
    try:
        yield Scene(cloud)
    finally:
        cloud.stop()


def item(key: str, size: int = 1) -> dict[str, Any]:
    return {"pk": {"S": key}, "sk": {"S": "s"}, "text": {"S": "x" * size}}


def units(scene: Scene, operation: str, **arguments: Any) -> tuple[float, float]:
    """Return the write units and read units that the meter counts for a call."""
    switches = Switches(scene.cloud.endpoint_url, scene.cloud.keys)
    switches.meter(is_on=True)
    answer = getattr(scene.aws("dynamodb"), operation)(**arguments)
    assert "ConsumedCapacity" not in answer, "nobody has asked for it"
    (row,) = switches.counts()["calls"].values()
    assert row["calls"] == 1
    assert row["bytes_in"] > 0
    return row["write_units"], row["read_units"]


def test_writes_cost_by_begun_kilobytes_and_twice_in_a_transaction(scene: Scene) -> None:
    assert units(scene, "put_item", TableName="items", Item=item("w", 1_500)) == (2, 0)
    requests = [{"PutRequest": {"Item": item(f"w{number}")}} for number in range(3)]
    assert units(scene, "batch_write_item", RequestItems={"items": requests}) == (3, 0)
    puts = [{"Put": {"TableName": "items", "Item": item(f"t{number}")}} for number in range(3)]
    assert units(scene, "transact_write_items", TransactItems=puts) == (6, 0)


def test_reads_cost_by_begun_four_kilobytes_and_half_if_they_are_not_consistent(scene: Scene) -> None:
    for number in range(3):
        scene.aws("dynamodb").put_item(TableName="items", Item=item(f"r{number}", 5_000))
    key = {"pk": {"S": "r0"}, "sk": {"S": "s"}}
    assert units(scene, "get_item", TableName="items", Key=key) == (0, 1)
    assert units(scene, "get_item", TableName="items", Key=key, ConsistentRead=True) == (0, 2)
    keys = [{"pk": {"S": name}, "sk": {"S": "s"}} for name in ("r0", "r1", "none")]
    wanted = {"items": {"Keys": keys, "ConsistentRead": True}}
    assert units(scene, "batch_get_item", RequestItems=wanted) == (0, 5)
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "r0"}}}
    assert units(scene, "query", TableName="items", **asked) == (0, 1)


def test_a_write_whose_condition_is_false_costs_a_unit(scene: Scene) -> None:
    switches = Switches(scene.cloud.endpoint_url, scene.cloud.keys)
    scene.aws("dynamodb").put_item(TableName="items", Item=item("c"))
    switches.meter(is_on=True)
    with pytest.raises(ClientError):
        scene.aws("dynamodb").put_item(
            TableName="items", Item=item("c"), ConditionExpression="attribute_not_exists(pk)"
        )
    assert switches.counts()["calls"]["root dynamodb PutItem"]["write_units"] == 1


def test_a_large_batch_of_sqs_is_several_requests_and_functions_are_counted(scene: Scene) -> None:
    switches = Switches(scene.cloud.endpoint_url, scene.cloud.keys)
    switches.meter(is_on=True)
    scene.aws("sqs").send_message(QueueUrl=scene.queue, MessageBody="x" * 100_000)
    scene.aws("lambda").invoke(FunctionName="worker", Payload=b'{"n": 3}')
    found = switches.counts()
    assert found["calls"]["root sqs SendMessage"]["calls"] == 2
    (worked,) = found["functions"].values()
    assert worked["invocations"] == 1
    assert worked["ms"] >= 1
    assert worked["log_bytes"] > 100
    switches.meter(is_on=False)
    scene.aws("lambda").invoke(FunctionName="worker", Payload=b"{}")
    assert switches.counts()["functions"] == found["functions"]


def test_the_units_of_a_page_are_those_of_all_of_its_items() -> None:
    asked, found = {"ConsistentRead": True}, {"Items": [{"a": {"S": "x"}}] * 3}
    assert read_units("Query", asked, found, lambda _: 3_000) == 3
    assert read_units("Query", {}, {"Items": []}, lambda _: 0) == 0.5


def test_a_function_is_called_by_its_own_name() -> None:
    assert short_name("arn:aws:sts::1:assumed-role/x/transaction-notifier-local-mailer") == "mailer"
    assert short_name("transaction-notifier-local") == "api_handler"
    assert short_name("worker") == "worker"


def test_the_gate_s_switches_want_the_keys_and_know_two_things(scene: Scene) -> None:
    url = f"{scene.cloud.endpoint_url}/_gate/"
    assert urllib3.request("GET", f"{url}meter", retries=False).status == 403
    assert urllib3.request("GET", f"{url}weather", headers=scene.cloud.keys.headers, retries=False).status == 404
    broken = urllib3.request("PUT", f"{url}meter", headers=scene.cloud.keys.headers, body=b"{", retries=False)
    assert broken.status == 400
