"""A bank's endpoints for webhooks: which types each of them wants, and whether it has proved itself. Pure."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.ledger.times import format_time

NOTIFICATION_TYPES = ("notification.bounced", "notification.delivered", "notification.failed")
ALERT_ANSWERED = "alert.answered"
HOLDER_CHANGED = "holder.changed"
TRANSACTION_FLAGGED = "transaction.flagged"
WEBHOOK_TEST = "webhook.test"
# What an endpoint may choose. It gets tests whatever it chooses.
CHOICES = (ALERT_ANSWERED, HOLDER_CHANGED, *NOTIFICATION_TYPES, TRANSACTION_FLAGGED, WEBHOOK_TEST)
# What goes to the endpoint in the short form, `webhook_url`: what went there before endpoints could choose.
SHORT_FORM_TYPES = (HOLDER_CHANGED, *NOTIFICATION_TYPES)
# The id of the endpoint in the short form: it stays the same endpoint when its URL changes.
SHORT_FORM = "default"
MAX_ENDPOINTS = 5


@dataclasses.dataclass(frozen=True, slots=True)
class NamedEndpoint:
    """An endpoint as a bank's settings name it."""

    url: str
    types: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"ep_{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"


class Status(StrEnum):
    """Whether webhooks are posted to an endpoint."""

    UNPROVED = "unproved"  # it has not answered a test with 2xx yet: it gets nothing but tests
    IN_USE = "in_use"
    GONE = "gone"  # it answered that it is gone (410): it gets nothing until the bank stores its settings again


@dataclasses.dataclass(frozen=True, slots=True)
class EndpointState:
    """The status of the endpoint with this URL, and since when it has it (None if it is unproved)."""

    url: str
    status: Status
    since: datetime | None = None


def named(webhook_url: str | None, webhooks: Iterable[NamedEndpoint]) -> dict[str, NamedEndpoint]:
    """Return all endpoints that settings name, by id; the one in the short form first."""
    short = {SHORT_FORM: NamedEndpoint(webhook_url, SHORT_FORM_TYPES)} if webhook_url else {}
    return short | {endpoint.id: endpoint for endpoint in webhooks}


def states_after(
    endpoints: Mapping[str, NamedEndpoint], before: Mapping[str, EndpointState]
) -> dict[str, EndpointState]:
    """Return the states of endpoints that a bank has just named. A new one, and one that was gone, is unproved."""
    return {
        endpoint_id: kept
        if (kept := before.get(endpoint_id)) and kept.url == endpoint.url and kept.status is not Status.GONE
        else EndpointState(endpoint.url, Status.UNPROVED)
        for endpoint_id, endpoint in endpoints.items()
    }


def status_of(states: Mapping[str, EndpointState], endpoint_id: str, endpoint: NamedEndpoint) -> Status:
    """Return the status of an endpoint that settings name: unproved if the states don't have this URL."""
    state = states.get(endpoint_id)
    return state.status if state and state.url == endpoint.url else Status.UNPROVED


def states_to_json(states: Mapping[str, EndpointState]) -> dict[str, Any]:
    """Return states as they are stored."""
    return {
        endpoint_id: {
            "url": state.url,
            "status": state.status.value,
            **({"since": format_time(state.since)} if state.since else {}),
        }
        for endpoint_id, state in states.items()
    }


def states_from_json(values: Mapping[str, Any]) -> dict[str, EndpointState]:
    """Return states in their stored form."""
    return {
        endpoint_id: EndpointState(
            state["url"],
            Status(state["status"]),
            datetime.fromisoformat(state["since"]) if state.get("since") else None,
        )
        for endpoint_id, state in values.items()
    }
