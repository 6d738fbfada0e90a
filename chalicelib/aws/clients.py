"""AWS clients: each is made once for each process, on first use, from one session."""

import functools
from typing import Any

import boto3
from botocore.config import Config

# How many threads may write at the same time. A write mostly waits for the network, so each has its own connection.
WRITERS = 16

# API Gateway ends a request after 29 s. Three tries of at most 3 s each leave time to answer 503.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=WRITERS,
)
# botocore's validation of the parameters takes two fifths of a write's time. `dynamo.to_item` makes every item, and
# the tests check the items on two DynamoDB engines.
_DYNAMODB_CONFIG = _CONFIG.merge(Config(parameter_validation=False))
# SES can take longer for 50 e-mails. It has no idempotency token, and may have accepted a call that timed out: so the
# client doesn't retry by itself.
_SENDING_CONFIG = _CONFIG.merge(Config(read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1}))


@functools.cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@functools.cache
def client(service: str) -> Any:
    """Return the process's client for an AWS service, by boto3's name for it, like "dynamodb"."""
    config = {"dynamodb": _DYNAMODB_CONFIG, "sesv2": _SENDING_CONFIG}.get(service, _CONFIG)
    return _session().client(service, config=config)
