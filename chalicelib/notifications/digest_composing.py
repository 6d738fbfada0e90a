"""Composing a digest: which of its notifications are still wanted, and the e-mail that tells these."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.banks.bank import BankDirectory
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import Links, LinksFor
from chalicelib.holders.preferences import Skip, Wait
from chalicelib.mail.digest import summary_of
from chalicelib.mail.digest_mail import render_alerts, render_digest
from chalicelib.mail.parts import Mail, email_to
from chalicelib.mail.ses import Email
from chalicelib.mail.story import story_of
from chalicelib.notifications.composing import decision_of
from chalicelib.notifications.digest import DigestKind, DigestNotice, Entry
from chalicelib.notifications.notice import Recipient
from chalicelib.notifications.state import State, StateChange


@dataclass(slots=True)
class Choice:
    """Which entries the holder wants now, and what becomes of the others; until when all of them wait, if they do."""

    wanted: list[Entry] = field(default_factory=list)
    skipped: list[StateChange] = field(default_factory=list)
    failed: list[tuple[Entry, str]] = field(default_factory=list)
    until: datetime | None = None


class DigestComposer:
    def __init__(self, banks: BankDirectory, links_for: LinksFor) -> None:
        self._banks = banks
        self._links_for = links_for

    def compose(
        self, notice: DigestNotice, entries: Sequence[Entry], holder: Holder
    ) -> tuple[Email, list[tuple[Entry, str]]]:
        """Return the e-mail that tells the entries, and those that it can't tell, with the reason.

        Raises TemporarilyUnavailable, and any other exception if there is nothing that can be told.
        """
        digest = notice.digest
        bank_name = self._banks.name_of(digest.bank)
        is_alert = digest.kind is not DigestKind.ORDINARY
        alerts = [entry.notice.transaction.id for entry in entries] if is_alert else []
        links = self._links_for(digest.bank, digest.account, holder, alerts)
        failed: list[tuple[Entry, str]] = []
        try:
            mail = self._mail(notice, entries, holder, bank_name, links)
        except Exception:
            # One that can't be told must not hold up the others. Which one it is shows when each is told by itself.
            good = []
            for entry in entries:
                try:
                    self._mail(notice, [entry], holder, bank_name, links)
                except Exception as error:
                    failed.append((entry, f"not_rendered: {type(error).__name__}"))
                else:
                    good.append(entry)
            if not good:
                raise
            mail = self._mail(notice, good, holder, bank_name, links)
        return email_to(holder, mail, links, digest.bank, notice.key.transaction), failed

    def _mail(
        self, notice: DigestNotice, entries: Sequence[Entry], holder: Holder, bank_name: str, links: Links
    ) -> Mail:
        if notice.digest.kind is DigestKind.ORDINARY:
            summary = summary_of(notice.digest.account, (entry.notice.transaction for entry in entries))
            return render_digest(summary, holder, bank_name, links)
        by_weight = sorted(entries, key=lambda entry: (len(entry.notice.flags), _age(entry)), reverse=True)
        told = story_of(by_weight[0].notice.transaction, by_weight[0].notice.flags)
        others = [entry.notice.transaction for entry in sorted(by_weight[1:], key=_age, reverse=True)]
        return render_alerts(told, others, holder, bank_name, links)


def choose(entries: Sequence[Entry], holder: Holder | None, now: datetime) -> Choice:
    """Return what the holder's preferences, as they are now, say of each entry; None is a holder who was erased.

    Who was enrolled in the place of somebody erased isn't told of what was recorded before.
    """
    choice = Choice()
    for entry in entries:
        if holder is None or not holder.hears_of(entry.notice.transaction.recorded_at):
            choice.skipped.append(entry.change(State.SKIPPED, "erased"))
            continue
        suppressed = holder.suppression(now)
        if suppressed is not None:
            choice.skipped.append(entry.change(State.SUPPRESSED, suppressed.reason))
            continue
        match decision_of(Recipient(entry.notice, holder), now):
            case Skip(preference):
                choice.skipped.append(entry.change(State.SKIPPED, preference))
            case Exception() as error:
                choice.failed.append((entry, f"not_rendered: {type(error).__name__}"))
            case Wait(until):
                choice.until = until
                choice.wanted.append(entry)
            case _:
                choice.wanted.append(entry)
    return choice


def _age(entry: Entry) -> tuple[datetime, str]:
    """Return by what entries are put in order, the oldest first."""
    return entry.notice.transaction.timestamp, entry.notice.transaction.id
