"""Rendering a statement's e-mail. Only what sends statements imports this."""

from decimal import Decimal
from typing import Any

from chalicelib.holders.conventions import (
    MINUS,
    PLUS,
    currency_heading,
    days,
    local_time,
    money,
    numbered,
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
    # With one currency, its heading would say nothing.
    has_several = len(statement.totals) > 1
    unshown = len(statement.totals) - _MOST_CURRENCIES
    context = {
        **frame("statement", holder, words, links),
        "headline": section[statement.period]["headline"],
        "lead": lead if statement.totals else f"{lead} {section['none']}",
        "preheader": lead,
        "footer": section["footer"].format_map(words),
        "words": section,
        "labels": phrases["labels"],
        "totals": [
            (currency_heading(total.currency, locale) if has_several else "", _total(total, section, locale))
            for total in statement.totals[:_MOST_CURRENCIES]
        ],
        "other_currencies": numbered(unshown, section["other_currencies"], locale) if unshown > 0 else "",
        "lines": [_line(transaction, section["anonymous"], holder) for transaction in statement.newest],
        "more": numbered(unlisted, section["more"], locale) if unlisted > 0 else "",
    }
    return rendered("statement", section[statement.period]["subject"].format_map(words), context)


def _total(total: Total, section: dict[str, Any], locale: str) -> list[tuple[str, str]]:
    """Return the rows of a currency: what came in, went out and came back, and the balances where they are known."""

    def written(amount: Decimal, sign: str = "") -> str:
        return money(amount, total.currency, locale, sign)

    rows = [] if total.opening is None else [(section["opening"], written(total.opening))]
    if total.credits:
        rows.append((numbered(total.credits, section["credits"], locale), written(total.credited, PLUS)))
    if total.debits:
        rows.append((numbered(total.debits, section["debits"], locale), written(total.debited, MINUS)))
    if total.reversals:
        returned = signed(total.returned, total.currency, locale)
        rows.append((numbered(total.reversals, section["reversals"], locale), returned))
    rows.append((section["net"], signed(total.net, total.currency, locale)))
    return rows if total.closing is None else [*rows, (section["closing"], written(total.closing))]


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
