"""The gate's faults on a bare cloud: calls of a function are throttled, lost and refused, and others never are."""

import json
import math
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from local_cloud.gate.faults import Faults, Trouble, parsed
from local_cloud.gate.rule import Call
from local_cloud.server import REGION, Cloud, CloudFailed, free_port, start
from local_cloud.switches import Switches

PUT = Call("dynamodb", "PutItem", {})
_TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = start(free_port(), tmp_path_factory.mktemp("faults"))
    try:
        queues(running.session()).create_queue(QueueName="queue")
        yield running
    finally:
        running.stop()


def queues(session: Any) -> Any:
    return session.client("sqs", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="module")
def function(bare: Cloud) -> Any:
    """SQS as the mailer calls it, with its role's credentials."""
    iam = bare.session().client("iam")
    role = iam.create_role(RoleName="mailer", AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="mailer", PolicyName="all", PolicyDocument=json.dumps(_ALL))
    session_name = "transaction-notifier-local-mailer"
    given = bare.session().client("sts").assume_role(RoleArn=role, RoleSessionName=session_name)["Credentials"]
    session = boto3.session.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=REGION
    )
    return session.client(
        "sqs", endpoint_url=bare.endpoint_url, config=Config(retries={"total_max_attempts": 1}, read_timeout=3)
    )


def waiting(bare: Cloud) -> int:
    sqs = queues(bare.session())
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def send(sqs: Any, text: str = "one") -> None:
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="queue")["QueueUrl"], MessageBody=text)


@pytest.mark.parametrize(
    ("kind", "error", "is_made"),
    [
        ("throttled", "ThrottlingException", False),
        ("dropped", "ServiceUnavailable", False),
        ("refused", "BadRequestException", False),
        ("lost", "", True),
    ],
)
def test_a_call_of_a_function_fails_as_the_trouble_says(
    bare: Cloud, function: Any, kind: str, error: str, is_made: bool
) -> None:
    switches, before = Switches(bare.endpoint_url, bare.keys), waiting(bare)
    with switches.faults(1, [Trouble(kind, service="sqs", operation="SendMessage", function="mailer")]):
        with pytest.raises(ClientError if error else ReadTimeoutError) as failed:
            send(function)
        send(queues(bare.session()))  # an operator's call
    assert not error or failed.value.response["Error"]["Code"] == error  # type: ignore[union-attr]
    assert waiting(bare) == before + 1 + is_made
    assert switches.happened() == {f"{kind} sqs mailer": 1}
    send(function)


def test_a_call_that_comes_twice_is_made_two_times_and_answered_once(bare: Cloud, function: Any) -> None:
    switches, before = Switches(bare.endpoint_url, bare.keys), waiting(bare)
    with switches.faults(1, [Trouble("twice", operation="SendMessage", most=1)]):
        send(function)
        send(function)
    assert waiting(bare) == before + 3
    assert switches.happened() == {"twice sqs mailer": 1}


def test_only_calls_that_contain_a_text_are_refused(bare: Cloud, function: Any) -> None:
    with Switches(bare.endpoint_url, bare.keys).faults(1, [Trouble("refused", containing="bad")]):
        send(function, "good")
        with pytest.raises(ClientError):
            send(function, "bad")


def test_a_delayed_call_is_made(bare: Cloud, function: Any) -> None:
    switches = Switches(bare.endpoint_url, bare.keys)
    with switches.faults(1, [Trouble("delayed", operation="SendMessage")]):
        send(function)
    assert switches.happened() == {"delayed sqs mailer": 1}


def test_what_is_no_trouble_is_refused(bare: Cloud) -> None:
    with (
        pytest.raises(CloudFailed, match="no kind of trouble: rained"),
        Switches(bare.endpoint_url, bare.keys).faults(1, [Trouble("rained")]),
    ):
        pass
    with pytest.raises(ValueError, match="not understood"):
        parsed({"seed": 1, "troubles": [{"kind": "lost", "colour": "red"}]})


def fates(seed: int, others: int = 0) -> list[str]:
    faults = Faults()
    faults.switch(seed, [Trouble("throttled", chance=0.2), Trouble("lost", chance=0.2)])
    found = []
    for _ in range(50):
        for _ in range(others):
            faults.befalls("archiver", PUT, b"")
        befallen = faults.befalls("mailer", PUT, b"")
        found.append(befallen[0].kind if befallen else "")
    return found


def test_a_seed_gives_each_call_its_fate_whatever_others_do() -> None:
    assert fates(1) == fates(1, others=3) != fates(2)
    assert {"throttled", "lost", ""} == set(fates(1))


def test_a_trouble_is_over_in_its_time() -> None:
    faults = Faults()
    faults.switch(1, [Trouble("dropped", from_s=math.inf), Trouble("lost", until_s=0)])
    assert faults.is_on
    assert faults.befalls("mailer", PUT, b"") is None
    faults.switch(1, [Trouble("lost", most=2)])
    assert sum(faults.befalls("mailer", PUT, b"") is not None for _ in range(5)) == 2
    faults.switch(1, [])
    assert not faults.is_on
