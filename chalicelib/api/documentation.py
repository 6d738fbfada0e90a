"""The API's own description, and the page that shows it: the answers of `/openapi.json` and `/docs`.

`make openapi` makes both. The page can be read without its script, and a browser asks no other host for its parts.
"""

import functools
import hashlib
import importlib.resources
import re

from chalice.app import Request, Response

from chalicelib.api import problems
from chalicelib.api.requests import json_answer

# By their names in a URL and in the folder of pages: the type of each.
ASSETS = {"docs.css": "text/css", "docs.js": "text/javascript"}
# The URL in the description that ships; each stage answers its own in its place.
SERVER = "https://api.transaction-notifier.example"
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NOT_KEPT = "no-cache"
_KEPT = "public, max-age=31536000, immutable"


def health() -> Response:
    """Answer `GET /health`: the function runs. It touches nothing, so that a probe costs nothing."""
    return json_answer({"status": "ok"})


def description(request: Request, public_url: str, is_emulated: bool) -> Response:
    """Answer `GET /openapi.json`; its server is `public_url`, or where the request went if the stage has none."""
    url = public_url or url_of(request, "/openapi.json", is_emulated)
    return _answer(_text("openapi.json").replace(SERVER, url), "application/json", _NOT_KEPT)


def page(request: Request) -> Response:
    """Answer `GET /docs`: the page, whose links are relative, because a stage's name may stand before the path."""
    is_folder = request.context.get("path", "").endswith("/")
    html = _text("pages", "docs.html").replace("[openapi.json]", "../openapi.json" if is_folder else "openapi.json")
    for name in ASSETS:
        html = html.replace(f"[{name}]", f"{'.' if is_folder else 'docs'}/{name}?v={_version(name)}")
    response = _answer(html, "text/html; charset=utf-8", _NOT_KEPT)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def asset(name: str, request: Request) -> Response:
    """Answer `GET /docs/{asset}`, to be kept for good if it is the version that was asked for."""
    if name not in ASSETS:
        return problems.route_not_found(request)
    # While a release goes out, a page may come from one version of the app and its scripts from the other.
    is_asked_for = (request.query_params or {}).get("v") == _version(name)
    return _answer(_text("pages", name), f"{ASSETS[name]}; charset=utf-8", _KEPT if is_asked_for else _NOT_KEPT)


def url_of(request: Request, route: str, is_emulated: bool) -> str:
    """Return the URL of the API to whose `route` the request went; its path may begin with a stage's name."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        return SERVER
    scheme = "https" if request.headers.get("x-forwarded-proto") == "https" else "http"
    base = request.context.get("path", "").rstrip("/").removesuffix(route)
    # The local cloud's APIs have no host names of their own.
    folder = f"/_aws/execute-api/{request.context['apiId']}" if is_emulated and "apiId" in request.context else ""
    return f"{scheme}://{host}{folder}{base}"


def _answer(body: str, content_type: str, cache: str) -> Response:
    return Response(body, {"Content-Type": content_type, "Cache-Control": cache, **_HEADERS})


@functools.cache
def _text(*path: str) -> str:
    return importlib.resources.files("chalicelib.api").joinpath(*path).read_text(encoding="utf-8")


@functools.cache
def _version(name: str) -> str:
    return hashlib.sha256(_text("pages", name).encode()).hexdigest()[:12]
