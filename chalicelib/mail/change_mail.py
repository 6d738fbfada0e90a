"""Rendering the e-mails about a change of the holder's record: security alerts that ended, an address that changed."""

from chalicelib.holders.change import HolderChange
from chalicelib.holders.conventions import moment
from chalicelib.holders.links import Links
from chalicelib.mail.parts import NO_LINKS, Mail, frame, phrases_of, rendered, words_for


def render_change(change: HolderChange, bank_name: str, links: Links = NO_LINKS) -> Mail:
    """Return the e-mail that tells the holder of the change: what it was, who made it, and what to do about it."""
    holder = change.holder
    phrases = phrases_of(holder.locale)
    section = phrases[change.kind]
    words = words_for(change.account, holder, bank_name)
    labels = phrases["labels"]
    context = {
        **frame(change.kind, holder, words, links),
        "headline": section["headline"],
        "preheader": section["means"].format_map(words),
        "lead": section["lead"].format_map(words),
        "means": section["means"].format_map(words),
        "rows": [
            (labels["account"], words["account"]),
            (labels["moment"], moment(change.at, holder.timezone, holder.locale)),
            (labels["by"], phrases["by"][change.by].format_map(words)),
        ],
        "to_do": phrases["security_alert"]["to_do"],
        "steps": section["steps"] if links.preferences else section.get("steps_without_link", section["steps"]),
    }
    return rendered("change", section["subject"].format_map(words), context)
