"""The service and simple handlers as warm functions, called with an event as Lambda calls them."""

from collections.abc import Callable
from typing import Any

import boto3

from bench import environment

environment.enter()  # Before `app` is imported.

import app  # noqa: E402
from bench.events import CONTEXT  # noqa: E402
from bench.stubs import StubClient, StubConnections, StubResourceClient, cut_off  # noqa: E402
from chalicelib.aws.clients import botocore_client  # noqa: E402
from chalicelib.aws.connections import Connections  # noqa: E402
from chalicelib.aws.direct import DirectDynamoDB  # noqa: E402
from chalicelib.aws.signing import Credentials  # noqa: E402
from chalicelib.services import Services  # noqa: E402

Event = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[[Event], Answer]
_URL, _REGION = "https://dynamodb.us-east-2.amazonaws.com", "us-east-2"


def service(level: str, url: str = _URL, *, botocore_only: bool = False) -> Handler:
    """Return the service on the stub of this level: client, network, or wire at `url`."""
    services = Services(app.stage, lambda _: _client(level, url, botocore_only))

    def answer(event: Event) -> Answer:
        app.services = services
        return _called(app.app, event)

    return answer


def _client(level: str, url: str, botocore_only: bool) -> Any:
    if level == "client":
        return StubClient()
    if botocore_only:
        client = botocore_client("dynamodb", url)
        return client if level == "wire" else cut_off(client)
    connections = Connections(url, 1, 2) if level == "wire" else StubConnections()
    key = Credentials("bench", "bench", None)
    return DirectDynamoDB(connections, url, _REGION, lambda: key, lambda: botocore_client("dynamodb"))


def naive_handler(level: str, url: str = _URL) -> Handler:
    """Return the naive handler on the stub of this level."""
    from bench import naive  # Imported late: it must not count in the service's memory.

    table = boto3.resource("dynamodb", endpoint_url=url).Table(naive.table.name)
    client = table.meta.client
    if level != "wire":
        table.meta.client = StubResourceClient(client) if level == "client" else cut_off(client)

    def answer(event: Event) -> Answer:
        naive.table = table
        return _called(naive.app, event)

    return answer


def powertools_handler(level: str, url: str = _URL) -> Handler:
    """Return the handler with Powertools on the stub of this level: network or wire."""
    from bench import naive_powertools

    table = boto3.resource("dynamodb", endpoint_url=url).Table("transactions")
    if level != "wire":
        cut_off(table.meta.client)

    def answer(event: Event) -> Answer:
        naive_powertools.table = table
        return _called(naive_powertools.handle, event)

    return answer


def floor_handler(level: str, url: str = _URL) -> Handler:
    """Return the bare handler on the stub of this level: network or wire."""
    from bench import naive_floor

    client = boto3.client("dynamodb", endpoint_url=url)
    if level != "wire":
        cut_off(client)

    def answer(event: Event) -> Answer:
        naive_floor.client = client
        return _called(naive_floor.handle, event)

    return answer


def _called(handler: Callable[[Event, Any], Answer], event: Event) -> Answer:
    answer = handler(event, CONTEXT)
    # A refused request takes less time: it would falsify the figures.
    if answer["statusCode"] not in (200, 201):
        raise RuntimeError(f"{event['path']} was answered {answer['statusCode']}: {answer['body']}")
    return answer
