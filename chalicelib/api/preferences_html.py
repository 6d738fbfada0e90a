"""The holder's pages as HTML, in the holder's language.

Jinja2 and Babel are slow to import, so the API imports this module only when a holder opens a page.
"""

import base64
import functools
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from babel.numbers import get_currency_name
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from chalicelib.api.preferences_form import STATEMENTS, Form, Mistake, confirmation_of, version_of
from chalicelib.banks.bank import Bank
from chalicelib.holders import conventions
from chalicelib.holders.conventions import masked, plain, zone_of
from chalicelib.holders.french import of_name
from chalicelib.holders.holder import LOCALES, Holder
from chalicelib.holders.locales import language_of
from chalicelib.ledger.money import CURRENCY_DECIMALS, FUND_CODES
from chalicelib.ledger.transaction import TYPES

PAGES = Path(__file__).parent / "pages"


class Button(NamedTuple):
    """A button with a form of its own, which sends these hidden fields; without any, it opens the page anew."""

    label: str
    fields: Mapping[str, str] = MappingProxyType({})
    is_quiet: bool = False


def form_page(
    form: Form, holder: Holder, bank: Bank, account: str, note: str = "", mistakes: Mapping[str, Mistake] | None = None
) -> str:
    """Return the page with the form, and the buttons beside it.

    `note` is the key of a message above it: `saved`, `saved_muted`, `changed`, or what a button has done.
    """
    locale = locale_of(holder)
    words = words_of(locale)
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
        intro=about(words["intro"], bank, account),
        quiet_hint=words["quiet"]["hint"].format(zone=zone_of(holder.timezone, holder.locale)),
        note=note,
        mistakes=messages,
        labels={field: _label(field, words, names) for field in messages},
        seen=version_of(holder.preferences),
        form=form,
        buttons=_buttons(holder, words),
        has_alerts=holder.has_alerts,
        alerts_text=about(words["alerts"]["is_on" if holder.has_alerts else "is_off"], bank, account),
        all_types=TYPES,
        statements=STATEMENTS,
        decimals=CURRENCY_DECIMALS,
        currency_names=names,
        other_currencies=[(code, name) for code, name in names.items() if code not in {*form.least, *FUND_CODES}],
    )


def confirm_alerts_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page that asks whether to end the security alerts."""
    section = words_of(locale_of(holder))["alerts"]
    end = {"do": "alerts_off", "confirmed": confirmation_of(holder.preferences)}
    buttons = [Button(section["keep"]), Button(section["end"], end, is_quiet=True)]
    text = about(section["text"], bank, account)
    note: dict[str, Any] = {"title": section["title"], "text": text, "buttons": buttons}
    return note_page([(locale_of(holder), note)])


def unsubscribe_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page with a button that turns all e-mails off, except security alerts."""
    section = words_of(locale_of(holder))["unsubscribe"]
    buttons = [Button(section["button"], {"List-Unsubscribe": "One-Click"})]
    return _unsubscribe_note(holder, bank, account, "title", "text", buttons)


def unsubscribed_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page that says that all e-mails are turned off, with a button that turns them on again."""
    section = words_of(locale_of(holder))["unsubscribe"]
    buttons = [Button(section["undo"], {"do": "emails_on"}, is_quiet=True)]
    return _unsubscribe_note(holder, bank, account, "done_title", "done_text", buttons)


def resubscribed_page(holder: Holder, bank: Bank, account: str) -> str:
    """Return the page that says that the e-mails are turned on again."""
    return _unsubscribe_note(holder, bank, account, "undone_title", "undone_text", [])


def general_page(note: str) -> str:
    """Return a page in all languages, for a visitor whose language isn't known. `note` is `invalid` or `busy`."""
    return note_page((locale, words_of(locale)[note]) for locale in LOCALES)


def locale_of(holder: Holder) -> str:
    """Return the language of the holder's pages."""
    return language_of(holder.locale)


@functools.cache
def style_hash() -> str:
    """Return the hash of the pages' style, in the form of a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()}'"


def _buttons(holder: Holder, words: Mapping[str, Any]) -> dict[str, Button]:
    """Return the buttons beside the form: of the e-mails, if they are turned off, and of the security alerts."""
    section = words["alerts"]
    found = {
        "alerts": Button(section["stop"], {"do": "alerts_off"}, is_quiet=True)
        if holder.has_alerts
        else Button(section["start"], {"do": "alerts_on"})
    }
    if holder.preferences.get("muted"):
        found["emails"] = Button(words["muted"]["undo"], {"do": "emails_on"})
    return found


def _label(field: str, words: Mapping[str, Any], currency_names: Mapping[str, str]) -> str:
    """Return the name of a field in the list of mistakes."""
    group, _, part = field.partition(".")
    if part:
        return str(words["least"]["label"]).format(currency=currency_names[part])
    if group in words["least"]:
        return str(words["least"][group])
    return str(words[group.partition("_")[0]]["legend"])


def note_page(notes: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """Return a page with a note in each of the languages: `title`, `text`, and maybe `facts`, `steps`, `buttons`."""
    by_language = list(notes)
    locale, first = by_language[0]
    return _rendered("preferences_note.html", locale, title=first["title"], notes=by_language)


def _unsubscribe_note(
    holder: Holder, bank: Bank, account: str, title: str, text: str, buttons: Sequence[Button]
) -> str:
    """Return a page about unsubscribing, which also says whether security alerts still come."""
    section = words_of(locale_of(holder))["unsubscribe"]
    alerts = section["with_alerts" if holder.has_alerts else "without_alerts"]
    body = f"{about(section[text], bank, account)} {alerts}"
    note: dict[str, Any] = {"title": section[title], "text": body, "buttons": buttons}
    return note_page([(locale_of(holder), note)])


def about(text: str, bank: Bank, account: str, values: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a phrase with the names of the bank and the account filled in, and these other values."""
    name = plain(bank.name)
    # Only French has names that are elided.
    return text.format(bank=name, of_bank=of_name(name), account=masked(account), **values)


def _rendered(template: str, locale: str, **values: Any) -> str:
    page = _environment().get_template(template)
    # The style is a file of this package, not input.
    return page.render(locale=locale, style=Markup(_style()), **values)  # noqa: S704  # nosec B704


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
def words_of(locale: str) -> dict[str, Any]:
    """Return every word of the pages in a language."""
    return tomllib.loads((PAGES / f"preferences.{locale}.toml").read_text("utf-8"))


@functools.cache
def _currency_names(locale: str) -> dict[str, str]:
    babel = conventions.locale_of(locale)
    names = {code: get_currency_name(code, locale=babel) for code in sorted(CURRENCY_DECIMALS)}
    return {code: code if name == code else f"{code} – {name}" for code, name in names.items()}
