"""Rendering a statement's e-mail. Only what sends statements imports this."""

from decimal import Decimal

from chalicelib.holders.conventions import (
    MINUS,
    PLUS,
    days,
    decimal,
    local_time,
    money,
    plain,
    short_day,
    shortened,
    signed,
)
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.parts import NO_LINKS, SIGNS, Mail, frame, phrases_of, rendered, words_for
from chalicelib.mail.statement import Statement, Total

# A statement stays under 20 KB, whatever is in it.
_LONGEST_LINE = 28
_MOST_CURRENCIES = 4


def render_statement(statement: Statement, holder: Holder, bank_name: str, links: Links = NO_LINKS) -> Mail:
    """Return the e-mail with a holder's statement."""
    locale = holder.locale
    phrases = phrases_of(locale)
    section = phrases["statement"]
    words = words_for(statement.account, holder, bank_name)
    words["first"], words["last"] = days(statement.first, statement.last, locale)
    lead = section["lead"].format_map(words)
    unlisted = statement.count - len(statement.newest)
    unshown = len(statement.totals) - _MOST_CURRENCIES
    context = {
        **frame("statement", holder, words, links),
        "headline": section[statement.period]["headline"],
        "lead": lead if statement.totals else f"{lead} {section['none']}",
        "preheader": lead,
        "footer": section["footer"].format_map(words),
        "words": section,
        "labels": phrases["labels"],
        "totals": [_total(total, section, locale) for total in statement.totals[:_MOST_CURRENCIES]],
        "other_currencies": section["other_currencies"].format(count=unshown) if unshown > 0 else "",
        "lines": [_line(transaction, section["anonymous"], holder) for transaction in statement.newest],
        "more": section["more"].format(count=decimal(Decimal(unlisted), locale)) if unlisted > 0 else "",
    }
    return rendered("statement", section[statement.period]["subject"].format_map(words), context)


def _total(total: Total, section: dict[str, str], locale: str) -> list[tuple[str, str]]:
    rows = [(section["net"], signed(total.net, total.currency, locale))]
    if total.reversals:
        reversals = section["reversals"].format(count=decimal(Decimal(total.reversals), locale))
        rows.insert(0, (reversals, signed(total.returned, total.currency, locale)))
    if total.debits:
        debits = section["debits"].format(count=decimal(Decimal(total.debits), locale))
        rows.insert(0, (debits, money(total.debited, total.currency, locale, MINUS)))
    if total.credits:
        credits_ = section["credits"].format(count=decimal(Decimal(total.credits), locale))
        rows.insert(0, (credits_, money(total.credited, total.currency, locale, PLUS)))
    return rows


def _line(transaction: Transaction, anonymous: dict[str, str], holder: Holder) -> tuple[str, str, str]:
    whom = (transaction.merchant or {}).get("name") or (transaction.counterparty or {}).get("name")
    named = whom or transaction.description or ""
    is_reversal = transaction.status == "reversed"
    sign = SIGNS[transaction.type]
    what = plain(named)
    if is_reversal:
        sign = PLUS if transaction.type == "debit" else MINUS
        what = " · ".join(filter(None, (anonymous["reversal"], what)))
    return (
        short_day(local_time(transaction.timestamp, holder.timezone), holder.locale),
        shortened(what, _LONGEST_LINE) or anonymous[transaction.type],
        money(transaction.amount, transaction.currency, holder.locale, sign),
    )
