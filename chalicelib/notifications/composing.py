"""Composing: for each person of an SES call, the e-mail, or why there is none."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.banks.bank import BankDirectory
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links
from chalicelib.holders.preferences import SECURITY_ALERT, Skip, Tell, Wait, decide
from chalicelib.mail.parts import email_to
from chalicelib.mail.ses import Email
from chalicelib.mail.story import Story, kind_of
from chalicelib.mail.transaction_mail import render
from chalicelib.notifications.addressees import Addressed
from chalicelib.notifications.state import NotificationKey, Outcome, State


@dataclass(slots=True)
class Composed:
    """The e-mails, and who gets none: for good, for now, or because it can't be made, with the reason."""

    emails: list[tuple[Addressed, Email]] = field(default_factory=list)
    skipped: list[Outcome] = field(default_factory=list)
    waiting: list[tuple[Addressed, Wait]] = field(default_factory=list)
    failed: list[tuple[Addressed, str]] = field(default_factory=list)


class Composer:
    def __init__(self, banks: BankDirectory, links_for: Callable[[str, str, Holder], Links]) -> None:
        self._banks = banks
        self._links_for = links_for

    def bank_names(self, people: Iterable[Addressed]) -> dict[str, str]:
        """Return the names of their banks, by id; raises TemporarilyUnavailable."""
        return {bank: self._banks.name_of(bank) for bank in {person.notice.transaction.bank for person in people}}

    def compose(
        self,
        people: Iterable[Addressed],
        stories: Mapping[NotificationKey, Story],
        bank_names: Mapping[str, str],
        now: datetime,
    ) -> Composed:
        """Return the e-mails of those who want them now, and why the others get none.

        `stories` are what to tell those who want it.
        """
        done = Composed()
        for person in people:
            try:
                if person.holder.suppressed is not None:
                    done.skipped.append(person.outcome(State.SUPPRESSED, person.holder.suppressed.reason))
                    continue
                decision = _decision(person, now)
                if isinstance(decision, Skip):
                    done.skipped.append(person.outcome(State.SKIPPED, decision.preference))
                elif isinstance(decision, Wait):
                    done.waiting.append((person, decision))
                else:
                    done.emails.append((person, self._email(person, stories[person.key], bank_names)))
            except Exception as error:  # whatever is wrong with one e-mail must not hold up the others
                done.failed.append((person, f"not_rendered: {type(error).__name__}"))
        return done

    def _email(self, person: Addressed, story: Story, bank_names: Mapping[str, str]) -> Email:
        transaction, holder = story.transaction, person.holder
        links = self._links_for(transaction.bank, transaction.account, holder)
        mail = render(story, holder, bank_names[transaction.bank], links)
        return email_to(holder, mail, links, transaction.bank, transaction.id)


def is_wanted(person: Addressed, now: datetime) -> bool:
    """Whether the person is to be told, now or later; not if that can't be made out: composing says why."""
    try:
        return not isinstance(_decision(person, now), Skip)
    except Exception:
        return False


def _decision(person: Addressed, now: datetime) -> Tell | Skip | Wait:
    transaction, holder = person.notice.transaction, person.holder
    kind = SECURITY_ALERT if person.notice.flags else kind_of(transaction)
    return decide(holder.preferences, holder.timezone, transaction, kind, now)
