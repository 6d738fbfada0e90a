"""Schemas of what the API answers, gathered from the modules of its resources."""

from apispec import APISpec

from openapi.analytics_schemas import ANALYTICS
from openapi.holder_schemas import holder_schemas
from openapi.json_schema import Json, object_schema
from openapi.notification_schemas import notification_schemas
from openapi.problems import FIELD_ERROR, PROBLEM
from openapi.settings_schemas import all_settings
from openapi.transaction_schemas import transaction_schemas


def add_answer_schemas(spec: APISpec) -> None:
    """Add to the description, which has the schemas of requests, those of all answers."""
    requests: Json = spec.components.schemas
    schemas = {
        **transaction_schemas(requests),
        **holder_schemas(requests),
        "AllSettings": all_settings(requests),
        **notification_schemas(),
        "Analytics": ANALYTICS,
        "FieldError": FIELD_ERROR,
        "Problem": PROBLEM,
        "Health": object_schema("The function runs.", {"status": {"const": "ok", "type": "string"}}),
    }
    for name, schema in schemas.items():
        spec.components.schema(name, schema)
