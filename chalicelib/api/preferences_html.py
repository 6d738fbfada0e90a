"""The holder's pages as HTML, in the holder's language.

Jinja2 and Babel are slow to import, so the API imports this module only when a holder opens a page.
"""

import base64
import functools
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from babel.numbers import get_currency_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from chalicelib.api.preferences_form import STATEMENTS, Form, Mistake, version_of
from chalicelib.banks.bank import Bank
from chalicelib.holders import conventions
from chalicelib.holders.conventions import masked, plain, zone_of
from chalicelib.holders.french import of_name
from chalicelib.holders.holder import LOCALES, Holder
from chalicelib.holders.locales import language_of
from chalicelib.ledger.fields import TYPES
from chalicelib.ledger.money import CURRENCY_DECIMALS, FUND_CODES

PAGES = Path(__file__).parent / "pages"


def form_page(
    form: Form, holder: Holder, bank: Bank, account: str, note: str = "", mistakes: Mapping[str, Mistake] | None = None
) -> str:
    """Return the page with the form. `note` is the key of a message above it: `saved`, `saved_muted` or `changed`."""
    locale = locale_of(holder)
    words = _words(locale)
    names = _currency_names(holder.locale)
    messages = {
        field: words["mistakes"][mistake.key].format(currency=mistake.currency, decimals=mistake.decimals)
        for field, mistake in (mistakes or {}).items()
    }
    return _rendered(
        "preferences.html",
        locale,
        words=words,
        colon=words["colon"],
        intro=_about(words["intro"], bank, account),
        quiet_hint=words["quiet"]["hint"].format(zone=zone_of(holder.timezone, holder.locale)),
        note=note,
        mistakes=messages,
        labels={field: _label(field, words, names) for field in messages},
        seen=version_of(holder.preferences),
        form=form,
        all_types=TYPES,
        statements=STATEMENTS,
        decimals=CURRENCY_DECIMALS,
        currency_names=names,
        other_currencies=[(code, name) for code, name in names.items() if code not in {*form.least, *FUND_CODES}],
    )


def unsubscribe_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page with a button that turns all e-mails off."""
    words = _words(locale_of(holder))["unsubscribe"]
    note = {"title": words["title"], "text": _about(words["text"], bank, account), "button": words["button"]}
    return _note_page([(locale_of(holder), note)])


def unsubscribed_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page that says that all e-mails are turned off."""
    words = _words(locale_of(holder))["unsubscribe"]
    note = {"title": words["done_title"], "text": _about(words["done_text"], bank, account)}
    return _note_page([(locale_of(holder), note)])


def general_page(note: str) -> str:
    """Return a page in all languages, for a visitor whose language isn't known. `note` is `invalid` or `busy`."""
    return _note_page((locale, _words(locale)[note]) for locale in LOCALES)


def locale_of(holder: Holder) -> str:
    """Return the language of the holder's pages."""
    return language_of(holder.locale)


@functools.cache
def style_hash() -> str:
    """Return the hash of the pages' style, in the form of a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()}'"


def _label(field: str, words: Mapping[str, Any], currency_names: Mapping[str, str]) -> str:
    """Return the name of a field in the list of mistakes."""
    group, _, part = field.partition(".")
    if part:
        return str(words["least"]["label"]).format(currency=currency_names[part])
    if group in words["least"]:
        return str(words["least"][group])
    return str(words[group.partition("_")[0]]["legend"])


def _note_page(notes: Iterable[tuple[str, Mapping[str, str]]]) -> str:
    by_language = list(notes)
    locale, first = by_language[0]
    return _rendered("preferences_note.html", locale, title=first["title"], notes=by_language)


def _about(text: str, bank: Bank, account: str) -> str:
    name = plain(bank.name)
    # Only French has names that are elided.
    return text.format(bank=name, of_bank=of_name(name), account=masked(account))


def _rendered(template: str, locale: str, **values: Any) -> str:
    page = _environment().get_template(template)
    # The style is a file of this package, not input.
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
    babel = conventions.locale_of(locale)
    names = {code: get_currency_name(code, locale=babel) for code in sorted(CURRENCY_DECIMALS)}
    return {code: code if name == code else f"{code} – {name}" for code, name in names.items()}
