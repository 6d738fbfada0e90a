"""Webhooks about flagged transactions."""

from collections.abc import Callable, Iterable
from datetime import datetime

from chalicelib.banks.webhook_endpoints import TRANSACTION_FLAGGED
from chalicelib.flags.events import flagged_detail
from chalicelib.flags.repository import Flagging
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.outbox import Outbox
from chalicelib.webhooks.webhook import Webhook, webhook_about


def webhook_of(flagging: Flagging, now: datetime) -> Webhook:
    """Return the webhook about a flagged transaction: it says what the event on EventBridge says."""
    detail = flagged_detail(flagging)
    transaction = {name: value for name, value in detail["transaction"].items() if name != "id"}
    data = {"transaction": flagging.transaction.id, **transaction, "flags": detail["flags"]}
    key = NotificationKey(flagging.transaction.bank, flagging.transaction.id, "")
    return webhook_about(key, TRANSACTION_FLAGGED, detail["flagged_at"], data, now)


class FlaggedTeller:
    """Tells banks of flagged transactions by webhook."""

    def __init__(self, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._clock = clock

    def tell(self, flaggings: Iterable[Flagging]) -> None:
        """Queue the webhooks about flagged transactions. Raises TemporarilyUnavailable."""
        now = self._clock()
        self._outbox.put(webhook_of(flagging, now) for flagging in flaggings)
