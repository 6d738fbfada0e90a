"""Secrets from Secrets Manager, remembered for five minutes so that a rotation needs no deploy."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.calls import call

CACHE_FOR = timedelta(minutes=5)


class SecretStore:
    """`client` returns the Secrets Manager client, on first use: many requests need no secret."""

    def __init__(self, client: Callable[[], Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._cache: dict[str, tuple[datetime, str]] = {}

    def get(self, arn: str, max_age: timedelta = CACHE_FOR) -> str:
        """Return the value of a secret, read no longer than `max_age` ago; raises TemporarilyUnavailable."""
        now = self._clock()
        found = self._cache.get(arn)
        if found is None or found[0] + max_age <= now:
            value = call(self._client().get_secret_value, SecretId=arn)["SecretString"]
            found = self._cache[arn] = (now, value)
        return found[1]
