"""The API's own description, and the page that shows it: what `/openapi.json` and `/docs` answer.

The page is Swagger UI as Powertools brings it, so that requirements.txt pins it and a browser asks no other host.
"""

import functools
import hashlib
import importlib.resources
from string import Template

from chalice.app import Request, Response

from chalicelib.api import problems
from chalicelib.api.requests import json_answer

_OWN = ("chalicelib", "api", "pages")
_SWAGGER_UI = ("aws_lambda_powertools", "event_handler", "openapi", "swagger_ui")
# By their names in a URL: whose file it is, its name there, its type.
ASSETS = {
    "docs.js": (_OWN, "docs.js", "text/javascript"),
    "swagger-ui.css": (_SWAGGER_UI, "swagger-ui.min.css", "text/css"),
    "swagger-ui.js": (_SWAGGER_UI, "swagger-ui-bundle.min.js", "text/javascript"),
}
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What stands in the shipped description where each stage's own URL is answered.
SERVER = "https://api.transaction-notifier.example"
_NOT_KEPT = "no-cache"
_KEPT = "public, max-age=31536000, immutable"


def health() -> Response:
    """Answer `GET /health`: the function runs. It touches nothing, so that a probe costs nothing."""
    return json_answer({"status": "ok"})


def description() -> Response:
    """Answer `GET /openapi.json`."""
    return _answer(_text(("chalicelib", "api"), "openapi.json"), "application/json", _NOT_KEPT)


def page(request: Request) -> Response:
    """Answer `GET /docs`: the page, whose links are relative, because a stage's name may stand before the path."""
    folder = "." if request.context.get("path", "").endswith("/") else "docs"
    links = {name.replace(".", "_").replace("-", "_"): f"{folder}/{name}?v={_version(name)}" for name in ASSETS}
    html = Template(_text(_OWN, "docs.html")).substitute(links)
    response = _answer(html, "text/html; charset=utf-8", _NOT_KEPT)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def asset(name: str, request: Request) -> Response:
    """Answer `GET /docs/{asset}`, to be kept for good if it is the version that was asked for."""
    if name not in ASSETS:
        return problems.problem(request, 404, "route_not_found", "There is nothing at this path")
    folder, file, media_type = ASSETS[name]
    # While a release goes out, a page may come from one version of the app and its scripts from the other.
    is_asked_for = (request.query_params or {}).get("v") == _version(name)
    return _answer(_text(folder, file), f"{media_type}; charset=utf-8", _KEPT if is_asked_for else _NOT_KEPT)


def _answer(body: str, content_type: str, cache: str) -> Response:
    return Response(body, {"Content-Type": content_type, "Cache-Control": cache, **_HEADERS})


@functools.cache
def _text(folder: tuple[str, ...], name: str) -> str:
    # By its path alone: importing event_handler would take long, and the release leaves the rest of it out.
    package, *below = folder
    return importlib.resources.files(package).joinpath(*below, name).read_text(encoding="utf-8")


@functools.cache
def _version(name: str) -> str:
    folder, file, _ = ASSETS[name]
    return hashlib.sha256(_text(folder, file).encode()).hexdigest()[:12]
