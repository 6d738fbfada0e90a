"""The gate: who may come in, what it refuses that the bare emulator takes, and what it writes down."""

import io
import json
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from local_cloud.gate import loops, record, rule
from local_cloud.gate.rule import Call
from local_cloud.server import PROJECT_DIR, REGION, Cloud, CloudSession, Keys, free_port, start
from tests.local_cloud.refusals import REFUSALS, Refusal, Scene, code

TEST_KEYS = Keys("test", "test")
# Tested by themselves: below, or through what isn't a call of an API.
ELSEWHERE = {
    "apigateway.body",
    "apigateway.event",
    "apigateway.timeout",
    "dynamodb.model",
    "lambda.answer",
    "lambda.loop",
    "ses.both-actions",
    "ses.send-rate",
}


def running(folder: Path, gate: bool) -> Iterator[Scene]:
    # The bare emulator takes `test` whatever its keys are.
    cloud = start(free_port(), folder, gate=gate)
    try:
        yield Scene(cloud)
    finally:
        cloud.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def gated(folder: Path) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GATE_FOLDER", str(folder / "gate"))
        environment.setenv("GATE_WAITS_S", "4")
        yield from running(folder, gate=True)
    for written in (folder / "gate").glob("refusals-*.json"):  # counted with those of the other clouds of the run
        shutil.copy(written, os.environ[record.FOLDER_VARIABLE])


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    yield from running(tmp_path_factory.mktemp("bare"), gate=False)


def asked(scene: Scene, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> Any:
    return urllib3.request(
        method, scene.cloud.endpoint_url + path, body=body, headers=headers, timeout=20, retries=False
    )


def makes_role(cloud: Cloud, keys: Keys, name: str) -> None:
    iam = CloudSession(cloud.endpoint_url, keys).client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')


def ids(refusals: list[Refusal]) -> list[str]:
    return [f"{number}-{code}" for number, (code, _, _) in enumerate(refusals)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=ids(REFUSALS))
def test_what_aws_refuses_is_refused_and_the_bare_emulator_takes_it(
    gated: Scene, bare: Scene, folder: Path, refusal: Refusal
) -> None:
    code, call, error = refusal
    before = record.refusals(folder / "gate")
    with pytest.raises(ClientError) as refused:
        call(gated)
    assert refused.value.response["Error"]["Code"] == error
    assert record.refusals(folder / "gate") - before == {code: 1}
    call(bare)


def test_every_rule_has_a_call_that_it_refuses() -> None:
    rule.load()
    assert {code for code, _, _ in REFUSALS} | ELSEWHERE == set(rule.RULES)
    assert all(one.source and one.refuses for one in rule.RULES.values())


def test_the_document_lists_every_rule_with_its_source() -> None:
    rule.load()
    listed = (PROJECT_DIR / "docs" / "aws.md").read_text()
    for name, one in rule.RULES.items():
        assert f"| `{name}` | {one.refuses} | `{one.error}` {one.status} | {one.source} |" in listed


def test_only_this_start_s_keys_are_root(gated: Scene) -> None:
    own = gated.cloud.keys
    for keys in (TEST_KEYS, Keys("123456789012", "test"), Keys(own.access_key_id, "wrong")):
        with pytest.raises(ClientError) as refused:
            makes_role(gated.cloud, keys, "evil")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert asked(gated, "/?Action=ListRoles&Version=2010-05-08", {}).status == 403


def test_the_bare_emulator_lets_everybody_make_roles(bare: Scene) -> None:
    makes_role(bare.cloud, TEST_KEYS, "evil")
    makes_role(bare.cloud, Keys(bare.cloud.keys.access_key_id, "wrong"), "evil-2")


def may_subscribe(scene: Scene, name: str, protocol: str, endpoint: str) -> bool:
    """Return whether a user whose policy is the API's, of e-mails only, may subscribe this endpoint."""
    sns, iam = scene.aws("sns"), scene.aws("iam")
    topic = sns.create_topic(Name=name)["TopicArn"]
    condition = {"StringEquals": {"sns:Protocol": "email"}}
    statement = {"Effect": "Allow", "Action": "sns:Subscribe", "Resource": topic, "Condition": condition}
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="subscribe", PolicyDocument=policy)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    keys = Keys(made["AccessKeyId"], made["SecretAccessKey"])
    subscriber = CloudSession(scene.cloud.endpoint_url, keys).client("sns")
    try:
        subscriber.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    except subscriber.exceptions.AuthorizationErrorException:
        return False
    return True


def test_a_policy_of_e_mails_only_allows_these_and_nothing_else(gated: Scene) -> None:
    assert may_subscribe(gated, "by-mail", "email", "a@bank.example")
    assert not may_subscribe(gated, "by-sms", "sms", "+237650000000")


def page_s_request(scene: Scene, headers: dict[str, str]) -> Any:
    body = b"Action=CreateRole&Version=2010-05-08&RoleName=of-a-page&AssumeRolePolicyDocument=%7B%7D"
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-2/iam/aws4_request"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    return asked(scene, "/", {**signed, **form, **headers}, "POST", body)


@pytest.mark.parametrize(
    "headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"origin": "null"}, {}]
)
def test_a_web_page_can_t_make_a_role(gated: Scene, headers: dict[str, str]) -> None:
    answer = page_s_request(gated, headers)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers
    names = [role["RoleName"] for role in gated.aws("iam").list_roles()["Roles"]]
    assert "of-a-page" not in names


def test_the_bare_emulator_lets_a_web_page_make_a_function(bare: Scene) -> None:
    headers = {"origin": "http://evil.example", "host": "evil.example"}
    preflight = asked(bare, "/2015-03-31/functions", {**headers, "access-control-request-method": "POST"}, "OPTIONS")
    assert preflight.headers["access-control-allow-origin"] == "*"
    client = CloudSession(bare.cloud.endpoint_url, TEST_KEYS).client("lambda")
    client.meta.events.register(
        "before-sign", lambda request, **_: request.headers.add_header("Origin", "http://evil.example")
    )
    made = client.create_function(
        FunctionName="evil", Runtime="python3.11", Role=bare.role, Handler="main.handle", Code={"ZipFile": code()}
    )
    assert made["FunctionName"] == "evil"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4566", "abc.execute-api.localhost", "[::1]:80"])
def test_loopback_names_are_answered(gated: Scene, host: str) -> None:
    path = "/_ministack/health"
    assert asked(gated, path, {"host": host}).status == 200
    assert asked(gated, path, {"host": host, "origin": "http://127.0.0.1:8000"}).status == 200
    assert asked(gated, path, {"host": f"{host}.evil.example"}).status == 403


def test_the_emulator_s_own_paths_want_the_keys(gated: Scene) -> None:
    for path in ("/_ministack/ses/messages", "/_aws/sqs/messages", "/_localstack/info"):
        assert asked(gated, path, {}).status == 403
        assert asked(gated, path, TEST_KEYS.headers).status == 403
    assert asked(gated, "/_ministack/reset", {}, "POST").status == 403
    assert asked(gated, "/_ministack/ses/messages", gated.cloud.keys.headers).status == 200


def test_the_icon_that_a_browser_looks_for_is_not_there_and_no_refusal(gated: Scene, folder: Path) -> None:
    before = record.refusals(folder / "gate")["door.key"]
    assert asked(gated, "/favicon.ico", {}).status == 404
    assert record.refusals(folder / "gate")["door.key"] == before
    assert asked(gated, "/favicon.ico", {"authorization": "Basic x"}).status == 403
    assert record.refusals(folder / "gate")["door.key"] == before + 1


def test_answers_of_aws_let_no_page_read_them(gated: Scene) -> None:
    answer = gated.aws("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    assert not [name for name in answer if name.startswith("access-control-")]


def test_a_presigned_link_is_good_for_its_time(gated: Scene) -> None:
    s3 = CloudSession(gated.cloud.endpoint_url, gated.cloud.keys).client("s3")
    s3.put_object(Bucket="bucket", Key="a", Body=b"text")
    link = s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "a"}, ExpiresIn=60)
    assert urllib3.request("GET", link).data == b"text"
    assert urllib3.request("GET", link.replace("/a?", "/b?")).status == 403
    assert urllib3.request("GET", link.partition("?")[0]).status == 403


def test_an_answer_of_a_function_beyond_6_mb_is_an_error(gated: Scene, bare: Scene) -> None:
    assert "FunctionError" not in bare.invoke(json.dumps({"n": 6_300_000}))
    answer = gated.invoke(json.dumps({"n": 6_300_000}))
    assert json.load(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_stack_is_checked_as_calls_are(gated: Scene) -> None:
    properties = {"Runtime": "python3.11", "Role": gated.role, "Handler": "main.handle", "Code": {"ZipFile": "x = 1"}}
    function = {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Timeout": 901}}
    stacks = gated.aws("cloudformation")
    stacks.create_stack(StackName="large", TemplateBody=json.dumps({"Resources": {"F": function}}))
    deadline = time.monotonic() + 20
    while (events := stacks.describe_stack_events(StackName="large")["StackEvents"]) and time.monotonic() < deadline:
        if reasons := [
            event["ResourceStatusReason"] for event in events if "timeout" in event.get("ResourceStatusReason", "")
        ]:
            break
        time.sleep(0.1)
    assert "ValidationException" in reasons[0]


SLOW = """import time
def handle(event, _):
    time.sleep(float(event["path"].strip("/")))
    return {"statusCode": 200, "body": "ok"}
"""


def api(scene: Scene) -> str:
    """Return the path of an API whose function takes as many seconds as its path says."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", SLOW)
    made = scene.aws("lambda").create_function(
        FunctionName="slow",
        Runtime="python3.11",
        Role=scene.role,
        Handler="main.handle",
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
    )
    gateway = scene.aws("apigateway")
    api_id = gateway.create_rest_api(name="slow")["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api_id, parentId=root, pathPart="{seconds}")["id"]
    where = {"restApiId": api_id, "resourceId": resource, "httpMethod": "ANY"}
    gateway.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{made['FunctionArn']}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api_id, stageName="s")
    time.sleep(1)
    return f"/_aws/execute-api/{api_id}/s"


def test_api_gateway_waits_only_so_long_and_takes_only_so_much(gated: Scene, bare: Scene) -> None:
    path = api(gated)
    assert asked(gated, f"{path}/0", {"origin": "null"}).status == 200  # no signature, and a page without a referrer
    assert asked(gated, f"{path}/0", {"origin": "http://evil.example"}).status == 403
    slow = asked(gated, f"{path}/6", {})
    assert (slow.status, slow.json()) == (504, {"message": "Endpoint request timed out"})
    assert asked(gated, f"{path}/0", {}, "POST", b"x" * 6_400_000).status == 413
    assert asked(gated, f"{path}/0", {}, "POST", b"x" * 10_600_000).status == 413
    bare_path = api(bare)
    assert asked(bare, f"{bare_path}/6", {}).status == 200
    assert asked(bare, f"{bare_path}/0", {}, "POST", b"x" * 10_600_000).status == 200


def test_the_send_rate_takes_a_call_and_then_nothing_until_it_is_built_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rule.load()
    monkeypatch.setenv("GATE_SEND_RATE", "10")
    call = Call("sesv2", "SendBulkEmail", {"BulkEmailEntries": [{"Destination": {"ToAddresses": ["a"]}}] * 20})
    above = rule.RULES["ses.send-rate"].check
    assert above(call) is None
    assert above(call) == "Maximum sending rate exceeded."
    time.sleep(1.2)
    assert above(call) is None


def test_a_message_s_rounds_are_counted_through_the_queue() -> None:
    rule.load()
    stops = rule.RULES["lambda.loop"].check
    assert loops.counted({"SenderId": "a"}) == {"SenderId": "a"}
    token = loops.sent_with.set(16)
    sent = {"attributes": loops.counted({"SenderId": "a"})}
    loops.sent_with.reset(token)
    assert loops.rounds_of({"Records": [{"attributes": {}}, sent]}) == 17
    assert loops.rounds_of({"Records": [{"attributes": {}}]}) == loops.rounds_of([]) == 1
    assert "recursive loop" in (stops(Call("lambda", "", {"rounds": 17, "recursive_loop": None})) or "")
    assert stops(Call("lambda", "", {"rounds": 17, "recursive_loop": "Allow"})) is None
    assert stops(Call("lambda", "", {"rounds": 16, "recursive_loop": "Terminate"})) is None


LOOP = """import os
import boto3
def handle(event, _):
    key = {"pk": {"S": "loop"}, "sk": {"S": "s"}}
    one = {":one": {"N": "1"}}
    boto3.client("dynamodb").update_item(
        TableName="items", Key=key, UpdateExpression="ADD rounds :one", ExpressionAttributeValues=one)
    boto3.client("sqs").send_message(QueueUrl=os.environ["LOOP_QUEUE"], MessageBody="again")
"""


def rounds_in_a_loop(scene: Scene, until: int) -> int:
    """Return how often a function that puts its message back has run, at most `until`."""
    queue = scene.aws("sqs").create_queue(QueueName="loop", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", LOOP)
    statement = {"Effect": "Allow", "Action": ["sqs:*", "dynamodb:*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    scene.aws("iam").put_role_policy(RoleName="role", PolicyName="loop", PolicyDocument=policy)
    functions = scene.aws("lambda")
    functions.create_function(
        FunctionName="loop",
        Runtime="python3.11",
        Role=scene.role,
        Handler="main.handle",
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"LOOP_QUEUE": queue}},
        Timeout=60,
    )
    time.sleep(1)
    arn = f"arn:aws:sqs:{REGION}:000000000000:loop"
    trigger = functions.create_event_source_mapping(FunctionName="loop", EventSourceArn=arn, BatchSize=1)
    scene.aws("sqs").send_message(QueueUrl=queue, MessageBody="first")
    rounds, still = 0, 0
    while rounds < until and still < 8:
        time.sleep(1)
        item = (
            scene.aws("dynamodb").get_item(TableName="items", Key={"pk": {"S": "loop"}, "sk": {"S": "s"}}).get("Item")
        )
        found = int(item["rounds"]["N"]) if item else 0
        still = still + 1 if found == rounds > 0 else 0
        rounds = found
    functions.delete_event_source_mapping(UUID=trigger["UUID"])
    return rounds


def test_a_loop_is_stopped_after_16_rounds(gated: Scene, bare: Scene, folder: Path) -> None:
    assert rounds_in_a_loop(gated, 25) == 16
    assert record.refusals(folder / "gate")["lambda.loop"] >= 1
    assert rounds_in_a_loop(bare, 25) >= 25


def test_what_is_called_is_written_down_without_keys_of_items(gated: Scene, folder: Path) -> None:
    gated.aws("dynamodb").put_item(TableName="items", Item={"pk": {"S": "of-a-person"}, "sk": {"S": "s"}})
    lines = list(record.calls(folder / "gate"))
    principal = "arn:aws:iam::000000000000:root"
    assert {"caller": principal, "service": "dynamodb", "operation": "PutItem", "resource": "items"} in lines
    assert "of-a-person" not in json.dumps(lines)


BOTH = ["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"]


@pytest.mark.parametrize("actions", [BOTH, BOTH[:1]])
def test_a_bulk_call_wants_both_actions(gated: Scene, bare: Scene, actions: list[str]) -> None:
    def sends(scene: Scene) -> None:
        iam = scene.aws("iam")
        name = f"sender-{len(actions)}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        session = CloudSession(scene.cloud.endpoint_url, Keys(made["AccessKeyId"], made["SecretAccessKey"]))
        as_user = Scene.__new__(Scene)
        as_user._clients = {"sesv2": session.client("sesv2")}
        as_user.mail()

    sends(bare)
    if actions == BOTH:
        sends(gated)
    else:
        with pytest.raises(ClientError) as refused:
            sends(gated)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
