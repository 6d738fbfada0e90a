"""AWS clients: each is made once for each process, on first use, from one session.

They are botocore's own: boto3 would load as much again, for resources and transfers that nothing here uses. botocore is
imported when a client needs it. A function that only reads and writes items starts without it.
"""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import NoCredentialsError

from chalicelib.aws.connections import Connections
from chalicelib.aws.direct import USER_AGENT, DirectDynamoDB, endpoint
from chalicelib.aws.signing import Credentials

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

# How many threads may write at the same time. A write mostly waits for the network, so each has its own connection.
WRITERS = 16

# API Gateway ends a request after 29 s. Three tries of at most 3 s each leave time to answer 503.
CONNECT_TIMEOUT_S, READ_TIMEOUT_S, TRIES = 1, 2, 3
# SES can take longer for 50 e-mails. It has no idempotency token, and may have accepted a call that timed out: so the
# client doesn't retry by itself.
_SENDING_READ_TIMEOUT_S, _SENDING_TRIES = 8, 1
# Set in a function's environment, it sends every call through botocore.
BOTOCORE_ONLY = "BOTOCORE_ONLY"


@functools.cache
def client(service: str) -> Any:
    """Return the process's client for an AWS service, by boto3's name for it, like "dynamodb".

    In a Lambda function, DynamoDB's most frequent operations go past botocore (`direct`).
    """
    if service == "dynamodb" and "AWS_LAMBDA_FUNCTION_NAME" in os.environ and not os.environ.get(BOTOCORE_ONLY):
        url = endpoint(os.environ)
        if url is not None:
            connections = Connections(url, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            region = os.environ["AWS_DEFAULT_REGION"]
            return DirectDynamoDB(connections, url, region, _credentials(), lambda: botocore_client(service))
    return botocore_client(service)


def forget() -> None:
    """Have each client made anew on its next use, with connections and credentials of then."""
    client.cache_clear()
    _session.cache_clear()


def botocore_client(service: str, url: str | None = None) -> Any:
    """Return a new client of botocore, for the service's endpoint or for `url`."""
    return _session().create_client(service, config=_config(service), endpoint_url=url)


def _config(service: str) -> "Config":
    from botocore.config import Config

    is_sending = service == "sesv2"
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=_SENDING_READ_TIMEOUT_S if is_sending else READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": _SENDING_TRIES if is_sending else TRIES},
        tcp_keepalive=True,
        max_pool_connections=WRITERS,
        # botocore's validation of the parameters takes two fifths of a write's time. `dynamo.to_item` makes every item,
        # and the tests check the items on two DynamoDB engines.
        parameter_validation=service != "dynamodb",
        # botocore would make its own anew for each call, which takes a fifth of a call's time.
        user_agent=USER_AGENT,
    )


@functools.cache
def _session() -> "Session":
    from botocore.session import Session

    return Session()


def _credentials() -> Callable[[], Credentials]:
    """Return how a function finds its credentials now: Lambda sets them for the process, or names where they are."""
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        fixed = Credentials(key, secret, os.environ.get("AWS_SESSION_TOKEN"))
        return lambda: fixed
    found = _session().get_credentials()  # those of a function that was restored from a snapshot expire
    if found is None:
        raise NoCredentialsError
    return lambda: Credentials(*found.get_frozen_credentials()[:3])
