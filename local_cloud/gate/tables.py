"""What DynamoDB refuses, besides all that the emulator refuses by itself."""

import functools
import re

from local_cloud.gate.rule import Call, emulator, rule

QUERY, SCAN = "dynamodb:Query", "dynamodb:Scan"
_FILTERS = ("FilterExpression", "KeyConditionExpression")
_EXPRESSIONS = (*_FILTERS, "ConditionExpression")
_WORD = re.compile(r"(?<![#:\w])[A-Za-z_]\w*")
_IN = re.compile(r"\bIN\s*\(([^()]*)\)", re.IGNORECASE)
# Words of the grammar itself are reserved too, so they are names only where the grammar has none.
_GRAMMAR = {"and", "or", "not", "between", "in"}
_FUNCTIONS = re.compile(
    r"\b(attribute_exists|attribute_not_exists|attribute_type|begins_with|contains|size)\s*\(", re.IGNORECASE
)


@rule(
    "dynamodb.reserved-word",
    QUERY,
    SCAN,
    error="ValidationException",
    source="Amazon DynamoDB Developer Guide, “Reserved words in DynamoDB”",
)
def reserved_word(call: Call) -> str | None:
    """A reserved word as an attribute's name in the filter or the key condition of a query or scan."""
    for name in _FILTERS:
        expression = _FUNCTIONS.sub("(", str(call.parameters.get(name) or ""))
        for word in _WORD.findall(expression):
            if word.lower() not in _GRAMMAR and word.upper() in _reserved():
                return f"Invalid {name}: Attribute name is a reserved keyword; reserved keyword: {word}"
    return None


@rule(
    "dynamodb.in",
    QUERY,
    SCAN,
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    error="ValidationException",
    source="Amazon DynamoDB Developer Guide, “Condition and filter expressions, operators, and functions”",
)
def in_too_many(call: Call) -> str | None:
    """More than 100 values after `IN`."""
    for name in _EXPRESSIONS:
        for listed in _IN.findall(str(call.parameters.get(name) or "")):
            if (count := listed.count(",") + 1) > 100:
                return f"Invalid {name}: The IN operator is provided with too many operands; {count} of at most 100"
    return None


@rule(
    "dynamodb.filter-on-key",
    QUERY,
    error="ValidationException",
    source="Amazon DynamoDB Developer Guide, “Filter expressions for the Query operation”",
)
def filter_on_key(call: Call) -> str | None:
    """A query's filter on an attribute of the key."""
    expression = str(call.parameters.get("FilterExpression") or "")
    if not expression:
        return None
    names = call.parameters.get("ExpressionAttributeNames") or {}
    used = {*_WORD.findall(expression), *(names.get(name, name) for name in re.findall(r"#\w+", expression))}
    for key in _key(str(call.parameters.get("TableName")), call.parameters.get("IndexName")):
        if key in used:
            return f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {key}"
    return None


def _key(table: str, index: str | None) -> list[str]:
    """Return the names of the key's attributes."""
    found = emulator("services.dynamodb")._tables.get(table.rpartition("/")[2]) or {}
    indexes = [*(found.get("GlobalSecondaryIndexes") or ()), *(found.get("LocalSecondaryIndexes") or ())]
    schema = next((one["KeySchema"] for one in indexes if one["IndexName"] == index), found.get("KeySchema"))
    return [one["AttributeName"] for one in schema or ()]


@functools.cache
def _reserved() -> frozenset[str]:
    """Return DynamoDB's reserved words, in capitals. The emulator carries AWS's list."""
    return frozenset(emulator("services._dynamodb_keywords").AWS_KEYWORDS)
