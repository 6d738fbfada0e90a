"""The banks of a run, and their holders."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bank_simulator.bank_api import Target
from bank_simulator.holders import CannotEnrol
from chalicelib.banks.bank import Bank
from load.banks import LoadedBank, banks_of_run, enrol
from load.scenarios import SCENARIOS, Load
from tests.fake_api import KEY, FakeBankApi, problem, served
from tests.fakes import NoProgress

URL = "http://127.0.0.1:1"


class FakeRegistry:
    """Remembers which banks there are, and which of them are disabled."""

    def __init__(self) -> None:
        self.banks: dict[str, Bank] = {}
        self.disabled: set[str] = set()

    def create(self, bank: Bank) -> str:
        assert bank.id not in self.banks
        self.banks[bank.id] = bank
        return f"key-of-{bank.id}"

    def set_disabled(self, bank_id: str, disabled: bool) -> None:
        assert disabled
        self.disabled.add(bank_id)


def made(name: str, from_file: list[bytes] | None = None) -> tuple[FakeRegistry, list[LoadedBank]]:
    registry: Any = FakeRegistry()
    with banks_of_run(SCENARIOS[name], registry, URL, "load-1", from_file or []) as banks:
        assert not registry.disabled
    return registry, banks


def test_each_load_has_a_bank_of_its_own_which_is_disabled_at_the_end() -> None:
    registry, banks = made("noisy")
    assert list(registry.banks) == ["load-1-noisy", "load-1-quiet-1", "load-1-quiet-2", "load-1-quiet-3"]
    assert registry.disabled == set(registry.banks)
    assert len({bank.target.api_key for bank in banks}) == 4
    assert [len(bank.bodies) for bank in banks] == [bank.load.total for bank in banks]
    ids = [json.loads(body)["id"] for bank in banks for body in bank.bodies]
    assert len(set(ids)) == len(ids)


def test_a_failure_half_way_disables_the_banks_that_were_made() -> None:
    registry: Any = FakeRegistry()
    registry.banks["load-1-quiet-1"] = "there already"
    with pytest.raises(AssertionError), banks_of_run(SCENARIOS["noisy"], registry, URL, "load-1", []):
        pass
    assert registry.disabled == {"load-1-noisy"}


def test_for_a_night_of_statements_each_account_has_a_transaction() -> None:
    _, (bank,) = made("statements")
    assert sorted(json.loads(body)["account"] for body in bank.bodies) == sorted(bank.accounts)
    assert len(bank.accounts) == 300
    a_week_ago = datetime.now(UTC) - timedelta(days=7)
    times = {datetime.fromisoformat(json.loads(body)["timestamp"]) for body in bank.bodies}
    assert all(abs(time - a_week_ago) < timedelta(minutes=5) for time in times)


def test_a_file_is_posted_as_far_as_the_scenario_goes() -> None:
    _, (bank,) = made("replay", [b"{}"] * 3_000)
    assert (len(bank.bodies), list(bank.accounts)) == (2_000, [])


def test_every_account_gets_a_holder_whose_mailbox_hurts_nobody() -> None:
    api = FakeBankApi()
    with served(api) as url:
        enrol(LoadedBank(Load("one", 1), Target(url, KEY), ("L1", "L2"), []), {"statement": "weekly"}, NoProgress())
    assert set(api.enrolled) == {"/accounts/L1/holders/h", "/accounts/L2/holders/h"}
    assert {body["email"] for body in api.enrolled.values()} == {
        "success+l1@simulator.amazonses.com",
        "success+l2@simulator.amazonses.com",
    }
    assert {body["preferences"]["statement"] for body in api.enrolled.values()} == {"weekly"}


def test_a_holder_who_is_refused_ends_the_run() -> None:
    api = FakeBankApi()
    api.enrol = lambda path, body: problem(400, "validation_failed")
    with served(api) as url, pytest.raises(CannotEnrol, match="400 validation_failed"):
        enrol(LoadedBank(Load("one", 1), Target(url, KEY), ("L1",), []), {}, NoProgress())
