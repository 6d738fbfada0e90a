"""What all e-mails have in common: their words, templates, frame and colours. Only the mailer imports this."""

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from chalicelib.holders.conventions import MINUS, PLUS, masked, of, plain
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.mail.ses import Email

TEMPLATES = Path(__file__).parent / "templates"
NO_LINKS = Links()
SIGNS = {"credit": PLUS, "debit": MINUS}

# What a card is bordered by and its amount is written in, on white and on the dark card.
_TONES = {
    "credit": ("#0f6b45", "#5fd7a3"),
    "debit": ("#24364f", "#c9d6e8"),
    "authorization": ("#1d4f91", "#8ab8f5"),
    "increment": ("#1d4f91", "#8ab8f5"),
    "settlement": ("#824700", "#f0b46b"),
    "part": ("#824700", "#f0b46b"),
    "last_part": ("#824700", "#f0b46b"),
    "release": ("#5b3a8c", "#c7abf5"),
    "money_back": ("#5b3a8c", "#c7abf5"),
    "reversal": ("#5b3a8c", "#c7abf5"),
    "declined": ("#8f2d2d", "#f2a6a6"),
    "security_alert": ("#a61b1b", "#ff9f98"),
    "statement": ("#24364f", "#c9d6e8"),
    "digest": ("#24364f", "#c9d6e8"),
    "alerts_ended": ("#a61b1b", "#ff9f98"),
    "address_changed": ("#a61b1b", "#ff9f98"),
    "confirm_address": ("#24364f", "#c9d6e8"),
}


# What mail programs make a link of, or SES would fill in. The last two: a dot before a label with a letter, whatever
# follows it, because programs end a link where they like; and four numbers with dots between them.
_LINK_LIKE = re.compile(
    r"://|@|(?i:mailto:|tel:)|\{\{|[\u3002\uff0e\uff61\uff20\uff1a\ufe52\ufe55\ufe6b]"
    r"|\.[\w-]*[^\W\d_]|\d{1,3}(?:\.\d{1,3}){3}"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered e-mail. One that is an alert offers no unsubscribing: one click ends no alerts."""

    subject: str
    text: str
    html: str
    is_alert: bool = False


def words_for(account: str, holder: Holder, bank_name: str) -> dict[str, str]:
    """Return what every phrase may name."""
    bank = plain(bank_name)
    return {"account": masked(account), "name": plain(holder.name), "bank": bank, "of_bank": of(bank, holder.locale)}


def verbatim(reference: str) -> str:
    """Return a bank's reference as it is, so that a copied one is found, unless it could pass for a link.

    Who sends a payment chooses its reference: one that looks like an address is broken up as all outside text is.
    """
    shown = plain(reference)
    # What is searched is what would be shown: a character that isn't may hide a link in the reference.
    bare = shown.replace("\N{WORD JOINER}", "")
    return shown if _LINK_LIKE.search(bare) else bare


def frame(kind: str, holder: Holder, words: dict[str, str], links: Links) -> dict[str, Any]:
    """Return what the base template needs of an e-mail of this kind, but for its headline and preheader."""
    phrases = phrases_of(holder.locale)
    light, dark = _TONES[kind]
    return {
        "locale": holder.locale,
        "tone": {"light": light, "dark": dark},
        "bank": words["bank"],
        "colon": phrases["colon"],
        "greeting": phrases["greeting"].format_map(words),
        "footer": phrases["footer"].format_map(words),
        "preferences": {"label": phrases["preferences"], "url": links.preferences} if links.preferences else None,
    }


def rendered(template: str, subject: str, context: dict[str, Any]) -> Mail:
    """Return the e-mail that the template's two parts make of the context."""
    text, html = (_template(f"{template}.{part}").render(context) for part in ("txt", "html"))
    return Mail(subject, text, html, is_alert=bool(context.get("alert")))


@functools.cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def phrases_of(locale: str) -> dict[str, Any]:
    """Return every word of the e-mails in a locale's language."""
    return _words(locale.partition("-")[0])


@functools.cache
def _words(language: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / f"{language}.toml").read_text("utf-8"))


def email_to(holder: Holder, mail: Mail, links: Links, bank: str, told_of: str) -> Email:
    """Return the rendered mail as it goes to the holder; `told_of` is what SES's feedback finds its notification by."""
    return Email(
        to=holder.email,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        headers=() if mail.is_alert else links.headers,
        tags=(("bank", bank), ("transaction", told_of), ("holder", holder.notified_as)),
    )
