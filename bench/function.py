"""The service and the naive handler as warm functions, called with an event as Lambda calls them."""

from collections.abc import Callable
from typing import Any

import boto3

from bench import environment

environment.enter()  # Before `app` is imported.

import app  # noqa: E402
from bench.events import CONTEXT  # noqa: E402
from bench.stubs import StubClient, StubResourceClient, cut_off  # noqa: E402
from chalicelib.aws import clients  # noqa: E402
from chalicelib.services import Services  # noqa: E402

Event = dict[str, Any]
Answer = dict[str, Any]
LEVELS = ("client", "network")


def service(level: str) -> Callable[[Event], Answer]:
    """Return the service on the stub of this level."""
    client = StubClient() if level == "client" else cut_off(clients.client("dynamodb"))
    services = Services(app.stage, lambda _: client)

    def answer(event: Event) -> Answer:
        app.services = services
        return _called(app.app, event)

    return answer


def naive_handler(level: str) -> Callable[[Event], Answer]:
    """Return the naive handler on the stub of this level."""
    from bench import naive  # Imported late: it must not count in the service's memory.

    table = boto3.resource("dynamodb").Table(naive.table.name)
    client = table.meta.client
    table.meta.client = StubResourceClient(client) if level == "client" else cut_off(client)

    def answer(event: Event) -> Answer:
        naive.table = table
        return _called(naive.app, event)

    return answer


def _called(handler: Callable[[Event, Any], Answer], event: Event) -> Answer:
    answer = handler(event, CONTEXT)
    # A refused request takes less time: it would falsify the figures.
    if answer["statusCode"] not in (200, 201):
        raise RuntimeError(f"{event['path']} was answered {answer['statusCode']}: {answer['body']}")
    return answer
