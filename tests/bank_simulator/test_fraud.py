"""Planted fraud: exact in its share, seeded, in bursts on one account, and valid."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from bank_simulator import dry_run, fraud, generate
from bank_simulator.generate import SimulatedBank
from bank_simulator.mix import Shares, kinds
from bank_simulator.postings import Posting
from chalicelib.api.json_body import read_json
from chalicelib.ledger.times import parse_time

NOW = datetime(2026, 1, 10, 14, tzinfo=UTC)
ABROAD = ("BR", "TH", "LV", "NG")


def planted(seed: int, count: int = 2000, share: float = 0.02, step: timedelta = timedelta()) -> list[Posting]:
    bank = SimulatedBank(Random(seed), ("A1", "A2", "A3"), "run", count, Shares(fraud=share, duplicates=0.05))
    moments = iter(NOW + number * step for number in range(count))
    postings = list(bank.postings(lambda: next(moments)))
    assert len(postings) == count
    found = [one for one in postings if one.id in bank.planted and not one.repeats]
    assert {one.id for one in found} == bank.planted
    return found


def test_the_share_of_fraud_is_exact_and_the_same_seed_plants_it_again() -> None:
    assert len(planted(1)) == 40
    assert planted(1) == planted(1)
    assert planted(1) != planted(2)


def test_without_fraud_a_seed_makes_what_it_made_before() -> None:
    assert list(kinds(Random(1), 1500, Shares(duplicates=0.1))) == list(kinds(Random(1), 1500, Shares(0.1, fraud=0.0)))
    assert all("theft" not in kind for kind in kinds(Random(1), 1500, Shares(invalid=0.5)))


def test_every_planted_transaction_is_valid_and_abroad_where_no_holder_buys() -> None:
    for seed in range(5):
        found = planted(seed)
        checked = dry_run.check(found, "JPY", NOW)
        assert (checked.valid, checked.invalid) == (40, Counter())
        assert {read_json(one.body)["merchant"]["country"] for one in found} <= set(ABROAD)
    honest = [read_json(one.body) for one in generate.transactions(Random(1), NOW, 3000)]
    assert not {body["merchant"]["country"] for body in honest if "merchant" in body} & set(ABROAD)


def test_a_theft_is_a_burst_on_one_account_within_minutes_that_never_lies_ahead() -> None:
    ordered = [read_json(one.body) for one in planted(3, step=timedelta(minutes=10))]
    thefts: list[list[datetime]] = []
    for before, body in pairwise([{"account": ""}, *ordered]):
        at = parse_time(body["timestamp"])
        goes_on = before["account"] == body["account"] and thefts and at - thefts[-1][-1] < timedelta(minutes=2)
        if goes_on:
            thefts[-1].append(at)
        else:
            thefts.append([at])
    assert 1 < max(map(len, thefts)) <= fraud.MAX_PURCHASES
    assert all(later > earlier for times in thefts for earlier, later in pairwise(times))
    now = planted(4)
    assert max(parse_time(read_json(one.body)["timestamp"]) for one in now) <= NOW


def test_bursts_have_the_number_of_purchases_that_was_asked_for() -> None:
    for count in (0, 1, 7, 200):
        sizes = list(fraud.bursts(Random(count), count))
        assert sum(sizes) == count
        assert all(1 <= size <= fraud.MAX_PURCHASES for size in sizes)


def test_fraud_fills_no_more_than_what_others_leave() -> None:
    found = Counter(kinds(Random(1), 1000, Shares(duplicates=0.5, fraud=0.5)))
    assert found["duplicate"] == 500
    assert found["theft"] + found["fraud"] == 500
