"""Schemas of what the API answers, gathered from the modules of its resources."""

from apispec import APISpec

from openapi.analytics_schemas import analytics_schemas
from openapi.case_schemas import case_schemas
from openapi.endpoint_schemas import endpoint_schemas
from openapi.holder_schemas import holder_schemas
from openapi.json_schema import Json, bounded, object_schema, open_text
from openapi.notification_schemas import notification_schemas
from openapi.problems import FIELD_ERROR, PROBLEM
from openapi.settings_schemas import settings_schemas
from openapi.staff_read_schemas import staff_read_schemas
from openapi.staff_schemas import staff_schemas
from openapi.staff_today import staff_today_schemas
from openapi.transaction_schemas import transaction_schemas


def add_answer_schemas(spec: APISpec) -> None:
    """Add to the description, which has the schemas of requests, those of all answers."""
    requests: Json = spec.components.schemas
    of_service = {
        "FieldError": FIELD_ERROR,
        "Problem": PROBLEM,
        "Health": object_schema("The service is alive.", {"status": open_text(["ok"], "Liveness.")}),
    }
    for schemas in (
        transaction_schemas(requests),
        holder_schemas(requests),
        settings_schemas(requests),
        notification_schemas(),
        endpoint_schemas(),
        analytics_schemas(),
        staff_schemas(),
        case_schemas(),
        staff_read_schemas(requests),
        staff_today_schemas(),
        of_service,
    ):
        for name, schema in schemas.items():
            spec.components.schema(name, bounded(schema))  # raises if two modules have the same name for a schema
