"""Rendering an e-mail: what there is to tell and its reader in, subject, text and HTML out.

What came from the bank is stripped of what could steer a display or become a link (`conventions.plain`); the HTML part
escapes it besides (Jinja2 autoescape). Only the mailer imports this.
"""

from typing import Any

from chalicelib.holders.conventions import MINUS, PLUS, money
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.details import Rows, details, from_authorized_to_final, so_far, what_was_reversed
from chalicelib.mail.parts import NO_LINKS, SIGNS, Mail, frame, phrases_of, rendered, words_for
from chalicelib.mail.reasons import reasons
from chalicelib.mail.story import Story, kind_of

# Kinds of which nobody has to ask who it was: what is given back, let go, or comes in.
_BY_THE_BANK = {"credit", "release", "money_back", "reversal"}


def render(story: Story, holder: Holder, bank_name: str, links: Links = NO_LINKS) -> Mail:
    """Return the e-mail that tells this holder of a transaction."""
    transaction, kind, locale = story.transaction, story.kind, holder.locale
    phrases = phrases_of(locale)
    happened = kind_of(transaction) if kind == "security_alert" else kind
    words = words_for(transaction.account, holder, bank_name) | _amounts(story, locale)
    section, type_ = phrases[happened], _type(story)
    what = _phrase(section, "subject", type_).format_map(words)
    lead = _lead(section, story, happened).format_map(words)
    label = _phrase(section, "label", type_)
    own = details(transaction, holder, words["account"])
    sections = [("", own)]
    alert, asked = None, None
    if kind == "security_alert":
        section = phrases[kind]
        what = section["subject"].format_map({**words, "what": what})
        asked = was_it_you(transaction.id, section, links)
        alert = alert_of(section, story, locale, asked)
        sections = [(section["section"], own)]
    elif story.related:
        sections = _sections(story, story.related, own, section["section"], holder)
    asks_who_it_was = not (alert or happened in _BY_THE_BANK or transaction.type == "credit")
    context = {
        **frame(kind, holder, words, links),
        "headline": _phrase(section, "headline", type_),
        "lead": lead,
        "preheader": _preheader(own, phrases["labels"], alert),
        "label": label,
        "amount": money(transaction.amount, transaction.currency, locale, _sign(happened, type_)),
        "alert": alert,
        "asked": asked,
        "sections": sections,
        "warning": phrases["warning"] if asks_who_it_was else "",
    }
    return rendered("transaction", what, context)


def was_it_you(transaction_id: str, section: dict[str, Any], links: Links) -> dict[str, Any] | None:
    """Return what asks the holder whether the transaction was the holder's; None in an e-mail without such links."""
    answers = links.answers.get(transaction_id)
    return {**section["asked"], "links": answers} if answers else None


def alert_of(section: dict[str, Any], story: Story, locale: str, asked: dict[str, Any] | None) -> dict[str, Any]:
    """Return what an alert says besides the transaction: why it comes, and what to do."""
    found = reasons(story.flags, phrases_of(locale)["reasons"], locale)
    return {**section, "reasons": found, "steps": section["steps_asked" if asked else "steps"]}


def _amounts(story: Story, locale: str) -> dict[str, str]:
    """Return the amounts that phrases name."""
    transaction, related, step = story.transaction, story.related, story.step
    words = {"amount": money(transaction.amount, transaction.currency, locale)}
    if related is None:
        return words
    words["original"] = money(related.amount, related.currency, locale)
    if step is None:
        return words
    for name, amount in (("total", step.total), ("settled", step.settled), ("left", step.left)):
        words[name] = money(amount, related.currency, locale)
    if related.currency == transaction.currency:
        words["difference"] = money(abs(transaction.amount - step.total), transaction.currency, locale)
    return words | {"authorized": words["total"]}


def _type(story: Story) -> str:
    """Return the type by which to speak of the transaction."""
    if story.kind == "release":
        # Banks differ in which type they give a release.
        return story.related.type if story.related else "debit"
    return story.transaction.type


def _lead(section: dict[str, str], story: Story, happened: str) -> str:
    """Return the sentence that says what happened; an alert says of a transaction what it is by itself."""
    transaction, related, step, type_ = story.transaction, story.related, story.step, _type(story)
    name = "lead"
    if happened == "increment" and related is None:
        name = "lead_alone"
    elif related is not None and step is not None:
        if happened == "settlement" and type_ == "debit" and related.currency == transaction.currency:
            name = "lead_more"
        elif happened == "release" and step.left and type_ == "debit":
            name = "lead_rest"
        elif happened == "part" and not step.left:
            name = "lead_done"
        elif happened == "part" and step.parts > 1:
            name = "lead_next"
    if happened in ("money_back", "reversal") and related is not None and transaction.amount < related.amount:
        name = "lead_part"
    return _phrase(section, name, type_)


def _phrase(section: dict[str, str], name: str, of_type: str) -> str:
    """Return a phrase, in the form for this type of transaction where it has one."""
    return section.get(f"{name}_{of_type}", section[name])


def _sign(happened: str, type_: str) -> str:
    if happened == "money_back":
        return PLUS if type_ == "debit" else MINUS
    return SIGNS[type_] if happened in ("credit", "debit", "part", "last_part") else ""


def _sections(story: Story, related: Transaction, own: Rows, title: str, holder: Holder) -> list[tuple[str, Rows]]:
    """Return the rows of what the transaction has to do with, before or after its own."""
    step = story.step
    if story.kind in ("money_back", "reversal") or step is None:
        return [("", own), (title, what_was_reversed(related, holder))]
    if story.kind == "settlement":
        return [(title, from_authorized_to_final(story.transaction, related, step, holder)), ("", own)]
    return [("", own), (title, so_far(related, step, holder))]


def _preheader(details: Rows, labels: dict[str, str], alert: dict[str, Any] | None) -> str:
    if alert:
        return str(alert["reasons"][0])
    shown = dict(details)
    wanted = [shown.get(labels["merchant"]) or shown.get(labels["description"]), shown[labels["moment"]]]
    return " · ".join(filter(None, wanted))
