"""AWS's own schemas of CloudFormation's resource types, as `cfn-lint` carries them: what a type's handlers call."""

from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

HANDLERS = ("create", "read", "update", "delete")


def schema_of(type_name: str) -> dict[str, Any]:
    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
    return found


def permissions(type_name: str, *handlers: str) -> set[str]:
    """Return what AWS's schema says that these handlers of a resource type call."""
    found = schema_of(type_name).get("handlers", {})
    return {action for name in handlers for action in found.get(name, {}).get("permissions", ())}


def tagging(type_name: str) -> set[str]:
    """Return what AWS's schema says is called for a resource's tags. A stack's tags are put on all of its resources,
    and a resource whose tags may not be set isn't made ("UnauthorizedTaggingOperation")."""
    found = schema_of(type_name).get("tagging", {})
    return set(found.get("permissions", ())) if found.get("taggable") else set()
