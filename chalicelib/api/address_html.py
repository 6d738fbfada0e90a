"""The page at the link that confirms an address, as HTML, in the holder's language.

Jinja2 and Babel are slow to import, so the API imports this module only when somebody opens such a page.
"""

from collections.abc import Mapping, Sequence

from chalicelib.api.preferences_html import Button, about, locale_of, note_page, words_of
from chalicelib.banks.bank import Bank
from chalicelib.holders.holder import LOCALES, Holder


def question_page(holder: Holder, bank: Bank, fields: Mapping[str, str]) -> str:
    """Return the page with one button, which sends these fields. It says nothing of the holder."""
    label = words_of(locale_of(holder))["confirm"]["button"]
    return _page(holder, bank, "title", "text", [Button(label, fields)])


def confirmed_page(holder: Holder, bank: Bank) -> str:
    """Return the page that says that the address gets e-mails."""
    return _page(holder, bank, "done_title", "done_text", [])


def invalid_page() -> str:
    """Return the page for a link that is forged, too old, or of an address that nobody has now, in all languages."""
    return note_page((locale, words_of(locale)["confirm"]["invalid"]) for locale in LOCALES)


def _page(holder: Holder, bank: Bank, title: str, text: str, buttons: Sequence[Button]) -> str:
    section = words_of(locale_of(holder))["confirm"]
    note = {"title": section[title], "text": about(section[text], bank, ""), "buttons": buttons}
    return note_page([(locale_of(holder), note)])
