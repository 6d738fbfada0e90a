"""The description as an HTML page, which `/docs` answers: everything is in it, and it needs no script to be read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from openapi.json_schema import Json, referred

_TEMPLATES = Path(__file__).parent / "templates"
_MARKDOWN = MarkdownIt("commonmark", {"html": False})
# What a schema says of a value beside its type, by the words that the page uses.
_RULES = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "over {}",
    "exclusiveMaximum": "under {}",
    "pattern": "matches `{}`",
}


def page(description: Json) -> str:
    """Return the page's HTML. Its links to its own style and script are left for `chalicelib.api.documentation`."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "inline": _inline,
        "json": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "markdown": _markdown,
        "resolve": lambda node: _resolved(description, node),
        "rules": _rules,
        "type": _type,
    }
    environment.tests["error"] = lambda status: status.startswith(("4", "5"))
    return environment.get_template("docs.html").render(
        info=description["info"],
        tags=[(tag, list(_operations(description, tag["name"]))) for tag in description["tags"]],
        schemas=description["components"]["schemas"],
    )


def _operations(description: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    """Yield a tag's operations, each with its method and path; a webhook's path is empty."""
    for part in ("paths", "webhooks"):
        for path, operations in description[part].items():
            for method, operation in operations.items():
                if tag in operation["tags"]:
                    yield method.upper(), path if part == "paths" else "", operation


def _resolved(description: Json, node: Json) -> Json:
    """Return what a reference within the description means, and anything else as it is."""
    if "$ref" not in node:
        return node
    found: Any = description
    for name in node["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def _markdown(text: str) -> Markup:
    return Markup(_MARKDOWN.render(text))  # noqa: S704  # the renderer escapes HTML  # nosec B704


def _inline(text: str) -> Markup:
    return Markup(_MARKDOWN.renderInline(text))  # noqa: S704  # the renderer escapes HTML  # nosec B704


def _type(schema: Json) -> Markup:
    """Return a schema's type in words, linked to what it refers to."""
    name = referred(schema)
    if name:
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return Markup("list of ") + _type(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        return Markup("object of ") + _type(schema["additionalProperties"])
    types = schema.get("type", "any")
    text = types if isinstance(types, str) else " or ".join(types)
    return Markup.escape(f"{text} ({schema['format']})" if "format" in schema else text)


def _rules(schema: Json) -> Markup:
    """Return what else a schema says of a value."""
    found = []
    if "enum" in schema:
        found.append("one of " + ", ".join(f"`{value}`" for value in schema["enum"]))
    if "const" in schema:
        found.append(f"`{schema['const']}`")
    found += [words.format(schema[name]) for name, words in _RULES.items() if name in schema]
    return _inline("; ".join(found))
