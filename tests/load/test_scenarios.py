"""The scenarios and their sizes."""

import pytest

from load.scenarios import MAX_LOCAL_CLIENTS, SCENARIOS, Scenario, scaled


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_by_default_a_scenario_is_small_enough_for_the_local_cloud(scenario: Scenario) -> None:
    assert scenario.clients <= MAX_LOCAL_CLIENTS
    assert 0 < scenario.total <= 2_000


def test_on_payday_the_rate_rises_to_twenty_times_within_a_minute() -> None:
    (load,) = SCENARIOS["payday"].loads
    _, rise, *_ = load.phases
    assert (rise.seconds, rise.ends / rise.begins) == (60, 20)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_scaled_a_scenario_posts_so_many_times_as_much_in_the_same_time(scenario: Scenario) -> None:
    larger = scaled(scenario, 10, None)
    assert larger.total == pytest.approx(10 * scenario.total, rel=0.01)
    assert [[phase.seconds for phase in load.phases] for load in larger.loads] == [
        [phase.seconds for phase in load.phases] for load in scenario.loads
    ]


def test_ten_thousand_holders_get_their_statements_in_one_night() -> None:
    night = scaled(SCENARIOS["statements"], 10_000 / 300, None)
    assert night.accounts == night.total == 10_000


@pytest.mark.parametrize("clients", [4, 8, 16, 200])
def test_each_load_keeps_a_client_and_together_they_have_no_more_than_asked_for(clients: int) -> None:
    shared = scaled(SCENARIOS["noisy"], 1, clients)
    assert min(load.clients for load in shared.loads) >= 1
    assert shared.clients <= clients
