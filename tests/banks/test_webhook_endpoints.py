"""The states of a bank's endpoints: what stays proved when the bank stores its settings, and how states are stored."""

from datetime import UTC, datetime

from chalicelib.banks.settings import BankSettings
from chalicelib.banks.webhook_endpoints import (
    CHOICES,
    EndpointState,
    NamedEndpoint,
    Status,
    states_after,
    states_from_json,
    states_to_json,
    status_of,
)

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
HOOKS, OTHER_HOOKS = "https://hooks.bank.example/", "https://other.bank.example/"


def test_a_bank_that_stores_its_settings_keeps_proofs_and_proves_what_is_new_or_was_gone() -> None:
    new, kept, gone = (NamedEndpoint(f"https://{name}.example/", CHOICES) for name in ("new", "kept", "gone"))
    before = {
        kept.id: EndpointState(kept.url, Status.IN_USE, NOW),
        gone.id: EndpointState(gone.url, Status.GONE, NOW),
        "default": EndpointState(HOOKS, Status.IN_USE, NOW),
    }
    after = states_after(BankSettings(webhook_url=OTHER_HOOKS, webhooks=(new, kept, gone)).endpoints, before)
    assert {state.url: state.status for state in after.values()} == {
        OTHER_HOOKS: Status.UNPROVED,
        new.url: Status.UNPROVED,
        kept.url: Status.IN_USE,
        gone.url: Status.UNPROVED,
    }


def test_states_are_read_back_as_they_were_stored() -> None:
    states = {"default": EndpointState(HOOKS, Status.UNPROVED), "ep_1": EndpointState(OTHER_HOOKS, Status.IN_USE, NOW)}
    assert states_from_json(states_to_json(states)) == states


def test_a_state_of_another_url_proves_nothing() -> None:
    states = {"default": EndpointState(HOOKS, Status.IN_USE, NOW)}
    assert status_of(states, "default", NamedEndpoint(HOOKS, CHOICES)) is Status.IN_USE
    assert status_of(states, "default", NamedEndpoint(OTHER_HOOKS, CHOICES)) is Status.UNPROVED
    assert status_of({}, "default", NamedEndpoint(HOOKS, CHOICES)) is Status.UNPROVED
