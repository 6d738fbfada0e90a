"""Rendering the e-mail that asks a holder to confirm an address.

It may go to somebody who has nothing to do with the bank, and a bank could enrol strangers. So it says nothing that the
bank chooses but its language: no name, no account, no amount.
"""

from chalicelib.holders.conventions import of, plain
from chalicelib.holders.holder import Holder
from chalicelib.mail.parts import NO_LINKS, Mail, frame, phrases_of, rendered


def render_confirmation(holder: Holder, bank_name: str, link: str) -> Mail:
    """Return the e-mail with the link to the page that confirms the holder's address."""
    bank = plain(bank_name)
    section = phrases_of(holder.locale)["confirm_address"]
    words = {"bank": bank, "of_bank": of(bank, holder.locale), "name": "", "account": ""}
    context = {
        **frame("confirm_address", holder, words, NO_LINKS),
        "greeting": section["greeting"],
        "footer": section["footer"].format_map(words),
        "headline": section["headline"],
        "preheader": section["means"].format_map(words),
        "lead": section["lead"].format_map(words),
        "means": section["means"].format_map(words),
        "button": {"label": section["button"], "url": link},
        "to_do": section["to_do"],
        "steps": [step.format_map(words) for step in section["steps"]],
        "asked": True,  # the style of buttons
    }
    return rendered("confirmation", section["subject"].format_map(words), context)
