"""The description as exact as the app: with what generators of clients can't read, and so is left out of it.

The description that ships is open where it will grow: states are texts, codes are forms, and all answers of a route
have one schema. Tests hold the app to this one, which has the lists of today.
"""

import copy
from collections.abc import Iterator
from typing import Any

from chalicelib.api.batch import QUEUED_STATUSES, RECORDED_STATUSES
from openapi.marshmallow_fields import LISTS

Json = dict[str, Any]
# Schemas of what a bank sends, whose times may have any offset.
_SENT = ("Transaction", "BankSettings")
_ITEM_CODES = {
    "conflict": ["transaction_conflict"],
    "invalid": ["validation_failed", "malformed_body", "card_number_refused", "body_too_large"],
}


def sharpened(document: Json) -> Json:
    """Return the description with the lists, the times in UTC, and the forms of each answer of a route."""
    exact = copy.deepcopy(document)
    schemas = exact["components"]["schemas"]
    for name, codes in LISTS.items():
        schemas[name]["enum"] = sorted(codes)
    for name, schema in schemas.items():
        for node in _nodes(schema):
            if isinstance(node.get("x-extensible-enum"), list):
                node["enum"] = node["x-extensible-enum"]
            if node.get("format") == "date-time" and name not in _SENT:
                node["pattern"] = "Z$"
    # What it says is not looked at.
    schemas["BankSettings"]["properties"]["webhooks_disabled_at"] = {"readOnly": True}
    for operation in _operations(exact):
        for parameter in operation.get("parameters", ()):
            if parameter.get("name") in ("from", "to") and "pattern" in parameter["schema"]:
                parameter["schema"] = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}
        for status, response in operation["responses"].items():
            if (content := response.get("content", {}).get("application/problem+json")) is not None:
                content["schema"] = _problem(int(status), list(content["examples"]))
    _sharpen_form(exact)
    _sharpen_receipts(exact)
    return exact


def _nodes(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _operations(document: Json) -> Iterator[Json]:
    for operations in document["paths"].values():
        yield from operations.values()


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _problem(status: int, codes: list[str]) -> Json:
    return {"allOf": [_ref("Problem"), {"properties": {"status": {"const": status}, "code": {"enum": codes}}}]}


def _sharpen_form(document: Json) -> None:
    schemas = document["components"]["schemas"]
    one_click = schemas["PreferencesForm"]["properties"].pop("List-Unsubscribe")
    schemas["PreferencesForm"]["required"] = ["seen"]
    schemas["OneClick"] = {
        "type": "object",
        "description": "RFC 8058.",
        "properties": {"List-Unsubscribe": one_click},
        "required": ["List-Unsubscribe"],
    }
    content = document["paths"]["/preferences/{token}"]["post"]["requestBody"]["content"]
    form = content["application/x-www-form-urlencoded"]
    form["schema"] = {"anyOf": [_ref("OneClick"), _ref("PreferencesForm")]}
    example = {"oneClick": form["examples"]["oneClick"]}
    content["multipart/form-data"] = {"schema": _ref("OneClick"), "examples": example}


def _sharpen_receipts(document: Json) -> None:
    schemas = document["components"]["schemas"]
    status = schemas["RecordedTransaction"]["properties"]["id"]
    warnings = {"warnings": {**schemas["TransactionReceipt"]["properties"]["warnings"], "minItems": 1}}
    recorded = schemas["RecordedTransaction"]
    schemas["ReceivedTransaction"] = {**recorded, "properties": {**recorded["properties"], **warnings}}
    schemas["QueuedTransaction"] = _closed({"id": status, "status": {"const": "queued"}}, warnings)
    outcome = {"enum": ["created", "replayed"]}
    foreseen = {"dry_run": {"const": True}, "status": outcome, "transaction": _ref("ForeseenTransaction")}
    schemas["DryRun"] = _closed(foreseen, warnings)
    schemas["BatchResult"]["allOf"] = [
        {
            "if": {"properties": {"status": {"const": item}}},
            "then": {
                "required": ["code", "errors"],
                "properties": {"code": {"enum": codes}, "errors": {"minItems": 1}},
            },
        }
        for item, codes in _ITEM_CODES.items()
    ]
    one = _answers(document["paths"]["/transactions"]["post"])
    one["200"] |= {"schema": {"oneOf": [_ref("ReceivedTransaction"), _ref("DryRun")]}}
    one["201"] |= {"schema": _ref("ReceivedTransaction")}
    one["202"] |= {"schema": _ref("QueuedTransaction")}
    many = _answers(document["paths"]["/transactions/batch"]["post"])
    many["200"] |= {"schema": _outcome(schemas, RECORDED_STATUSES)}
    many["202"] |= {"schema": _outcome(schemas, QUEUED_STATUSES)}


def _answers(operation: Json) -> Json:
    return {
        status: response["content"]["application/json"]
        for status, response in operation["responses"].items()
        if status.startswith("2")
    }


def _outcome(schemas: Json, statuses: tuple[str, ...]) -> Json:
    counts = {name: schemas["BatchCounts"]["properties"][name] for name in statuses}
    result = {"allOf": [_ref("BatchResult"), {"properties": {"status": {"enum": list(statuses)}}}]}
    return {
        "allOf": [
            _ref("BatchReceipt"),
            {"properties": {"results": {"items": result}, "counts": _closed(counts)}},
        ]
    }


def _closed(properties: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object",
        "properties": properties | (optional or {}),
        "required": list(properties),
        "additionalProperties": False,
    }
