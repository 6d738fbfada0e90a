"""The operations of the service itself: liveness, and this description."""

from chalicelib.api import console
from chalicelib.api.documentation import ASSETS
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation, parameter


def get_health() -> Json:
    return operation(
        "getHealth",
        "Service",
        "Check that the service is alive",
        "Reads and writes nothing.",
        answers={200: answer("The service is alive.", ref("Health"), {"status": "ok"})},
        is_open=True,
    )


def get_description() -> Json:
    return operation(
        "getDescription",
        "Service",
        "Get this description",
        answers={200: answer("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "paths"]})},
        is_open=True,
    )


def get_docs() -> Json:
    page = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return operation("getDocs", "Service", "Show this description as a page", answers={200: page}, is_open=True)


def get_docs_asset() -> Json:
    part = {media_type: {"schema": {"type": "string"}} for media_type in ("text/css", "text/javascript")}
    return operation(
        "getDocsAsset",
        "Service",
        "Get a style sheet or script of the page",
        answers={200: {"description": "The file.", "content": part}},
        parameters=[
            parameter("path", "asset", "The file's name.", {"type": "string", "enum": sorted(ASSETS)}),
            parameter(
                "query", "v", "The file's version. With it, the answer can be cached for good.", {"type": "string"}
            ),
        ],
        codes=["route_not_found"],
        is_open=True,
    )


def get_console() -> Json:
    page = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return operation("getConsole", "Service", "Show the console of the bank's staff", answers={200: page}, is_open=True)


def get_console_asset() -> Json:
    part = {media_type: {"schema": {"type": "string"}} for media_type in sorted(set(console.TYPES.values()))}
    return operation(
        "getConsoleAsset",
        "Service",
        "Get a style sheet, script or other file of the console",
        answers={200: {"description": "The file.", "content": part}},
        parameters=[
            parameter(
                "path",
                "asset",
                "The file's name.",
                {"type": "string", "pattern": "^[a-z0-9_-]+[.][a-z]+$"},
                "app.js",
            ),
            parameter(
                "query", "v", "The files' version. With it, the answer can be cached for good.", {"type": "string"}
            ),
        ],
        codes=["route_not_found"],
        is_open=True,
    )
