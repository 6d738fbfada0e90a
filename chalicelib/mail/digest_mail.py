"""Rendering what tells of several transactions at once: a digest, and an alert with others. Only the mailer imports
this."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from babel.dates import format_time

from chalicelib.holders.conventions import decimal, local_time, locale_of, money, plain, short_day, shortened, signed
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.details import details
from chalicelib.mail.digest import KINDS, Sum, Summary, has_sign, kind_in_digest, signed_amount
from chalicelib.mail.parts import NO_LINKS, Mail, frame, phrases_of, rendered, words_for
from chalicelib.mail.story import Story
from chalicelib.mail.transaction_mail import alert_of, render, was_it_you

# A digest stays under 20 KB, whatever is in it.
_LONGEST_LINE = 28
_MOST_CURRENCIES = 4
MAX_OTHERS = 12


def render_digest(summary: Summary, holder: Holder, bank_name: str, links: Links = NO_LINKS) -> Mail:
    """Return the e-mail that tells a holder of many transactions."""
    locale, phrases = holder.locale, phrases_of(holder.locale)
    section = phrases["digest"]
    words = words_for(summary.account, holder, bank_name) | {"count": decimal(Decimal(summary.count), locale)}
    unlisted, unshown = summary.count - len(summary.newest), len(summary.sums) - _MOST_CURRENCIES
    form = "_one" if summary.count == 1 else ""
    shown = list(summary.sums.items())[:_MOST_CURRENCIES]
    context = {
        **frame("digest", holder, words, links),
        "headline": section[f"headline{form}"].format_map(words),
        "lead": section[f"lead{form}"].format_map(words),
        "preheader": section["why"],
        "why": section["why"],
        "words": section,
        "labels": phrases["labels"],
        "totals": [(currency, _totals(currency, sums, section, locale)) for currency, sums in shown],
        "other_currencies": section["other_currencies"].format(count=unshown) if unshown > 0 else "",
        "lines": [_line(transaction, section, holder) for transaction in summary.newest],
        "more": section["more"].format(count=decimal(Decimal(unlisted), locale)) if unlisted > 0 else "",
        "warning": section["warning"],
    }
    return rendered("digest", section[f"subject{form}"].format_map(words), context)


def render_alerts(
    told: Story, others: Sequence[Transaction], holder: Holder, bank_name: str, links: Links = NO_LINKS
) -> Mail:
    """Return the security alert that tells of one transaction in full and lists others, newest first.

    Without others, it is the alert about that transaction.
    """
    if not others:
        return render(told, holder, bank_name, links)
    locale, phrases, transaction = holder.locale, phrases_of(holder.locale), told.transaction
    section, alert = phrases["alerts"], phrases["security_alert"]
    words = words_for(transaction.account, holder, bank_name)
    words |= {"count": decimal(Decimal(len(others) + 1), locale), "others": decimal(Decimal(len(others)), locale)}
    asked = was_it_you(transaction.id, alert, links)
    alert = alert_of(alert, told, locale, asked)
    unlisted, form = len(others) - MAX_OTHERS, "_one" if len(others) == 1 else ""
    context = {
        **frame("security_alert", holder, words, links),
        "headline": section["headline"].format_map(words),
        "lead": section[f"lead{form}"].format_map(words),
        "preheader": alert["reasons"][0],
        "alert": alert,
        "asked": asked,
        "label": phrases["digest"]["kinds"][kind_in_digest(transaction)],
        "amount": _amount(transaction, locale),
        "section": section["section"],
        "details": details(transaction, holder, words["account"]),
        "others": section[f"others{form}"].format_map(words),
        "labels": phrases["labels"],
        "lines": [
            (_line(other, phrases["digest"], holder), links.answers.get(other.id)) for other in others[:MAX_OTHERS]
        ],
        "more": phrases["digest"]["more"].format(count=decimal(Decimal(unlisted), locale)) if unlisted > 0 else "",
    }
    return rendered("alerts", section["subject"].format_map(words), context)


def _totals(currency: str, sums: Mapping[str, Sum], section: Mapping[str, Any], locale: str) -> list[tuple[str, str]]:
    rows = []
    for kind in KINDS:
        if kind in sums:
            label = section["totals_of"][kind].format(count=decimal(Decimal(sums[kind].count), locale))
            write = signed if has_sign(kind) else money
            rows.append((label, write(sums[kind].amount, currency, locale)))
    return rows


def _line(transaction: Transaction, section: Mapping[str, Any], holder: Holder) -> tuple[str, str, str]:
    kind = kind_in_digest(transaction)
    whom = (transaction.merchant or {}).get("name") or (transaction.counterparty or {}).get("name")
    named = plain(whom or transaction.description or "")
    kind_in_words = section["kinds"][kind]
    what = named if named and kind in ("credit", "debit") else " · ".join(filter(None, (kind_in_words, named)))
    local = local_time(transaction.timestamp, holder.timezone)
    time = format_time(local, "short", locale=locale_of(holder.locale))
    return (
        f"{short_day(local, holder.locale)}, {time}",
        shortened(what, _LONGEST_LINE),
        _amount(transaction, holder.locale),
    )


def _amount(transaction: Transaction, locale: str) -> str:
    write = signed if has_sign(kind_in_digest(transaction)) else money
    return write(signed_amount(transaction), transaction.currency, locale)
