"""Webhooks whose attempts the served app of `tests/api_server.py` has in its log from the start."""

from datetime import UTC, datetime

from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.webhook import Webhook, webhook_about

_SINCE = datetime(2026, 6, 29, tzinfo=UTC)


def _webhook(number: int) -> Webhook:
    key = NotificationKey("eazycard", f"tried-{number}", "awa")
    return webhook_about(key, "notification.bounced", "2026-06-29T00:00:00Z", {"holder": "awa"}, _SINCE)


TRIED_WEBHOOKS = [_webhook(number) for number in range(100)]
