"""Tests of endpoints: at once, when the bank asks for one, and queued, when the bank has named an endpoint."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from chalicelib.aws.queues import Queue
from chalicelib.banks.endpoints import EndpointDirectory
from chalicelib.banks.settings import StoredSettings
from chalicelib.banks.webhook_endpoints import Status
from chalicelib.errors import NoEndpoint
from chalicelib.webhooks.attempt import Attempt, follow_up
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.proof import settle
from chalicelib.webhooks.records import Record
from chalicelib.webhooks.signed_poster import SignedPoster
from chalicelib.webhooks.webhook import pack, test_of


def queue_tests(bank: str, stored: StoredSettings, queue: Queue, now: datetime) -> None:
    """Queue a test for each endpoint that has not proved itself yet. Raises TemporarilyUnavailable."""
    unproved = [key for key, state in stored.states.items() if state.status is Status.UNPROVED]
    queue.send(pack(test_of(bank, key, now)) for key in unproved)


class EndpointTester:
    """Tests a bank's endpoints at once."""

    def __init__(
        self,
        endpoints: EndpointDirectory,
        poster: SignedPoster,
        log: AttemptLog,
        clock: Callable[[], datetime],
    ) -> None:
        self._endpoints = endpoints
        self._poster = poster
        self._log = log
        self._clock = clock

    def test(self, bank: str) -> list[Attempt]:
        """Post a signed test to each of the bank's endpoints, but not to one that is gone; return the attempts.

        An endpoint that answers with 2xx is in use from now on. Raises NoEndpoint, TriedLately and
        TemporarilyUnavailable.
        """
        now = self._clock()
        self._endpoints.forget(bank)
        named = self._endpoints.of(bank)
        if not named:
            raise NoEndpoint
        self._log.begin_test(bank, now)
        attempts = self._poster.post([test_of(bank, endpoint.id, now) for endpoint in named], now)
        answered_at = self._clock()
        self._log.note(attempts, _records(attempts, answered_at), answered_at)
        settle(self._endpoints, attempts, answered_at)
        return attempts


def _records(attempts: Iterable[Attempt], now: datetime) -> list[Record]:
    return [replace(follow_up(attempt, None, now, 0).record, next_at=None) for attempt in attempts]
