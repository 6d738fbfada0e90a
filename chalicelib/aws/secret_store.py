"""Secrets from Secrets Manager, remembered for five minutes so that a rotation needs no deploy."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.caching import TimedCache
from chalicelib.aws.calls import call

CACHE_FOR = timedelta(minutes=5)


class SecretStore:
    """`client` returns the Secrets Manager client, on first use: many requests need no secret."""

    def __init__(self, client: Callable[[], Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._values = TimedCache[str, str](CACHE_FOR, clock)

    def get(self, arn: str, max_age: timedelta = CACHE_FOR) -> str:
        """Return the value of a secret, read no longer than `max_age` ago; raises TemporarilyUnavailable."""
        return self._values.get(arn, lambda: self._read(arn), max_age)

    def _read(self, arn: str) -> str:
        value: str = call(self._client().get_secret_value, SecretId=arn)["SecretString"]
        return value
