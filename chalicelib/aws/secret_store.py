"""Secrets from Secrets Manager, cached for five minutes: a rotated secret is used without a deploy."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.caching import TimedCache
from chalicelib.aws.calls import call, error_code

CACHE_FOR = timedelta(minutes=5)


class SecretNotFound(Exception):
    """Secrets Manager has no secret with this ARN."""


class SecretStore:
    """Reads and replaces secrets. `client` returns the Secrets Manager client; it is made at the first use."""

    def __init__(self, client: Callable[[], Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._values = TimedCache[str, str](CACHE_FOR, clock)

    def get(self, arn: str, max_age: timedelta = CACHE_FOR) -> str:
        """Return a secret's value, as it was at most `max_age` ago.

        Raises TemporarilyUnavailable, and botocore's ClientError for a secret that doesn't exist or may not be read.
        """
        return self._values.get(arn, lambda: self._read(arn), max_age)

    def read(self, arn: str) -> str:
        """Return a secret's value as it is now. Raises SecretNotFound and TemporarilyUnavailable."""
        try:
            return self._read(arn)
        except ClientError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            raise SecretNotFound from error

    def put(self, arn: str, value: str) -> None:
        """Give a secret that there is another value. Raises TemporarilyUnavailable."""
        call(self._client().put_secret_value, SecretId=arn, SecretString=value)
        self._values.forget(arn)

    def _read(self, arn: str) -> str:
        value: str = call(self._client().get_secret_value, SecretId=arn)["SecretString"]
        return value
