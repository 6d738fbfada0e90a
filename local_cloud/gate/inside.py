"""The gate's places inside of the emulator, for what comes through no request: stacks, triggers and functions."""

import functools
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable
from typing import Any

from local_cloud.gate import fair_queues, loops, rule
from local_cloud.gate.record import Record
from local_cloud.gate.rule import Call, Refused, emulator

# The types of a stack's resources that are checked as the call that creates them would be.
_RESOURCES = {
    "AWS::Lambda::Function": ("lambda", "CreateFunction", {}),
    "AWS::Lambda::EventSourceMapping": ("lambda", "CreateEventSourceMapping", {}),
    "AWS::S3::Bucket": ("s3", "CreateBucket", {"BucketName": "Bucket"}),
    "AWS::SNS::Topic": ("sns", "CreateTopic", {"TopicName": "Name"}),
}


def stand(record: Record) -> None:
    """Put the gate's checks into the emulator."""
    handlers = emulator("services.cloudformation.provisioners")._RESOURCE_HANDLERS
    for resource_type, (service, operation, names) in _RESOURCES.items():
        handler = handlers[resource_type]
        check = functools.partial(_check, record, service, operation, names)
        handler["create"] = _checked(handler["create"], 1, check)
        if "update" in handler:
            handler["update"] = _checked(handler["update"], 2, check)
    functions = emulator("services.lambda_svc")
    functions._execute_function = _bounded(functions._execute_function, record)
    queues = emulator("services.sqs")
    build = queues._build_send_sys_attrs
    queues._build_send_sys_attrs = lambda *arguments: loops.counted(build(*arguments))
    queues._collect_msgs = _fair(queues._collect_msgs)
    actions = emulator("core.iam_actions")
    actions.request_tag_context = _with_subscribers(actions.request_tag_context)
    runtime = emulator("core.lambda_runtime")
    runtime.execution_credentials = functions.execution_credentials = _secret(runtime.execution_credentials)


def _fair(collect: Callable[..., Any]) -> Callable[..., Any]:
    """Return the reader of a queue's messages, which takes those of a standard queue in turns of their groups."""

    def collected(queue: dict[str, Any], *arguments: Any) -> Any:
        if not queue["is_fifo"] and any(message.get("group_id") for message in queue["messages"]):
            queue["messages"] = fair_queues.in_turns(queue["messages"], time.time())
        return collect(queue, *arguments)

    return collected


def _with_subscribers(context_of: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the maker of a request's condition keys with those of SNS, by which a role may subscribe e-mails only."""

    def made(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        found = context_of(service, action, body, parameters)
        if action == "sns:Subscribe":
            for name in ("Protocol", "Endpoint"):
                given = parameters.get(name, "")
                found[f"sns:{name}"] = given[0] if isinstance(given, list) else given
        return found

    return made


def _checked(make: Callable[..., Any], position: int, check: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    """Return the maker of a stack's resource with the check before it; `position` is that of the properties."""

    def make_checked(*arguments: Any) -> Any:
        properties = arguments[position]
        named = {key: value for key, value in properties.items() if value is not None}
        # Lambda names a function that the stack doesn't.
        check(named)
        made = make(*arguments)
        if "RecursiveLoop" in named and (function := _function(made)) is not None:
            function["recursive_loop"] = named["RecursiveLoop"]  # The emulator reads it from its own call only.
        return made

    return make_checked


def _check(record: Record, service: str, operation: str, names: dict[str, str], properties: dict[str, Any]) -> None:
    parameters = {names.get(name, name): value for name, value in properties.items()}
    if service in ("s3", "sns") and not set(names.values()) & set(parameters):
        return  # CloudFormation makes the name.
    try:
        rule.check(Call(service, operation, parameters))
    except Refused as refused:
        record.refused(refused.code)
        raise ValueError(f"{refused.error}: {refused.message}") from None


def _function(made: Any) -> dict[str, Any] | None:
    name = made[0] if isinstance(made, tuple) else made
    found: dict[str, Any] | None = emulator("services.lambda_svc")._functions.get(str(name).rpartition(":")[2])
    return found


def _bounded(execute: Callable[[dict[str, Any], Any], dict[str, Any]], record: Record) -> Callable[..., Any]:
    """Return the emulator's call of a function, which stops loops and answers that are too large."""
    depth = emulator("services.lambda_svc")._invoke_depth

    def execute_bounded(function: dict[str, Any], event: Any) -> dict[str, Any]:
        rounds = max(loops.rounds_of(event), depth.get())
        counted = {"rounds": rounds, "recursive_loop": function.get("recursive_loop")}
        if message := rule.RULES["lambda.loop"].check(Call("lambda", "", counted)):
            return _failed(record, "lambda.loop", message)
        token = depth.set(rounds)
        try:
            result = execute(function, event)
        finally:
            depth.reset(token)
        size = len(json.dumps(result.get("body"), ensure_ascii=False, default=str).encode("utf-8", "replace"))
        if message := rule.RULES["lambda.answer"].check(Call("lambda", "", {}, size=size)):
            return _failed(record, "lambda.answer", message)
        return result

    return execute_bounded


def _failed(record: Record, code: str, message: str) -> dict[str, Any]:
    record.refused(code)
    return {
        "error": True,
        "function_error": "Unhandled",
        "body": {"errorType": rule.RULES[code].error, "errorMessage": message},
    }


def _secret(credentials_for: Callable[[dict[str, Any]], dict[str, str]]) -> Callable[..., dict[str, str]]:
    """Return the maker of a function's credentials, which can't be guessed: the emulator makes them of its name."""

    def made(config: dict[str, Any]) -> dict[str, str]:
        given = credentials_for(config)
        key = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            given[name] = hmac.new(key, given[name].encode(), hashlib.sha256).hexdigest()
        session = emulator("services.sts")._sessions[given["AWS_ACCESS_KEY_ID"]]
        session["SecretAccessKey"] = given["AWS_SECRET_ACCESS_KEY"]
        session["SessionToken"] = given["AWS_SESSION_TOKEN"]
        return given

    return made
