"""The order of a holder's e-mails about one purchase: a settlement or reversal comes after what it names.

| the e-mail about the named transaction | this e-mail |
|---|---|
| is on its way (`queued`): put off by SES, in quiet hours, or with another mailer | is put off too |
| is settled: sent, skipped, suppressed or failed | goes |
| was never begun: there is no notification | goes |

After an hour it goes in any case: an authorization that is lost must not silence its reversal. A security alert waits
for nothing, and neither does an e-mail to a holder who was enrolled after the named transaction was recorded.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.ledger.purchase import named_by
from chalicelib.mail.ses import Email
from chalicelib.mail.story import Story
from chalicelib.notifications.notice import Recipient
from chalicelib.notifications.state import NotificationKey

WAITS_AT_MOST = timedelta(hours=1)
# The e-mail about what `authorization_id` names comes first.
AUTHORIZATION_FIRST = "put_off: authorization_first"
Emails = list[tuple[Recipient, Email]]


def in_turns(recipients: Iterable[Recipient]) -> tuple[list[Recipient], list[Recipient]]:
    """Return the recipients in two turns: an e-mail about a named transaction is in the first one.

    Two turns are enough for a purchase. In a longer chain, `in_order` puts off what would come too early.
    """
    recipients = list(recipients)
    keys = {recipient.key for recipient in recipients}
    turns: tuple[list[Recipient], list[Recipient]] = ([], [])
    for recipient in recipients:
        named = named_by(recipient.notice.transaction)
        is_second = named is not None and NotificationKey(*named, recipient.key.holder) in keys
        turns[is_second and not recipient.notice.flags].append(recipient)
    return turns


def in_order(
    emails: Sequence[tuple[Recipient, Email]],
    stories: Mapping[NotificationKey, Story],
    queued: Callable[[Iterable[NotificationKey]], Collection[NotificationKey]],
    now: datetime,
) -> tuple[Emails, list[tuple[Recipient, str]]]:
    """Return the e-mails that can go now, and the recipients who have to wait for another e-mail, with the reason.

    `queued` returns which notifications are on their way; it is called once, and only if an e-mail may have to wait.
    """
    awaited = {recipient.key: key for recipient, _ in emails if (key := _awaited(recipient, stories, now))}
    on_their_way = queued(awaited.values()) if awaited else ()
    waits = {key for key, other in awaited.items() if other in on_their_way}
    going = [(recipient, email) for recipient, email in emails if recipient.key not in waits]
    return going, [(recipient, AUTHORIZATION_FIRST) for recipient, _ in emails if recipient.key in waits]


def _awaited(recipient: Recipient, stories: Mapping[NotificationKey, Story], now: datetime) -> NotificationKey | None:
    """Return the notification that is to come before this recipient's e-mail, None if there is none to wait for."""
    named, notice = stories[recipient.key].related, recipient.notice
    if named is None or notice.flags or recipient.holder.enrolled_at > named.recorded_at:
        return None
    if notice.put_off_since is not None and now - notice.put_off_since >= WAITS_AT_MOST:
        return None
    return NotificationKey(named.bank, named.id, recipient.key.holder)
