"""Rendering an e-mail: a transaction and its reader in, subject, text and HTML out. Only the mailer imports this.

Amounts, dates and times follow the reader's locale by CLDR (Babel). What came from the bank is stripped of what
could steer a display or become a link; the HTML part escapes it besides (Jinja2 autoescape).
"""

import copy
import functools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_location
from babel.numbers import NumberPattern
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from chalicelib.holders import Holder
from chalicelib.iso import CURRENCY_DECIMALS
from chalicelib.transactions import Transaction

TEMPLATES = Path(__file__).parent / "templates"

_KINDS_BY_STATUS = {"authorized": "authorization", "reversed": "reversal", "declined": "declined"}
# Where mail programs see a link in plain text: scheme, host and mail addresses hang together by these.
_LINK_JOINTS = re.compile(r"(?<=\w)([.@:])(?=[\w/+])")
_WORD_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    text: str
    html: str


def kind_of(transaction: Transaction) -> str:
    """Return which e-mail tells of this transaction: its type, unless its status says something else."""
    return _KINDS_BY_STATUS.get(transaction.status, transaction.type)


def render(transaction: Transaction, holder: Holder, bank_name: str) -> Mail:
    """Return the e-mail that tells this holder of this transaction."""
    kind = kind_of(transaction)
    phrases = _phrases(holder.locale)
    amount = money(transaction.amount, transaction.currency, holder.locale)
    words = {
        "amount": amount,
        "account": plain(masked(transaction.account)),
        "name": plain(holder.name),
        "bank": plain(bank_name),
    }
    merchant = transaction.merchant or {}
    place = ", ".join(plain(merchant[part]) for part in ("name", "city", "country") if part in merchant)
    rows = {
        "amount": amount,
        "account": words["account"],
        "card": f"•••• {transaction.card_last4}" if transaction.card_last4 else None,
        "merchant": place,
        "description": plain(transaction.description or ""),
        "moment": moment(transaction.timestamp, holder.timezone, holder.locale),
        "balance": transaction.balance is not None and money(transaction.balance, transaction.currency, holder.locale),
        "reference": plain(transaction.id),
    }
    context = {
        "locale": holder.locale,
        "kind": kind,
        "bank": words["bank"],
        "greeting": phrases["greeting"].format_map(words),
        "headline": phrases[kind]["headline"].format_map(words),
        "lead": phrases[kind]["lead"].format_map(words),
        "colon": phrases["colon"],
        "rows": [(phrases["labels"][name], value) for name, value in rows.items() if value],
        "warning": phrases["warning"].format_map(words),
        "footer": phrases["footer"].format_map(words),
    }
    return Mail(
        subject=phrases[kind]["subject"].format_map(words),
        text=_environment().get_template("transaction.txt").render(context),
        html=_environment().get_template("transaction.html").render(context),
    )


def money(amount: Decimal, currency: str, locale: str) -> str:
    """Return the amount as the locale writes it, with ISO 4217's decimals (CLDR's own differ for some)."""
    pattern = _currency_pattern(locale, CURRENCY_DECIMALS[currency])
    written = pattern.apply(amount, _locale(locale), currency=currency, currency_digits=False)
    # CLDR's currency spacing, which Babel leaves out: letters don't touch digits.
    return re.sub(r"(?<=[^\W\d])(?=\d)", "\N{NO-BREAK SPACE}", written)


def moment(timestamp: datetime, timezone: str, locale: str) -> str:
    """Return the date and time in the reader's zone, which is named: 10 janvier 2026, 15:00 (heure : Cameroun)."""
    zone = ZoneInfo(timezone)
    try:
        local = timestamp.astimezone(zone)
    except OverflowError:  # the first or last day of the calendar
        return moment(timestamp, "UTC", locale)
    date = format_date(local, "long", locale)
    time = format_time(local, "short", zone, locale)
    place = "UTC" if timezone == "UTC" else get_timezone_location(zone, locale)
    return f"{date}, {time} ({place})"


def plain(text: str) -> str:
    """Return outside text fit for a line of an e-mail: no control, formatting or bidirectional characters, no
    line ends, and nothing that a mail program would turn into a link."""
    kept = "".join(" " if character.isspace() else character for character in text)
    kept = "".join(
        character for character in kept if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return _LINK_JOINTS.sub(rf"\1{_WORD_JOINER}", " ".join(kept.split()))


def masked(account: str) -> str:
    """Return an account that its holder recognizes and nobody else can use: its last four characters."""
    return account if len(account) <= 4 else f"…{account[-4:]}"


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


@functools.cache
def _phrases(locale: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / f"{locale}.toml").read_text("utf-8"))


@functools.cache
def _currency_pattern(locale: str, decimals: int) -> NumberPattern:
    pattern: NumberPattern = copy.copy(_locale(locale).currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern


@functools.cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)
