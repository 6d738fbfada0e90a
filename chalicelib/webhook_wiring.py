"""How what sends webhooks is put together."""

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.aws.queues import DeadLetters
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.webhooks.feeder import WebhookFeeder
from chalicelib.webhooks.poster import Poster, is_public, is_public_or_loopback
from chalicelib.webhooks.records import WebhookRecords
from chalicelib.webhooks.sender import WebhookSender

if TYPE_CHECKING:
    from chalicelib.wiring import Services


class Webhooks:
    """What makes and sends webhooks; each part is made on first use."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    @cached_property
    def feeder(self) -> WebhookFeeder:
        """What makes webhooks of the notifications' feed."""
        services, settings = self._services, self._services.settings
        return WebhookFeeder(
            _endpoints(services),
            services.deliveries,
            services.queue(settings.webhook_queue_url),
            DeadLetters(services.queue(settings.webhook_dead_letter_queue_url), "webhook_feeder"),
            services.now,
        )

    @cached_property
    def sender(self) -> WebhookSender:
        """What sends the webhooks of the queue."""
        services, settings = self._services, self._services.settings
        return WebhookSender(
            _endpoints(services),
            services.secrets,
            WebhookRecords(services.client("dynamodb"), settings.notifications_table),
            Poster(is_public_or_loopback if settings.local_endpoints else is_public),
            services.queue(settings.webhook_queue_url),
            DeadLetters(services.queue(settings.webhook_dead_letter_queue_url), "webhook_sender"),
            services.now,
        )


def _endpoints(services: "Services") -> EndpointDirectory:
    return EndpointDirectory(services.bank_settings, services.banks, services.bank_store)
