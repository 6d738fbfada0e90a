"""The one place that makes AWS clients: one session, each client once, on first use."""

import functools
from typing import Any

import boto3
from botocore.config import Config

# A write waits for the network for most of its time; each has a connection of its own (`clients`).
WRITERS = 16

# An API Gateway request may take 29 s; three tries of at most 2 s each leave room to answer 503 in good time.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=WRITERS,
)
# Items are made by one function and held to both engines by tests: checking each of their values against the service's
# model again would take two fifths of a write's time.
_DYNAMODB_CONFIG = _CONFIG.merge(Config(parameter_validation=False))
# SES can take longer over 50 e-mails, and has no idempotency token: a try that timed out may have been
# accepted, so the client never tries again by itself.
_SENDING_CONFIG = _CONFIG.merge(Config(read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1}))


@functools.cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@functools.cache
def client(service: str) -> Any:
    """Return the process's client for an AWS service, like "dynamodb"."""
    config = {"dynamodb": _DYNAMODB_CONFIG, "sesv2": _SENDING_CONFIG}.get(service, _CONFIG)
    return _session().client(service, config=config)
