"""The page at a link in a security alert as HTML, in the holder's language.

Jinja2 and Babel are slow to import, so the API imports this module only when a holder opens such a page.
"""

from collections.abc import Sequence
from typing import Any

from babel.dates import format_time

from chalicelib.api.preferences_html import Button, about, locale_of, note_page, words_of
from chalicelib.banks.bank import Bank
from chalicelib.flags.answers import Answer, HolderAnswer
from chalicelib.holders import conventions
from chalicelib.holders.conventions import local_time, money, plain, short_day
from chalicelib.holders.holder import LOCALES, Holder
from chalicelib.ledger.transaction import Transaction


def question_page(answer: Answer, transaction: Transaction, holder: Holder, bank: Bank) -> str:
    """Return the page with one button, which gives this answer."""
    section = _section(holder, answer)
    button = Button(section["button"], {"answer": str(answer)})
    return _page(section["title"], section["question"], transaction, holder, bank, buttons=[button])


def answered_page(
    given: HolderAnswer, transaction: Transaction, holder: Holder, bank: Bank, *, can_change: bool
) -> str:
    """Return the page that says what was answered, what happens now, and until when the answer can be corrected.

    With `can_change` it has the button that gives the other answer.
    """
    section = _section(holder, given.answer)
    buttons = []
    if can_change:
        other = Answer.RECOGNIZED if given.answer is Answer.NOT_RECOGNIZED else Answer.NOT_RECOGNIZED
        buttons = [Button(_section(holder, other)["correct"], {"answer": str(other)}, is_quiet=True)]
    last = words_of(locale_of(holder))["answer"]["until"].format(
        answered=_clock(given.at, holder), until=_clock(given.final_at, holder)
    )
    text = f"{section['done']} {last}"
    return _page(section["done_title"], text, transaction, holder, bank, section["steps"], buttons)


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
) -> str:
    note = {
        "title": title,
        "facts": _facts(transaction, holder),
        "text": about(text, bank, transaction.account),
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


def _clock(moment: Any, holder: Holder) -> str:
    local = local_time(moment, holder.timezone)
    return str(format_time(local, "short", locale=conventions.locale_of(holder.locale)))
