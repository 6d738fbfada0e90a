"""Calls that AWS refuses, one for each rule of the gate, on a cloud with a table, a queue, a topic and a function."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import botocore.config

from local_cloud.server import REGION, Cloud

Refusal = tuple[str, Callable[["Scene"], Any], str]
_CODE = "def handle(event, _):\n    return 'x' * event['n'] if isinstance(event, dict) and 'n' in event else None\n"
_TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}


def code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", _CODE)
    return packed.getvalue()


class Scene:
    """A cloud as its root sees it, through clients that check nothing themselves."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._clients: dict[str, Any] = {}
        self.aws("dynamodb").create_table(
            TableName="items",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        self.queue = self.aws("sqs").create_queue(QueueName="queue", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
        self.topic = self.aws("sns").create_topic(Name="topic")["TopicArn"]
        role = self.aws("iam").create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(_TRUST))
        self.role = role["Role"]["Arn"]
        self.function("worker", Timeout=60)
        self.aws("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.aws("sesv2").create_email_identity(EmailIdentity="example.com")
        self.aws("sesv2").create_configuration_set(ConfigurationSetName="known")
        time.sleep(1)  # A function is pending at first.

    def aws(self, service: str) -> Any:
        if service not in self._clients:
            settings = botocore.config.Config(parameter_validation=False, retries={"max_attempts": 0})
            self._clients[service] = boto3.session.Session(
                self.cloud.keys.access_key_id, self.cloud.keys.secret_access_key, region_name=REGION
            ).client(service, endpoint_url=self.cloud.endpoint_url, config=settings)
        return self._clients[service]

    def function(self, name: str, variables: dict[str, str] | None = None, **settings: Any) -> None:
        self.aws("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=self.role,
            Handler="main.handle",
            Code={"ZipFile": code()},
            Environment={"Variables": variables or {}},
            **settings,
        )

    def query(self, **parameters: Any) -> None:
        values = {":v": {"S": "x"}, **parameters.pop("values", {})}
        self.aws("dynamodb").query(
            TableName="items", KeyConditionExpression="pk=:v", ExpressionAttributeValues=values, **parameters
        )

    def send(self, **parameters: Any) -> None:
        self.aws("sqs").send_message(QueueUrl=self.queue, MessageBody="x", **parameters)

    def publish(self, **parameters: Any) -> None:
        self.aws("sns").publish(**{"TopicArn": self.topic, "Message": "x", **parameters})

    def put_event(self, **parameters: Any) -> None:
        entry = {"Source": "bank", "DetailType": "type", "Detail": "{}", **parameters}
        self.aws("events").put_events(Entries=[{name: value for name, value in entry.items() if value is not None}])

    def invoke(self, payload: str, **parameters: Any) -> Any:
        return self.aws("lambda").invoke(FunctionName="worker", Payload=payload, **parameters)

    def mail(self, count: int = 1, to: int = 1, data: str = "{}", names: str = "known", **entry: Any) -> None:
        content = {"Template": {"TemplateContent": {"Subject": "{{s}}", "Text": "{{s}}"}, "TemplateData": "{}"}}
        one = {
            "Destination": {"ToAddresses": [f"h{number}@example.com" for number in range(to)]},
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data}},
            **entry,
        }
        self.aws("sesv2").send_bulk_email(
            FromEmailAddress="a@example.com",
            ConfigurationSetName=names,
            DefaultContent=content,
            BulkEmailEntries=[one] * count,
        )

    def headers(self, *headers: tuple[str, str]) -> None:
        self.mail(ReplacementHeaders=[{"Name": name, "Value": value} for name, value in headers])


def _trigger(scene: Scene, **parameters: Any) -> None:
    arn = f"arn:aws:sqs:{REGION}:000000000000:queue"
    scene.aws("lambda").create_event_source_mapping(FunctionName="worker", EventSourceArn=arn, **parameters)


def _publish_batch(scene: Scene, *messages: str) -> None:
    entries = [{"Id": str(number), "Message": message} for number, message in enumerate(messages)]
    scene.aws("sns").publish_batch(TopicArn=scene.topic, PublishBatchRequestEntries=entries)


def _batch(scene: Scene, **entry: Any) -> None:
    scene.aws("sqs").send_message_batch(QueueUrl=scene.queue, Entries=[{"Id": "a", "MessageBody": "x", **entry}])


def _hide(scene: Scene) -> None:
    scene.aws("sqs").receive_message(QueueUrl=scene.queue, VisibilityTimeout=43_201)


def _bucket(scene: Scene, name: str) -> None:
    scene.aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


_MANY = {f":a{number}": {"S": "x"} for number in range(101)}
_ATTRIBUTES = {f"a{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)}

# The rule, the call, and AWS's error code.
REFUSALS: list[Refusal] = [
    ("dynamodb.reserved-word", lambda on: on.query(FilterExpression="region = :v"), "ValidationException"),
    (
        "dynamodb.in",
        lambda on: on.query(FilterExpression=f"a IN ({','.join(_MANY)})", values=_MANY),
        "ValidationException",
    ),
    ("dynamodb.filter-on-key", lambda on: on.query(FilterExpression="sk = :v"), "ValidationException"),
    ("sqs.delay", lambda on: on.send(DelaySeconds=901), "InvalidParameterValue"),
    ("sqs.delay", lambda on: _batch(on, DelaySeconds=901), "InvalidParameterValue"),
    ("sqs.group", lambda on: on.send(MessageGroupId="g" * 129), "InvalidParameterValue"),
    ("sqs.group", lambda on: on.send(MessageGroupId="two words"), "InvalidParameterValue"),
    ("sqs.attributes", lambda on: on.send(MessageAttributes=_ATTRIBUTES), "InvalidParameterValue"),
    (
        "sqs.wait",
        lambda on: on.aws("sqs").receive_message(QueueUrl=on.queue, WaitTimeSeconds=21),
        "InvalidParameterValue",
    ),
    ("sqs.visibility", _hide, "InvalidParameterValue"),
    ("sqs.name", lambda on: on.aws("sqs").create_queue(QueueName="two words"), "InvalidParameterValue"),
    ("sns.empty", lambda on: on.publish(Message=""), "InvalidParameter"),
    ("sns.subject", lambda on: on.publish(Subject="s" * 101), "InvalidParameter"),
    ("sns.subject", lambda on: on.publish(Subject="two\nlines"), "InvalidParameter"),
    ("sns.batch-size", lambda on: _publish_batch(on, "x" * 140_000, "x" * 140_000), "BatchRequestTooLong"),
    ("sns.name", lambda on: on.aws("sns").create_topic(Name="two words"), "InvalidParameter"),
    ("events.model", lambda on: on.aws("events").put_events(Entries=[]), "ValidationException"),
    ("events.size", lambda on: on.put_event(Detail=json.dumps({"x": "x" * 1_048_576})), "ValidationException"),
    ("events.entry", lambda on: on.put_event(Source=None), "ValidationException"),
    ("events.entry", lambda on: on.put_event(Detail="no JSON"), "ValidationException"),
    ("events.entry", lambda on: on.put_event(DetailType="d" * 129), "ValidationException"),
    ("lambda.payload", lambda on: on.invoke(json.dumps("x" * 6_300_000)), "RequestEntityTooLargeException"),
    (
        "lambda.payload",
        lambda on: on.invoke(json.dumps("x" * 1_048_577), InvocationType="Event"),
        "RequestEntityTooLargeException",
    ),
    ("lambda.payload-json", lambda on: on.invoke("no JSON"), "InvalidRequestContentException"),
    ("lambda.environment-size", lambda on: on.function("f1", {"AB": "x" * 4_095}), "InvalidParameterValueException"),
    ("lambda.environment-name", lambda on: on.function("f2", {"AWS_REGION": "x"}), "InvalidParameterValueException"),
    ("lambda.environment-name", lambda on: on.function("f3", {"1A": "x"}), "InvalidParameterValueException"),
    ("lambda.limits", lambda on: on.function("f4", Timeout=901), "ValidationException"),
    ("lambda.limits", lambda on: on.function("f5", MemorySize=10_241), "ValidationException"),
    ("lambda.limits", lambda on: on.function("f" * 65), "ValidationException"),
    ("lambda.model", lambda on: on.function("f6", MemorySize=64), "ValidationException"),
    (
        "lambda.concurrency",
        lambda on: on.aws("lambda").put_function_concurrency(FunctionName="worker", ReservedConcurrentExecutions=901),
        "InvalidParameterValueException",
    ),
    ("lambda.trigger-batch", lambda on: _trigger(on, BatchSize=11), "InvalidParameterValueException"),
    ("lambda.trigger-visibility", lambda on: _trigger(on, BatchSize=1), "InvalidParameterValueException"),
    (
        "secretsmanager.name",
        lambda on: on.aws("secretsmanager").create_secret(Name="two words", SecretString="x"),
        "ValidationException",
    ),
    (
        "secretsmanager.size",
        lambda on: on.aws("secretsmanager").create_secret(Name="large", SecretString="é" * 40_000),
        "ValidationException",
    ),
    (
        "secretsmanager.model",
        lambda on: on.aws("secretsmanager").create_secret(Name="n" * 513, SecretString="x"),
        "ValidationException",
    ),
    ("s3.bucket-name", lambda on: _bucket(on, "xn--bucket"), "InvalidBucketName"),
    ("s3.bucket-name", lambda on: _bucket(on, "bucket-s3alias"), "InvalidBucketName"),
    ("s3.key-length", lambda on: on.aws("s3").put_object(Bucket="bucket", Key="k" * 1_025), "KeyTooLongError"),
    ("ses.bulk-entries", lambda on: on.mail(51), "BadRequestException"),
    ("ses.recipients", lambda on: on.mail(to=51), "BadRequestException"),
    ("ses.configuration-set", lambda on: on.mail(names="unknown"), "NotFoundException"),
    ("ses.inline-template", lambda on: on.mail(5, data=json.dumps({"s": "x" * 250_000})), "BadRequestException"),
    ("ses.header-name", lambda on: on.headers(("Subject", "v")), "BadRequestException"),
    ("ses.header-name", lambda on: on.headers(("List-Help", "v"), ("list-help", "w")), "BadRequestException"),
    ("ses.tags", lambda on: on.mail(ReplacementTags=[{"Name": "transaction", "Value": "a.b"}]), "BadRequestException"),
    ("sesv2.model", lambda on: on.headers(*((f"X-{number}", "v") for number in range(16))), "BadRequestException"),
    ("sesv2.model", lambda on: on.headers(("X" * 127, "v")), "BadRequestException"),
    ("sesv2.model", lambda on: on.headers(("X-A", "v" * 996)), "BadRequestException"),
    ("sesv2.model", lambda on: on.headers(("X-A", "é")), "BadRequestException"),
    ("sesv2.model", lambda on: on.mail(data=json.dumps({"s": "x" * 262_145})), "BadRequestException"),
]
