"""The staff's console: the answers of `/console` and its files.

The files in `console_files` are served as they are, but for their own names in them: each gets the files' version, so
that a browser keeps a version for good and never mixes two. All that the pages show comes from the `/staff` routes.
"""

import functools
import hashlib
import importlib.resources
import re
from collections.abc import Sequence

from chalice.app import Request, Response

from chalicelib.api import problems

# The type of each file, by the end of its name.
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_PAGE = "console.html"
# The modules that every view needs. A browser asks for all of them at once, not for one after another's imports.
_LAZY = re.compile(r"(?:vendor-|en\.|fr\.).*")
_OWN_NAME = re.compile(r'"\./([a-z0-9_-]+\.js)"')
_NOT_KEPT = "no-cache"
_KEPT = "public, max-age=31536000, immutable"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def page(request: Request, sign_in_origins: Sequence[str] = ()) -> Response:
    """Answer `GET /console`: the page, which may ask nobody but the API and `sign_in_origins`."""
    # A stage's name may stand before the path, so links are relative.
    folder = "." if request.context.get("path", "").endswith("/") else "console"
    modules = [name for name in _files() if name.endswith(".js") and not _LAZY.fullmatch(name)]
    preloads = "".join(f'    <link rel="modulepreload" href="[{name}]">\n' for name in modules)
    html = _file(_PAGE).replace("    [preloads]\n", preloads)
    html = re.sub(r"\[([a-z0-9_-]+\.[a-z]+)\]", rf"{folder}/\1?v={version()}", html)
    response = _answer(request, html, "text/html", _NOT_KEPT)
    response.headers["Content-Security-Policy"] = policy(sign_in_origins)
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
    return response


def policy(sign_in_origins: Sequence[str]) -> str:
    """Return the page's content security policy: its own scripts, and no text that becomes code or markup."""
    asked = " ".join(("'self'", *sign_in_origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {asked}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def asset(name: str, request: Request) -> Response:
    """Answer `GET /console/{asset}`, to be kept for good if it is the version that was asked for."""
    if name not in _files():
        return problems.route_not_found(request)
    # While a release goes out, a page may come from one version of the app and its scripts from the other.
    is_asked_for = (request.query_params or {}).get("v") == version()
    return _answer(request, _versioned(name), TYPES[_ending(name)], _KEPT if is_asked_for else _NOT_KEPT)


@functools.cache
def version() -> str:
    """Return the version of the files: the beginning of a hash of them all."""
    content = "".join(f"{name}\n{_file(name)}" for name in (_PAGE, *_files()))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _answer(request: Request, body: str, content_type: str, cache: str) -> Response:
    etag = f'W/"{version()}"'
    headers = {"Cache-Control": cache, "ETag": etag, **_HEADERS}
    if etag in request.headers.get("if-none-match", ""):
        return Response("", headers, 304)
    return Response(body, {"Content-Type": f"{content_type}; charset=utf-8", **headers})


@functools.cache
def _files() -> tuple[str, ...]:
    names = [entry.name for entry in importlib.resources.files("chalicelib.api").joinpath("console_files").iterdir()]
    return tuple(sorted(name for name in names if _ending(name) in TYPES))


def _ending(name: str) -> str:
    return name[name.rfind(".") :]


@functools.cache
def _file(name: str) -> str:
    folder = importlib.resources.files("chalicelib.api").joinpath("console_files")
    return folder.joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _versioned(name: str) -> str:
    return _file(name) if name.startswith("vendor-") else _OWN_NAME.sub(rf'"./\1?v={version()}"', _file(name))
