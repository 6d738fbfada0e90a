"""The order of a holder's e-mails of one purchase: what settles or reverses is told behind what it names.

| the e-mail of what it names | this one |
|---|---|
| is on its way (`queued`): put off by SES, waiting for quiet hours to end, another mailer's | is put off, too |
| has come to an end, whichever: sent, skipped, suppressed, failed | goes |
| was never begun: there is no notification of it | goes |

News beats order: whatever has been put off for an hour goes, for an authorization that is lost must not silence its
reversal. A security alert waits for nothing, nor does what is told to a holder who was enrolled after the other one was
recorded.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.ledger.keys import transaction_key
from chalicelib.ledger.transaction import named_by
from chalicelib.mail.ses import Email
from chalicelib.mail.story import Story
from chalicelib.notifications.addressees import Addressed
from chalicelib.notifications.state import NotificationKey

WAITS_AT_MOST = timedelta(hours=1)
# What `authorization_id` names comes first.
AUTHORIZATION_FIRST = "put_off: authorization_first"
Emails = list[tuple[Addressed, Email]]


def in_turns(people: Iterable[Addressed]) -> tuple[list[Addressed], list[Addressed]]:
    """Return the people in two turns: who is told of what another one's transaction names comes before that one.

    Two are enough for a purchase. Of a longer chain, `in_order` puts off what would come too early.
    """
    people = list(people)
    keys = {person.key for person in people}
    turns: tuple[list[Addressed], list[Addressed]] = ([], [])
    for person in people:
        named = NotificationKey(named_by(person.notice.transaction), person.holder.id)
        turns[named in keys and not person.notice.flags].append(person)
    return turns


def in_order(
    emails: Sequence[tuple[Addressed, Email]],
    stories: Mapping[NotificationKey, Story],
    queued: Callable[[Iterable[NotificationKey]], Collection[NotificationKey]],
    now: datetime,
) -> tuple[Emails, list[tuple[Addressed, str]]]:
    """Return the e-mails that can go now, and who has to wait for another one, with the reason.

    `queued` tells which notifications are on their way; it is asked once, and only if there is any to wait for.
    """
    awaited = {person.key: key for person, _ in emails if (key := _awaited(person, stories[person.key], now))}
    on_their_way = queued(awaited.values()) if awaited else ()
    waits = {key for key, other in awaited.items() if other in on_their_way}
    going = [(person, email) for person, email in emails if person.key not in waits]
    return going, [(person, AUTHORIZATION_FIRST) for person, _ in emails if person.key in waits]


def _awaited(person: Addressed, story: Story, now: datetime) -> NotificationKey | None:
    """Return the notification that is to come before this person's e-mail; None if none is worth waiting for."""
    named, notice = story.related, person.notice
    if named is None or notice.flags or person.holder.enrolled_at > named.recorded_at:
        return None
    if notice.put_off_since is not None and now - notice.put_off_since >= WAITS_AT_MOST:
        return None
    return NotificationKey(transaction_key(named.bank, named.id), person.holder.id)
