"""moto, answering faster.

For each value of each item of DynamoDB, moto looks for each of ten types, by all names that a value of Python's might
have it under, and botocore does so when it reads the answer: that was half of the time of a call. A value has one type,
and says which; most are texts and numbers, which are kept as texts and never change. For each call moto lists all
members of the class that answers, draws 52 letters for the request's id, and takes each condition and each update
apart, although the same few come again and again; an update's tree it copies for each call, by a way that is slow. And
for each action of a transaction it copies the action's whole table, to have it back if an action is refused. For each
test it also registers what it would answer to `requests`, which nobody uses here, and has boto3 make its session anew:
ten milliseconds.

And botocore signs a call of DynamoDB and makes HTTP of it, which moto reads again as a web server does: more than half
of the time. Here moto gets the call's body, and answers it.
"""

import contextlib
import copy
import functools
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint, convert_to_response_dict
from botocore.model import OperationModel
from botocore.parsers import BaseJSONParser
from botocore.regions import EndpointRulesetResolver
from botocore.useragent import UserAgentString
from moto.core import DEFAULT_ACCOUNT_ID, models, responses
from moto.core.botocore_stubber import MockRawResponse
from moto.core.config import default_user_config
from moto.core.models import botocore_stubber
from moto.core.responses import ActionResult, get_service_model
from moto.core.utils import utcnow
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Expression, Node, UpdateExpressionFunction
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler
from moto.utilities.utils import get_partition
from werkzeug.http import http_date

_AS_THEY_ARE = {"S": str, "N": str, "BOOL": bool, "NULL": bool}
# Which take and answer plain JSON, but for binary values; the others have times and settings.
_PLAIN = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"}
_PLAIN |= {"BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"}


def _read_value(handle: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handle)
    def _handle_structure(parser: BaseJSONParser, shape: Any, value: Any) -> Any:
        if shape.name == "AttributeValue" and len(value) == 1:
            ((kind, content),) = value.items()
            if type(content) is _AS_THEY_ARE.get(kind):
                return value
        return handle(parser, shape, value)

    return _handle_structure


def _of_a_text(otherwise: Callable[..., Any], quick: Callable[[DynamoType], Any]) -> Callable[..., Any]:
    """Return a method of a value of DynamoDB's which is quick if the value is kept as a text."""

    @functools.wraps(otherwise)
    def method(one: DynamoType, *arguments: Any) -> Any:
        return quick(one) if type(one.value) is str and one.type != "B" else otherwise(one, *arguments)

    return method


def _size(one: DynamoType) -> int:
    """Return a value's size as moto counts it, which makes a copy of each member of a map for it."""
    if one.type == "M":
        return sum(len(name.encode()) + member.size() for name, member in one.value.items())
    return _SIZE_OF(one)


def _regular_json(one: DynamoType) -> dict[str, Any]:
    """Return a value as JSON, for which moto copies it whole at each of its levels."""
    if one.type == "M":
        return {"M": {name: member.to_regular_json() for name, member in one.value.items()}}
    if one.type == "L":
        return {"L": [member.to_regular_json() for member in one.value]}
    return _REGULAR_JSON_OF(one)


_SIZE_OF, _REGULAR_JSON_OF = DynamoType.size, DynamoType.to_regular_json


def _traverse(traverser: DepthFirstTraverser, root: Any) -> Any:
    """Walk through a tree as moto does, without asking for each node anew which kinds are processed."""
    kinds = traverser.nodes_to_be_processed()

    def walk(node: Any, place: int = -1) -> Any:
        if not _is_of(type(node), Node):
            return node
        parent = node.parent
        for i, child in enumerate(node.children or ()):
            traverser.pre_processing_of_child(node, i)
            walk(child, i)
        if _is_of(type(node), kinds):
            node = traverser.process(node)
            node.parent = parent
            if parent:
                parent.children[place] = node
        return node

    return walk(root)


_is_of = functools.cache(issubclass)  # the tree's classes are abstract ones, which take their time
_NEVER_CHANGES = (str, int, type(None))


def _copy_of_node(node: Node, memo: dict[int, Any]) -> Node:
    """Return a deep copy of a tree's node, for which Python takes each apart as if to send it away."""
    copied = memo[id(node)] = type(node).__new__(type(node))
    for name, value in vars(node).items():
        if type(value) is list:
            value = [one if type(one) in _NEVER_CHANGES else copy.deepcopy(one, memo) for one in value]
        elif type(value) not in _NEVER_CHANGES:
            value = copy.deepcopy(value, memo)
        setattr(copied, name, value)
    return copied


def _find_clauses(node: Node, kinds: list[type[Node]]) -> list[Node]:
    """Find the clauses of some kinds as moto does, which asks an abstract class about each node it goes by."""
    found: list[Node] = []
    for child in node.children or ():
        if type(child) in kinds:
            found.append(child)
        elif _is_of(type(child), Expression) or _is_of(type(child), UpdateExpressionFunction):
            found.extend(_find_clauses(child, kinds))
    return found


class _Transaction(threading.local):
    """The keys that the transaction under way writes, by the table's name; None outside of one. And its copies."""

    keys: dict[str, list[dict[str, Any]]] | None = None
    copies: dict[str, Table]


_TRANSACTION = _Transaction()


def _copy_of_table(table: Table, memo: dict[int, Any]) -> Table:
    """Return a deep copy; within a transaction, one that shares what the transaction doesn't change."""
    keys = _TRANSACTION.keys
    if keys is not None and table.name in _TRANSACTION.copies:
        return _TRANSACTION.copies[table.name]  # all are made before the first write, so another one would be equal
    copied = memo[id(table)] = type(table).__new__(type(table))
    if keys is None:
        vars(copied).update(copy.deepcopy(vars(table), memo))
        return copied
    _TRANSACTION.copies[table.name] = copied
    vars(copied).update(vars(table))
    has_ranges = table.range_key_attr is not None
    copied.items = defaultdict(dict, {hash_: dict(of) if has_ranges else of for hash_, of in table.items.items()})
    for key in keys[table.name]:
        hash_ = DynamoType(key[table.hash_key_attr])
        if hash_ not in copied.items:
            continue
        if not has_ranges:
            copied.items[hash_] = copy.deepcopy(copied.items[hash_])
        elif (range_ := DynamoType(key[table.range_key_attr])) in copied.items[hash_]:
            copied.items[hash_][range_] = copy.deepcopy(copied.items[hash_][range_])
    if table.stream_shard is not None:
        copied.stream_shard = copy.copy(table.stream_shard)
        copied.stream_shard.table, copied.stream_shard.items = copied, list(table.stream_shard.items)
    return copied


def _knowing_its_keys(transact: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(transact)
    def transact_write_items(backend: DynamoDBBackend, actions: list[dict[str, Any]]) -> None:
        _TRANSACTION.keys, _TRANSACTION.copies = defaultdict(list), {}
        for action in actions:
            for operation in action.values():
                _TRANSACTION.keys[operation["TableName"]].append(operation.get("Key") or operation["Item"])
        try:
            transact(backend, actions)
        finally:
            _TRANSACTION.keys = None

    return transact_write_items


@functools.cache
def _nodes_of(condition: str) -> tuple[Any, ...]:
    parser = ConditionExpressionParser(condition, {}, {})
    return tuple(_TAKEN_APART(parser))


_TAKEN_APART = ConditionExpressionParser._lex_condition_expression
_REQUEST_ID = "R" * 52


def _request_id(headers: dict[str, Any] | None = None) -> str:
    if headers is not None:
        headers["x-amzn-requestid"] = _REQUEST_ID
    return _REQUEST_ID


_BINARY = re.compile(rb'"BS?": ')
_DYNAMODB = re.compile(r"https://dynamodb\.([a-z0-9-]+)\.amazonaws\.com/?")


def _answered(region: str, request: Mapping[str, Any]) -> AWSResponse:
    """Return moto's answer to a call of DynamoDB, as `BaseResponse.dispatch` would after reading it from HTTP."""
    handler = DynamoHandler()
    handler.region, handler.partition, handler.current_account = region, get_partition(region), DEFAULT_ACCOUNT_ID
    handler.headers, handler.querystring, handler.uri_match = request["headers"], {}, {}
    handler.response_headers = {"date": http_date(utcnow())}
    if handler._get_action() in _PLAIN and not _BINARY.search(request["body"]):
        handler.params = json.loads(request["body"])
    else:
        handler.parse_parameters(
            SimpleNamespace(
                method="POST",
                content_type=request["headers"]["Content-Type"],
                values={},
                headers=request["headers"],
                data=request["body"],
                path="/",
            )
        )
    status, headers, body = handler.call_action()
    return AWSResponse(request["url"], int(status), HTTPHeaders.from_dict(headers), MockRawResponse(body))


@functools.cache
def _members_of_answer(action: str) -> frozenset[str]:
    return frozenset(get_service_model("dynamodb").operation_model(action).output_shape.members)


def _written(serialized: Callable[..., Any]) -> Callable[..., Any]:
    """Write an answer that is plain JSON as it is; moto looks up each member of it in botocore's description."""

    @functools.wraps(serialized)
    def quick(handler: DynamoHandler, answer: ActionResult) -> Any:
        action, members = handler._get_action(), answer.result
        if action in _PLAIN and isinstance(members, dict) and members.keys() <= _members_of_answer(action):
            with contextlib.suppress(TypeError):  # a value that is no JSON
                body = json.dumps({name: value for name, value in members.items() if value is not None})
                if not _BINARY.search(body.encode()):
                    return 200, {"Content-Type": "application/x-amz-json-1.0", **handler.response_headers}, body
        return serialized(handler, answer)

    return quick


def _known_endpoint(construct: Callable[..., Any]) -> Callable[..., Any]:
    """Work out where DynamoDB is once for each client: our calls name tables, of which no other place could be told."""

    @functools.wraps(construct)
    def construct_endpoint(resolver: Any, operation_model: OperationModel, *arguments: Any, **named: Any) -> Any:
        if operation_model.service_model.service_name != "dynamodb":
            return construct(resolver, operation_model, *arguments, **named)
        if not hasattr(resolver, "found"):
            resolver.found = construct(resolver, operation_model, *arguments, **named)
        return resolver.found

    return construct_endpoint


def _without_http(send: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(send)
    def _send_request(endpoint: Endpoint, request: dict[str, Any], operation: OperationModel) -> Any:
        at_moto = _DYNAMODB.fullmatch(request["url"]) if botocore_stubber.enabled else None
        if at_moto is None:
            return send(endpoint, request, operation)
        response = _answered(at_moto[1], request)
        read = convert_to_response_dict(response, operation)
        parser = endpoint._response_parser_factory.create_parser(operation.service_model.resolved_protocol)
        parsed = parser.parse(read, operation.output_shape)
        if response.status_code >= 300:
            endpoint._add_modeled_error_fields(read, parsed, operation, parser)
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        return response, parsed

    return _send_request


def install() -> None:
    """Let moto answer so from now on."""
    models.RESPONSES_METHODS.clear()
    default_user_config["core"]["reset_boto3_session"] = False
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    responses.gen_amzn_requestid_long = _request_id
    BaseJSONParser._handle_structure = _read_value(BaseJSONParser._handle_structure)
    DynamoType.size = _of_a_text(_size, lambda one: len(one.value.encode()))
    DynamoType.to_regular_json = _of_a_text(_regular_json, lambda one: {one.type: one.value})
    DynamoType.__deepcopy__ = _of_a_text(DynamoType.__deepcopy__, lambda one: one)
    DynamoType.cast_value = property(
        _of_a_text(DynamoType.cast_value.fget, lambda one: Decimal(one.value) if one.type == "N" else one.value)
    )
    DepthFirstTraverser.traverse = _traverse
    Node.__deepcopy__ = _copy_of_node
    Node.find_clauses = _find_clauses
    # Who changes what it returns copies it first.
    UpdateExpressionParser.make = functools.cache(UpdateExpressionParser.make)
    ConditionExpressionParser._lex_condition_expression = lambda parser: deque(_nodes_of(parser.condition_expression))
    Table.__deepcopy__ = _copy_of_table
    DynamoDBBackend.transact_write_items = _knowing_its_keys(DynamoDBBackend.transact_write_items)
    DynamoHandler.serialized = _written(DynamoHandler.serialized)
    EndpointRulesetResolver.construct_endpoint = _known_endpoint(EndpointRulesetResolver.construct_endpoint)
    Endpoint._send_request = _without_http(Endpoint._send_request)
    UserAgentString.to_string = lambda _: "tests"  # put together anew for each call, and read by nobody
