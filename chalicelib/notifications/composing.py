"""Composing: for each recipient of an SES call the e-mail, or the reason why there is none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.banks.bank import BankDirectory
from chalicelib.holders.confirmation import NOT_CONFIRMED
from chalicelib.holders.links import LinksFor
from chalicelib.holders.preferences import SECURITY_ALERT, Skip, Tell, Wait, decide
from chalicelib.mail.parts import NO_LINKS, email_to
from chalicelib.mail.ses import Email
from chalicelib.mail.story import Story, kind_of
from chalicelib.mail.transaction_mail import render
from chalicelib.notifications.notice import Recipient
from chalicelib.notifications.state import NotificationKey, State, StateChange

Decision = Tell | Skip | Wait | Exception


@dataclass(slots=True)
class Composed:
    """The e-mails, and who gets none: for good (`skipped`), for now (`waiting`), or because it can't be made."""

    emails: list[tuple[Recipient, Email]] = field(default_factory=list)
    skipped: list[StateChange] = field(default_factory=list)
    waiting: list[tuple[Recipient, Wait]] = field(default_factory=list)
    failed: list[tuple[Recipient, str]] = field(default_factory=list)


class Composer:
    def __init__(self, banks: BankDirectory, links_for: LinksFor) -> None:
        self._banks = banks
        self._links_for = links_for

    def bank_names(self, recipients: Iterable[Recipient]) -> dict[str, str]:
        """Return the names of their banks, by id; raises TemporarilyUnavailable."""
        return {bank: self._banks.name_of(bank) for bank in {one.notice.transaction.bank for one in recipients}}

    def compose(
        self,
        recipients: Iterable[Recipient],
        decisions: Mapping[NotificationKey, Decision],
        stories: Mapping[NotificationKey, Story],
        bank_names: Mapping[str, str],
        now: datetime,
    ) -> Composed:
        """Return the e-mails of those who want them now, and why the others get none.

        `stories` say what there is to tell to each recipient who wants an e-mail, now or later.
        """
        composed = Composed()
        for recipient in recipients:
            try:
                suppressed = recipient.holder.suppression(now)
                if suppressed is not None:
                    composed.skipped.append(recipient.change(State.SUPPRESSED, suppressed.reason))
                    continue
                match decisions[recipient.key]:
                    case Skip(preference):
                        composed.skipped.append(recipient.change(State.SKIPPED, preference))
                    case Wait() as wait:
                        composed.waiting.append((recipient, wait))
                    case Tell():
                        email = self._email(recipient, stories[recipient.key], bank_names)
                        composed.emails.append((recipient, email))
                    case error:
                        raise error
            except Exception as error:  # one e-mail that can't be made must not hold up the others
                composed.failed.append((recipient, f"not_rendered: {type(error).__name__}"))
        return composed

    def _email(self, recipient: Recipient, story: Story, bank_names: Mapping[str, str]) -> Email:
        transaction, holder = story.transaction, recipient.holder
        alerts = [transaction.id] if recipient.notice.flags else []
        links = self._links_for(transaction.bank, transaction.account, holder, alerts)
        mail = render(story, holder, bank_names[transaction.bank], links)
        # One click doesn't end security alerts, so they don't offer it.
        offered = NO_LINKS if recipient.notice.flags else links
        return email_to(holder, mail, offered, transaction.bank, transaction.id)


def decision_of(recipient: Recipient, now: datetime) -> Decision:
    """Return what the holder's preferences say, or the error where they can't be read.

    Who has not confirmed the address is skipped, of security alerts too: nobody has said that it is the holder's.
    """
    transaction, holder = recipient.notice.transaction, recipient.holder
    if holder.awaits_confirmation:
        return Skip(NOT_CONFIRMED)
    kind = SECURITY_ALERT if recipient.notice.flags else kind_of(transaction)
    try:
        return decide(holder.preferences, holder.timezone, transaction, kind, now)
    except Exception as error:  # preferences that were written past the API
        return error


def is_wanted(decision: Decision) -> bool:
    """Whether the holder is to be notified, now or later."""
    return isinstance(decision, Tell | Wait)
