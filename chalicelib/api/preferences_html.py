"""The holder's pages as HTML, in the holder's language. Only who opens one imports this: it needs Jinja2 and Babel."""

import base64
import functools
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location
from babel.numbers import get_currency_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from chalicelib.api.preferences_form import STATEMENTS, Form, Mistake, version_of
from chalicelib.banks.bank import Bank
from chalicelib.holders.conventions import masked, plain
from chalicelib.holders.holder import LOCALES, Holder
from chalicelib.ledger.fields import TYPES
from chalicelib.ledger.money import CURRENCY_DECIMALS

PAGES = Path(__file__).parent / "pages"


def form_page(
    form: Form, holder: Holder, bank: Bank, account: str, note: str = "", mistakes: Mapping[str, Mistake] | None = None
) -> str:
    """Return the page with the form; `note` is a key of the page's words: saved, saved_muted, changed."""
    locale = locale_of(holder)
    words = _words(locale)
    names = _currency_names(locale)
    said = {
        field: words["mistakes"][mistake.key].format(currency=mistake.currency, decimals=mistake.decimals)
        for field, mistake in (mistakes or {}).items()
    }
    return _rendered(
        "preferences.html",
        locale,
        words=words,
        colon=words["colon"],
        intro=_about(words["intro"], bank, account),
        quiet_hint=words["quiet"]["hint"].format(zone=_zone(holder.timezone, locale)),
        note=note,
        mistakes=said,
        labels={field: _label(field, words, names) for field in said},
        seen=version_of(holder.preferences),
        form=form,
        all_types=TYPES,
        statements=STATEMENTS,
        decimals=CURRENCY_DECIMALS,
        currency_names=names,
        other_currencies=[(code, name) for code, name in names.items() if code not in form.least],
    )


def unsubscribe_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page that asks, with a button, whether to turn all e-mails off."""
    words = _words(locale_of(holder))["unsubscribe"]
    note = {"title": words["title"], "text": _about(words["text"], bank, account), "button": words["button"]}
    return _note_page([(locale_of(holder), note)])


def unsubscribed_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page that says that all e-mails are turned off."""
    words = _words(locale_of(holder))["unsubscribe"]
    note = {"title": words["done_title"], "text": _about(words["done_text"], bank, account)}
    return _note_page([(locale_of(holder), note)])


def general_page(note: str) -> str:
    """Return a page for somebody whose language isn't known, in all of them; `note` is `invalid` or `busy`."""
    return _note_page((locale, _words(locale)[note]) for locale in LOCALES)


def locale_of(holder: Holder) -> str:
    """Return the holder's language; the first one that there is for one that there isn't."""
    return holder.locale if holder.locale in LOCALES else LOCALES[0]


@functools.cache
def style_hash() -> str:
    """Return the pages' style by its hash, as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()}'"


def _label(field: str, words: Mapping[str, Any], currency_names: Mapping[str, str]) -> str:
    """Return what the list of mistakes calls a field."""
    group, _, part = field.partition(".")
    if part:
        return str(words["least"]["label"]).format(currency=currency_names[part])
    if group in words["least"]:
        return str(words["least"][group])
    return str(words[group.partition("_")[0]]["legend"])


def _note_page(notes: Iterable[tuple[str, Mapping[str, str]]]) -> str:
    said = list(notes)
    return _rendered("preferences_note.html", said[0][0], title=said[0][1]["title"], notes=said)


def _about(text: str, bank: Bank, account: str) -> str:
    return text.format(bank=plain(bank.name), account=plain(masked(account)))


def _zone(timezone: str, locale: str) -> str:
    return "UTC" if timezone == "UTC" else get_timezone_location(ZoneInfo(timezone), locale)


def _rendered(template: str, locale: str, **values: Any) -> str:
    page = _environment().get_template(template)
    # The style is our own file.
    return page.render(locale=locale, style=Markup(_style()), **values)  # noqa: S704


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@functools.cache
def _style() -> str:
    return (PAGES / "preferences.css").read_text("utf-8")


@functools.cache
def _words(locale: str) -> dict[str, Any]:
    return tomllib.loads((PAGES / f"preferences.{locale}.toml").read_text("utf-8"))


@functools.cache
def _currency_names(locale: str) -> dict[str, str]:
    return {code: f"{code} – {get_currency_name(code, locale=locale)}" for code in sorted(CURRENCY_DECIMALS)}
