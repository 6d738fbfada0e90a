"""The schema of the answer about a bank's settings."""

import copy

from openapi.json_schema import DIGITS, OVER_ZERO, Json, object_schema, string


def all_settings(requests: Json) -> Json:
    """Return the settings as they are answered: every one of them, with numbers that can have decimals as strings."""
    rules = {}
    for name, rule in requests["FlagRules"]["properties"].items():
        schema = copy.deepcopy(requests[_referred(rule)])
        for field, definition in schema["properties"].items():
            if field == "thresholds":
                definition["additionalProperties"] = string(f"^{OVER_ZERO}{DIGITS}$", "Exact.")
            elif "oneOf" in definition:
                definition |= definition.pop("oneOf")[1]
            del definition["default"]
        rules[name] = object_schema(schema["description"], schema["properties"])
    properties = copy.deepcopy(requests["BankSettings"]["properties"])
    properties["flags"] = object_schema("The rules that flag a transaction.", rules)
    properties["webhooks_disabled_at"] |= {"type": "string", "format": "date-time"}
    may_lack = ("webhook_url", "webhooks_disabled_at")
    return object_schema("All of a bank's settings, the defaults too.", properties, may_lack)


def _referred(schema: Json) -> str:
    (reference,) = schema.get("allOf", [schema])
    return str(reference["$ref"].rpartition("/")[2])
