"""Rendering an e-mail: what there is to tell and its reader in, subject, text and HTML out.

What came from the bank is stripped of what could steer a display or become a link (`conventions.plain`); the HTML part
escapes it besides (Jinja2 autoescape). Only the mailer imports this.
"""

from typing import Any

from chalicelib.holders.conventions import country, moment, money, plain, signed
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.parts import NO_LINKS, SIGNS, Mail, frame, phrases_of, rendered, words_for
from chalicelib.mail.reasons import reasons
from chalicelib.mail.story import Story, kind_of

Rows = list[tuple[str, str]]


def render(story: Story, holder: Holder, bank_name: str, links: Links = NO_LINKS) -> Mail:
    """Return the e-mail that tells this holder of a transaction."""
    transaction, kind, locale = story.transaction, story.kind, holder.locale
    phrases = phrases_of(locale)
    happened = kind_of(transaction) if kind == "security_alert" else kind
    words = words_for(transaction.account, holder, bank_name)
    words["amount"] = money(transaction.amount, transaction.currency, locale)
    if story.related is not None:
        words |= _comparison(transaction, story.related, locale)
    section = phrases[happened]
    what = section["subject"].format_map(words)
    details = _details(transaction, holder, words["account"])
    sections = [("", details)]
    alert = None
    if kind == "security_alert":
        section = phrases[kind]
        what = section["subject"].format_map({**words, "what": what})
        alert = {**section, "reasons": reasons(story.flags, phrases["reasons"], locale)}
        sections = [(section["section"], details)]
    elif kind == "settlement" and story.related:
        sections.insert(0, (section["section"], _from_authorized_to_final(transaction, story.related, holder)))
    elif kind == "reversal" and story.related:
        sections.append((section["section"], _what_was_reversed(story.related, holder)))
    context = {
        **frame(kind, holder, words, links),
        "headline": _phrase(section, "headline", transaction.type),
        "lead": _lead(phrases[happened], story).format_map(words),
        "preheader": _preheader(details, phrases["labels"], alert),
        "label": phrases[happened]["label"],
        "amount": money(transaction.amount, transaction.currency, locale, SIGNS.get(happened, "")),
        "alert": alert,
        "sections": sections,
        "warning": "" if alert else phrases["warning"],
    }
    return rendered("transaction", what, context)


def _comparison(transaction: Transaction, related: Transaction, locale: str) -> dict[str, str]:
    before = money(related.amount, related.currency, locale)
    words = {"authorized": before, "original": before}
    if related.currency == transaction.currency:
        words["difference"] = money(abs(transaction.amount - related.amount), transaction.currency, locale)
    return words


def _lead(section: dict[str, str], story: Story) -> str:
    transaction, related = story.transaction, story.related
    if related is None or related.currency != transaction.currency or related.amount == transaction.amount:
        return _phrase(section, "lead", transaction.type)
    if story.kind == "settlement" and transaction.type == "debit":
        return section["lead_more" if transaction.amount > related.amount else "lead_less"]
    if story.kind == "reversal" and transaction.amount < related.amount:
        return section["lead_part"]
    return _phrase(section, "lead", transaction.type)


def _phrase(section: dict[str, str], name: str, of_type: str) -> str:
    """Return a phrase, in the form for this type of transaction where it has one."""
    return section.get(f"{name}_{of_type}", section[name])


def _details(transaction: Transaction, holder: Holder, account: str) -> Rows:
    balance = transaction.balance
    return _rows(
        holder.locale,
        account=account,
        card=f"•••• {transaction.card_last4}" if transaction.card_last4 else "",
        merchant=_place(transaction, holder.locale),
        description=plain(transaction.description or ""),
        moment=moment(transaction.timestamp, holder.timezone, holder.locale),
        balance="" if balance is None else money(balance, transaction.currency, holder.locale),
        reference=plain(transaction.id),
    )


def _from_authorized_to_final(final: Transaction, authorized: Transaction, holder: Holder) -> Rows:
    locale = holder.locale
    is_comparable = final.currency == authorized.currency
    return _rows(
        locale,
        authorized=money(authorized.amount, authorized.currency, locale),
        final=money(final.amount, final.currency, locale),
        difference=signed(final.amount - authorized.amount, final.currency, locale) if is_comparable else "",
    )


def _what_was_reversed(original: Transaction, holder: Holder) -> Rows:
    return _rows(
        holder.locale,
        amount=money(original.amount, original.currency, holder.locale),
        merchant=_place(original, holder.locale),
        moment=moment(original.timestamp, holder.timezone, holder.locale),
        reference=plain(original.id),
    )


def _rows(locale: str, **values: str) -> Rows:
    labels = phrases_of(locale)["labels"]
    return [(labels[name], value) for name, value in values.items() if value]


def _place(transaction: Transaction, locale: str) -> str:
    merchant = transaction.merchant or {}
    parts = [plain(merchant[part]) for part in ("name", "city") if part in merchant]
    if "country" in merchant:
        parts.append(country(merchant["country"], locale))
    return ", ".join(parts)


def _preheader(details: Rows, labels: dict[str, str], alert: dict[str, Any] | None) -> str:
    if alert:
        return str(alert["reasons"][0])
    shown = dict(details)
    wanted = [shown.get(labels["merchant"]) or shown.get(labels["description"]), shown[labels["moment"]]]
    return " · ".join(filter(None, wanted))
