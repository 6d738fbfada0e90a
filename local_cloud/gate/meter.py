"""The gate's meter: what functions and callers use, counted only while it is on.

Write units of DynamoDB are those that the emulator reports when it is asked for them (`ReturnConsumedCapacity`): each
request is asked that, and the answer is taken out again. The emulator rates reads by their consistency alone, some not
at all: the meter rates them itself.
"""

import json
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from local_cloud.gate.rule import Call, emulator

_UNITS = "ReturnConsumedCapacity"
READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
_CHUNK = 64 * 1024  # "Each 64 KB chunk of a payload is billed as 1 request" (Amazon SQS pricing)
_RECEIVED_AT_ONCE = 10
# START, END and REPORT, which Lambda writes to each call's log.
_PLATFORM_LINES = 62 + 52 + 160
SizeOf = Callable[[dict[str, Any]], int]
Units = dict[str, float]
Counts = Any  # a Counter, which also adds parts: typeshed has it of whole numbers only
_Handler = Callable[..., Awaitable[Any]]
# Units of the request under way, as the DynamoDB handler reports them.
_units: ContextVar[Units | None] = ContextVar("units", default=None)


class Meter:
    """Counts by caller, service and operation, and the calls of functions, with their time and log.

    `calls` holds calls, bytes_in, bytes_out, write_units and read_units by `caller service operation`; `functions`
    invocations, errors, ms on the clock, processor_ms, memory_mb_calls (the memory of each call, added up), log_bytes.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._lock = threading.Lock()
        self._calls: defaultdict[str, Counts] = defaultdict(Counter)
        self._functions: defaultdict[str, Counts] = defaultdict(Counter)
        self._processor = Processor()

    def turn(self, is_on: bool) -> None:
        """Begin to count from nothing, or stop."""
        with self._lock:
            self.is_on = is_on
            if is_on:
                self._processor.used()
                self._calls.clear()
                self._functions.clear()

    def read(self) -> dict[str, Any]:
        """Return all counts since the meter was turned on."""
        with self._lock:
            kinds = {"calls": self._calls, "functions": self._functions}
            return {kind: {name: dict(counts) for name, counts in found.items()} for kind, found in kinds.items()}

    def begin(self) -> Units:
        """Return the place for the units of the request that comes now, which the handler of DynamoDB fills."""
        units: Units = {"write_units": 0, "read_units": 0}
        _units.set(units)
        return units

    def called(self, caller: str, call: Call, bytes_out: int, units: Units) -> None:
        """Count a call that was answered. SQS bills a large batch as several requests."""
        requests = max(1, -(-call.size // _CHUNK)) if call.service == "sqs" else 1
        with self._lock:
            self._calls[f"{caller} {call.service} {call.operation}"].update(
                {"calls": requests, "bytes_in": call.size, "bytes_out": bytes_out, **units}
            )

    def invoked(self, config: dict[str, Any], ms: int, log: str, is_error: bool) -> None:
        """Count a call of a function. Lambda bills whole milliseconds, so a part of one is one."""
        with self._lock:
            self._functions[short_name(config.get("FunctionName", ""))].update(
                {
                    "invocations": 1,
                    "errors": int(is_error),
                    "ms": ms + 1,
                    "memory_mb_calls": int(config.get("MemorySize", 128)),
                    "log_bytes": len(log.encode("utf-8", "replace")) + _PLATFORM_LINES,
                }
            )
            for function, used_ms in self._processor.used().items():
                self._functions[function]["processor_ms"] += used_ms

    def polled(self, config: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        """Count the requests with which Lambda's poller takes these messages from their queue, and deletes them."""
        tens = [messages[start : start + _RECEIVED_AT_ONCE] for start in range(0, len(messages), _RECEIVED_AT_ONCE)]
        sizes = [sum(len(str(one.get("body", ""))) for one in ten) for ten in tens]
        receives = sum(max(1, -(-size // _CHUNK)) for size in sizes)
        with self._lock:
            counts = self._calls[f"{short_name(config.get('FunctionName', ''))} sqs poller"]
            counts.update({"calls": receives + len(tens), "bytes_out": sum(sizes)})


class Processor:
    """What the functions' processes have used of the processor, since it was asked the last time."""

    def __init__(self) -> None:
        self._before: dict[int, float] = {}

    def used(self) -> Counts:
        """Return milliseconds by function. A process that has ended since is left out."""
        runtime = emulator("core.lambda_runtime")
        found: Counts = Counter()
        for worker in [one for workers in list(runtime._workers.values()) for one in list(workers)]:
            process = worker._proc
            try:
                fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            except (AttributeError, OSError):
                continue
            now = (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")  # utime and stime
            found[short_name(worker.func_name)] += now - self._before.get(process.pid, 0.0)
            self._before[process.pid] = now
        return found


def short_name(name: str) -> str:
    """Return a function's own name, without the app's and the stage's: `mailer`. The API's function has no other."""
    last = name.rpartition("/")[2]
    return "api_handler" if last.endswith("-local") else last.partition("-local-")[2] or last


def caller_of(principal: str) -> str:
    """Return who called, by the ARN of who signed: a function's name, `root` for an operator."""
    return short_name(principal) if ":assumed-role/" in principal else "root"


def stand(meter: Meter) -> None:
    """Put the meter into the emulator: DynamoDB's handler, and the calls of functions."""
    tables, functions = emulator("services.dynamodb"), emulator("services.lambda_svc")
    tables.handle_request = _asking(tables.handle_request, tables._item_size_bytes)
    log, batch = functions._emit_lambda_logs, functions._run_sqs_batch

    def logged(function: dict[str, Any], request_id: str, text: str, error: bool, ms: int, **more: Any) -> None:
        if meter.is_on:
            meter.invoked(function.get("config") or function, ms, text, error)
        log(function, request_id, text, error, ms, **more)

    def run_batch(mapping: Any, function: dict[str, Any], event: dict[str, Any], *rest: Any) -> None:
        if meter.is_on:
            meter.polled(function.get("config") or function, event["Records"])
        batch(mapping, function, event, *rest)

    functions._emit_lambda_logs, functions._run_sqs_batch = logged, run_batch


def _asking(handle: _Handler, size_of_item: SizeOf) -> _Handler:
    """Return DynamoDB's handler of requests, which counts the units of a request that is metered."""

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        units = _units.get()
        if units is None:
            return await handle(method, path, headers, body, query)
        asked = json.loads(body or b"{}")
        wants = asked.get(_UNITS, "NONE")
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        sent = json.dumps({**asked, _UNITS: "INDEXES"}).encode() if wants == "NONE" else body
        status, answered, text = await handle(method, path, headers, sent, query)
        found = json.loads(text)
        if status != 200:
            # A write whose condition is false costs too (Developer Guide, “Read and write operations”).
            refused = str(found.get("__type", ""))
            units["write_units"] += 1 if refused.endswith("ConditionalCheckFailedException") else 0
            return status, answered, text
        if operation in READS:
            units["read_units"] += read_units(operation, asked, found, size_of_item)
        else:
            reported = found.get("ConsumedCapacity") or []
            for one in reported if isinstance(reported, list) else [reported]:
                units["write_units"] += float(one["CapacityUnits"])
        if wants != "NONE":
            return status, answered, text
        found.pop("ConsumedCapacity", None)
        text = json.dumps(found, ensure_ascii=False).encode()
        answered.pop("x-amz-crc32", None)  # it was of the text with the units
        return status, answered, text

    return handle_request


def read_units(operation: str, asked: dict[str, Any], found: dict[str, Any], size_of_item: SizeOf) -> float:
    """Return what a read costs (Amazon DynamoDB Developer Guide, “Read and write operations”): a unit for each 4 KB.

    A read that isn't consistent costs half. Where a part of an item is read, the part is rated: AWS rates the item.
    """
    if operation in ("BatchGetItem", "TransactGetItems"):
        total = 0.0
        for table, request in asked.get("RequestItems", {}).items():
            items = found.get("Responses", {}).get(table, [])
            blocks = sum(_blocks(size_of_item(item)) for item in items) + len(request["Keys"]) - len(items)
            total += blocks * _rate(request)
        return total + 2 * len(asked.get("TransactItems", ()))
    items = found.get("Items", [found["Item"]] if "Item" in found else [])
    return _blocks(sum(map(size_of_item, items))) * _rate(asked)


def _rate(request: dict[str, Any]) -> float:
    return 1.0 if request.get("ConsistentRead") else 0.5


def _blocks(size: int) -> int:
    return max(1, -(-size // 4096))
