"""The page at a link in a security alert as HTML, in the holder's language.

Jinja2 and Babel are slow to import, so the API imports this module only when a holder opens such a page.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from babel.dates import format_time

from chalicelib.api.preferences_html import Button, about, locale_of, note_page, words_of
from chalicelib.banks.bank import Bank
from chalicelib.flags.answers import Answer, HolderAnswer
from chalicelib.holders import conventions
from chalicelib.holders.conventions import local_time, moment, money, plain, short_day
from chalicelib.holders.holder import LOCALES, Holder
from chalicelib.ledger.transaction import Transaction


def question_page(answer: Answer, transaction: Transaction, holder: Holder, bank: Bank) -> str:
    """Return the page with one button, which gives this answer."""
    section = _section(holder, answer)
    button = Button(section["button"], {"answer": str(answer)})
    return _page(section["title"], section["question"], transaction, holder, bank, buttons=[button])


def answered_page(
    given: HolderAnswer, transaction: Transaction, holder: Holder, bank: Bank, asked: Answer, now: datetime
) -> str:
    """Return the page that says what was answered, and what happens now; `asked` is the answer of the opened link.

    While the answer can be corrected, the page says until when. If it isn't the link's, the page then has the button
    that corrects it; afterwards it says that the link's answer was not recorded.
    """
    is_open = now <= given.final_at
    if not is_open and given.answer is not asked:
        return _too_late_page(given, transaction, holder, bank, asked)
    section = _section(holder, given.answer)
    buttons = []
    if given.answer is not asked:
        buttons = [Button(_section(holder, asked)["correct"], {"answer": str(asked)}, is_quiet=True)]
    last = words_of(locale_of(holder))["answer"]["until" if is_open else "since"]
    times = {"answered": _moment(given.at, holder), "until": _moment(given.final_at, holder)}
    text = f"{section['done']} {last}"
    return _page(section["done_title"], text, transaction, holder, bank, section["steps"], buttons, times)


def _too_late_page(given: HolderAnswer, transaction: Transaction, holder: Holder, bank: Bank, asked: Answer) -> str:
    """Return the page that says that the answer given before stands, and what to do all the same."""
    section = _section(holder, asked)
    times = {"answered": _moment(given.at, holder)}
    text = section["too_late"]
    return _page(section["too_late_title"], text, transaction, holder, bank, section["too_late_steps"], times=times)


def invalid_page() -> str:
    """Return the page for a link that is forged, too old, or of a holder who is gone, in all languages."""
    return note_page((locale, words_of(locale)["answer"]["invalid"]) for locale in LOCALES)


def _section(holder: Holder, answer: Answer) -> dict[str, Any]:
    section: dict[str, Any] = words_of(locale_of(holder))["answer"][answer]
    return section


def _page(
    title: str,
    text: str,
    transaction: Transaction,
    holder: Holder,
    bank: Bank,
    steps: Sequence[str] = (),
    buttons: Sequence[Button] = (),
    times: Mapping[str, str] = MappingProxyType({}),
) -> str:
    note = {
        "title": title,
        "facts": _facts(transaction, holder),
        "text": about(text, bank, transaction.account, times),
        "steps": [about(step, bank, transaction.account) for step in steps],
        "buttons": buttons,
    }
    return note_page([(locale_of(holder), note)])


def _facts(transaction: Transaction, holder: Holder) -> str:
    """Return by what the holder knows the transaction again: its amount, to whom, and when."""
    whom = (transaction.merchant or {}).get("name") or (transaction.counterparty or {}).get("name")
    local = local_time(transaction.timestamp, holder.timezone)
    when = f"{short_day(local, holder.locale)}, {_clock(transaction.timestamp, holder)}"
    amount = money(transaction.amount, transaction.currency, holder.locale)
    return " · ".join(filter(None, (amount, plain(whom or transaction.description or ""), when)))


def _moment(time: datetime, holder: Holder) -> str:
    return moment(time, holder.timezone, holder.locale)


def _clock(time: datetime, holder: Holder) -> str:
    local = local_time(time, holder.timezone)
    return str(format_time(local, "short", locale=conventions.locale_of(holder.locale)))
