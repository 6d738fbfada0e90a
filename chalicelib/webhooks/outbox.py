"""The outbox: queues each webhook for those of its bank's endpoints that are in use and want its type."""

from collections.abc import Iterable

from chalicelib.aws.dead_letters import DeadLetters
from chalicelib.aws.queues import Queue
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.webhooks.webhook import Webhook, pack


class Outbox:
    def __init__(self, endpoints: EndpointDirectory, queue: Queue, dead_letters: DeadLetters) -> None:
        self._endpoints = endpoints
        self._queue = queue
        self._dead_letters = dead_letters

    def has_endpoints(self, bank: str) -> bool:
        """Return whether the bank names an endpoint. Raises TemporarilyUnavailable."""
        return bool(self._endpoints.of(bank))

    def put(self, webhooks: Iterable[Webhook]) -> int:
        """Queue the webhooks and return how many. What SQS refuses for good becomes a dead letter.

        Raises TemporarilyUnavailable; some may be queued then. What is queued twice is sent once.
        """
        addressed = [
            webhook.to(endpoint.id)
            for webhook in webhooks
            for endpoint in self._endpoints.wanting(webhook.bank, webhook.type)
        ]
        self._dead_letters.send(self._queue, map(pack, addressed))
        return len(addressed)
