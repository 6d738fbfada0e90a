"""Signs webhooks and posts them to their banks' endpoints, all of a batch at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from standardwebhooks import Webhook as Signer

from chalicelib.aws.batching import grouped, in_turns
from chalicelib.aws.secret_store import SecretStore
from chalicelib.aws.telemetry import logger
from chalicelib.banks.endpoints import Endpoint, EndpointDirectory
from chalicelib.banks.settings import CACHE_FOR
from chalicelib.banks.signatures import valid_secrets
from chalicelib.banks.webhook_endpoints import WEBHOOK_TEST, Status
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.webhooks.attempt import BANK_DISABLED, NO_ENDPOINT, NO_SECRET, PACED, RESTING, UNPROVED, Attempt
from chalicelib.webhooks.host_rate import HostRate
from chalicelib.webhooks.poster import Answer, Poster
from chalicelib.webhooks.waiting import Waiting
from chalicelib.webhooks.webhook import Webhook

# An endpoint that takes longer to answer rests: this process posts nothing to it for three times as long. A function
# that waits for one bank's endpoint can't post the webhooks of the others meanwhile. What is quicker than this, or has
# several endpoints, is bounded by bank (`waiting`).
_SLOW = timedelta(seconds=2)
_RESTS_AT_MOST = timedelta(seconds=30)
_HEADERS = {"content-type": "application/json; charset=utf-8", "user-agent": "transaction-notifier-webhooks/1"}


class SignedPoster:
    """Posts webhooks with the signatures of their banks' webhook secrets."""

    def __init__(
        self, endpoints: EndpointDirectory, secrets: SecretStore, poster: Poster, clock: Callable[[], datetime]
    ) -> None:
        self._endpoints = endpoints
        self._secrets = secrets
        self._poster = poster
        self._clock = clock
        self._rate = HostRate()
        self._waiting = Waiting()
        self._rests_until: dict[tuple[str, str], datetime] = {}  # by bank and endpoint

    def post(self, webhooks: Sequence[Webhook], now: datetime) -> list[Attempt]:
        """Post the webhooks, each in a thread of its own; return the attempts in the same order.

        Raises TemporarilyUnavailable, with nothing posted, when a table or Secrets Manager can't be reached.
        """
        if not webhooks:
            return []
        kinds = {(webhook.bank, webhook.endpoint, webhook.type) for webhook in webhooks}
        endpoints = {kind: self._endpoints.find(*kind) for kind in kinds}
        signers = {bank: self._signers(bank, one, now) for (bank, _, _), one in endpoints.items() if one is not None}
        refusals: dict[str, Answer | None] = {}
        # So no bank alone takes what one host gets in a moment.
        for webhook in in_turns(webhooks, lambda one: one.bank):
            endpoint = endpoints[webhook.bank, webhook.endpoint, webhook.type]
            refusals[webhook.id] = self._refusal(webhook, endpoint, signers.get(webhook.bank, []), now)

        def attempted(webhook: Webhook) -> tuple[Attempt, timedelta]:
            endpoint = endpoints[webhook.bank, webhook.endpoint, webhook.type]
            refusal = refusals[webhook.id]
            if refusal is not None or endpoint is None:
                return Attempt(webhook, endpoint, refusal or NO_ENDPOINT), timedelta(0)
            answer, took = self._post(webhook, endpoint, signers[webhook.bank])
            return Attempt(webhook, endpoint, answer), took

        with ThreadPoolExecutor(len(webhooks)) as pool:
            attempts = list(pool.map(attempted, webhooks))
        for bank, of_bank in grouped(attempts, lambda one: one[0].webhook.bank).items():
            self._waiting.add(bank, max(took for _, took in of_bank), self._clock())
        return [attempt for attempt, _ in attempts]

    def _refusal(
        self, webhook: Webhook, endpoint: Endpoint | None, signers: Sequence[Signer], now: datetime
    ) -> Answer | None:
        """Return why the webhook isn't posted now; None if it is."""
        if endpoint is None or endpoint.status is Status.GONE:
            return NO_ENDPOINT
        if endpoint.is_bank_disabled:
            return BANK_DISABLED
        if not signers:
            return NO_SECRET
        if endpoint.status is Status.UNPROVED and webhook.type != WEBHOOK_TEST:
            return UNPROVED
        if self._rests_until.get((webhook.bank, endpoint.id), now) > now or self._waiting.is_too_long(
            webhook.bank, now
        ):
            return RESTING
        return None if self._rate.takes(endpoint.url, now) else PACED

    def _post(self, webhook: Webhook, endpoint: Endpoint, signers: Sequence[Signer]) -> tuple[Answer, timedelta]:
        posted_at = self._clock()
        headers = {
            **_HEADERS,
            "webhook-id": webhook.id,
            "webhook-timestamp": str(int(posted_at.timestamp())),
            # One signature for each valid secret: during a rotation, the endpoint knows the old or the new one.
            "webhook-signature": " ".join(signer.sign(webhook.id, posted_at, webhook.body) for signer in signers),
        }
        answer = self._poster.post(endpoint.url, headers, webhook.body.encode())
        answered_at = self._clock()
        took = answered_at - posted_at
        if took > _SLOW:
            self._rests_until[webhook.bank, endpoint.id] = answered_at + min(3 * took, _RESTS_AT_MOST)
        return answer, took

    def _signers(self, bank: str, endpoint: Endpoint, now: datetime) -> list[Signer]:
        """Return what signs with the bank's valid secrets; none if the secret is missing or can't be read."""
        if endpoint.secret_arn is None:
            return []
        try:
            return list(map(Signer, valid_secrets(self._secrets.get(endpoint.secret_arn, CACHE_FOR), now)))
        except TemporarilyUnavailable:
            raise
        except Exception as error:  # one bank's secret, deleted or malformed, must not hold up the other banks
            logger.error("no_webhook_secret", extra={"bank": bank, "error": type(error).__name__})
            return []
