"""A small count of what a transaction uses, beside the one of operations/units.json, from which prices are made."""

import json

import pytest

from bench.units import FILE, count
from tests.cloud import CloudUnderTest, eventually

pytestmark = pytest.mark.cloud
# Not the job's: to wait until the analytics count takes a minute.
FUNCTIONS = ("api_handler", "transaction_stream", "mailer", "feedback")
# A small run shares less: the last batch of each step is not full, and settings are read anew.
SHARE, UNITS = 0.15, 0.35
QUEUES = ("NotificationQueueUrl", "AlertQueueUrl", "FeedbackQueueUrl")


def has_nothing_to_do(cloud: CloudUnderTest) -> bool:
    """Return whether no e-mail of other tests waits: the meter counts functions, whoever they work for."""
    return not any(map(cloud.waiting, QUEUES))


def test_a_small_count_finds_what_prices_are_made_of(cloud: CloudUnderTest) -> None:
    eventually(lambda: has_nothing_to_do(cloud), timeout_s=300)
    found = count(cloud.deployed.cloud, cloud.deployed.api_url, alone=3, full=100, idle_s=0, folded=False)
    known = json.loads(FILE.read_text())["runs"]
    for run in ("alone", "full"):
        for function in FUNCTIONS:
            for figure in ("write_units", "read_units"):
                units, expected, alone = (
                    one["calls"][f"{function} dynamodb"].get(figure, 0)
                    for one in (found[run], known[run], known["alone"])
                )
                # On a busy machine batches come in parts: each transaction takes more, as one alone at most.
                most = max(expected, alone)
                assert expected * (1 - SHARE) - UNITS <= units <= most * (1 + SHARE) + UNITS, (run, function, figure)
    assert found["alone"]["calls"]["bank apigateway"]["calls"] == 1
    assert found["full"]["calls"]["bank apigateway"]["calls"] == 0.01
