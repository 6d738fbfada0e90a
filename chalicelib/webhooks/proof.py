"""What an answer says about its endpoint: a test that was accepted proves it, and 410 ends its use."""

from collections.abc import Iterable
from datetime import datetime

from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.webhook_endpoints import WEBHOOK_TEST, Status
from chalicelib.webhooks.attempt import Attempt


def is_proof(attempt: Attempt) -> bool:
    """Return whether the endpoint has answered a test with 2xx."""
    return attempt.webhook.type == WEBHOOK_TEST and attempt.answer.is_accepted


def settle(endpoints: EndpointDirectory, attempts: Iterable[Attempt], now: datetime) -> None:
    """Record which endpoints have proved themselves, and which are gone. Raises TemporarilyUnavailable."""
    gone = {}
    for attempt in attempts:
        bank, endpoint = attempt.webhook.bank, attempt.endpoint
        if endpoint is None:
            continue
        if attempt.answer.is_gone:
            gone[bank, endpoint.id] = endpoint
        elif is_proof(attempt) and endpoint.status is Status.UNPROVED:
            endpoints.prove(bank, endpoint, now)
            logger.info("endpoint_proved", extra={"bank": bank, "endpoint": endpoint.id})
    for (bank, _), endpoint in gone.items():
        endpoints.disable(bank, endpoint, now)
        logger.warning("webhooks_disabled", extra={"bank": bank, "endpoint": endpoint.id})
        count("WebhooksDisabled")
