"""Fakes with behaviour: they take the place of AWS where an emulator can't fail on demand."""

import json
import math
import re
import threading
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.queues import MAX_BATCH_BYTES
from chalicelib.mail.tags import from_tag
from tests.aws_calls import meanwhile

_KEYS = (
    "transaction_key",
    "case_key",
    "holder",
    "owner",
    "entry",
    "account_key",
    "trail_key",
)  # of the data stack's tables
# Amazon SES API v2 Reference, "MessageTag".
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


def refusal(code: str, operation: str = "Operation") -> ClientError:
    """Return the exception that botocore raises when AWS refuses a call with this code."""
    return ClientError({"Error": {"Code": code, "Message": "refused by the test"}}, operation)


class FakeSes:
    """An SES that keeps what it accepts, enforces SES's limits, and fails as a test sets."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self.calls = 0
        self.statuses: dict[str, str] = {}  # by address: what it answers for that entry
        self.refuses_call_with: str | None = None  # the whole call is refused with this error code
        self.rejects_calls_to: set[str] = set()  # a call with one of these addresses is a BadRequest as a whole
        self.after_accepting: Callable[[], None] = lambda: None
        self.send_rate = 1e9

    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": self.send_rate}}

    def send_bulk_email(self, **call: Any) -> dict[str, Any]:
        self.calls += 1
        entries = call["BulkEmailEntries"]
        if len(entries) > 50 or len(json.dumps(call).encode()) > 1_048_576 * 2:
            raise refusal("BadRequestException", "SendBulkEmail")
        for entry in entries:
            assert all(_TAG.fullmatch(tag["Value"]) for tag in entry["ReplacementTags"])
        addresses = [entry["Destination"]["ToAddresses"][0] for entry in entries]
        if self.refuses_call_with is not None:
            raise refusal(self.refuses_call_with, "SendBulkEmail")
        if self.rejects_calls_to & set(addresses):
            raise refusal("BadRequestException", "SendBulkEmail")
        results = []
        for address, entry in zip(addresses, entries, strict=True):
            status = self.statuses.get(address, "SUCCESS")
            if status != "SUCCESS":
                results.append({"Status": status, "Error": "refused by the test"})
                continue
            template = call["DefaultContent"]["Template"]["TemplateContent"]
            data = json.loads(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"])
            self.accepted.append(
                {
                    "id": f"message-{len(self.accepted) + 1}",
                    "to": address,
                    "from": call["FromEmailAddress"],
                    "tags": {tag["Name"]: from_tag(tag["Value"]) for tag in entry["ReplacementTags"]},
                    "headers": {header["Name"]: header["Value"] for header in entry["ReplacementHeaders"]},
                    **{part.lower(): _substituted(text, data) for part, text in template.items()},
                }
            )
            results.append({"Status": "SUCCESS", "MessageId": self.accepted[-1]["id"]})
        self.after_accepting()
        return {"BulkEmailEntryResults": results}

    def id_of(self, transaction: str) -> str:
        """Return the message id of the last e-mail about a transaction."""
        return next(str(one["id"]) for one in reversed(self.accepted) if one["tags"]["transaction"] == transaction)

    @property
    def recipients(self) -> Counter[str]:
        """How many e-mails each address got."""
        return Counter(email["to"] for email in self.accepted)


class FakeEventBridge:
    """An EventBridge that keeps what it accepts, and refuses as many entries as a test sets."""

    def __init__(self) -> None:
        self.accepted: list[dict[str, Any]] = []
        self.calls = 0
        self.refuses = 0  # so many entries, from now on

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        if len(Entries) > 10 or sum(len(entry["Detail"].encode()) for entry in Entries) > 262_144:
            raise refusal("ValidationException", "PutEvents")
        results = []
        for entry in Entries:
            if self.refuses:
                self.refuses -= 1
                results.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "refused by the test"})
            else:
                self.accepted.append(entry)
                results.append({"EventId": f"event-{len(self.accepted)}"})
        return {"FailedEntryCount": sum("ErrorCode" in one for one in results), "Entries": results}

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.accepted]


class NoProgress:
    """A progress bar that shows nothing."""

    def update(self, n: int = 1, /) -> None: ...


class OneCallAtATime:
    """A client on moto that makes up for two differences from DynamoDB.

    moto doesn't isolate two writers of one item from each other, and accepts two actions on one item in a transaction.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.meta = client.meta

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def locked(**arguments: Any) -> Any:
            puts = [action["Put"]["Item"] for action in arguments.get("TransactItems", ()) if "Put" in action]
            # Compared by key only: two versions of one item are two actions on it.
            keys = [json.dumps({name: item.get(name) for name in _KEYS}, sort_keys=True) for item in puts]
            if len(set(keys)) < len(keys):
                raise refusal("ValidationException", name)
            with self._lock:
                return operation(**arguments)

        return locked


class Metered:
    """A client that counts the calls through it and the DynamoDB units that they cost, by AWS's published rules."""

    def __init__(self, client: Any, calls: Counter[str], units: Counter[str]) -> None:
        self._client = client
        self._calls = calls
        self._units = units
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def counted(**arguments: Any) -> Any:
            answer = operation(**arguments)
            with self._lock:
                self._calls[name] += 1
                self._units["write"] += _write_units(name, arguments)
                self._units["read"] += _read_units(name, arguments, answer)
            return answer

        return counted


class Failing:
    """A client whose n-th call (from 0) of an operation, or of any, raises instead."""

    def __init__(self, client: Any, error: BaseException, at: int = 0, operation: str | None = None) -> None:
        self._client = client
        self._error = error
        self._left = at
        self._operation = operation
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def failing(**arguments: Any) -> Any:
            if self._operation in (None, name):
                with self._lock:
                    self._left -= 1
                    is_now = self._left == -1
                if is_now:
                    raise self._error
            return operation(**arguments)

        return failing


class Interrupted:
    """A client that calls `happens` before its n-th call (from 0), of an operation or of any, once."""

    def __init__(self, client: Any, happens: Callable[[], Any], at: int = 0, operation: str | None = None) -> None:
        self._client = client
        self._happens = happens
        self._left = at
        self._operation = operation

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def interrupted(**arguments: Any) -> Any:
            if self._operation in (None, name):
                self._left -= 1
                if self._left == -1:
                    meanwhile(self._happens)
            return operation(**arguments)

        return interrupted

    @property
    def has_happened(self) -> bool:
        return self._left < 0


class Refusing:
    """A client that refuses every call of some operations."""

    def __init__(self, client: Any, error: BaseException, *operations: str) -> None:
        self._client = client
        self._error = error
        self._operations = operations

    def __getattr__(self, name: str) -> Any:
        if name not in self._operations:
            return getattr(self._client, name)

        def refusing(**_: Any) -> Any:
            raise self._error

        return refusing


def _write_units(operation: str, arguments: dict[str, Any]) -> int:
    match operation:
        case "put_item":
            return _kilobytes(arguments["Item"])
        case "update_item":
            return 1
        case "batch_write_item":
            requests = [request for table in arguments["RequestItems"].values() for request in table]
            return sum(_kilobytes(request.get("PutRequest", {}).get("Item", {})) for request in requests)
        case "transact_write_items":
            actions = [action for item in arguments["TransactItems"] for action in item.values()]
            # An update's whole item isn't known here. It isn't much larger than the values that are written into it.
            return sum(
                2 * _kilobytes(action.get("Item", action.get("ExpressionAttributeValues", {}))) for action in actions
            )
    return 0


def _read_units(operation: str, arguments: dict[str, Any], answer: dict[str, Any]) -> float:
    match operation:
        case "get_item":
            size = item_bytes(answer.get("Item", {}))
            return max(1, math.ceil(size / 4096)) * (1 if arguments.get("ConsistentRead") else 0.5)
        case "batch_get_item":
            units = 0.0
            for table, request in arguments["RequestItems"].items():
                one = 1 if request.get("ConsistentRead") else 0.5
                found = answer["Responses"].get(table, [])
                units += sum(max(1, math.ceil(item_bytes(item) / 4096)) * one for item in found)
                units += (len(request["Keys"]) - len(found)) * one
            return units
        case "query":
            size = sum(map(item_bytes, answer.get("Items", ())))  # a count has none
            return max(1, math.ceil(size / 4096)) * (1 if arguments.get("ConsistentRead") else 0.5)
    return 0


def _kilobytes(item: dict[str, Any]) -> int:
    return max(1, math.ceil(item_bytes(item) / 1024))


def item_bytes(item: dict[str, Any]) -> int:
    """Return the size by which DynamoDB charges for an item: its names and values, by AWS's published rules."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "SS":
            return sum(len(one.encode()) for one in held)
        case "N":
            digits = Decimal(held).normalize().as_tuple()
            return math.ceil(len(digits.digits) / 2) + 1 + digits.sign
        case "M":
            return 3 + len(held) + item_bytes(held)
        case "L":
            return 3 + len(held) + sum(map(_value_bytes, held))
        case "BOOL" | "NULL":
            return 1
    raise AssertionError(f"nothing is stored as {kind}")


def _substituted(template: str, data: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: data[match[1]], template)


class FakeSqs:
    """A queue that keeps what it accepts, enforces SQS's limits, and fails the first `fails_first` entries."""

    def __init__(self, fails_first: int = 0) -> None:
        self.bodies: list[str] = []
        self.delays: list[int] = []
        self.groups: list[str | None] = []
        self.calls = 0
        self.fails_left = fails_first

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= MAX_BATCH_BYTES
        failed = []
        for entry in Entries:
            if re.search("[\ufffe\uffff]", entry["MessageBody"]):
                failed.append({"Id": entry["Id"], "Code": "InvalidMessageContents", "SenderFault": True})
            elif self.fails_left > 0:
                self.fails_left -= 1
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                self.bodies.append(entry["MessageBody"])
                self.delays.append(entry["DelaySeconds"])
                self.groups.append(entry.get("MessageGroupId"))
        return {"Failed": failed}


class QuickSqs(FakeSqs):
    """A queue whose messages are received before whoever sends them goes on: `received` is called after each batch."""

    def __init__(self, received: Callable[[], None]) -> None:
        super().__init__()
        self._received = received

    def send_message_batch(self, **batch: Any) -> dict[str, Any]:
        answer = super().send_message_batch(**batch)
        self._received()
        return answer


class FakeLambda:
    """Functions that are called, of which some fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.failing: set[str] = set()

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert InvocationType == "RequestResponse"
        self.calls.append((FunctionName, json.loads(Payload)))
        return {"StatusCode": 200} | ({"FunctionError": "Unhandled"} if FunctionName in self.failing else {})
